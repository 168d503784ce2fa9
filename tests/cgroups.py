"""A memory cgroup of our own, where this machine lets us make one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import pytest

from profiling.process.cgroup import parse_groups

MB = 1 << 20

JOIN = """
import os, sys
with open(sys.argv[1] + "/cgroup.procs", "w") as procs:
    procs.write(str(os.getpid()))
"""
"""What a Python program runs first, with the directory as its argument."""


@contextmanager
def group_with_limit(limit_mb: int) -> Iterator[tuple[int, Path]]:
    """Version and directory of a new cgroup below this process's own; skips the test where there can be none."""
    if not sys.platform.startswith("linux"):
        pytest.skip("cgroups are Linux's")
    version, parent = _own_directory()
    directory = parent / f"volaris-test-{os.getpid()}"
    try:
        directory.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup can be made here: {error}")
    try:
        (directory / ("memory.limit_in_bytes" if version == 1 else "memory.max")).write_text(str(limit_mb * MB))
    except OSError as error:
        directory.rmdir()
        pytest.skip(f"the cgroup takes no limit (v2: its parent must delegate `memory`): {error}")
    try:
        yield version, directory
    finally:
        directory.rmdir()


def _own_directory() -> tuple[int, Path]:
    """As a plain Linux mounts it."""
    groups = parse_groups(Path("/proc/self/cgroup").read_text())
    version, point = (1, "/sys/fs/cgroup/memory") if 1 in groups else (2, "/sys/fs/cgroup")
    return version, Path(point) / PurePosixPath(groups[version]).relative_to("/")
