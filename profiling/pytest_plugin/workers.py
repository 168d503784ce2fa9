"""Values that a worker of pytest-xdist, which has no terminal, sends to the main session."""

from __future__ import annotations

from typing import Any

import pytest


def tell(config: pytest.Config, name: str, value: str | int) -> bool:
    """Send a value to the main session if this process is a worker; return whether it is a worker."""
    output: dict[str, Any] | None = getattr(config, "workeroutput", None)
    if output is None:
        return False
    output[name] = value
    return True


def told_by(node: object, name: str) -> Any:
    """Return the value that a worker has sent under that name, or None, for example from a worker that crashed."""
    output: dict[str, Any] = getattr(node, "workeroutput", {})
    return output.get(name)
