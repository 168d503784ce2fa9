"""Records as JSON and as text."""

from __future__ import annotations

from profiling.compare.diff import compare
from profiling.records import (
    Composition,
    GcStats,
    LargeObject,
    Level,
    MemoryLimit,
    MemoryUsage,
    ObjectReport,
    ProfilerStatistics,
    State,
    TypeCount,
    Verdict,
)
from profiling.report.json import diff_to_dict, memory_to_dict, run_to_dict, run_with_sites_to_dict
from profiling.report.text import allocation_lines, diff_to_text
from tests.unit.profiling.make import MB, lines, places_of, run

VERDICT = Verdict(state=State.STABLE, reason="nothing grows", runs=9, bytes_per_run=12.5, interval_bytes=(-1.0, 20.0))
LATER = run(2, {("a.py", 1): (2 * MB, 1200), ("b.py", 30): (10, 1), ("b.py", 7): (512, 2)})
EARLIER = run(1, {("a.py", 1): (MB // 5, 100), ("b.py", 30): (40_010, 2), ("b.py", 7): (500, 2)})


def test_run_has_its_figures_in_the_units_that_its_keys_say() -> None:
    told = run_to_dict(run(7, {("a.py", 1): (3 * MB, 5)}, overlapped_with=("x",), degraded=None))
    assert told == {
        "id": 7,
        "job": "work",
        "level": "lines",
        "outcome": "completed",
        "started_at": "2026-08-03T16:00:00+00:00",
        "duration_s": 0.25,
        "rss_mb": 101.0,
        "rss_diff_bytes": MB,
        "peak_mb": 105.0,
        "memory_percent": 19.7,
        "blocks_diff": 0,
        "held_free_mb": 2.0,
        "lines": {
            "traced_mb": 3.0,
            "traced_diff_bytes": 1234,
            "traced_peak_mb": 5.0,
            "profiler_mb": 1.0,
            "traces": 99,
            "sites": 1,
            "period": 1,
        },
        "samples": None,
        "overlapped_with": ["x"],
        "collected": False,
        "degraded": None,
        "cost": {"duration_ms": 20.0, "stall_ms": 3.0, "memory_mb": 1.0},
    }


def test_what_is_not_known_is_null() -> None:
    told = run_to_dict(run(7, peak_rss_bytes=None, level=Level.COUNTERS))
    assert (told["peak_mb"], told["lines"]) == (None, None)


def test_run_is_told_with_the_lines_that_kept_most() -> None:
    kept = lines({}, retained={("a.py", 12): (70, 2), ("a.py", 1): (900, 1), ("b.py", 1): (-5000, -1)})
    sites = run_with_sites_to_dict(run(7, lines=kept), places_of, limit=5)["sites"]
    assert [(site["file"], site["line"], site["function"], site["size_diff_bytes"]) for site in sites] == [
        ("short/a.py", 1, "f0", 900),
        ("short/a.py", 12, "f1", 70),
    ]
    assert run_with_sites_to_dict(run(7), places_of, limit=5)["sites"] == []


def test_diff_has_the_keys_of_the_contract() -> None:
    told = diff_to_dict(compare(LATER, EARLIER, places_of), VERDICT)
    assert set(told) >= {"job", "run", "against", "totals", "sites", "verdict"}
    assert set(told["totals"]) >= {
        "size_diff_bytes",
        "count_diff",
        "attributed_bytes",
        "unattributed_bytes",
        "rss_diff_bytes",
    }
    assert set(told["sites"][0]) >= {
        "file",
        "line",
        "function",
        "source",
        "size_bytes",
        "size_diff_bytes",
        "count",
        "count_diff",
    }
    assert told["verdict"]["state"] == "stable"
    assert told["verdict"]["interval_bytes"] == [-1.0, 20.0]


def test_diff_as_text_adds_up_and_names_what_it_leaves_out() -> None:
    assert diff_to_text(compare(LATER, EARLIER, places_of, limit=2), VERDICT) == (
        "work: run 2 against run 1, by line\n"
        "traced +1.8 MiB (+1099 blocks) = attributed +1.8 MiB + unattributed +0 B; RSS +0 B\n"
        "      change         now    blocks  where\n"
        "    +1.8 MiB     2.0 MiB     +1100  short/a.py:1 f0\n"
        "                                      text of 1\n"
        "   -39.1 KiB        10 B        -1  short/b.py:30 f3\n"
        "                                      text of 30\n"
        "       +12 B                        in lines not listed\n"
        "verdict: stable - nothing grows\n"
    )


def test_diff_by_file_names_no_lines() -> None:
    text = diff_to_text(compare(LATER, EARLIER, places_of, group_by="file"), VERDICT)
    assert "    +1.8 MiB     2.0 MiB     +1100  a.py\n   -38.6 KiB" not in text
    assert "+1100  a.py\n" in text
    assert "not listed" not in text


def test_allocations_are_lines_of_the_contracts_form() -> None:
    kept = lines({}, retained={("a.py", 88): (1_887_437, 1200), ("b.py", 1): (700, 3), ("c.py", 5): (-9, -1)})
    assert allocation_lines(run(7, lines=kept), places_of) == [
        "+1.8 MiB (+1200) short/a.py:88 f8",
        "+700 B (+3) short/b.py:1 f0",
    ]
    assert allocation_lines(run(7, lines=kept), places_of, limit=1) == ["+1.8 MiB (+1200) short/a.py:88 f8"]
    assert allocation_lines(run(7), places_of) == []


def test_memory_has_the_keys_of_the_contract() -> None:
    told = memory_to_dict(
        MemoryUsage(
            rss_bytes=384 * MB, vms_bytes=900 * MB, limit=MemoryLimit(limit_bytes=512 * MB, source="cgroup v2")
        ),
        ObjectReport(
            top_types=(TypeCount(type="dict", count=9, avg_size_bytes=100.25),),
            large_objects=(LargeObject(type="bytes", size_bytes=8 * MB, repr="<bytes: 8.0 MB>"),),
            gc_stats=GcStats(collections=(1, 2, 3), threshold=(700, 10, 10), tracked_objects=9),
            not_searched=1,
            duration_s=0.5,
            stall_s=0.004,
        ),
        Composition(
            rss_bytes=384 * MB,
            anonymous_bytes=300 * MB,
            file_backed_bytes=None,
            swapped_bytes=0,
            c_heap_used_bytes=None,
            c_heap_free_bytes=None,
            arenas_bytes=None,
            arenas_used_bytes=None,
            arenas_free_bytes=None,
            traced_bytes=None,
            profiler_bytes=MB,
        ),
        ProfilerStatistics(
            level=Level.LINES,
            tracing=True,
            active_jobs=("work",),
            runs=3,
            history_runs=2,
            history_bytes=MB,
            tracemalloc_bytes=2 * MB,
        ),
    )
    assert told["current_usage"] == {
        "rss_mb": 384.0,
        "vms_mb": 900.0,
        "percent": 75.0,
        "available_mb": 128.0,
        "total_mb": 512.0,
        "total_from": "cgroup v2",
    }
    assert told["top_objects"] == [{"type": "dict", "count": 9, "avg_size_bytes": 100.2}]
    assert told["large_objects"] == [{"type": "bytes", "size_mb": 8.0, "repr": "<bytes: 8.0 MB>"}]
    assert told["gc_stats"] == {"collections": [1, 2, 3], "threshold": [700, 10, 10], "tracked_objects": 9}
    assert told["composition"]["anonymous_mb"] == 300.0
    assert told["composition"]["file_backed_mb"] is None
    assert told["tracing"]["active_jobs"] == ["work"]
