"""The reason of a verdict in words: one sentence or two."""

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
    """Return why the verdict is as it is; for `growing`, also what would settle it."""
    runs, unit = len(evidence.ended), evidence.unit
    one, many = f"per {unit.one}", unit.many
    if state is State.INSUFFICIENT_RUNS:
        missing, what = patience.MIN_RUNS - runs, unit.one if runs == 1 else many
        return f"only {runs} completed {what}; a verdict needs {patience.MIN_RUNS} ({missing} more)"
    if evidence.process and state in {State.STABLE, State.GROWING}:
        how = f"grows by {_size(per_run)} {one}" if state is State.GROWING else "does not grow"
        return f"the process {how} over {runs} {many}; a leak can only be found with samples or exact lines"
    if state is State.STABLE:
        return f"nothing grows over {runs} {many}; the older {many} still hold {_size(per_run)} {one}"
    what = (kind or GrowthKind.SURVIVORS).value
    also = f", and {kind_beside.value} also grows by {_size(beside)} {one}" if kind_beside else ""
    if state is State.GROWING:
        settles = _fills(bound) if bound else _settles(evidence, growth, kind)
        return f"{what} grows by {_size(per_run)} {one}{also}; {settles}"
    since = f"reported since {unit.one} {accusation.since_run}" if accusation else ""
    if state is State.NATIVE_GROWTH:
        what = GrowthKind.C_HEAP.value if kind is None else what
        why = "but Python's heap does not, so a C library keeps the memory"
        return f"{what} grows by {_size(per_run)} {one}, {why} ({since})"
    if growth is None:
        return f"the job keeps no more now, but still holds {_size(per_run)} {one} from before{also} ({since})"
    if kind is not GrowthKind.SURVIVORS:
        return f"{what} grows by {_size(per_run)} {one} over the last {growth.runs} {many}{also} ({since})"
    ages = f"from the oldest to the newest of the last {growth.runs} {many}"
    return f"{_size(per_run)} {one} stay alive, {ages}{also} ({since})"


def _fills(bound: Bound) -> str:
    """Say which store fills up, and how full it is."""
    article = "an" if bound.kind[0].lower() in "aeiou" else "a"
    most = f"{bound.max_items:,}".replace(",", " ")
    if bound.is_full:
        return f"it has just filled {article} {bound.kind} of at most {most} items"
    return f"it is filling {article} {bound.kind} of at most {most} items, which is {bound.percent_full} % full"


def _settles(evidence: Evidence, growth: Pace | None, kind: GrowthKind | None) -> str:
    """Say what must happen before the job is accused."""
    runs, many = len(evidence.ended), evidence.unit.many
    needed = evidence.patience.runs(growth.bytes_per_run, evidence.left_bytes) if growth else 0
    if runs < needed:
        missing, what = needed - runs, evidence.unit.one if needed - runs == 1 else many
        return f"it may still be a cache that fills up; {missing} more {what} will tell"
    if kind in {GrowthKind.C_HEAP, GrowthKind.MAPPED}:
        return f"more {many} whose garbage is collected will tell whether it is garbage"
    return f"more {many} and a full collection will tell whether it is a leak"


def _size(size_bytes: float | None) -> str:
    return format_bytes(round(size_bytes or 0.0))
