"""Typical wrong answers to every exercise, a file a lesson, each with the property that a check must find wanting.

    WRONG = {"name of the check": {"key of the property": an answer that fails there, ...}, ...}

Three or more for each check; ``tests/teaching/test_checks.py`` holds every check against them.
"""
