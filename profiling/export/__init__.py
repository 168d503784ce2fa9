"""The command `python -m profiling export`: the stacks of a service, of a file or of a function for other tools.

May import `profiling.check` and what is below it. Nothing is imported before the command runs.
"""
