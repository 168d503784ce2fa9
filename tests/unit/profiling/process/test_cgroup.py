"""The container's limit, on trees as kernels show them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.process.cgroup import (
    Mount,
    memory_limit,
    parse_groups,
    parse_hierarchical_limit,
    parse_limit,
    parse_mounts,
)
from profiling.records import MemoryLimit

MB = 1 << 20
MACHINE = 16 << 30
V1_NO_LIMIT = 0x7FFF_FFFF_FFFF_F000
MACHINES_OWN = MemoryLimit(limit_bytes=MACHINE, source="machine")

V1_MOUNT = "35 31 0:32 {root} {point} rw,relatime shared:9 - cgroup cgroup rw,memory"
V2_MOUNT = "41 31 0:38 {root} {point} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1_POINT = "/sys/fs/cgroup/memory"
V2_POINT = "/sys/fs/cgroup"
OTHER_MOUNTS = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
"""


class Tree:
    """A file system of the kernel's, below a directory of the test's."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mounts = OTHER_MOUNTS

    def group(self, *lines: str) -> None:
        self.write("/proc/self/cgroup", "\n".join(lines) + "\n")

    def mount(self, form: str, *, point: str, root: str = "/") -> None:
        self.mounts += form.format(root=root, point=point) + "\n"
        self.write("/proc/self/mountinfo", self.mounts)
        (self.root / point.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def v1(self, directory: str, limit_bytes: int, hierarchical_bytes: int | None = None) -> None:
        self.write(f"{directory}/memory.limit_in_bytes", f"{limit_bytes}\n")
        if hierarchical_bytes is not None:
            stat = f"cache 0\nrss 1003520\nhierarchical_memory_limit {hierarchical_bytes}\ntotal_cache 0\n"
            self.write(f"{directory}/memory.stat", stat)

    def v2(self, directory: str, limit: int | str) -> None:
        self.write(f"{directory}/memory.max", f"{limit}\n")

    def write(self, path: str, text: str) -> None:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def limit(self) -> MemoryLimit:
        return memory_limit(MACHINE, self.root)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def v1_limit(size_bytes: int) -> MemoryLimit:
    return MemoryLimit(limit_bytes=size_bytes, source="cgroup v1")


def v2_limit(size_bytes: int) -> MemoryLimit:
    return MemoryLimit(limit_bytes=size_bytes, source="cgroup v2")


def test_without_any_cgroup_the_machine_is_the_limit(tree: Tree) -> None:
    assert tree.limit() == MACHINES_OWN


def test_v2_limits_by_the_smallest_on_the_path(tree: Tree) -> None:
    tree.group("0::/pod/app/worker")
    tree.mount(V2_MOUNT, point=V2_POINT)
    tree.v2(f"{V2_POINT}/pod/app/worker", "max")
    tree.v2(f"{V2_POINT}/pod/app", 700 * MB)
    tree.v2(f"{V2_POINT}/pod", 512 * MB)
    tree.v2(f"{V2_POINT}/neighbour", 1 * MB)
    assert tree.limit() == v2_limit(512 * MB)


def test_v2_without_a_number_on_the_path_is_no_limit(tree: Tree) -> None:
    tree.group("0::/app")
    tree.mount(V2_MOUNT, point=V2_POINT)
    tree.v2(f"{V2_POINT}/app", "max")
    assert tree.limit() == MACHINES_OWN


def test_v2_in_a_namespace_shows_the_containers_directory_as_the_root(tree: Tree) -> None:
    tree.group("0::/")
    tree.mount(V2_MOUNT, point=V2_POINT)
    tree.v2(V2_POINT, 512 * MB)
    assert tree.limit() == v2_limit(512 * MB)


def test_v2_path_out_of_the_namespace_is_taken_at_the_mount(tree: Tree) -> None:
    tree.group("0::/../..")
    tree.mount(V2_MOUNT, point=V2_POINT)
    tree.v2(V2_POINT, 300 * MB)
    assert tree.limit() == v2_limit(300 * MB)


def test_v2_mount_of_the_host_in_a_namespace_is_taken_at_its_top(tree: Tree) -> None:
    tree.group("0::/app")
    tree.mount(V2_MOUNT, point=V2_POINT, root="/../../..")
    tree.v2(f"{V2_POINT}/app", 300 * MB)
    tree.v2(V2_POINT, 400 * MB)
    assert tree.limit() == v2_limit(300 * MB)


def test_v1_limits_by_the_smallest_on_the_path(tree: Tree) -> None:
    tree.group("9:name=systemd:/", "4:cpu,memory:/docker/abc/inner", "1:cpu:/elsewhere")
    tree.mount(V1_MOUNT, point=V1_POINT)
    tree.v1(f"{V1_POINT}/docker/abc/inner", V1_NO_LIMIT)
    tree.v1(f"{V1_POINT}/docker/abc", 512 * MB)
    tree.v1(f"{V1_POINT}/docker", V1_NO_LIMIT)
    tree.v1(V1_POINT, V1_NO_LIMIT)
    assert tree.limit() == v1_limit(512 * MB)


def test_v1_writes_no_limit_as_a_number_that_no_machine_has(tree: Tree) -> None:
    tree.group("4:memory:/app")
    tree.mount(V1_MOUNT, point=V1_POINT)
    tree.v1(f"{V1_POINT}/app", V1_NO_LIMIT, hierarchical_bytes=V1_NO_LIMIT)
    assert tree.limit() == MACHINES_OWN


@pytest.mark.parametrize(
    ("limit_bytes", "source"), [(MACHINE - 1, "cgroup v1"), (MACHINE, "machine"), (MACHINE + 1, "machine")]
)
def test_a_limit_of_the_machines_memory_or_more_is_none(tree: Tree, limit_bytes: int, source: str) -> None:
    tree.group("4:memory:/app")
    tree.mount(V1_MOUNT, point=V1_POINT)
    tree.v1(f"{V1_POINT}/app", limit_bytes)
    assert tree.limit() == MemoryLimit(limit_bytes=min(limit_bytes, MACHINE), source=source)


def test_v1_mount_of_the_containers_own_directory_is_the_containers(tree: Tree) -> None:
    tree.group("4:memory:/docker/abc")
    tree.mount(V1_MOUNT, point=V1_POINT, root="/docker/abc")
    tree.v1(V1_POINT, 512 * MB)
    assert tree.limit() == v1_limit(512 * MB)


def test_v1_group_within_the_containers_own_directory_is_found_below_the_mount(tree: Tree) -> None:
    tree.group("4:memory:/docker/abc/inner")
    tree.mount(V1_MOUNT, point=V1_POINT, root="/docker/abc")
    tree.v1(f"{V1_POINT}/inner", 100 * MB)
    tree.v1(V1_POINT, 512 * MB)
    assert tree.limit() == v1_limit(100 * MB)


def test_v1_tells_limits_above_what_the_container_is_shown(tree: Tree) -> None:
    tree.group("4:memory:/kubepods/pod1/abc")
    tree.mount(V1_MOUNT, point=V1_POINT, root="/kubepods/pod1/abc")
    tree.v1(V1_POINT, V1_NO_LIMIT, hierarchical_bytes=256 * MB)
    assert tree.limit() == v1_limit(256 * MB)


def test_a_path_of_the_host_on_a_mount_of_the_container_is_taken_at_the_mount(tree: Tree) -> None:
    tree.group("4:memory:/docker/abc")
    tree.mount(V1_MOUNT, point=V1_POINT)  # root "/" all the same: the mount's own namespace
    tree.v1(V1_POINT, 512 * MB)
    assert tree.limit() == v1_limit(512 * MB)


def test_the_end_of_a_path_of_the_host_is_found_below_the_mount(tree: Tree) -> None:
    tree.group("0::/system.slice/docker-abc.scope/worker")
    tree.mount(V2_MOUNT, point=V2_POINT)
    tree.v2(f"{V2_POINT}/worker", 100 * MB)
    tree.v2(V2_POINT, 512 * MB)
    assert tree.limit() == v2_limit(100 * MB)


def test_a_mount_of_another_containers_directory_does_not_count(tree: Tree) -> None:
    tree.group("4:memory:/docker/abc")
    tree.mount(V1_MOUNT, point=V1_POINT)
    tree.mount(V1_MOUNT, point="/watched", root="/docker/other")
    tree.v1(f"{V1_POINT}/docker/abc", 512 * MB)
    tree.v1("/watched", 1 * MB)
    assert tree.limit() == v1_limit(512 * MB)


def test_a_group_whose_name_begins_with_anothers_is_not_below_it(tree: Tree) -> None:
    tree.group("4:memory:/docker/abcdef")
    tree.mount(V1_MOUNT, point="/watched", root="/docker/abc")
    tree.mount(V1_MOUNT, point=V1_POINT)
    tree.v1("/watched", 1 * MB)
    tree.v1(f"{V1_POINT}/docker/abcdef", 512 * MB)
    assert tree.limit() == v1_limit(512 * MB)


def test_in_a_hybrid_tree_the_smaller_version_wins(tree: Tree) -> None:
    tree.group("4:memory:/app", "0::/app")
    tree.mount(V1_MOUNT, point=V1_POINT)
    tree.mount(V2_MOUNT, point="/sys/fs/cgroup/unified")
    tree.v1(f"{V1_POINT}/app", 512 * MB)
    assert tree.limit() == v1_limit(512 * MB)
    tree.v2("/sys/fs/cgroup/unified/app", 256 * MB)
    assert tree.limit() == v2_limit(256 * MB)


def test_a_mount_point_with_a_blank_is_found(tree: Tree) -> None:
    tree.group("0::/a b")
    tree.mount(V2_MOUNT, point="/cg roups")
    tree.write("/proc/self/mountinfo", V2_MOUNT.format(root="/", point=r"/cg\040roups") + "\n")
    tree.v2("/cg roups/a b", 64 * MB)
    assert tree.limit() == v2_limit(64 * MB)


def test_a_group_that_is_not_mounted_is_no_limit(tree: Tree) -> None:
    tree.group("4:memory:/app", "0::/app")
    tree.write("/proc/self/mountinfo", OTHER_MOUNTS)
    assert tree.limit() == MACHINES_OWN


def test_a_limit_of_zero_or_rubbish_is_none(tree: Tree) -> None:
    tree.group("0::/app/inner")
    tree.mount(V2_MOUNT, point=V2_POINT)
    tree.v2(f"{V2_POINT}/app/inner", 0)
    tree.v2(f"{V2_POINT}/app", "plenty")
    assert tree.limit() == MACHINES_OWN


def test_a_path_that_cannot_be_one_is_no_limit(tree: Tree) -> None:
    tree.group("0::/app\0null")
    tree.mount(V2_MOUNT, point=V2_POINT)
    assert tree.limit() == MACHINES_OWN


@pytest.mark.parametrize(
    ("text", "limit_bytes"),
    [
        ("max\n", None),
        ("536870912\n", 536_870_912),
        ("1", 1),
        ("0", None),
        ("-1", None),
        ("²", None),
        ("9" * 5000, None),
        ("", None),
    ],
)
def test_a_limit_is_a_number_above_zero(text: str, limit_bytes: int | None) -> None:
    assert parse_limit(text) == limit_bytes


def test_a_path_may_hold_colons() -> None:
    assert parse_groups("0::/a:b\n4:memory:/c:d\nrubbish\n") == {2: "/a:b", 1: "/c:d"}


def test_only_hierarchies_that_may_limit_memory_are_mounts() -> None:
    text = OTHER_MOUNTS + V1_MOUNT.format(root="/x", point="/m") + "\n" + V2_MOUNT.format(root="/", point="/u")
    assert parse_mounts(text) == [Mount(version=1, root="/x", point="/m"), Mount(version=2, root="/", point="/u")]


LINES = st.text(alphabet="0:/ -cgroup2memory,.\\\n\0é", max_size=80) | st.text(max_size=80)


@given(LINES, LINES)
def test_no_text_of_the_kernel_makes_it_raise(groups: str, mounts: str) -> None:
    assert set(parse_groups(groups)) <= {1, 2}
    assert all(mount.version in {1, 2} for mount in parse_mounts(mounts))
    parse_limit(groups)
    parse_hierarchical_limit(f"hierarchical_memory_limit {groups}\n{mounts}")


@given(group=LINES, mount_root=LINES, limit=LINES)
def test_no_tree_makes_it_raise(
    tmp_path_factory: pytest.TempPathFactory, group: str, mount_root: str, limit: str
) -> None:
    tree = Tree(tmp_path_factory.getbasetemp() / "rubbish")
    tree.group(f"0::/{group}", f"4:memory:/{group}")
    tree.mount(V2_MOUNT, point=V2_POINT, root=mount_root)
    tree.v2(V2_POINT, limit)
    assert 0 < tree.limit().limit_bytes <= MACHINE
