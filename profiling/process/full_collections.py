"""Garbage collections and empty free lists, without which some leaks cannot be told from other growth.

CPython keeps freed tuples, dicts, lists and floats on free lists. A block that goes from one job to another through
such a list never passes the allocator, so its sample still names the first job. Every collection of all generations
empties the lists. Such a collection is cheap, at any heap size, while all older objects are frozen. So a run of a job
under suspicion begins with a freeze, and ends with a collection of the objects that the run itself has created.
"""

from __future__ import annotations

import gc
import math
import sys
import time
from collections import deque
from collections.abc import Callable

from profiling.stopwatch import Budget

MAX_PIECE_S = 0.05  # CPU time of one collection, unless the interpreter was due for it
BLOCK_S = 0.1e-6  # of a collection for each block of pymalloc, until one was timed; measured on 3.11: 0.02 to 0.14
# collections whose times are remembered; other work on the machine makes some of them longer, and none shorter
TIMED = 3
# CPython 3.12 counts its own 375 objects among the frozen; a bare interpreter that is frozen has 5 000
IMMORTAL_OBJECTS = 1_000
BLOCKS_AN_OBJECT = 2  # average of objects that the collector tracks: the object, and the memory it holds
MAX_GC_TIME_SHARE = 0.02  # highest share of the time for full collections
# budget beyond that share, used in pieces of at most 50 ms, so that a new service gets its first verdict soon
INITIAL_GC_BUDGET_S = 1.0
MAX_CLOSING_SHARE = 0.02  # highest share of the time for closing runs of jobs under suspicion
FROZEN_KEPT_S = 60.0  # how long the count of the program's frozen objects is kept, because counting walks all of them
# after this time the next run unfreezes the objects of a run that has not ended, so that no garbage piles up
MAX_FREEZE_S = 10.0


_partial = 0  # collections of all generations that skipped frozen objects, so that garbage among these may be left


def count_full_collections() -> int | None:
    """Return the number of full collections that skipped nothing, or None if the program has disabled its collector.

    While objects are frozen for a run, collections do not count and the number does not change.
    """
    return _collections() - _partial if gc.isenabled() else None


def count_frozen() -> int:
    """Return how many objects are frozen, or 0 if they are only those that CPython 3.12 freezes by itself."""
    frozen = gc.get_freeze_count()
    return frozen if frozen > IMMORTAL_OBJECTS else 0


def _collections() -> int:
    return int(gc.get_stats()[2]["collections"])


def _young_collections() -> float:
    """Return the number of youngest-generation collections since the last full one, from the collector's counters.

    The next one counts by the share of the objects that it waits for.
    """
    (young, middle, old), (every, old_every, _) = gc.get_count(), gc.get_threshold()
    return min(1.0, young / every if every else 0.0) + middle + old * (old_every + 1)


def _young_until_full() -> int:
    """Return how many collections of the youngest generation there are between two full collections."""
    _, middle, old = gc.get_threshold()
    return (middle + 1) * (old + 1)


class BudgetedCollector:
    """Collects garbage within a time budget; a test, in which a run may take its time, has no budget.

    Side effects: young objects move to the oldest generation, so their garbage waits for the next full collection. The
    collector's counters are reset, which delays the interpreter's own full collections. `gc.unfreeze` would also
    release what the program itself has frozen. So if the program has frozen objects, runs are closed by collecting all
    the rest.
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
        self._timed = deque[float](maxlen=TIMED)  # for each block, in the last collections
        self._is_bounded = is_bounded
        self._for_collections = Budget(MAX_GC_TIME_SHARE, clock, cpu_clock=cpu_clock, at_once_s=INITIAL_GC_BUDGET_S)
        self._for_closing = Budget(MAX_CLOSING_SHARE, clock, cpu_clock=cpu_clock)
        self._frozen_for: object | None = None  # the run that objects are frozen for
        self._frozen_s = 0.0  # when the freeze began
        self._collections = 0  # of all generations, at the last update
        self._frozen_objects = 0  # by the program, at the last count
        self._counted_s = -math.inf
        # youngest-generation collections that closing runs has removed from the collector's counters
        self._young = 0.0

    @property
    def is_freezing(self) -> bool:
        """Return whether all older objects are frozen for a run, so that the collector lists none of them."""
        return self._frozen_for is not None

    @property
    def takes_long(self) -> bool:
        """Return whether a visit to all objects would block the caller for too long, by the times of the last ones."""
        return self._blocks_to_visit() * self._block_s > MAX_PIECE_S

    def _blocks_to_visit(self) -> int:
        """Return about how many blocks a full collection would visit, without objects that the program has frozen."""
        return max(1, sys.getallocatedblocks() - BLOCKS_AN_OBJECT * self._frozen_by_program())

    def begin(self, run: object, *, closes: bool) -> bool:
        """Begin a closed run: freeze all older objects and empty the free lists. Return whether that was done.

        Do nothing unless `closes` is true and the time budget allows it.
        """
        if self._frozen_for is not None and self._clock() - self._frozen_s > MAX_FREEZE_S:
            self._thaw()
        if not closes or (self._is_bounded and not self._for_closing.is_left):
            return False
        with self._for_closing.spend():
            if self._frozen_for is None and not self._frozen_by_program():
                self._count_young()
                gc.collect(0)
                self._freeze(run)
            self._collect_the_rest()
        return True

    def end(self, run: object) -> bool:
        """End a closed run: collect its own garbage and empty the free lists. Return whether that was done."""
        with self._for_closing.spend():
            is_own = self._frozen_for is run
            is_programs = self._frozen_for is None and self._frozen_by_program() > 0
            if self._frozen_for is None and not is_programs:  # the freeze of another run has ended in the meantime
                self._freeze(run)
            self._collect_the_rest()
            if self._frozen_for is run:
                self._thaw()
        return is_own or is_programs

    def empty_free_lists(self) -> bool:
        """Empty the interpreter's free lists; return False if the time budget is used up."""
        if not self.begin(self, closes=True):
            return False
        self.end(self)
        return True

    def _collect_the_rest(self) -> None:
        """Collect what is not frozen; this counts as a full collection only if the program has frozen the rest."""
        self._count_young()
        gc.collect()
        if self._frozen_for is not None:
            self._count_partial()

    def collect(self) -> bool:
        """Collect all garbage, which blocks the caller; return False if that would take too long."""
        if self._is_bounded and not self._may_collect():
            return False
        blocks, began_s = self._blocks_to_visit(), self._cpu_clock()
        with self._for_collections.spend():
            gc.collect()
        self._timed.append((self._cpu_clock() - began_s) / blocks)
        self._block_s = min(self._timed)
        self._young = 0.0
        return True

    def _count_young(self) -> None:
        """Remember the collector's counters, which the next collection resets."""
        self._young += _young_collections()

    def _count_partial(self) -> None:
        """Subtract from the count the collections since the freeze, or since the last update."""
        global _partial
        _partial += _collections() - self._collections
        self._collections = _collections()

    def _freeze(self, run: object) -> None:
        # First, as another thread may look meanwhile, and would take what is frozen for the program's.
        self._frozen_for, self._frozen_s, self._collections = run, self._clock(), _collections()
        gc.freeze()

    def _thaw(self) -> None:
        self._count_partial()
        gc.unfreeze()
        self._frozen_for = None

    def _may_collect(self) -> bool:
        """Return whether a full collection may be made now.

        The answer is no if the program has disabled its collector, if objects are frozen for a run, or if the time
        budget is used up. A collection that takes long is made only if the interpreter itself would have collected by
        now, had no run been closed.
        """
        if not gc.isenabled() or self._frozen_for is not None or not self._for_collections.is_left:
            return False
        return not self.takes_long or self._young + _young_collections() >= _young_until_full()

    def _frozen_by_program(self) -> int:
        """Return how many objects the program has frozen, if no run has; a count above 0 is kept for a minute."""
        if not self._frozen_objects or self._clock() - self._counted_s > FROZEN_KEPT_S:
            self._frozen_objects, self._counted_s = count_frozen(), self._clock()
        return self._frozen_objects
