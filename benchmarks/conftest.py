"""One table of results for a session; each benchmark adds its rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.results import Results

pytest_plugins = ["tests.postgres", "profiling.pytest_plugin"]


@pytest.fixture(scope="session")
def all_results() -> Iterator[Results]:
    """Yield the rows of this session, and write them to the page at its end."""
    results = Results()
    yield results
    if results.rows:
        results.write()


@pytest.fixture
def results(all_results: Results, request: pytest.FixtureRequest) -> Results:
    """Return the rows that a benchmark adds its figures to."""
    all_results.file = f"benchmarks/{Path(str(request.path)).name}"
    return all_results
