"""What a large RSS is made of, in sentences."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profiling.records import Composition
from profiling.report.advice import explain

MB = 1 << 20
USUAL = Composition(
    rss_bytes=200 * MB,
    anonymous_bytes=100 * MB,
    file_backed_bytes=2 * MB,
    swapped_bytes=0,
    c_heap_used_bytes=60 * MB,
    c_heap_free_bytes=2 * MB,
    arenas_bytes=38 * MB,
    arenas_used_bytes=36 * MB,
    arenas_free_bytes=2 * MB,
    traced_bytes=None,
    profiler_bytes=MB,
)


def test_usual_process_has_nothing_that_stands_out() -> None:
    assert explain(USUAL) == ["nothing stands out in 200.0 MiB"]


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("c_heap_free_bytes", "78.0 MiB are free but still held by the C allocator. This is not a leak"),
        ("arenas_free_bytes", "78.0 MiB are free in Python's arenas"),
        ("traced_bytes", "78.0 MiB are alive and traced"),
        ("file_backed_bytes", "78.0 MiB are mapped files"),
        ("swapped_bytes", "78.0 MiB are swapped out and not part of the RSS"),
        ("profiler_bytes", "78.0 MiB are used by the profiler itself"),
    ],
)
def test_part_that_stands_out_is_told_with_what_would_help(part: str, told: str) -> None:
    (sentence,) = explain(replace(USUAL, **{part: 78 * MB}))
    assert sentence.startswith(told)


def test_largest_part_comes_first() -> None:
    sentences = explain(replace(USUAL, c_heap_free_bytes=20 * MB, traced_bytes=40 * MB))
    assert [sentence.split()[0] for sentence in sentences] == ["40.0", "20.0"]


def test_anonymous_memory_of_no_allocator_is_a_librarys() -> None:
    (sentence,) = explain(replace(USUAL, anonymous_bytes=150 * MB))
    assert sentence.startswith("50.0 MiB belong neither to malloc nor to Python's arenas")


def test_what_is_not_known_is_not_guessed() -> None:
    assert explain(replace(USUAL, anonymous_bytes=150 * MB, arenas_bytes=None)) == ["nothing stands out in 200.0 MiB"]
