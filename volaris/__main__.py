"""`python -m volaris` is `volaris`."""

from __future__ import annotations

import sys

from volaris.cli import main

if __name__ == "__main__":
    sys.exit(main())
