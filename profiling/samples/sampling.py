"""Sampling for one profiler: when it is on, and with how many bytes per sample, for the process and for each job."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from profiling.forks import ForkLock
from profiling.records import SamplerStatistics
from profiling.samples import sampler, threads
from profiling.samples.volumes import Volumes

MIN_BYTES_PER_SAMPLE = 4_096  # less adds nothing: at 4 KB a leak of 15 KB per run is found after 50 runs
MAX_BYTES_PER_SAMPLE = 524_288  # more is too coarse: a leak of 100 KB per run would take 50 runs
MAX_SAMPLING_SHARE = 0.04  # highest share of the CPU time for samples during a burst
JOBS_SHARE = 0.007  # share of the CPU time for all jobs together
SUSPECTS_SHARE = 0.02  # additional share for jobs under suspicion
CREDIT_S = 0.2  # additional CPU time for suspects, once, so that a new service gets its first verdicts soon
CREDIT_OVER_S = 10.0  # CPU time over which that is spent
MAX_REFINED_SHARE = 0.9  # of the allowed share, that finer samples are to take
MAX_REFINED = 3  # doublings at once, because few samples tell little about the cost of more
REFINE_BELOW_ALIVE = sampler.MAX_SAMPLES // 2  # live samples; above it, finer samples would be thinned again
SAMPLE_S = 2e-6  # CPU time of one sample, until it is measured
LET_GO_S = 0.1e-6  # CPU time of a possible sample that is not taken, because its job is sampled more coarsely
# highest share of the CPU time for these while no job is under suspicion: then finer samples would tell of little
MAX_LET_GO_SHARE = 0.003
LOOKED_AT_EVERY_S = 1.0  # CPU time between two checks
MIN_SAMPLES = 4  # samples that every run may take, however short it is
MAX_JOBS = 256  # jobs whose bytes per sample are remembered
OUTSIDE_JOBS = "(outside jobs)"  # the label of all other work, in any thread


@dataclass(slots=True)
class JobRate:
    """The bytes per sample of one job."""

    bytes_per_sample: float = MIN_BYTES_PER_SAMPLE
    seen_s: float = 0.0  # CPU time of the process at the last check
    interval_s: float = 0.0  # from the check before to that one
    finest_s: float = 0.0  # CPU time that its samples in between would have taken at the finest rate
    is_suspect: bool = False

    def wanted_share(self, now_s: float) -> float:
        """Return the share of the CPU time that its samples would take at the finest rate; less if it rests by now."""
        return self.finest_s / max(self.interval_s, now_s - self.seen_s, 1e-9)


class Spent(NamedTuple):
    """CPU time that was spent, and how much was allowed."""

    spent_s: float
    allowed_s: float

    @property
    def is_over(self) -> bool:
        """Return whether more was spent than allowed."""
        return self.spent_s > self.allowed_s


class Sampling:
    """Sampling that starts when it is first needed. Its sessions are numbered, because stopping discards all samples.

    If the bytes per sample are given, they are fixed. Otherwise they follow the work: each job has the same share of
    the CPU time for samples, and the others use what a job does not need. So a job that allocates little is sampled
    finely even beside a job that allocates much.
    """

    def __init__(
        self, bytes_per_sample: float | None = None, *, cpu_clock: Callable[[], float] = time.process_time
    ) -> None:
        self._bytes_per_sample = bytes_per_sample
        self._is_ours = False
        self._cpu_clock = cpu_clock
        # samples taken, samples not taken, CPU time and bytes per sample at the last check
        self._looked_at = (0, 0, 0.0, 0.0)
        self._jobs: OrderedDict[str, JobRate] = OrderedDict()
        self._outside: sampler.Label | None = None
        self._outside_taken = 0
        self._credit_s, self._charged_at_s = CREDIT_S, self._cpu_clock()
        self.volumes = Volumes()
        self._lock = ForkLock()  # runs end in the program's threads, and windows in a thread of the profiler

    def ensure_session(self) -> int:
        """Return the number of the current session; start a session if sampling is off. Raises SamplerUnavailable."""
        with self._lock:
            if not sampler.is_on():
                if self._bytes_per_sample is None:
                    sampler.start(MIN_BYTES_PER_SAMPLE, finest_bytes=MIN_BYTES_PER_SAMPLE)
                    sampler.set_share(MAX_SAMPLING_SHARE, MAX_BYTES_PER_SAMPLE)
                else:
                    sampler.start(self._bytes_per_sample)
                self._is_ours = True
                self.volumes.clear()
                self._outside, self._outside_taken = sampler.label(OUTSIDE_JOBS), 0
                sampler.set_default_label(self._outside)
                threads.follow()
                self._of(OUTSIDE_JOBS).seen_s = self._cpu_clock()  # its label is in use from here on
                self._look(self._cpu_clock())
            session = sampler.current_session()
            assert session is not None  # noqa: S101 - the session has just begun
            return session

    @property
    def outside(self) -> sampler.Label | None:
        """Return the label of what is allocated outside jobs, or None if another profiler samples."""
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
        """Sample a job, a scope or what is outside both as finely as a job under suspicion, or no longer."""
        with self._lock:
            self._of(job).is_suspect = is_suspect

    def learn(self, job: str, taken: int) -> None:
        """Adjust the job's bytes per sample to the number of samples that its last run took."""
        with self._lock:
            if not self._follows:
                return
            known, now_s = self._of(job), self._cpu_clock()
            told = sampler.statistics()
            sample_s = told.sample_s or SAMPLE_S
            known.interval_s, known.seen_s = now_s - known.seen_s, now_s
            rate = max(known.bytes_per_sample, told.bytes_per_sample)
            known.finest_s = taken * sample_s * rate / MIN_BYTES_PER_SAMPLE
            self._charge(now_s, taken * sample_s)
            allowed_s = known.interval_s * self._share_of(known)
            known.bytes_per_sample = bytes_per_sample_for(
                known.bytes_per_sample, taken, max(MIN_SAMPLES, allowed_s / sample_s), most_refined=MAX_REFINED
            )

    def follow(self, job: str, label: sampler.Label, taken: int) -> None:
        """Adjust the bytes per sample of a label that lasts to the number of samples since the last call.

        The first call only notes the time and the rate, because until then it is not known how much CPU time the label
        has had.
        """
        with self._lock:
            if not self._follows:
                return
            if job not in self._jobs:
                self._of(job).bytes_per_sample = sampler.statistics().bytes_per_sample * 2.0**label.doublings
            else:
                self.learn(job, taken)
                label.doublings = _doublings(self._of(job).bytes_per_sample)

    def _charge(self, now_s: float, spent_s: float) -> None:
        """Reduce the credit by what samples have taken beyond their shares since the last time."""
        allowed_s = (JOBS_SHARE + SUSPECTS_SHARE) * (now_s - self._charged_at_s)
        self._credit_s, self._charged_at_s = max(0.0, self._credit_s - max(0.0, spent_s - allowed_s)), now_s

    def _share_of(self, known: JobRate) -> float:
        """Return the share of the CPU time that the samples of a job may take, from its last check on."""
        now_s = known.seen_s
        share = fair_share((other.wanted_share(now_s) for other in self._jobs.values()), JOBS_SHARE)
        if not known.is_suspect:
            return share
        wanted = [other.wanted_share(now_s) - share for other in self._jobs.values() if other.is_suspect]
        return share + fair_share(wanted, SUSPECTS_SHARE + self._credit_s / CREDIT_OVER_S)

    def let_go(self, *, is_urgent: bool) -> None:
        """Free the stacks that no sample has any more, after noting what they allocated.

        If this is not urgent and notes have used up their share of the time, nothing is noted.
        """
        self.volumes.update(is_urgent=is_urgent)
        sampler.let_go()

    def keep_within(self, share: float = MAX_SAMPLING_SHARE) -> None:
        """Adjust the bytes per sample of the process to its work, once per second of its CPU time.

        If samples take more than the share of that time, they become rarer at once, by as many powers of two as needed.
        If they take much less, they become twice as frequent. Does nothing if the bytes per sample are fixed.
        """
        with self._lock:
            taken_before, let_go_before, cpu_before_s, before = self._looked_at
            now_s = self._cpu_clock()
            if not self._follows or now_s - cpu_before_s < LOOKED_AT_EVERY_S:
                return
            told = sampler.statistics()
            # else the sampler itself has doubled the bytes per sample, and samples differ
            if told.bytes_per_sample == before:
                spent = told.taken - taken_before, told.let_go - let_go_before, now_s - cpu_before_s
                bytes_per_sample = self._rate_within(share, told, *spent)
                if bytes_per_sample != told.bytes_per_sample:
                    sampler.set_bytes_per_sample(bytes_per_sample)
            if self._outside is not None:
                self.follow(OUTSIDE_JOBS, self._outside, self._outside.taken - self._outside_taken)
                self._outside_taken = self._outside.taken
            self._look(now_s)

    def _rate_within(self, share: float, told: SamplerStatistics, taken: int, let_go: int, cpu_s: float) -> float:
        """Return the bytes per sample of the process with which as many samples would keep within the share."""
        let_go_s = let_go * LET_GO_S
        all_s = Spent(taken * (told.sample_s or SAMPLE_S) + let_go_s, share * cpu_s)
        has_suspects = any(known.is_suspect for known in self._jobs.values())
        passed = Spent(let_go_s, (share if has_suspects else min(share, MAX_LET_GO_SHARE)) * cpu_s)
        # Finer samples for the process cost more if a job is not sampled more coarsely anyway.
        beyond = all_s._replace(spent_s=max(0.0, all_s.spent_s - (JOBS_SHARE + SUSPECTS_SHARE) * cpu_s))
        if all_s.is_over or passed.is_over:
            bounds = all_s, passed
        elif told.alive < REFINE_BELOW_ALIVE:
            bounds = beyond, passed
        else:
            return told.bytes_per_sample
        return max(bytes_per_sample_for(told.bytes_per_sample, *bound) for bound in bounds)

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
        """Stop sampling if this profiler started it."""
        with self._lock:
            if self._is_ours:
                sampler.stop()
                sampler.set_default_label(None)
                threads.leave()
            self._is_ours, self._outside = False, None


def _doublings(bytes_per_sample: float) -> int:
    """Return how often the bytes per sample of the process must be doubled to reach this value."""
    return max(0, round(math.log2(bytes_per_sample / max(sampler.statistics().bytes_per_sample, MIN_BYTES_PER_SAMPLE))))


def fair_share(wanted: Iterable[float], available: float) -> float:
    """Return the most that each may have if none has more than it wants, and all together have what is available."""
    ranked = sorted(wanted)
    for number, want in enumerate(ranked):
        share = available / (len(ranked) - number)
        if want >= share:
            return share
        available -= max(0.0, want)
    return max(0.0, ranked[-1]) + available if ranked else available


def bytes_per_sample_for(bytes_per_sample: float, spent: float, allowed: float, *, most_refined: int = 1) -> float:
    """Return the bytes per sample with which work that `spent` time, or samples, would spend only what is `allowed`.

    They are doubled as often as needed, and halved `most_refined` times at most.
    """
    if spent > allowed:
        doublings = math.ceil(math.log2(spent / allowed)) if allowed > 0 else 1
        return max(bytes_per_sample, min(bytes_per_sample * 2.0**doublings, MAX_BYTES_PER_SAMPLE))
    room = MAX_REFINED_SHARE * allowed / spent if spent else math.inf
    refined = max(0, math.floor(math.log2(min(room, 2.0**most_refined))))
    return min(bytes_per_sample, max(bytes_per_sample / 2.0**refined, MIN_BYTES_PER_SAMPLE))
