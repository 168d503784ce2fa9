"""The reason of a verdict, in one sentence or two."""

from __future__ import annotations

from profiling.records import Accusation, Bound, State
from profiling.units import format_bytes
from profiling.verdict import patience
from profiling.verdict.evidence import Evidence, GrowthKind
from profiling.verdict.survivors import Pace


def reason_of(
    state: State,
    evidence: Evidence,
    *,
    bound: Bound | None = None,
    per_run: float = 0.0,
    beside: float | None = None,
    growth: Pace | None = None,
    accusation: Accusation | None = None,
    kind: GrowthKind | None = None,
    kind_beside: GrowthKind | None = None,
) -> str:
    """Return why the state is what it is; for `growing` also what would settle it."""
    runs, unit = len(evidence.ended), evidence.unit
    one, many = f"per {unit.one}", unit.many
    if state is State.INSUFFICIENT_RUNS:
        missing, what = patience.MIN_RUNS - runs, unit.one if runs == 1 else many
        return f"only {runs} completed {what}; a verdict needs {patience.MIN_RUNS} ({missing} more)"
    if evidence.process and state in {State.STABLE, State.GROWING}:
        how = f"grows by {_size(per_run)} {one}" if state is State.GROWING else "does not grow"
        return f"the process {how} over {runs} {many}; a leak can only be found with samples or exact lines"
    if state is State.STABLE:
        return f"nothing grows over {runs} {many}; of the older ones, {_size(per_run)} {one} are still alive"
    what = (kind or GrowthKind.SURVIVORS).value
    also = f", and {kind_beside.value} grows by {_size(beside)} {one} beside it" if kind_beside else ""
    if state is State.GROWING:
        settles = _fills(bound) if bound else _settles(evidence, growth, kind)
        return f"{what} grows by {_size(per_run)} {one}{also}; {settles}"
    since = f"reported since {unit.one} {accusation.since_run}" if accusation else ""
    if state is State.NATIVE_GROWTH:
        what = GrowthKind.C_HEAP.value if kind is None else what
        return f"{what} grows by {_size(per_run)} {one}, and Python's heap does not: a C library keeps it ({since})"
    if growth is None:
        return f"what the job kept is still alive, at {_size(per_run)} {one}{also} ({since})"
    if kind is not GrowthKind.SURVIVORS:
        return f"{what} grows by {_size(per_run)} {one} over the last {growth.runs} {many}{also} ({since})"
    return f"{_size(per_run)} {one} stay alive, of every age over the last {growth.runs} {many}{also} ({since})"


def _fills(bound: Bound) -> str:
    """Say what fills up, and how far it has come."""
    article = "an" if bound.kind[0].lower() in "aeiou" else "a"
    most = f"{bound.max_items:,}".replace(",", " ")
    if bound.is_full:
        return f"it has just filled up {article} {bound.kind} of at most {most} items"
    return f"it fills up: {article} {bound.kind} of at most {most} items, {bound.percent_full} % full"


def _settles(evidence: Evidence, growth: Pace | None, kind: GrowthKind | None) -> str:
    """Say what an accusation waits for."""
    runs, many = len(evidence.ended), evidence.unit.many
    needed = evidence.patience.runs(growth.bytes_per_run, evidence.left_bytes) if growth else 0
    if runs < needed:
        missing, what = needed - runs, evidence.unit.one if needed - runs == 1 else many
        return f"it may still fill up; {missing} more {what} will tell"
    if kind in {GrowthKind.C_HEAP, GrowthKind.MAPPED}:
        return f"some more {many} whose garbage is collected will tell whether it is garbage"
    return f"some more {many} and a full collection will tell whether it is a leak"


def _size(size_bytes: float | None) -> str:
    return format_bytes(round(size_bytes or 0.0))
