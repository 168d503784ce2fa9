"""What was allocated, freed since or not, by line: against the truth, and bounded."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from profiling.records import SiteKey
from profiling.samples import sampler, volumes
from profiling.samples.volumes import Volumes

pytestmark = pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))

BLOCK_BYTES = 2_000 + b"".__sizeof__()
BLOCKS = 2_000
BYTES_PER_SAMPLE = 1_024.0


@pytest.fixture(autouse=True)
def sampling() -> Iterator[None]:
    sampler.start(BYTES_PER_SAMPLE, seed=1)
    yield
    sampler.set_current_job(None)
    sampler.stop()


def churn(blocks: int = BLOCKS) -> SiteKey:
    for _ in range(blocks):
        bytes(2_000)
    return __file__, churn.__code__.co_firstlineno + 2


def error_of(blocks: int) -> float:
    """Return the standard error of the estimate of so many blocks, as each is taken by a chance of its own."""
    chance = 1 - math.exp(-BLOCK_BYTES / BYTES_PER_SAMPLE)
    return BLOCK_BYTES * math.sqrt(blocks * (1 - chance) / chance)


def size_at(known: Volumes, site: SiteKey, job: str | None = None) -> float:
    return sum(volume.size_bytes for key, volume in known.lines(job) if key.site == site)


def test_what_is_freed_at_once_counts_too() -> None:
    known = Volumes()
    site = churn()
    known.update()
    assert abs(size_at(known, site) - BLOCKS * BLOCK_BYTES) < 5 * error_of(BLOCKS)


def test_volumes_add_up_over_time() -> None:
    known = Volumes()
    for _ in range(3):
        site = churn()
        known.update()
    assert abs(size_at(known, site) - 3 * BLOCKS * BLOCK_BYTES) < 5 * error_of(3 * BLOCKS)


def test_each_job_has_its_own() -> None:
    known = Volumes()
    for job, blocks in (("a", BLOCKS), ("b", 3 * BLOCKS)):
        sampler.set_current_job(job)
        site = churn(blocks)
    sampler.set_current_job(None)
    known.update()
    assert abs(size_at(known, site, "a") - BLOCKS * BLOCK_BYTES) < 5 * error_of(BLOCKS)
    assert abs(size_at(known, site, "b") - 3 * BLOCKS * BLOCK_BYTES) < 5 * error_of(3 * BLOCKS)


def test_stacks_that_were_let_go_of_are_no_longer_at_a_line() -> None:
    known = Volumes()
    site = churn()
    sampler.let_go()
    known.update()
    assert size_at(known, site) == 0
    assert abs(known.elsewhere_bytes - BLOCKS * BLOCK_BYTES) < 5 * error_of(BLOCKS) + 100_000


def test_lines_are_bounded_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volumes, "MAX_LINES", 4)
    monkeypatch.setattr(volumes, "KEPT_LINES", 2)
    known, total = Volumes(), 0.0
    for number in range(20):
        sampler.set_current_job(f"job {number}")
        churn(200)
        sampler.set_current_job(None)
        known.update()
        assert len(list(known.lines())) <= 4
    total = sum(volume.size_bytes for _, volume in known.lines()) + known.elsewhere_bytes
    assert total > 20 * 200 * BLOCK_BYTES - 5 * error_of(20 * 200)


def test_without_time_only_what_is_urgent_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Volumes()
    monkeypatch.setattr(type(known._budget), "is_left", property(lambda _: False))
    site = churn()
    known.update(is_urgent=False)
    assert size_at(known, site) == 0
    known.update()
    assert size_at(known, site) > 0


def test_nothing_is_asked_while_sampling_is_off() -> None:
    sampler.stop()
    known = Volumes()
    known.update()
    assert list(known.lines()) == []
