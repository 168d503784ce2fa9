"""The table of stacks is bounded in bytes: what no longer fits keeps its job, and loses its lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from profiling.samples import sampler
from tests.unit.profiling.samples.test_births import Start

FUNCTIONS = 2_000
DEPTH = 70  # frames of one function, so that no two stacks have a frame in common
MAX_STACKS_BYTES = 1 << 20

Keep = Callable[[list[object], int], None]


def functions(number: int = FUNCTIONS) -> list[Keep]:
    """Return functions that call themselves and keep one block at the end."""
    source = "\n".join(
        f"def f{each}(kept, depth):\n  return f{each}(kept, depth - 1) if depth else kept.append(bytes(5_000))"
        for each in range(number)
    )
    names: dict[str, Any] = {}
    exec(compile(source, "/srv/app/views.py", "exec"), names)
    return [names[f"f{each}"] for each in range(number)]


def test_stacks_stay_within_their_bytes_and_no_block_loses_its_job(sampling: Start) -> None:
    deep = functions()
    empty_bytes = sampler.statistics().table_bytes
    kept: list[object] = []
    sampling(1)
    with sampler.labelled("job"):
        for function in deep:
            function(kept, DEPTH)
    told = sampler.statistics()
    rows = [row for row in sampler.snapshot("job").rows() if row.figures[0] >= 5_000]
    with_lines = [row for row in rows if len(row.stack)]
    assert empty_bytes == 0
    assert told.lost == 0
    assert sum(row.figures[0] for row in rows) >= 5_000 * FUNCTIONS
    assert 500 < len(with_lines) < FUNCTIONS
    assert [row.job for row in rows if not len(row.stack)] == ["job"]
    samples_bytes = 24 * 16_384 + (1 << 20)  # with the filter
    assert told.table_bytes <= samples_bytes + MAX_STACKS_BYTES


def test_stacks_have_room_again_once_their_blocks_are_freed(sampling: Start) -> None:
    deep = functions()
    kept: list[object] = []
    sampling(1)
    with sampler.labelled("job"):
        for function in deep:
            function(kept, DEPTH)
        kept.clear()
        sampler.let_go()
        deep[-1](kept, DEPTH)
    (row,) = [row for row in sampler.snapshot("job").rows() if row.figures[0] >= 5_000]
    assert len(row.stack) == 64
