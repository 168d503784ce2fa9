"""A simulated job under the profiler: what a sampler would see of its stores, and what the verdict says of that.

No block is ever made. Of n blocks of one size the number that is sampled is drawn, and so is how many of those die.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from profiling.records import Accusation, MemoryLimit, SiteKey
from profiling.verdict.evidence import Evidence, LineEvidence
from profiling.verdict.forecast import Headroom
from profiling.verdict.judge import Judgement, judge
from profiling.verdict.patience import Patience
from profiling.verdict.survivors import Alive

LIMIT_BYTES = 512 << 20
OTHERS_BYTES = 100 << 20  # of the process, beside the job
REMEMBERED_RUNS = 512  # births, as `profiling.cases` remembers them
HISTORY_RUNS = 50  # totals, as the history keeps them
LARGE = 4.0  # times the rate: blocks of that size are practically always sampled
MIN_POISSON_BLOCKS = 4.0  # so few are rounded, and more are drawn

Rng = np.random.Generator
Step = Callable[[int, Rng], None]
"""What a run does to the stores, given its birth."""


def between(rng: Rng, least: float, most: float) -> float:
    """Draw a figure whose logarithm is uniform."""
    return math.exp(rng.uniform(math.log(least), math.log(most)))


@dataclass(slots=True)
class Store:
    """What one line holds: for each birth the number of sampled blocks alive, all of one size."""

    rng: Rng
    rate_bytes: float
    block_bytes: float
    alive: dict[int, int] = field(default_factory=dict)  # samples by birth
    garbage_upto: int = 0  # births up to this one are garbage that waits for the collector

    @property
    def chance(self) -> float:
        """Return the chance that a block is sampled."""
        return -math.expm1(-self.block_bytes / self.rate_bytes)

    @property
    def bytes_per_sample(self) -> float:
        """Return the bytes that each sample stands for."""
        return self.block_bytes / self.chance

    @property
    def size_bytes(self) -> float:
        """Return the estimate of all bytes alive."""
        return sum(self.alive.values()) * self.bytes_per_sample

    def add(self, birth: int, size_bytes: float) -> None:
        """Keep so many bytes of the run with this birth."""
        blocks = size_bytes / self.block_bytes
        count = self.rng.poisson(blocks) if blocks > MIN_POISSON_BLOCKS else round(blocks)
        samples = int(self.rng.binomial(count, self.chance)) if count else 0
        if samples:
            self.alive[birth] = self.alive.get(birth, 0) + samples

    def drop(self, share: float, upto: int | None = None) -> None:
        """Free this share of the blocks, of all births or of those up to one."""
        for birth in [birth for birth in self.alive if upto is None or birth <= upto]:
            self.free(birth, share)

    def free(self, birth: int, share: float) -> None:
        """Free this share of the blocks of one birth."""
        self.alive[birth] -= int(self.rng.binomial(self.alive[birth], min(1.0, share)))
        if not self.alive[birth]:
            del self.alive[birth]

    def evidence(self) -> LineEvidence:
        """Return the store as the verdict sees it."""
        each, missed = self.bytes_per_sample, 1 - self.chance
        births = {
            birth: Alive(samples, samples * each, samples * each**2, samples * each**2 * missed)
            for birth, samples in self.alive.items()
        }
        if self.block_bytes < LARGE * self.rate_bytes:
            return LineEvidence(births)
        return LineEvidence(births, large_bytes=self.size_bytes, large_blocks=float(sum(self.alive.values())))


@dataclass(slots=True)
class Job:
    """One job under the profiler: its stores, what each run does to them, and what the profiler remembers."""

    stores: list[Store]
    step: Step
    collected_every: int  # runs from one full collection of the interpreter's own to the next
    patience: Patience = field(default_factory=Patience)
    ended: list[int] = field(default_factory=list)
    settled_upto: int = 0
    closed: set[int] = field(default_factory=set)
    totals: list[list[float]] = field(default_factory=list)
    kept: list[dict[int, float]] = field(default_factory=list)
    last: Judgement | None = None

    @property
    def accusation(self) -> Accusation | None:
        """Return what the last verdict accuses the job of."""
        return self.last.verdict.accusation if self.last else None

    def run(self, birth: int, rng: Rng) -> Judgement:
        """Make one run, collect garbage if a collection is due, and judge the job."""
        self.step(birth, rng)
        if birth % self.collected_every == 0 or (self.last is not None and self.last.wants_collection):
            self._collect(birth)
        self.ended.append(birth)
        if self.last is not None and self.last.suspected:
            self.closed.add(birth)
        self._remember(birth)
        self.last = judge(self.evidence())
        return self.last

    def _collect(self, birth: int) -> None:
        for store in self.stores:
            store.drop(1.0, upto=store.garbage_upto)
        self.settled_upto = birth - 1

    def _remember(self, birth: int) -> None:
        self.totals.append([store.size_bytes for store in self.stores])
        self.kept = self.kept or [{} for _ in self.stores]
        for kept, store in zip(self.kept, self.stores, strict=True):
            kept[birth] = store.alive.get(birth, 0) * store.bytes_per_sample
            kept.pop(birth - HISTORY_RUNS, None)

    def evidence(self) -> Evidence:
        """Return what is known of the job, as `profiling.cases` makes it."""
        recent, ended = self.totals[-HISTORY_RUNS:], self.ended[-REMEMBERED_RUNS:]
        return Evidence(
            ended=ended,
            settled=[birth for birth in ended if birth <= self.settled_upto],
            closed=frozenset(self.closed),
            lines={_site(at): store.evidence() for at, store in enumerate(self.stores) if store.alive},
            totals_at=lambda site: [totals[site[1]] for totals in recent],
            kept_at=lambda site: self.kept[site[1]],
            headroom=_headroom(sum(recent[-1]) + OTHERS_BYTES),
            left_bytes=LIMIT_BYTES - OTHERS_BYTES - sum(recent[0]),
            accusation=self.accusation,
            patience=self.patience,
        )


def _site(at: int) -> SiteKey:
    return ("simulated.py", at)


def _headroom(used_bytes: float) -> Headroom:
    return Headroom(
        limit=MemoryLimit(limit_bytes=LIMIT_BYTES, source="setting"),
        rss_bytes=round(used_bytes),
        allocator_free_bytes=0,
        gaps_s=(60.0,) * 4,
        ended_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was said of a job over its runs."""

    accused_at: int | None  # the run, counted from 1; None: never
    withdrawn: int  # how many times an accusation was
    site: SiteKey | None  # of the first suspect at the first accusation

    def is_accused_within(self, runs: int) -> bool:
        """Return whether the job was accused in one of its first runs."""
        return self.accused_at is not None and self.accused_at <= runs


def watch(job: Job, runs: int, rng: Rng) -> Outcome:
    """Make so many runs of the job and return what was said of it."""
    accused_at, withdrawn, site, was_accused = None, 0, None, False
    for birth in range(1, runs + 1):
        verdict = job.run(birth, rng).verdict
        is_accused = verdict.state.is_accusation
        if is_accused and accused_at is None:
            accused_at = birth
            site = verdict.suspects[0].site if verdict.suspects else None
        withdrawn += was_accused and not is_accused
        was_accused = is_accused
    return Outcome(accused_at=accused_at, withdrawn=withdrawn, site=site)
