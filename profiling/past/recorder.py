"""The recorder of the past: it owns the rings, the events and the file, and a thread calls it once a second."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from profiling.forks import ForkLock, renew_in_children
from profiling.past.events import Events
from profiling.past.readings import PartsReader, held_by_owner
from profiling.past.rings import Rings
from profiling.past.state_file import State, StateFile
from profiling.past.timelines import timeline_of
from profiling.records import MemoryUsage, RunProfile, Verdict
from profiling.records.timeline import EventKind, Parts, PastEvent, Reading, Span, Timeline
from profiling.stopwatch import Budget
from profiling.watcher import Watcher

EVERY_S = 1.0
PARTS_EVERY_S = 10.0
SAVED_EVERY_S = 30.0
MAX_HELD_SHARE = 0.001  # highest share of a core's CPU time for reading who holds how much

_logger = logging.getLogger(__name__)


def wall_clock() -> Callable[[], float]:
    """Return a clock in seconds since the epoch that nobody sets back, and that goes on while the machine sleeps."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    began_s = time.time() - time.clock_gettime(clock)
    return lambda: began_s + time.clock_gettime(clock)


class Past:
    """The past of this process and, if a folder is given, of the processes before it.

    Args:
        usage: Returns what the process uses now.
        state_dir: The folder of the file that outlives the process; None if nothing is to be kept.
        clock: The time in seconds since the epoch.
        parts: Returns what the RSS consists of.
        held: Returns what each job and scope holds.
    """

    def __init__(
        self,
        usage: Callable[[], MemoryUsage],
        state_dir: Path | None = None,
        *,
        clock: Callable[[], float] | None = None,
        parts: Callable[[], Parts] | None = None,
        held: Callable[[], Mapping[str, int] | None] = held_by_owner,
    ) -> None:
        self._usage = usage
        self._state_dir = state_dir
        self._clock = clock or wall_clock()
        self._parts = parts or PartsReader().read
        self._held = held
        self._lock = ForkLock()
        self._begin()
        renew_in_children(self)  # before the watcher, whose thread begins in a forked child
        self._watcher = Watcher(
            self.tick, EVERY_S, name="profiling: timeline", failure="the memory could not be recorded"
        )

    def _begin(self) -> None:
        self._rings, self._events, self._budget = Rings(), Events(), Budget(MAX_HELD_SHARE)
        self._last_parts: tuple[Parts, Mapping[str, int] | None] = Parts(), None
        self._parts_due_s = self._saved_s = 0.0
        self._saved_events: Sequence[PastEvent] = ()
        self._file: StateFile | None = None
        self._is_claimed = False

    def after_fork(self) -> None:
        """Begin anew in a forked child, which is another process with a file of its own."""
        if self._file is not None:
            self._file.close()
        self._begin()

    def start(self) -> None:
        """Start the thread, unless it runs."""
        self._watcher.start()

    def close(self) -> None:
        """Stop the thread, and write the file."""
        self._watcher.close()
        with self._lock:
            file, self._file = self._file, None
            state = self._state(is_closed=True)
        if file is not None:
            self._write(file, state)
            file.close()

    def tick(self) -> None:
        """Read the memory, at a cost of some microseconds; every ten seconds also what it consists of."""
        now_s = self._clock()
        self._claim(now_s)
        if now_s >= self._parts_due_s:
            self._parts_due_s = now_s + PARTS_EVERY_S
            self._last_parts = self._parts(), self._held_within_budget()
        usage, (parts, held) = self._usage(), self._last_parts
        with self._lock:
            self._rings.record(
                Reading(
                    at_s=now_s,
                    rss_bytes=usage.rss_bytes,
                    limit_bytes=usage.limit.limit_bytes,
                    parts=parts,
                    held=held,
                )
            )
            self._events.record_usage(now_s, usage.rss_bytes, usage.limit.limit_bytes)
        self._save(now_s)

    def record_run(self, run: RunProfile, verdict: Verdict | None) -> None:
        """Note what a run, or a window, changes: the verdict on its job, and whether less was measured."""
        with self._lock:
            now_s = self._clock()
            self._events.record_run(now_s, run)
            self._events.record_verdict(now_s, run.job, verdict)

    def timeline(self, span: Span) -> Timeline:
        """Return the readings and events of a span."""
        now_s = self._clock()
        with self._lock:
            rows, columns, events = self._rings.rows(span), self._rings.columns_by_size(), self._events.all()
        return timeline_of(span, rows, columns, events, now_s)

    def _held_within_budget(self) -> Mapping[str, int] | None:
        if not self._budget.is_left:
            return self._last_parts[1]
        with self._budget.spend():
            return self._held()

    def _claim(self, now_s: float) -> None:
        """Claim a file, once, and continue the past that is in it."""
        if self._state_dir is None or self._is_claimed:
            return
        self._is_claimed = True
        self._file = StateFile.claim(self._state_dir)
        self._saved_s = now_s
        if self._file is None or (state := self._file.read()) is None:
            return
        try:
            self._restore(state, now_s)
        except ValueError as error:
            _logger.warning("the past in %s is ignored: %s", self._file.path, error)

    def _restore(self, state: State, now_s: float) -> None:
        how = "and had closed its profiler" if state.is_closed else "and had not closed its profiler, as when killed"
        text = f"the process before was last seen {max(0.0, now_s - state.saved_s):.0f} s earlier, {how}"
        kind = "closed" if state.is_closed else "not_closed"
        with self._lock:
            self._rings.restore(state.names, state.rows, now_s)
            self._events.restore(
                [*state.events, PastEvent(at_s=now_s, kind=EventKind.RESTART, subject=None, state=kind, text=text)]
            )

    def _save(self, now_s: float) -> None:
        """Write the file from time to time, and as soon as there is an event: the process may be killed soon after."""
        with self._lock:
            events = self._events.all()
            if self._file is None or (now_s - self._saved_s < SAVED_EVERY_S and events == self._saved_events):
                return
            self._saved_s, self._saved_events = now_s, events
            state = self._state(is_closed=False)
        self._write(self._file, state)

    def _state(self, *, is_closed: bool) -> State:
        return State(
            saved_s=self._clock(),
            is_closed=is_closed,
            names=self._rings.names(),
            rows={span: self._rings.rows(span) for span in Span},
            events=self._events.all(),
        )

    def _write(self, file: StateFile, state: State) -> None:
        try:
            file.write(state)
        except OSError as error:
            _logger.warning("the past could not be written to %s: %s", file.path, error)
