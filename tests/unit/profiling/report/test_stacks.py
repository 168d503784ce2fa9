"""Live memory by stack, from samples made by hand, and its form in JSON."""

from __future__ import annotations

import sys
from array import array
from pathlib import Path

from profiling.report.stacks import stacks_to_dict
from profiling.samples.estimates import SampleTable
from profiling.stacks import live_stacks

HERE = "/app/jobs/iv.py"
PROFILER = str(Path(sys.modules["profiling.stacks"].__file__ or ""))
FRAMES = [
    ("/app/main.py", "main", 3),
    (HERE, "fit", 88),
    ("<frozen runpy>", "_run_code", 88),
    ("/usr/lib/python3/dist-packages/orjson/api.py", "loads", 7),
    ("/usr/lib/python3.11/asyncio/base_events.py", "BaseEventLoop._run_once", 1),
    (PROFILER, "live_stacks", 1),
]


def table(*rows: tuple[str | None, list[int], float, float]) -> SampleTable:
    """Rows of a job, the frames of its stack innermost first, bytes and blocks."""
    figures = array("d")
    for _, _, size_bytes, blocks in rows:
        figures.extend([size_bytes, 0.0, blocks, 0.0] + [0.0] * 4)
    heads = [(job, array("I", stack).tobytes(), 1) for job, stack, _, _ in rows]
    return SampleTable(64.0, 64.0, 64.0, 0, heads, FRAMES, figures.tobytes())


def test_stacks_are_outermost_first_up_to_the_loop_and_equal_ones_are_one() -> None:
    live = live_stacks(table(("iv", [1, 0, 4, 2], 100.0, 2.0), ("iv", [1, 0, 4], 50.0, 1.0)), 9, limit=10)
    (stack,) = live.stacks
    assert [live.frames[number][:2] for number in stack.frames] == [("/app/main.py", "main"), (HERE, "fit")]
    assert (stack.scope, stack.size_bytes, stack.count) == ("iv", 150, 3)


def test_sums_hold_and_the_profilers_own_memory_does_not_count() -> None:
    rows = [("a", [1], 100.0, 1.0), (None, [0], 30.0, 1.0), ("a", [], 7.0, 1.0), ("a", [5, 0], 1_000.0, 1.0)]
    told = stacks_to_dict(live_stacks(table(*rows), 9, limit=1))
    assert told["totals"] == {
        "size_bytes": 137,
        "attributed_bytes": 130,
        "unattributed_bytes": 7,
        "listed_bytes": 100,
        "omitted_bytes": 30,
    }
    assert told["stacks"] == {"scope": [0], "frames": [(0,)], "size_bytes": [100], "count": [1]}
    assert told["frames"] == {"file": [0], "function": ["fit"], "line": [88]}


def test_each_file_says_whose_code_it_is() -> None:
    stack = [1, 0, 3, 2]
    files = stacks_to_dict(live_stacks(table(("a", stack, 1.0, 1.0)), 9, limit=10))["files"]
    assert [(file["kind"], file["package"]) for file in files] == [
        ("interpreter", "Python"),
        ("library", "orjson"),
        ("user", "app"),
        ("user", "app"),
    ]


def test_memory_from_before_scopes_has_a_name_too() -> None:
    assert stacks_to_dict(live_stacks(table((None, [0], 1.0, 1.0)), 9, limit=10))["scopes"] == [
        "(before scopes were known)"
    ]
