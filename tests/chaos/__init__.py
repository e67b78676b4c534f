"""Never twice, never lost: ``sendoff run`` killed, raced, starved and lied to, and then judged.

``python -m tests.chaos --help`` is the driver; ``pytest -m chaos tests/chaos`` the small suite.
"""
