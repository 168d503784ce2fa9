"""The container's limit on this machine: a cgroup of our own, and a process in it."""

from __future__ import annotations

import subprocess
import sys

from tests.cgroups import JOIN, MB, group_with_limit

REPORT = f"""
{JOIN}
from profiling.process.usage import memory_limit
limit = memory_limit()
print(limit.limit_bytes, limit.source)
"""


def test_a_process_in_a_real_cgroup_finds_its_limit() -> None:
    with group_with_limit(128) as (version, directory):
        done = subprocess.run(
            [sys.executable, "-c", REPORT, str(directory)], capture_output=True, text=True, timeout=120, check=False
        )
    assert (done.stdout, done.stderr) == (f"{128 * MB} cgroup v{version}\n", "")
