"""The reason of a verdict in words: one sentence or two."""

from __future__ import annotations

from profiling.records import Accusation, Bound, State
from profiling.units import format_bytes
from profiling.verdict import patience
from profiling.verdict.evidence import Evidence, GrowthKind
from profiling.verdict.growth import Growth


def reason_of(
    state: State,
    evidence: Evidence,
    *,
    bound: Bound | None = None,
    per_run: float = 0.0,
    growth: Growth | None = None,
    beside: Growth | None = None,
    accusation: Accusation | None = None,
) -> str:
    """Return why the verdict is as it is; for `growing`, also what would settle it.

    Args:
        state: The state of the verdict.
        evidence: What the verdict rests on.
        bound: Of the store that fills up, if one does.
        per_run: The pace of all that grows, in bytes.
        growth: The growth that decides; `per_run` counts lines beside it too.
        beside: The native growth beside that of Python's heap, if there is any.
        accusation: The accusation, if there is one.
    """
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
    kind = growth.kind if growth else GrowthKind.SURVIVORS
    what = kind.value
    also = f", and {beside.kind.value} also grows by {_size(beside.pace.bytes_per_run)} {one}" if beside else ""
    if state is State.GROWING:
        settles = _fills(bound) if bound else _settles(evidence, growth)
        return f"{what} grows by {_size(per_run)} {one}{also}; {settles}"
    since = f"reported since {unit.one} {accusation.since_run}" if accusation else ""
    if state is State.NATIVE_GROWTH:
        what = what if growth else GrowthKind.C_HEAP.value
        why = "but Python's heap does not, so a C library keeps the memory"
        return f"{what} grows by {_size(per_run)} {one}, {why} ({since})"
    if growth is None:
        return f"the job keeps no more now, but still holds {_size(per_run)} {one} from before{also} ({since})"
    if kind is not GrowthKind.SURVIVORS:
        return f"{what} grows by {_size(per_run)} {one} over the last {growth.pace.runs} {many}{also} ({since})"
    ages = f"from the oldest to the newest of the last {growth.pace.runs} {many}"
    return f"{_size(per_run)} {one} stay alive, {ages}{also} ({since})"


def _fills(bound: Bound) -> str:
    """Say which store fills up, and how full it is."""
    article = "an" if bound.kind[0].lower() in "aeiou" else "a"
    most = f"{bound.max_items:,}".replace(",", " ")
    if bound.is_full:
        return f"it has just filled {article} {bound.kind} of at most {most} items"
    return f"it is filling {article} {bound.kind} of at most {most} items, which is {bound.percent_full} % full"


def _settles(evidence: Evidence, growth: Growth | None) -> str:
    """Say what must happen before the job is accused; how long it was watched counts from where its growth began."""
    many = evidence.unit.many
    missing = evidence.needed(growth.pace.bytes_per_run) - growth.watched if growth else 0
    if missing > 0:
        what = evidence.unit.one if missing == 1 else many
        return f"it may still be a cache that fills up; {missing} more {what} will tell"
    if growth and growth.state is State.NATIVE_GROWTH:
        return f"more {many} whose garbage is collected will tell whether it is garbage"
    return f"more {many} and a full collection will tell whether it is a leak"


def _size(size_bytes: float | None) -> str:
    return format_bytes(round(size_bytes or 0.0))
