"""The command line: its arguments, its requests to a running service, and its output at a terminal.

May import every other room. Only `volaris.__main__` imports this one. A command imports what it alone needs. Offers
`main`; behind it are `commands`, `client`, `progress_bar` and `tables`.
"""

from __future__ import annotations

from volaris.cli.commands import main

__all__ = ["main"]
