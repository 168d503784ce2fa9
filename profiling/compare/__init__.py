"""One run held against another, and the process against itself some seconds before.

May import `run` and all that lies below it.
Offers `diff` (two runs, pure) and `interval` (the process over some seconds).
"""
