"""Comparison of two runs, and of the process at the two ends of an interval.

May import `run` and all that lies below it.
Offers `diff` (two runs, pure functions) and `interval` (the process over some seconds).
"""
