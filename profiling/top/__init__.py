"""The command `python -m profiling top URL`: who holds and grows in a running service, read once a second.

May import `profiling.remote`, `profiling.report` and `profiling.check.output`. `readings` and `table` are pure,
`follow` asks the service, and `screen` alone needs the package rich, of the extra `top`. Nothing is imported before the
command runs. Offers `command.shown` for other command lines.
"""
