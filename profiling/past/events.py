"""The last events: a pure log, which is told of runs, verdicts and readings, and notes what has changed."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from typing import TypeVar

from profiling.records import RunProfile, State, Verdict
from profiling.records.timeline import EventKind, PastEvent, Pressure, pressure_at
from profiling.units import format_bytes

MAX_EVENTS = 256
MAX_SUBJECTS = 512  # jobs and scopes whose last state is remembered
MAX_TEXT = 400  # characters
RELIEF_PERCENT = 2.0  # below a threshold, before the pressure counts as lower

T = TypeVar("T")


class Events:
    """The last events, oldest first."""

    def __init__(self) -> None:
        self._events: deque[PastEvent] = deque(maxlen=MAX_EVENTS)
        self._states: OrderedDict[str, State] = OrderedDict()  # the last settled state of each job and scope
        self._degraded: OrderedDict[str, str | None] = OrderedDict()  # the last reason of each job
        self._pressure = Pressure.OK

    def all(self) -> Sequence[PastEvent]:
        """Return all events, oldest first."""
        return tuple(self._events)

    def restore(self, events: Iterable[PastEvent]) -> None:
        """Put the events of an earlier process before those so far."""
        since = tuple(self._events)
        self._events.clear()
        self._events.extend((*events, *since))

    def add(self, event: PastEvent) -> None:
        """Add an event."""
        self._events.append(event)

    def record_run(self, at_s: float, run: RunProfile) -> None:
        """Note that a run is degraded, unless the job's run before was degraded for the same reason."""
        before = self._degraded.get(run.job)
        _remember(self._degraded, run.job, run.degraded)
        if run.degraded is not None and run.degraded != before:
            self._note(at_s, EventKind.DEGRADED, run.job, run.level.value, run.degraded)

    def record_verdict(self, at_s: float, job: str, verdict: Verdict | None) -> None:
        """Note that the state of a job or a scope has changed; it is no news that a new one is stable."""
        if verdict is None or verdict.state is State.INSUFFICIENT_RUNS:
            return
        before = self._states.get(job, State.STABLE)
        _remember(self._states, job, verdict.state)
        if verdict.state is not before:
            self._note(at_s, EventKind.VERDICT, job, verdict.state.value, f"{verdict.reason}{_place(verdict)}")

    def record_usage(self, at_s: float, rss_bytes: int, limit_bytes: int) -> None:
        """Note that the pressure has changed. It is lower only if the memory is clearly below the threshold."""
        percent = 100.0 * rss_bytes / limit_bytes
        order = list(Pressure)
        now = pressure_at(percent)
        if order.index(now) < order.index(self._pressure):
            now = max(now, pressure_at(percent + RELIEF_PERCENT), key=order.index)
        if now is not self._pressure:
            self._pressure = now
            text = f"{format_bytes(rss_bytes)} of {format_bytes(limit_bytes)}, {percent:.0f} %"
            self._note(at_s, EventKind.PRESSURE, None, now.value, text)

    def _note(self, at_s: float, kind: EventKind, subject: str | None, state: str, text: str) -> None:
        self.add(PastEvent(at_s=at_s, kind=kind, subject=subject, state=state, text=text[:MAX_TEXT]))


def _place(verdict: Verdict) -> str:
    """Return the line that keeps most. Its path is not shortened, which would read the disk in the program's loop."""
    if not verdict.suspects:
        return ""
    file, line = verdict.suspects[0].site
    return f"; most at {file}:{line}"


def _remember(known: OrderedDict[str, T], name: str, value: T) -> None:
    known[name] = value
    known.move_to_end(name)
    if len(known) > MAX_SUBJECTS:
        known.popitem(last=False)
