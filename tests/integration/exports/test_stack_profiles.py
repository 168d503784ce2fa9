"""Profiles by stack of a real heap: what is alive, and what changes and is allocated in some time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from profiling import Profiler
from profiling.errors import DiffInProgress, IntervalBroken
from profiling.records import OwnerKind
from profiling.records.stack_profile import StackProfile
from profiling.samples import sampler
from tests.integration.exports import leaking


def by_line(profile: StackProfile, figure: str = "live_bytes") -> dict[tuple[str, int], float]:
    """The bytes by the innermost frame, as the reports have them."""
    found: dict[tuple[str, int], float] = {}
    for row in profile.rows:
        if len(row.stack):
            file, _, line = profile.frames[row.stack[0]]
            found[file, line] = found.get((file, line), 0.0) + getattr(row, figure)
    return found


def test_rows_add_up_to_what_the_report_has(profiler: Profiler) -> None:
    leaking.leak(profiler)
    profile, live = profiler.stack_profile(), profiler.live(limit=1_000)
    told = by_line(profile)
    here = [site for site in live.sites if site.path == leaking.__file__]
    assert len(here) >= 4
    for site in here:
        assert told[leaking.__file__, site.line or 0] >= site.size_bytes * 0.999  # a line may have two functions
    assert profile.kinds["sync"] is OwnerKind.JOB
    assert profile.kinds["GET /x"] is OwnerKind.SCOPE
    assert sum(row.live_bytes for row in profile.rows) == pytest.approx(live.size_bytes, rel=0.05)


def test_stack_begins_at_the_users_line_or_in_the_library(profiler: Profiler) -> None:
    leaking.leak(profiler)
    library = Path(asyncio.__file__).parents[1] / "json" / "decoder.py"
    for all_frames in (False, True):
        profile = profiler.stack_profile(all_frames=all_frames)
        first = {profile.frames[row.stack[0]][0] for row in profile.rows if row.owner == "GET /x" and row.live_bytes}
        assert (str(library) in first) is all_frames


async def test_change_has_what_is_kept_and_what_is_only_allocated(profiler: Profiler) -> None:
    leaking.leak(profiler, 5)

    async def wait(_: float) -> None:
        await asyncio.to_thread(leaking.leak, profiler, 5)
        with profiler.run("churn"):
            for _ in range(100):
                leaking.blocks(10)

    profile = await profiler.stack_profile_over(1, collect=True, wait=wait)
    of_sync = sum(row.live_bytes for row in profile.rows if row.owner == "sync")
    assert 0.8 < of_sync / (5 * leaking.SYNC_BYTES) < 1.2
    churned = [row for row in profile.rows if row.owner == "churn"]
    assert 0.9 < sum(row.allocated_bytes for row in churned) / (100 * 10 * 9_000 * 2) < 1.1
    assert abs(sum(row.live_bytes for row in churned)) < 200_000
    assert profile.seconds is not None


async def test_memory_that_is_freed_is_below_zero(profiler: Profiler) -> None:
    leaking.leak(profiler, 5)

    async def wait(_: float) -> None:
        leaking.forget()

    profile = await profiler.stack_profile_over(1, collect=True, wait=wait)
    assert sum(row.live_bytes for row in profile.rows if row.owner == "sync") < -0.8 * 5 * leaking.SYNC_BYTES


async def test_only_one_change_is_measured_at_once(profiler: Profiler) -> None:
    async def wait(_: float) -> None:
        with pytest.raises(DiffInProgress):
            await profiler.stack_profile_over(1)

    await profiler.stack_profile_over(1, wait=wait)


async def test_sampling_that_ends_meanwhile_breaks_the_change(profiler: Profiler) -> None:
    async def wait(_: float) -> None:
        sampler.stop()

    with pytest.raises(IntervalBroken):
        await profiler.stack_profile_over(1, wait=wait)
