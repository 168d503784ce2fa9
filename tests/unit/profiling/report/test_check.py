"""What a check prints."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import orjson

from profiling.records import CheckResult, Cost, Level, MemoryLimit, MemoryUsage, State, Suspect, Verdict
from profiling.report.check import check_to_dict, check_to_text, without_callers
from profiling.source import PROFILER_FILES
from tests.unit.profiling.make import MB, places_of

VERDICT = Verdict(
    state=State.LEAKING,
    reason="20.0 KiB per run stay alive",
    runs=40,
    bytes_per_run=20_480.4,
    interval_bytes=(20_000.0, 21_000.0),
    suspects=(Suspect(site=("a.py", 12), bytes_per_run=20_480.4, stack=(("a.py", 12),)),),
    native_bytes_per_run=40_960.6,
)
CHECKED = CheckResult(
    job="jobs.py:collect",
    runs=40,
    level=Level.SAMPLES,
    verdict=VERDICT,
    usage=MemoryUsage(rss_bytes=32 * MB, vms_bytes=90 * MB, limit=MemoryLimit(limit_bytes=512 * MB, source="setting")),
    traced_bytes=MB,
    allocator_free_bytes=1024,
    cost=Cost(duration_s=0.125, stall_s=0.01, memory_bytes=0),
    slowdown=1.04,
    relative_error=0.02,
)


def test_leak_is_told_with_what_the_process_holds_its_lines_and_what_it_took() -> None:
    assert check_to_text([CHECKED], places_of).splitlines() == [
        "jobs.py:collect: leaking after 40 runs at level samples",
        "  20.0 KiB per run stay alive",
        "  RSS 32.0 MiB; live memory of this job 1.0 MiB (±2 %); free in the C allocator 1.0 KiB",
        "      20.0 KiB per run  short/a.py:12 f1",
        "                          text of 12",
        "  profiler overhead: 0.12 s in total; a run took 1.0 times as long as without the profiler",
    ]


def test_slowdown_that_is_not_known_is_not_told() -> None:
    told = check_to_text([replace(CHECKED, slowdown=None)], places_of)
    assert told.endswith(
        "  profiler overhead: 0.12 s in total; runs are too short (under 1 ms) to measure a slowdown\n"
    )


def test_reason_for_less_than_is_usual_is_told() -> None:
    told = replace(CHECKED, degraded="tracemalloc is on")
    assert "  less was measured than usual: tracemalloc is on\n" in check_to_text([told], places_of)
    assert check_to_dict([told], places_of)["jobs"][0]["degraded"] == "tracemalloc is on"


def test_stack_ends_with_the_outermost_frame_of_the_users() -> None:
    library, loop, ours = ("/usr/lib/x/site-packages/copy.py", 3), (asyncio.__file__, 9), (f"{PROFILER_FILES}run.py", 7)
    assert without_callers([library, ("/a.py", 1), loop, ("/a.py", 2), loop, ours, loop]) == [
        library,
        ("/a.py", 1),
        loop,
        ("/a.py", 2),
    ]
    assert without_callers([library, loop, ours]) == [library, loop, ours]


def test_json_has_the_c_heap_beside_pythons_and_null_for_what_is_not_known() -> None:
    known, unknown = check_to_dict(
        [CHECKED, replace(CHECKED, verdict=replace(VERDICT, native_bytes_per_run=None))], places_of
    )["jobs"]
    assert orjson.loads(orjson.dumps(known)) == known
    assert (known["verdict"], known["bytes_per_run"], known["native_bytes_per_run"]) == ("leaking", 20_480, 40_961)
    assert unknown["native_bytes_per_run"] is None
