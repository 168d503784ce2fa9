"""The container's limit on this machine: a cgroup of our own, and a process in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from profiling.cgroup import parse_groups

MB = 1 << 20

REPORT = """
import os, sys
with open(sys.argv[1] + "/cgroup.procs", "w") as procs:
    procs.write(str(os.getpid()))
from profiling.process import memory_limit
limit = memory_limit()
print(limit.limit_bytes, limit.source)
"""


def own_directory() -> tuple[int, Path]:
    """Version and directory of this process's memory cgroup, as a plain Linux mounts them."""
    groups = parse_groups(Path("/proc/self/cgroup").read_text())
    version, point = (1, "/sys/fs/cgroup/memory") if 1 in groups else (2, "/sys/fs/cgroup")
    return version, Path(point) / PurePosixPath(groups[version]).relative_to("/")


@pytest.fixture
def child_group() -> Iterator[tuple[int, Path]]:
    """A cgroup with a limit of 128 MB below this process's own."""
    if not sys.platform.startswith("linux"):
        pytest.skip("cgroups are Linux's")
    version, parent = own_directory()
    directory = parent / f"volaris-test-{os.getpid()}"
    try:
        directory.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup can be made here: {error}")
    try:
        (directory / ("memory.limit_in_bytes" if version == 1 else "memory.max")).write_text(str(128 * MB))
    except OSError as error:
        directory.rmdir()
        pytest.skip(f"the cgroup takes no limit (v2: its parent must delegate `memory`): {error}")
    yield version, directory
    directory.rmdir()


def test_a_process_in_a_real_cgroup_finds_its_limit(child_group: tuple[int, Path]) -> None:
    version, directory = child_group
    done = subprocess.run(
        [sys.executable, "-c", REPORT, str(directory)], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.stdout, done.stderr) == (f"{128 * MB} cgroup v{version}\n", "")
