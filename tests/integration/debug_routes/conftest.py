"""Fixtures of the debug routes' tests."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.integration.debug_routes.servers import SERVERS
from tests.integration.debug_routes.service import kind_of_server


@pytest.fixture(autouse=True)
def small_heap() -> None:
    """A walk finds what the test makes, not the 200 000 objects of pytest, pandas and all."""
    gc.collect()
    gc.freeze()


# All of them in `make slow-tests`: the handlers are the same, and four times as many requests take a minute.
EACH = [pytest.param(name, marks=[] if name == "aiohttp" else [pytest.mark.slow]) for name in SERVERS]


@pytest.fixture(autouse=True, params=EACH)
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run each test once under each kind of server; `serving` serves by it."""
    kind_of_server["now"] = request.param
    yield request.param
    kind_of_server["now"] = "aiohttp"
