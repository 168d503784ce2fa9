"""What the process uses."""

from __future__ import annotations

import logging
import mmap
import sys
import tracemalloc
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling import child
from profiling.errors import ChildFailed
from profiling.process import allocator, composition, usage
from profiling.records import MemoryLimit

MB = 1 << 20
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's /proc")

ROLLUP = """\
55e820f0f000-7fff04029000 ---p 00000000 00:00 0                          [rollup]
Rss:                1688 kB
Pss:                 351 kB
Shared_Clean:       1508 kB
Anonymous:           112 kB
AnonHugePages:         0 kB
Swap:                  8 kB
SwapPss:               0 kB
"""


def test_a_limit_that_is_set_goes_before_all_others() -> None:
    assert usage.memory_limit(512) == MemoryLimit(limit_bytes=512 * MB, source="setting")
    assert usage.memory_limit(0.5) == MemoryLimit(limit_bytes=MB // 2, source="setting")


@pytest.mark.parametrize("limit_mb", [0, -1])
def test_a_limit_must_be_above_zero(limit_mb: int) -> None:
    with pytest.raises(ValueError, match=f"^a memory limit of {limit_mb} MB leaves no memory to run in; leave it out"):
        usage.memory_limit(limit_mb)


def test_without_a_setting_the_container_is_the_limit(tmp_path: Path) -> None:
    for path, text in {
        "proc/self/cgroup": "0::/\n",
        "proc/self/mountinfo": "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        "sys/fs/cgroup/memory.max": f"{4 * MB}\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert usage.memory_limit(root=tmp_path) == MemoryLimit(limit_bytes=4 * MB, source="cgroup v2")


def test_without_a_container_the_machine_is_the_limit(tmp_path: Path) -> None:
    total_bytes = psutil.virtual_memory().total
    assert usage.memory_limit(root=tmp_path) == MemoryLimit(limit_bytes=total_bytes, source="machine")


def test_usage_is_against_the_limit() -> None:
    used = usage.memory_usage(MemoryLimit(limit_bytes=1, source="setting"))
    assert used.rss_bytes > MB
    assert used.vms_bytes > used.rss_bytes
    assert used.percent == 100.0 * used.rss_bytes
    assert used.available_bytes == 0


def test_rss_rises_with_memory_that_is_touched_and_vms_with_memory_that_is_mapped() -> None:
    limit = MemoryLimit(limit_bytes=1 << 40, source="setting")
    before = usage.memory_usage(limit)
    with mmap.mmap(-1, 64 * MB) as mapped:
        mapped[: 32 * MB] = bytes(32 * MB)
        during = usage.memory_usage(limit)
    assert during.vms_bytes - before.vms_bytes >= 64 * MB
    assert 32 * MB <= during.rss_bytes - before.rss_bytes < 72 * MB


def test_counters_tell_rss_blocks_and_the_c_heap() -> None:
    kept_before = usage.counters()
    kept = [object() for _ in range(10_000)]
    counters = usage.counters()
    assert counters.rss_bytes > MB
    assert 9_000 < counters.blocks - kept_before.blocks < 15_000
    assert counters.c_heap_used_bytes is None or counters.c_heap_used_bytes > 0
    assert len(kept) == 10_000


def test_counters_do_without_a_c_heap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "c_heap", lambda: None)
    counters = usage.counters()
    assert counters.c_heap_used_bytes is None
    assert counters.c_heap_free_bytes is None


@LINUX
def test_after_a_reset_the_peak_is_that_of_now() -> None:
    def touch() -> None:
        with mmap.mmap(-1, 48 * MB) as mapped:
            mapped[:] = bytes(48 * MB)

    touch()
    high_bytes = usage.peak_rss_bytes()
    if not usage.reset_peak():
        pytest.skip("this kernel does not let the peak be reset")
    reset_bytes = usage.peak_rss_bytes()
    touch()
    again_bytes = usage.peak_rss_bytes()
    assert high_bytes is not None
    assert reset_bytes is not None
    assert again_bytes is not None
    assert high_bytes - reset_bytes >= 40 * MB
    assert again_bytes - reset_bytes >= 40 * MB


@LINUX
async def test_the_loop_may_read_the_counters_and_reset_the_peak() -> None:
    usage.reset_peak()
    assert usage.peak_rss_bytes() != 0
    assert usage.counters().rss_bytes > MB
    assert usage.memory_limit().limit_bytes > 0


def test_the_reset_writes_a_five_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "clear_refs").write_bytes(b"")
    assert usage.reset_peak(tmp_path) is True
    assert (tmp_path / "clear_refs").read_bytes() == b"5"


def test_without_the_kernels_files_there_is_no_peak(tmp_path: Path) -> None:
    assert usage.reset_peak(tmp_path) is False
    assert not (tmp_path / "clear_refs").exists()
    assert usage.peak_rss_bytes(tmp_path) is None


def test_the_peak_is_read_in_bytes(tmp_path: Path) -> None:
    (tmp_path / "status").write_text("Name:\tpython\nVmPeak:\t  999 kB\nVmHWM:\t    1024 kB\nThreads:\t1\n")
    assert usage.peak_rss_bytes(tmp_path) == MB


@pytest.fixture
def proc_with_rollup(tmp_path: Path) -> Path:
    (tmp_path / "smaps_rollup").write_text(ROLLUP)
    return tmp_path


async def test_the_composition_is_read_from_the_kernels_rollup(proc_with_rollup: Path) -> None:
    found = await composition.read_composition(profiler_bytes=77, proc=proc_with_rollup)
    assert found.rss_bytes == 1688 * 1024
    assert found.anonymous_bytes == 112 * 1024
    assert found.file_backed_bytes == 1576 * 1024
    assert found.swapped_bytes == 8 * 1024
    assert found.traced_bytes is None
    assert found.profiler_bytes == 77


@LINUX
async def test_the_real_composition_is_whole() -> None:
    found = await composition.read_composition(profiler_bytes=0)
    assert found.anonymous_bytes is not None
    assert found.file_backed_bytes is not None
    assert found.anonymous_bytes + found.file_backed_bytes == found.rss_bytes
    assert found.anonymous_bytes > MB
    assert found.arenas_bytes is not None
    assert found.arenas_used_bytes is not None
    assert found.arenas_free_bytes is not None
    assert MB < found.arenas_used_bytes < found.arenas_bytes
    assert found.arenas_used_bytes + found.arenas_free_bytes < found.arenas_bytes


async def test_what_is_traced_is_told_while_tracing_is_on() -> None:
    tracemalloc.start()
    try:
        kept = bytearray(MB)
        found = await composition.read_composition(profiler_bytes=0)
    finally:
        tracemalloc.stop()
    assert found.traced_bytes is not None
    assert MB <= found.traced_bytes < 8 * MB
    assert len(kept) == MB


async def test_where_nothing_can_be_read_the_rss_remains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "c_heap", lambda: None)
    monkeypatch.setattr(child, "available", lambda: False)
    found = await composition.read_composition(profiler_bytes=0, proc=tmp_path)
    assert found.rss_bytes > MB
    unknown = (
        "anonymous",
        "file_backed",
        "swapped",
        "c_heap_used",
        "c_heap_free",
        "arenas",
        "arenas_used",
        "arenas_free",
    )
    assert [getattr(found, f"{name}_bytes") for name in unknown] == [None] * len(unknown)


async def test_a_child_that_fails_is_logged_and_the_rest_stands(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuses(*_args: object, what: str, timeout_s: float) -> child.ChildResult:
        assert timeout_s == composition.ARENAS_TIMEOUT_S
        raise ChildFailed(what, "could not be started: Resource temporarily unavailable")

    monkeypatch.setattr(child, "run_in_child_async", refuses)
    with caplog.at_level(logging.WARNING):
        found = await composition.read_composition(profiler_bytes=0)
    assert found.arenas_bytes is None
    assert found.rss_bytes > MB
    assert (
        "pymalloc's arenas could not be read: the child process for reading pymalloc's arenas could not be started"
        in caplog.text
    )


@given(st.text() | st.lists(st.sampled_from(ROLLUP.splitlines()) | st.text()).map("\n".join))
def test_no_text_of_the_kernel_makes_it_raise(text: str) -> None:
    assert all(size_bytes >= 0 for size_bytes in usage.parse_kb_lines(text).values())


def test_a_number_too_long_for_memory_is_left_out() -> None:
    assert usage.parse_kb_lines(f"Rss: {'9' * 5000} kB\nSwap: 1 kB\n") == {"Swap": 1024}


@pytest.mark.skipif(not child.available(), reason="this platform cannot fork safely")
async def test_arenas_are_known_while_tracing_is_on() -> None:
    tracemalloc.start()
    try:
        told = await composition.read_composition(profiler_bytes=0)
    finally:
        tracemalloc.stop()
    assert told.arenas_bytes is not None
    assert told.arenas_used_bytes is not None
    assert 0 < told.arenas_used_bytes <= told.arenas_bytes
    assert told.traced_bytes is not None
