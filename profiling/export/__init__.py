"""The commands `python -m profiling export` and `report`: the memory of a service, of a file or of a function, to keep.

May import `profiling.check` and what is below it. Nothing is imported before the command runs.
"""
