"""Real documents beside the checkout, for the tests that use them."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "shared"


def shared_file(name: str) -> Path:
    """A file of the folder `shared` beside the checkout; skips the test where it is not there."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"no {name} in a folder `shared` beside the checkout")
    return path
