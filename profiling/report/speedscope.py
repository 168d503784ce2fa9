"""Stacks for speedscope, https://www.speedscope.app: a profile of live and one of allocated memory."""

from __future__ import annotations

import json
from typing import Any

from profiling.records.stack_profile import StackProfile
from profiling.report.folded import FIGURES, NO_OWNER
from profiling.report.pprof import NO_FRAME, module_of

PIECE = 500  # entries that are encoded at once, because other threads wait meanwhile
SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def to_speedscope(profile: StackProfile, name: str) -> dict[str, Any]:
    """Return the document; stacks begin at the job or scope, and those that have shrunk are left out."""
    frames = [
        {"name": f"{module_of(file)}.{function}", "file": file, "line": line} if file else {"name": function}
        for file, function, line in (*profile.frames, NO_FRAME)
    ]
    owners: dict[str, int] = {}
    for row in profile.rows:
        owners.setdefault(row.owner or NO_OWNER, len(frames) + len(owners))
    shared = frames + [{"name": owner} for owner in owners]
    return {
        "$schema": SCHEMA,
        "name": name,
        "exporter": "volaris profiling",
        "shared": {"frames": shared},
        "profiles": [_profile(profile, name, len(profile.frames), owners) for name in FIGURES],
    }


def to_json(value: Any) -> str:
    """Return a document as JSON, long lists piece by piece."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {to_json(each)}" for name, each in value.items()) + "}"
    if not isinstance(value, list):
        return json.dumps(value)
    if len(value) <= PIECE:
        return f"[{', '.join(map(to_json, value))}]"
    pieces = (json.dumps(value[at : at + PIECE])[1:-1] for at in range(0, len(value), PIECE))
    return f"[{', '.join(pieces)}]"


def _profile(profile: StackProfile, name: str, no_frame: int, owners: dict[str, int]) -> dict[str, Any]:
    samples, weights = [], []
    for row in profile.rows:
        size_bytes = round(getattr(row, FIGURES[name]))
        if size_bytes > 0:
            stack = list(reversed(row.stack)) or [no_frame]
            samples.append([owners[row.owner or NO_OWNER], *stack])
            weights.append(size_bytes)
    return {
        "type": "sampled",
        "name": name,
        "unit": "bytes",
        "startValue": 0,
        "endValue": sum(weights),
        "samples": samples,
        "weights": weights,
    }
