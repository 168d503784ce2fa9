"""Sampling by one profiler: when it is on, and how fine it is, for the process and for each job."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from profiling.forks import ForkLock
from profiling.samples import sampler, threads

MIN_BYTES_PER_SAMPLE = 4_096  # fewer add nothing: at 4 KB a leak of 15 KB per run is settled after 50 runs
MAX_BYTES_PER_SAMPLE = 524_288  # more tell too little: a leak of 100 KB per run would take 50 runs
MAX_SAMPLING_SHARE = 0.04  # of the CPU time, that samples may take in a burst
JOBS_SHARE = 0.007  # of the CPU time, that all jobs together may take
SUSPECTS_SHARE = 0.02  # that those under suspicion may take beyond that
INITIAL_SAMPLING_BUDGET_S = 0.2  # of CPU time, once, beyond their share, so that a service is judged soon
INITIAL_BUDGET_RUNS = 20  # of each of them, over which that is spread
REFINE_BELOW = 1 / 3  # of what may be taken: twice as many samples then still leave room
REFINE_BELOW_ALIVE = sampler.MAX_SAMPLES // 4  # else finer samples would be thinned again
SAMPLE_S = 2e-6  # of CPU time for one, until it is measured
LET_GO_S = 0.1e-6  # for what is no sample, as its job is sampled more coarsely
LOOKED_AT_EVERY_S = 1.0  # of CPU time
MIN_SAMPLES = 4  # a run may take so many, however short
MAX_JOBS = 256  # whose rates are remembered
OUTSIDE_JOBS = "(outside jobs)"  # the label of all other work, in whatever thread


@dataclass(slots=True)
class JobRate:
    """How finely one job is sampled."""

    bytes_per_sample: float = MIN_BYTES_PER_SAMPLE
    seen_s: float = 0.0  # CPU time of the process at its last look
    is_suspect: bool = False


class Sampling:
    """On with its first need, and numbered by session, since stopping drops all samples.

    A given rate is fixed. Without one the rate follows the work: each job has the same share of the CPU time that
    samples may take, so one that allocates little is sampled finely beside another that allocates much.
    """

    def __init__(
        self, bytes_per_sample: float | None = None, *, cpu_clock: Callable[[], float] = time.process_time
    ) -> None:
        self._bytes_per_sample = bytes_per_sample
        self._is_ours = False
        self._cpu_clock = cpu_clock
        self._looked_at = (0, 0, 0.0, 0.0)  # samples taken, let go, CPU time and rate, when the cost was last looked at
        self._jobs: OrderedDict[str, JobRate] = OrderedDict()
        self._outside: sampler.Label | None = None
        self._outside_taken = 0
        self._at_once_s = INITIAL_SAMPLING_BUDGET_S
        self._lock = ForkLock()  # runs end in the program's threads, and windows in one of the profiler's

    def ensure_session(self) -> int:
        """Return the number of the session we are in; begins one if sampling is off. Raises SamplerUnavailable."""
        with self._lock:
            if not sampler.is_on():
                if self._bytes_per_sample is None:
                    sampler.start(MIN_BYTES_PER_SAMPLE, finest_bytes=MIN_BYTES_PER_SAMPLE)
                    sampler.set_share(MAX_SAMPLING_SHARE, MAX_BYTES_PER_SAMPLE)
                else:
                    sampler.start(self._bytes_per_sample)
                self._is_ours = True
                self._outside, self._outside_taken = sampler.label(OUTSIDE_JOBS), 0
                sampler.set_default_label(self._outside)
                threads.follow()
                self._look(self._cpu_clock())
            session = sampler.current_session()
            assert session is not None  # noqa: S101 - it was just begun
            return session

    @property
    def outside(self) -> sampler.Label | None:
        """Return the label of what is allocated outside jobs, or None while the sampling is not ours."""
        return self._outside

    def label(self, job: str, *, is_suspect: bool = False) -> sampler.Label:
        """Return a label for a run of the job, sampled as finely as its share allows. Raises SamplerUnavailable."""
        with self._lock:
            label = sampler.label(job)
            if self._follows:
                known = self._of(job)
                known.is_suspect = is_suspect
                label.doublings = _doublings(known.bytes_per_sample)
            return label

    def suspect(self, job: str, *, is_suspect: bool) -> None:
        """Let a job, or what is outside jobs, be sampled as finely as one under suspicion, or no longer."""
        with self._lock:
            self._of(job).is_suspect = is_suspect

    def learn(self, job: str, taken: int) -> None:
        """Let the job's rate follow how many samples its last run took."""
        with self._lock:
            if not self._follows:
                return
            known, now_s = self._of(job), self._cpu_clock()
            sample_s = sampler.statistics().sample_s or SAMPLE_S
            allowed_s = self._allowed_s(known, now_s - known.seen_s, taken * sample_s)
            known.bytes_per_sample = bytes_per_sample_for(
                known.bytes_per_sample, taken, max(MIN_SAMPLES, allowed_s / sample_s)
            )
            known.seen_s = now_s

    def follow(self, job: str, label: sampler.Label, taken: int) -> None:
        """Let the rate of a label that lasts follow how many samples it took since the last time."""
        with self._lock:
            if self._follows:
                self.learn(job, taken)
                label.doublings = _doublings(self._of(job).bytes_per_sample)

    def _allowed_s(self, known: JobRate, seconds: float, spent_s: float) -> float:
        """Return what the samples of a run may take, if the last one was so long ago and the samples took so much."""
        share_s = JOBS_SHARE / len(self._jobs) * seconds
        if not known.is_suspect:
            return share_s
        suspects = sum(other.is_suspect for other in self._jobs.values())
        share_s += SUSPECTS_SHARE / suspects * seconds
        at_once_s = self._at_once_s / (suspects * INITIAL_BUDGET_RUNS)
        self._at_once_s -= min(at_once_s, max(0.0, spent_s - share_s))
        return share_s + at_once_s

    def keep_within(self, share: float = MAX_SAMPLING_SHARE) -> None:
        """Let the rate of the process follow the work, looked at once a second of its CPU time.

        If samples take more than the share of it, they become rarer at once, by as many powers of two as it takes. If
        they take much less, they become twice as frequent. Does nothing for a fixed rate.
        """
        with self._lock:
            taken_before, let_go_before, cpu_before_s, before = self._looked_at
            now_s = self._cpu_clock()
            if not self._follows or now_s - cpu_before_s < LOOKED_AT_EVERY_S:
                return
            told = sampler.statistics()
            if told.bytes_per_sample == before:  # else the sampler has doubled it, and samples differ in theirs
                taken_s = (told.taken - taken_before) * (told.sample_s or SAMPLE_S)
                let_go_s = (told.let_go - let_go_before) * LET_GO_S
                allowed_s = share * (now_s - cpu_before_s)
                # A finer rate of the process costs if a job is not sampled more coarsely anyway.
                spent_s = max(taken_s + let_go_s - (JOBS_SHARE + SUSPECTS_SHARE) / share * allowed_s, let_go_s)
                bytes_per_sample = told.bytes_per_sample
                if taken_s + let_go_s > allowed_s:
                    bytes_per_sample = bytes_per_sample_for(told.bytes_per_sample, taken_s + let_go_s, allowed_s)
                elif told.alive < REFINE_BELOW_ALIVE:
                    bytes_per_sample = bytes_per_sample_for(told.bytes_per_sample, spent_s, allowed_s)
                if bytes_per_sample != told.bytes_per_sample:
                    sampler.set_bytes_per_sample(bytes_per_sample)
            if self._outside is not None:
                self.follow(OUTSIDE_JOBS, self._outside, self._outside.taken - self._outside_taken)
                self._outside_taken = self._outside.taken
            self._look(now_s)

    @property
    def _follows(self) -> bool:
        return self._is_ours and self._bytes_per_sample is None

    def _of(self, job: str) -> JobRate:
        known = self._jobs.get(job)
        if known is None:
            known = self._jobs[job] = JobRate(seen_s=self._cpu_clock())
            if len(self._jobs) > MAX_JOBS:
                self._jobs.popitem(last=False)
        self._jobs.move_to_end(job)
        return known

    def _look(self, now_s: float) -> None:
        told = sampler.statistics()
        self._looked_at = told.taken, told.let_go, now_s, told.bytes_per_sample

    def close(self) -> None:
        """Stop, if it was us who started."""
        with self._lock:
            if self._is_ours:
                sampler.stop()
                sampler.set_default_label(None)
                threads.leave()
            self._is_ours, self._outside = False, None


def _doublings(bytes_per_sample: float) -> int:
    """Return how many times the process's rate is to be doubled for this one."""
    return max(0, round(math.log2(bytes_per_sample / max(sampler.statistics().bytes_per_sample, MIN_BYTES_PER_SAMPLE))))


def bytes_per_sample_for(bytes_per_sample: float, spent: float, allowed: float) -> float:
    """Return the rate for work that took so much, of time or samples, at this rate, and may take so much."""
    if spent > allowed:
        doublings = math.ceil(math.log2(spent / allowed)) if allowed > 0 else 1
        return max(bytes_per_sample, min(bytes_per_sample * 2.0**doublings, MAX_BYTES_PER_SAMPLE))
    if spent < REFINE_BELOW * allowed:
        return min(bytes_per_sample, max(bytes_per_sample / 2, MIN_BYTES_PER_SAMPLE))
    return bytes_per_sample
