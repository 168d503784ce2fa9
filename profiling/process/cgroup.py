"""The container's memory limit: the smallest on the path from the process's cgroup up to the visible root.

All paths lie below a `root`, so that tests can use trees of their own. Formats: cgroups(7), proc_pid_mountinfo(5) and
the kernel's admin guides for cgroup v1 (memory) and v2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from profiling.records import MemoryLimit

_LIMIT_FILES = {1: "memory.limit_in_bytes", 2: "memory.max"}
_USAGE_FILES = {1: "memory.usage_in_bytes", 2: "memory.current"}
_ESCAPE = re.compile(r"\\([0-7]{3})")  # mountinfo writes blanks and backslashes as octal numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A place where a cgroup hierarchy that may limit memory is mounted."""

    version: int  # 1 or 2
    root: str  # the cgroup of the hierarchy that is visible at the mount point
    point: str  # the path of the mount point


def memory_limit(machine_bytes: int, root: Path = Path("/")) -> MemoryLimit:
    """Return the memory limit of this process's container, or the machine's memory if no cgroup sets a smaller limit.

    A limit of at least the machine's memory counts as none: v1 writes "no limit" as the largest whole page below 2**63.
    """
    limits = [MemoryLimit(limit_bytes=size, source=f"cgroup v{version}") for version, size in _limits(root)]
    machine = MemoryLimit(limit_bytes=machine_bytes, source="machine")
    return min([machine, *limits], key=lambda limit: limit.limit_bytes)


def memory_usage_bytes(root: Path = Path("/")) -> int | None:
    """Return the memory of this process's container, or None if there is none, or none that this process sees."""
    groups = parse_groups(_read(root / "proc/self/cgroup") or "")
    mounts = parse_mounts(_read(root / "proc/self/mountinfo") or "")
    for version, group in groups.items():
        for mount in _showing(group, [mount for mount in mounts if mount.version == version]):
            top, steps = _top_and_steps(root, mount, group)
            directory = _directory(top, steps, _USAGE_FILES[version])
            if (size_bytes := parse_limit(_read(directory / _USAGE_FILES[version]) or "")) is not None:
                return size_bytes
    return None


def _top_and_steps(root: Path, mount: Mount, group: str) -> tuple[Path, tuple[str, ...]]:
    """Return the directory of the mount point, and the steps from there down to the cgroup."""
    steps = _below(group, mount.root)
    if steps is None:
        steps = tuple(part for part in PurePosixPath(group).parts if part not in ("/", ".."))
    return root / mount.point.lstrip("/"), steps


def _limits(root: Path) -> Iterator[tuple[int, int]]:
    """Yield (version, limit) for every limit on the path, also in hybrid trees of both versions."""
    groups = parse_groups(_read(root / "proc/self/cgroup") or "")
    mounts = parse_mounts(_read(root / "proc/self/mountinfo") or "")
    for version, group in groups.items():
        for mount in _showing(group, [mount for mount in mounts if mount.version == version]):
            for size_bytes in _limits_on_path(root, mount, group):
                yield version, size_bytes


def parse_groups(text: str) -> dict[int, str]:
    """Return the process's paths in /proc/self/cgroup by version: of v1's memory hierarchy and of v2, if present."""
    groups = {}
    for line in text.split("\n"):  # not splitlines: its other separators may occur in a name
        fields = line.split(":", 2)
        if len(fields) != 3:
            continue
        hierarchy, controllers, path = fields
        if "memory" in controllers.split(","):
            groups[1] = path
        elif hierarchy == "0" and not controllers:
            groups[2] = path
    return groups


def parse_mounts(text: str) -> list[Mount]:
    """Return where v2 and v1's memory hierarchy are mounted, by /proc/self/mountinfo."""
    mounts = []
    for line in text.split("\n"):
        place, _, kind = line.partition(" - ")
        place_fields, kind_fields = place.split(" "), kind.split(" ")
        if len(place_fields) < 5 or len(kind_fields) < 3:
            continue
        version = _version(kind_fields[0], kind_fields[2])
        if version is not None:
            mounts.append(Mount(version=version, root=_unescaped(place_fields[3]), point=_unescaped(place_fields[4])))
    return mounts


def _version(filesystem: str, options: str) -> int | None:
    if filesystem == "cgroup2":
        return 2
    return 1 if filesystem == "cgroup" and "memory" in options.split(",") else None


def _unescaped(field: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), field)


def parse_limit(text: str) -> int | None:
    """Return the bytes in memory.max or memory.limit_in_bytes.

    Return None for "max", for unreadable text, and for 0, under which no process can live.
    """
    text = text.strip()
    return int(text) or None if text.isascii() and text.isdigit() and len(text) < 20 else None


def parse_hierarchical_limit(text: str) -> int | None:
    """Return the smallest limit on the path up to the machine's root, from v1's memory.stat, or None if there is none.

    This covers the part of the path that the container cannot see.
    """
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        if key == "hierarchical_memory_limit":
            return parse_limit(value)
    return None


def _showing(group: str, mounts: list[Mount]) -> list[Mount]:
    """Return the mounts that show the cgroup according to their root field, or all mounts if none does.

    None does if the path is the host's while the mount shows the container's own directory, or the other way round. A
    mount that shows another container's directory beside our own must not count.
    """
    return [mount for mount in mounts if _below(group, mount.root) is not None] or mounts


def _below(group: str, top: str) -> tuple[str, ...] | None:
    """Return the steps from cgroup `top` down to `group`, or None if `group` is not below `top`."""
    path = PurePosixPath(group)
    if ".." in path.parts or not path.is_relative_to(top):
        return None
    return path.relative_to(top).parts


def _limits_on_path(root: Path, mount: Mount, group: str) -> Iterator[int]:
    """Yield the limits in bytes from the process's cgroup up to the mount point."""
    top, steps = _top_and_steps(root, mount, group)
    directory = _directory(top, steps, _LIMIT_FILES[mount.version])
    if mount.version == 1:
        yield from _known(parse_hierarchical_limit(_read(directory / "memory.stat") or ""))
    while True:
        yield from _known(parse_limit(_read(directory / _LIMIT_FILES[mount.version]) or ""))
        if directory == top:
            return
        directory = directory.parent


def _directory(top: Path, steps: tuple[str, ...], limit_file: str) -> Path:
    """Return the directory of the process's cgroup below the mount point.

    If the path begins above what is mounted, its first steps lead nowhere. Then the rest of the path, or the mount
    point, is ours.
    """
    for start in range(len(steps)):
        directory = top.joinpath(*steps[start:])
        if _read(directory / limit_file) is not None:
            return directory
    return top


def _known(size_bytes: int | None) -> Iterator[int]:
    if size_bytes is not None:
        yield size_bytes


def _read(path: Path) -> str | None:
    """Return the text of a kernel file, or None if the file is missing, unreadable, or its path is impossible."""
    try:
        # opened as text, a carriage return would end a line
        return path.read_bytes().decode("utf-8", errors="surrogateescape")
    except (OSError, ValueError):
        return None
