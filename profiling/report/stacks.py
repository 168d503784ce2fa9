"""Live memory by stack as a dict for JSON: in columns, because a service has thousands of stacks."""

from __future__ import annotations

from typing import Any

from profiling.records import LiveStacks
from profiling.source import LIBRARIES, PROFILER_FILES, is_user_code, short_path, top_package
from profiling.units import to_mb

Json = dict[str, Any]


def stacks_to_dict(live: LiveStacks) -> Json:
    """Return the answer of `/memory/stacks`. Looks up the packages of files, so call this in a thread."""
    paths = list(dict.fromkeys(path for path, _, _ in live.frames))
    file_of = {path: number for number, path in enumerate(paths)}
    scopes = list(dict.fromkeys(stack.scope for stack in live.stacks))
    scope_of = {scope: number for number, scope in enumerate(scopes)}
    attributed_bytes = live.size_bytes - live.unattributed_bytes
    return {
        "sampled_every_bytes": live.bytes_per_sample,
        "rss_mb": to_mb(live.rss_bytes),
        "totals": {
            "size_bytes": live.size_bytes,
            "attributed_bytes": attributed_bytes,
            "unattributed_bytes": live.unattributed_bytes,
            "listed_bytes": attributed_bytes - live.omitted_bytes,
            "omitted_bytes": live.omitted_bytes,
        },
        "files": [_file(path) for path in paths],
        "frames": {
            "file": [file_of[path] for path, _, _ in live.frames],
            "function": [function for _, function, _ in live.frames],
            "line": [line for _, _, line in live.frames],
        },
        "scopes": ["(before scopes were known)" if scope is None else scope for scope in scopes],
        "stacks": {
            "scope": [scope_of[stack.scope] for stack in live.stacks],
            "frames": [stack.frames for stack in live.stacks],
            "size_bytes": [stack.size_bytes for stack in live.stacks],
            "count": [stack.count for stack in live.stacks],
        },
    }


def _file(path: str) -> Json:
    short = short_path(path)
    package = top_package(path)
    if path.startswith(PROFILER_FILES):
        kind, name = "library", "profiling"
    elif is_user_code(path):
        kind, name = "user", package or short.lstrip("/").partition("/")[0]
    elif path.startswith(("<", *LIBRARIES)) and package is None:
        kind, name = "interpreter", "Python"
    else:
        kind, name = "library", package or short.lstrip("/").partition("/")[0]
    return {"file": short, "path": path, "kind": kind, "package": name}
