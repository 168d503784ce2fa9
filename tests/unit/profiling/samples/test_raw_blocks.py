"""Blocks of `PyMem_RawMalloc`: seen with their stack and label, each once, whichever allocator is below."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from profiling.samples import sampler
from profiling.samples.estimates import Estimate, by_job, estimate_live

Start = Callable[..., None]


def compressors(count: int) -> list[object]:
    return [zlib.compressobj() for _ in range(count)]


def without_a_stack(job: str) -> dict[int, float]:
    table = sampler.births(job)
    return {row.birth: row.size_bytes for row in table.rows() if len(table.stack(row.head)) == 0}


def test_compressors_of_zlib_are_seen_at_their_line_as_tracemalloc_sees_them(sampling: Start) -> None:
    sampling(1_024)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        with sampler.labelled("job"):
            kept = compressors(20)
        truth_bytes = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert truth_bytes > 20 * 250_000
    sums = estimate_live(sampler.snapshot("job")).sums
    line = (__file__, compressors.__code__.co_firstlineno + 1)
    # Beside tracemalloc, whose own blocks are in the same domain, those under 16 KB are passed over: 6 of 268 KB.
    assert sums[line].size_bytes == pytest.approx(truth_bytes - 20 * 5_900, rel=0.02)
    assert sampler.statistics().malloc_bytes > 0.94 * truth_bytes
    del kept
    assert by_job(sampler.snapshot()).get("job", Estimate()).size_bytes < 20_000


def test_tables_of_tracemalloc_are_not_the_jobs(sampling: Start) -> None:
    sampling(64)
    tracemalloc.start()
    try:
        with sampler.labelled("job"):
            kept = [str(number) for number in range(1_000, 11_000)]  # some 50 bytes each, and a trace
        size_bytes = by_job(sampler.snapshot())["job"].size_bytes
    finally:
        tracemalloc.stop()
    assert size_bytes == pytest.approx(sum(map(sys.getsizeof, kept)) + sys.getsizeof(kept), rel=0.05)


def test_blocks_taken_without_the_interpreter_have_the_default_label_and_no_stack(sampling: Start) -> None:
    library = ctypes.CDLL(None)  # lets go of the interpreter for each call
    library.PyMem_RawMalloc.restype = ctypes.c_void_p
    default = sampler.label("everything")
    sampler.set_default_label(default)
    try:
        sampling(64)
        with sampler.labelled("job"):
            blocks = [library.PyMem_RawMalloc(ctypes.c_size_t(10_000)) for _ in range(100)]
        assert without_a_stack("everything") == {default.birth: pytest.approx(1_000_000)}
        for block in blocks:
            library.PyMem_RawFree(ctypes.c_void_p(block))
        assert without_a_stack("everything") == {}
    finally:
        sampler.set_default_label(None)


EACH_ONCE = """
import sys
from profiling.samples import sampler
from profiling.samples.estimates import by_job

def told(make):
    sampler.start(64, seed=1)
    with sampler.labelled("job"):
        kept = make()
    answer = by_job(sampler.snapshot())["job"].size_bytes, sampler.statistics().malloc_bytes
    sampler.stop()
    return answer

sampler.start(64)
sampler.stop()
for size in (400, 480, 500, 512, 520, 1_000, 100_000):
    count = 3_000_000 // size
    assert size >= 33
    told_bytes, malloc_bytes = told(lambda: [bytes(size - 33) for _ in range(count)])
    truth = size * count + 8.1 * count
    assert abs(told_bytes / truth - 1) < 0.05, (size, told_bytes, truth)
    is_of_malloc = size > LARGEST
    assert (malloc_bytes > 0.9 * size * count) == is_of_malloc, (size, malloc_bytes)

def shrunk():
    kept = [bytearray(10_000) for _ in range(1_000)]
    for block in kept: del block[200:]
    return kept

def grown():
    kept = [bytearray(100) for _ in range(1_000)]
    for block in kept: block.extend(bytes(10_000))
    return kept

for make in (shrunk, grown):
    kept = make()
    truth = sum(map(sys.getsizeof, kept)) + sys.getsizeof(kept)
    told_bytes, _ = told(make)
    assert abs(told_bytes / truth - 1) < 0.05, (make, told_bytes, truth)
print("each once")
"""


@pytest.mark.parametrize(
    ("allocator", "largest"), [("pymalloc", 512), ("debug", 488), ("malloc", 0), ("malloc_debug", 0)]
)
def test_what_pymalloc_passes_on_is_counted_once(allocator: str, largest: int) -> None:
    if sampler.unavailable_reason() is not None:
        pytest.skip(str(sampler.unavailable_reason()))
    done = subprocess.run(
        [sys.executable, "-c", EACH_ONCE.replace("LARGEST", str(largest))],
        env={"PYTHONMALLOC": allocator},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
