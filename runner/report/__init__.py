"""What people and programs are told: views in, text out; one module a subject, pure functions.

Every subject has an explicit ``FORMATS``: the format's name -> the function that writes it.
"""
