"""``sendoff new``: a campaign by question and answer.

Questions and answers are plain data (``questions``), asked in an order that generators write
down (``who``, ``what``, ``when``, ``closing``); ``dialogue`` holds the conversation, with a way
back, on whatever ``console`` there is.  What is known of the workspace comes through
``insight.Insight``; what comes out is a ``draft.Draft``, and ``yamltext`` writes it down.
"""
