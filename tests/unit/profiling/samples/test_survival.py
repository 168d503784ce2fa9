"""The hooks outlive what the standard library, threads, forks and tracemalloc do to them; long forms in benchmarks."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import sampler_survival as survival
from profiling.samples import sampler

pytestmark = pytest.mark.skipif(
    sampler.unavailable_reason() is not None, reason=f"no samples: {sampler.unavailable_reason()}"
)

# What takes seconds and not minutes of test_asyncio: it makes the most tasks, contexts and futures.
OF_ASYNCIO = ("test.test_asyncio.test_taskgroups", "test.test_asyncio.test_queues", "test.test_asyncio.test_runners")


@pytest.mark.parametrize(
    "tests",
    [("test.test_tracemalloc",), ("test.test_gc",), ("test.test_dict",), OF_ASYNCIO],
    ids=lambda tests: tests[0],
)
def test_tests_of_the_standard_library_pass_with_a_sample_every_512_bytes(tests: tuple[str, ...]) -> None:
    if not all(survival.is_there(test) for test in tests):
        pytest.skip(f"this Python came without {tests[0]}")
    part = survival.library(*tests, timeout_s=150)
    assert part.status == 0, part.output


def test_threads_forks_starts_and_stops_pass_under_the_debug_hooks_and_tracemalloc() -> None:
    part = survival.stress(3)
    assert part.status == 0, part.output


def test_the_same_is_clean_under_the_address_sanitizer(tmp_path: Path) -> None:
    built = survival.built_for_sanitizer(tmp_path)
    if built is None:
        pytest.skip("gcc or its address sanitizer is not installed here")
    part = survival.sanitized(3, built)
    assert part.status == 0, part.output


def test_no_reference_and_no_block_is_left_after_more_than_10_000_samples() -> None:
    part = survival.references()
    assert part.status == 0, part.output


def test_a_frame_object_that_is_sampled_while_it_is_made_is_not_lost() -> None:
    """CPython 3.13 dropped the test for a second frame object of one frame (GH-97002): see `walk` in the extension."""
    part = survival.run(
        "import sys\n"
        "from profiling.samples import sampler\n"
        "def look(): return sys._getframe() is None\n"
        "def made(count):\n"
        "    sampler.start(512, seed=1)\n"
        "    for _ in range(count): look()\n"
        "    sampler.stop()\n"
        "    return sys.getallocatedblocks()\n"
        "before = made(10_000)\n"
        "assert made(10_000) - before < 20\n"
    )
    assert part.status == 0, part.output
