"""What a worker of pytest-xdist tells the session that started it: a worker has no terminal of its own."""

from __future__ import annotations

from typing import Any

import pytest


def tell(config: pytest.Config, name: str, value: str | int) -> bool:
    """Leave a value for the session that started this worker; return whether this process is a worker."""
    output: dict[str, Any] | None = getattr(config, "workeroutput", None)
    if output is None:
        return False
    output[name] = value
    return True


def told_by(node: object, name: str) -> Any:
    """Return what a worker has left under that name, or None; one that broke down has left nothing."""
    output: dict[str, Any] = getattr(node, "workeroutput", {})
    return output.get(name)
