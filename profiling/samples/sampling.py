"""Sampling by one profiler: when it is on, and how fine it is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from profiling.samples import sampler

FIRST_RATE_BYTES = 16_384
"""Finer than a busy process can have: within 10 ms of sampling it is coarser, and the first runs are seen well."""
MIN_RATE_BYTES = 4_096  # finer tells no more: with a sample every 4 KB a leak of 15 KB a run is settled after 50 runs
MAX_RATE_BYTES = 524_288  # coarser tells too little: a leak of 100 KB a run would take 50 runs
MAX_SHARE = 0.01  # of the CPU time, that samples may take
REFINE_BELOW = 1 / 3  # of the share: twice as many samples then still leave room
REFINE_BELOW_ALIVE = sampler.MAX_SAMPLES // 4  # else finer samples would be thinned again
SAMPLE_S = 1.3e-6  # of CPU time for one, until it is measured
LOOKED_AT_EVERY_S = 1.0  # of CPU time


class Sampling:
    """On with its first need, and numbered by session, since stopping drops all samples.

    A given rate is fixed. Without one the rate follows the work, between MIN_RATE_BYTES and MAX_RATE_BYTES.
    """

    def __init__(self, rate_bytes: float | None = None, *, cpu_clock: Callable[[], float] = time.process_time) -> None:
        self._rate_bytes = rate_bytes
        self._is_ours = False
        self._cpu_clock = cpu_clock
        self._looked_at = (0, 0.0, 0.0)  # samples taken, CPU time and rate, when the cost was last looked at

    def period(self) -> int:
        """Return the number of the session we are in; begins one if sampling is off. Raises SamplerUnavailable."""
        if not sampler.is_on():
            if self._rate_bytes is None:
                sampler.start(FIRST_RATE_BYTES, finest_bytes=MIN_RATE_BYTES)
                sampler.set_share(MAX_SHARE, MAX_RATE_BYTES)
            else:
                sampler.start(self._rate_bytes)
            self._is_ours = True
            self._look(self._cpu_clock())
        session = sampler.stretch()
        assert session is not None  # noqa: S101 - it was just begun
        return session

    def keep_within(self, share: float = MAX_SHARE) -> None:
        """Let the rate follow the work, looked at once a second of the process's CPU time.

        If samples take more than the share of it, they become rarer at once, by as many powers of two as it takes. If
        they take much less, they become twice as frequent. Does nothing for a fixed rate.
        """
        taken_before, cpu_before_s, rate_before = self._looked_at
        now_s = self._cpu_clock()
        if not self._is_ours or self._rate_bytes is not None or now_s - cpu_before_s < LOOKED_AT_EVERY_S:
            return
        told = sampler.statistics()
        if told.rate_bytes == rate_before:  # else it has become coarser by itself, and the samples are of several rates
            spent_s = (told.taken - taken_before) * (told.sample_s or SAMPLE_S)
            rate_bytes = rate_for(told.rate_bytes, spent_s, share * (now_s - cpu_before_s), told.alive)
            if rate_bytes != told.rate_bytes:
                sampler.set_rate(rate_bytes)
        self._look(now_s)

    def _look(self, now_s: float) -> None:
        told = sampler.statistics()
        self._looked_at = told.taken, now_s, told.rate_bytes

    def close(self) -> None:
        """Stop, if it was us who started."""
        if self._is_ours:
            sampler.stop()
        self._is_ours = False


def rate_for(rate_bytes: float, spent_s: float, allowed_s: float, alive: int) -> float:
    """Return the rate for work on which samples took `spent_s` at this rate, where they may take `allowed_s`."""
    if spent_s > allowed_s:
        doublings = math.ceil(math.log2(spent_s / allowed_s)) if allowed_s > 0 else 1
        return max(rate_bytes, min(rate_bytes * 2.0**doublings, MAX_RATE_BYTES))
    if spent_s < REFINE_BELOW * allowed_s and alive < REFINE_BELOW_ALIVE:
        return min(rate_bytes, max(rate_bytes / 2, MIN_RATE_BYTES))
    return rate_bytes
