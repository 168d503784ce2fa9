"""Scopes, windows and debug servers outlive forks, execs, recycled workers, reloads and ends."""

from __future__ import annotations

import pytest

from benchmarks import scope_survival as survival
from profiling.samples import sampler

TIMES = 3  # by hand 200: python -m benchmarks.scope_survival

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason())),
]


@pytest.mark.parametrize("part", survival.PARTS)
def test_part_has_no_crash_no_hang_and_no_lost_answer(part: str) -> None:
    done = survival.PARTS[part](TIMES)
    assert (done.crashes, done.hangs, done.lost) == (0, 0, 0), done.notes
    assert done.times >= TIMES
    assert done.answers >= TIMES
