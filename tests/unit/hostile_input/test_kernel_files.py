"""The kernel's files: any text gives figures within their bounds, or none; and a name may hold what a name may hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.process import cgroup, usage
from profiling.records import MemoryLimit
from tests.unit.hostile_input.changes import damaged

MACHINE = 8 << 30
STATM = b"45000 3000 1200 1 0 20000 0\n"
STATUS = b"Name:\tpython\nVmHWM:\t  123456 kB\nVmRSS:\t   99999 kB\n"
GROUPS = b"12:memory:/docker/abc\n0::/system.slice/volaris.service\n"
MOUNTS = (
    b"31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    b"32 23 0:28 /system.slice /sys/fs/cgroup\\040x rw - cgroup2 cgroup2 rw\n"
)
STEPS = st.sampled_from(["..", ".", "", "a", "a" * 300, "b\x85", "\r", "\x0c", "é", "\\040", "\udcff"])
# Of a group and its mount: anything but the byte that ends a path, and the one that ends a line.
NAMES = st.text(st.characters(exclude_characters="\0\n", exclude_categories=["Cs"]), min_size=1, max_size=20)


def write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


@given(st.binary(max_size=128) | damaged(STATM))
def test_statm_is_two_sizes_or_none(text: bytes) -> None:
    sizes = usage.parse_statm(text)
    assert sizes is None or all(size >= 0 and size % usage.PAGE_BYTES == 0 for size in sizes)


def test_statm_has_pages_the_resident_ones_second() -> None:
    assert usage.parse_statm(STATM) == (3000 * usage.PAGE_BYTES, 45000 * usage.PAGE_BYTES)


@pytest.mark.parametrize("text", [b"", b"\n", b"45000", b"many pages", b"-1 -1 0", b"9" * 100 + b" 1"])
def test_without_two_numbers_in_statm_psutil_tells_the_sizes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes
) -> None:
    write(tmp_path / "statm", text)
    monkeypatch.setattr(usage, "STATM", str(tmp_path / "statm"))
    rss_bytes, vms_bytes = usage.resident_and_virtual()
    assert 1 << 20 < rss_bytes < vms_bytes


@given(damaged(STATUS))
def test_lines_in_kb_are_sizes_or_left_out(text: bytes) -> None:
    figures = usage.parse_kb_lines(text.decode(errors="replace"))
    assert all(size >= 0 and size % 1024 == 0 for size in figures.values())


@given(
    groups=damaged(GROUPS) | st.just(GROUPS),
    mounts=damaged(MOUNTS) | st.just(MOUNTS),
    limit=damaged(b"536870912\n") | st.binary(max_size=30),
    stat=damaged(b"cache 1\nhierarchical_memory_limit 536870912\n"),
)
def test_tree_of_damaged_files_gives_a_limit_up_to_the_machines(
    tmp_path_factory: pytest.TempPathFactory, groups: bytes, mounts: bytes, limit: bytes, stat: bytes
) -> None:
    root = tmp_path_factory.getbasetemp() / "damaged"
    write(root / "proc/self/cgroup", groups)
    write(root / "proc/self/mountinfo", mounts)
    write(root / "sys/fs/cgroup/memory/memory.limit_in_bytes", limit)
    write(root / "sys/fs/cgroup/memory/memory.stat", stat)
    write(root / "sys/fs/cgroup x/volaris.service/memory.max", limit)
    assert 0 < cgroup.memory_limit(MACHINE, root).limit_bytes <= MACHINE


@given(st.lists(STEPS, max_size=12).map("/".join), st.lists(STEPS, max_size=4).map("/".join))
def test_path_of_any_steps_gives_a_limit_up_to_the_machines(
    tmp_path_factory: pytest.TempPathFactory, group: str, mount_root: str
) -> None:
    root = tmp_path_factory.getbasetemp() / "steps"
    mount = f"32 23 0:28 /{mount_root} /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
    write(root / "proc/self/cgroup", f"0::/{group}\n".encode(errors="surrogateescape"))
    write(root / "proc/self/mountinfo", mount.encode(errors="surrogateescape"))
    assert 0 < cgroup.memory_limit(MACHINE, root).limit_bytes <= MACHINE


@given(NAMES)
def test_group_of_any_name_is_read_whole(name: str) -> None:
    assert cgroup.parse_groups(f"4:memory:/{name}\n0::/{name}\n") == {1: f"/{name}", 2: f"/{name}"}


@pytest.mark.parametrize("name", ["a\rb", "a\x0cb", "a\x85b", "a\u2028b", "a\x1cb"])
def test_limit_of_a_group_is_found_whatever_ends_a_line_elsewhere(tmp_path: Path, name: str) -> None:
    write(tmp_path / "proc/self/cgroup", f"0::/{name}\n".encode())
    write(tmp_path / "proc/self/mountinfo", b"32 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
    write(tmp_path / os.fsencode(f"sys/fs/cgroup/{name}").decode() / "memory.max", b"536870912\n")
    assert cgroup.memory_limit(MACHINE, tmp_path) == MemoryLimit(limit_bytes=512 << 20, source="cgroup v2")
