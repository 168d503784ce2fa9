"""Garbage collections and empty free lists, for verdicts that cannot tell a leak without them.

CPython keeps freed tuples, dicts, lists and floats on free lists. A block that goes from one job to another through
such a list never passes the allocator, so its sample still names the first job. Any collection of all generations
empties the lists. It is cheap while all older objects are frozen, at any size of the heap: so a run under suspicion
begins with a freeze and ends with a collection of what it has made itself.
"""

from __future__ import annotations

import gc
import math
import sys
import time
from collections.abc import Callable

from profiling.stopwatch import Budget

MAX_PIECE_S = 0.05  # of CPU time, that one collection may take, unless the interpreter was due for it
BLOCK_S = 0.1e-6  # of a collection for each block of pymalloc, until one was timed; measured on 3.11: 0.02 to 0.14
IMMORTAL_OBJECTS = 1_000  # CPython 3.12 counts its own, 375, among the frozen; a freeze has 5 000 of a bare interpreter
BLOCKS_AN_OBJECT = 2  # of those that the collector tracks, roughly: the object, and what it has for itself
MAX_GC_TIME_SHARE = 0.01  # of the time that full collections may take
INITIAL_GC_BUDGET_S = 1.0  # beyond that, in pieces of at most 50 ms: a service that has just started is judged soon
MAX_CLOSING_SHARE = 0.02  # of the time that closing runs under suspicion may take
FROZEN_KEPT_S = 60.0  # how old the count of the program's frozen objects may be: counting walks all of them
MAX_FREEZE_S = 10.0  # a run that takes longer, or never ends, is thawed by the next one: garbage must not pile up


_partial = 0  # collections of all generations that passed over what was frozen: garbage among that is still there


def count_full_collections() -> int | None:
    """Return how many there have been that passed over nothing; None if the program has switched its collector off.

    While a run is frozen none of its collections counts, and the number stands still.
    """
    return _collections() - _partial if gc.isenabled() else None


def count_frozen() -> int:
    """Return how many objects are frozen: 0 if only those are that CPython 3.12 sets apart by itself."""
    frozen = gc.get_freeze_count()
    return frozen if frozen > IMMORTAL_OBJECTS else 0


def _collections() -> int:
    return int(gc.get_stats()[2]["collections"])


def _young_collections() -> int:
    """Return how many collections of the youngest generation the collector's counters tell of, since a full one."""
    _, middle, old = gc.get_count()
    return middle + old * (gc.get_threshold()[1] + 1)


def _young_until_full() -> int:
    """Return how many of those there are from one full collection to the next."""
    _, middle, old = gc.get_threshold()
    return (middle + 1) * (old + 1)


class BudgetedCollector:
    """Collects within a bound on the time that this takes; without one for a test, where a run may take its time.

    Side effects: what is young moves to the oldest generation, so its garbage waits for the next full collection. The
    collector's counters start again, which puts off the interpreter's own full collections. `gc.unfreeze` would release
    what the program itself has frozen, so if it has, runs are closed by collections of all else.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.perf_counter,
        *,
        cpu_clock: Callable[[], float] = time.thread_time,
        is_bounded: bool = True,
    ) -> None:
        self._clock, self._cpu_clock = clock, cpu_clock
        self._block_s = BLOCK_S
        self._is_bounded = is_bounded
        self._for_collections = Budget(MAX_GC_TIME_SHARE, clock, cpu_clock=cpu_clock, at_once_s=INITIAL_GC_BUDGET_S)
        self._for_closing = Budget(MAX_CLOSING_SHARE, clock, cpu_clock=cpu_clock)
        self._frozen_for: object | None = None  # the run
        self._frozen_s = 0.0  # since when
        self._collections = 0  # of all generations, when they were last told apart
        self._frozen_objects = 0  # by the program, when they were last counted
        self._counted_s = -math.inf
        self._young = 0  # collections of the youngest generation that closing has taken off the collector's counters

    @property
    def is_freezing(self) -> bool:
        """Return whether all older objects are frozen for a run, so that the collector lists none of them."""
        return self._frozen_for is not None

    @property
    def takes_long(self) -> bool:
        """Whether a visit to all objects would hold the caller for too long, by what the last collection took."""
        return self._blocks_to_visit() * self._block_s > MAX_PIECE_S

    def _blocks_to_visit(self) -> int:
        """Return about how many blocks a full collection has to do with: it passes over what the program has frozen."""
        return max(1, sys.getallocatedblocks() - BLOCKS_AN_OBJECT * self._frozen_by_program())

    def begin(self, run: object, *, closes: bool) -> bool:
        """Close the beginning of a run: freeze all objects, and empty the free lists; return whether that was done.

        Nothing is done unless the run `closes`, or if no time is left for it.
        """
        if self._frozen_for is not None and self._clock() - self._frozen_s > MAX_FREEZE_S:
            self._thaw()
        if not closes or (self._is_bounded and not self._for_closing.is_left):
            return False
        with self._for_closing.spend():
            if self._frozen_for is None and not self._frozen_by_program():
                self._young += _young_collections()
                gc.collect(0)
                self._freeze(run)
            self._collect_the_rest()
        return True

    def end(self, run: object) -> bool:
        """Close the end of a run that `begin` has closed; return whether the run's own garbage is gone."""
        with self._for_closing.spend():
            is_own = self._frozen_for is run
            is_programs = self._frozen_for is None and self._frozen_by_program() > 0
            if self._frozen_for is None and not is_programs:  # another run's freeze has ended meanwhile
                self._freeze(run)
            self._collect_the_rest()
            if self._frozen_for is run:
                self._thaw()
        return is_own or is_programs

    def empty_free_lists(self) -> bool:
        """Empty the interpreter's free lists; return False if no time is left for it."""
        if not self.begin(self, closes=True):
            return False
        self.end(self)
        return True

    def _collect_the_rest(self) -> None:
        """Collect what is not frozen; that counts as a full collection only if it was the program that froze."""
        gc.collect()
        if self._frozen_for is not None:
            self._count_partial()

    def collect(self) -> bool:
        """Collect all garbage, which holds the caller; return False if that would cost too much."""
        if self._is_bounded and not self._may_collect():
            return False
        blocks, began_s = self._blocks_to_visit(), self._cpu_clock()
        with self._for_collections.spend():
            gc.collect()
        self._block_s = (self._cpu_clock() - began_s) / blocks
        self._young = 0
        return True

    def _count_partial(self) -> None:
        """Take off the count what has been collected since the freeze, or since the last look."""
        global _partial
        _partial += _collections() - self._collections
        self._collections = _collections()

    def _freeze(self, run: object) -> None:
        gc.freeze()
        self._frozen_for, self._frozen_s, self._collections = run, self._clock(), _collections()

    def _thaw(self) -> None:
        self._count_partial()
        gc.unfreeze()
        self._frozen_for = None

    def _may_collect(self) -> bool:
        """Return whether a full collection may be made now.

        None is made if the program has switched its collector off, if it is frozen for a run, or if no time is left. A
        collection that takes long is made only if the interpreter would have collected by now, had no run been closed.
        """
        if not gc.isenabled() or self._frozen_for is not None or not self._for_collections.is_left:
            return False
        return not self.takes_long or self._young + _young_collections() >= _young_until_full()

    def _frozen_by_program(self) -> int:
        """Return how many objects the program has frozen, if no run is frozen; a count above 0 is kept for a minute."""
        if not self._frozen_objects or self._clock() - self._counted_s > FROZEN_KEPT_S:
            self._frozen_objects, self._counted_s = count_frozen(), self._clock()
        return self._frozen_objects
