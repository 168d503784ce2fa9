"""Simulated jobs for the verdict: stores that leak, fill up, drain, expire or hold garbage, as a sampler sees them.

Blocks are never made: of n blocks of one size the number that is sampled is drawn, and so is how many of those die.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from profiling.records import Accusation, MemoryLimit, SiteKey, State
from profiling.verdict.evidence import Evidence, LineEvidence
from profiling.verdict.forecast import Room
from profiling.verdict.judge import Judgement, judge
from profiling.verdict.survivors import Alive

LIMIT_BYTES = 512 << 20
COLLECTED_EVERY = 6  # runs, at most so often by us
Rng = np.random.Generator


@dataclass
class Store:
    """What one line holds: for each birth how many sampled blocks of one size are alive."""

    rng: Rng
    rate: float
    size: float  # of a block, bytes
    alive: dict[int, int] = field(default_factory=dict)  # birth: samples
    garbage: bool = False  # whether it all waits for the collector

    @property
    def chance(self) -> float:
        return -math.expm1(-self.size / self.rate)

    def add(self, birth: int, size_bytes: float) -> None:
        """Keep so many bytes of this run."""
        count = (
            self.rng.poisson(size_bytes / self.size) if size_bytes > 4 * self.size else round(size_bytes / self.size)
        )
        samples = int(self.rng.binomial(count, self.chance)) if count else 0
        if samples:
            self.alive[birth] = self.alive.get(birth, 0) + samples

    def drop(self, share: float, upto: int | None = None) -> None:
        """Free that share of the blocks, of births up to one of them or of all."""
        for birth in list(self.alive):
            if upto is None or birth <= upto:
                left = self.alive[birth] - int(self.rng.binomial(self.alive[birth], min(1.0, share)))
                if left:
                    self.alive[birth] = left
                else:
                    del self.alive[birth]

    @property
    def total(self) -> float:
        return sum(self.alive.values()) * self.size / self.chance

    def evidence(self) -> LineEvidence:
        """As the judge sees it."""
        each = self.size / self.chance
        births = {birth: Alive(n, n * each, n * each * each) for birth, n in self.alive.items()}
        large = self.size >= 4 * self.rate
        blocks = float(sum(self.alive.values()))
        return LineEvidence(births, large_bytes=self.total if large else 0.0, large_blocks=blocks if large else 0.0)


Step = Callable[[int, Rng], None]


@dataclass
class Job:
    """One job under the profiler: its stores, what each run does to them, and what the profiler remembers."""

    stores: list[Store]
    step: Step
    automatic: int  # a full collection of the interpreter's own every so many runs
    closes: bool = True
    ended: list[int] = field(default_factory=list)
    settled_upto: int = 0
    closed: set[int] = field(default_factory=set)
    totals: list[list[float]] = field(default_factory=list)
    kept: list[dict[int, float]] = field(default_factory=list)
    accusation: Accusation | None = None
    suspected: bool = False
    wants_collection: bool = False
    collected_at: int = 0

    def run(self, birth: int, rng: Rng) -> Judgement:
        """Make one run, collect if that is due, and judge."""
        self.kept = self.kept or [{} for _ in self.stores]
        self.step(birth, rng)
        if birth % self.automatic == 0 or (self.wants_collection and birth - self.collected_at >= COLLECTED_EVERY):
            for store in self.stores:
                if store.garbage:
                    store.alive.clear()
            self.collected_at = birth
            self.settled_upto = birth - 1
        self.ended.append(birth)
        if self.suspected:
            self.closed.add(birth)
        self.totals.append([store.total for store in self.stores])
        for kept, store in zip(self.kept, self.stores, strict=True):
            kept[birth] = store.alive.get(birth, 0) * store.size / store.chance
            kept.pop(birth - 50, None)
        judgement = judge(self.evidence())
        self.accusation, self.suspected = judgement.verdict.accusation, judgement.suspected
        self.wants_collection = judgement.wants_collection
        return judgement

    def evidence(self) -> Evidence:
        """As `profiling.cases` makes it."""
        recent = self.totals[-50:]

        def totals_at(site: SiteKey) -> list[float]:
            return [total[site[1]] for total in recent]

        used = sum(recent[-1]) + (100 << 20)
        now = datetime(2026, 1, 1, tzinfo=UTC)
        room = Room(
            limit=MemoryLimit(limit_bytes=LIMIT_BYTES, source="setting"),
            rss_bytes=round(used),
            held_free_bytes=0,
            gaps_s=(60.0,) * 4,
            ended_at=now,
        )
        return Evidence(
            ended=self.ended[-512:],
            settled=[birth for birth in self.ended[-512:] if birth <= self.settled_upto],
            closed=frozenset(self.closed),
            lines={("sim.py", at): store.evidence() for at, store in enumerate(self.stores) if store.alive},
            totals_at=totals_at,
            kept_at=lambda site: self.kept[site[1]],
            room=room,
            left_bytes=LIMIT_BYTES - (100 << 20) - sum(recent[0]),
            accusation=self.accusation,
        )


@dataclass(frozen=True)
class Outcome:
    """What was said of a job."""

    accused_at: int | None  # the run, from 1
    withdrawn: int
    site: SiteKey | None


def watch(job: Job, runs: int, rng: Rng) -> Outcome:
    """Run the job so often and note what is said."""
    accused_at, withdrawn, site, was = None, 0, None, False
    for birth in range(1, runs + 1):
        verdict = job.run(birth, rng).verdict
        is_accused = verdict.state in {State.LEAKING, State.NATIVE_GROWTH}
        if is_accused and accused_at is None:
            accused_at = birth
            site = verdict.suspects[0].site if verdict.suspects else None
        withdrawn += was and not is_accused
        was = is_accused
    return Outcome(accused_at, withdrawn, site)


# ---- populations: each makes a job from a generator ----


def _size(rng: Rng) -> float:
    return float(np.exp(rng.uniform(math.log(48), math.log(8_192))))


def _rate(rng: Rng) -> float:
    return float(rng.choice([4_096, 16_384, 65_536]))


def _automatic(rng: Rng) -> int:
    return int(rng.integers(3, 80))


def _beside(rng: Rng, rate: float) -> tuple[Store, Step]:
    """A table of random size that every run replaces, beside what the job is about."""
    table, usual = Store(rng, rate, _size(rng)), math.exp(rng.uniform(math.log(1e4), math.log(4e6)))

    def step(birth: int, rng: Rng) -> None:
        table.drop(1.0)
        table.add(birth, usual * rng.uniform(0.3, 1.7))

    return table, step


def _job(rng: Rng, rate: float, *stores: Store, step: Step) -> Job:
    table, replaces = _beside(rng, rate)

    def both(birth: int, rng: Rng) -> None:
        replaces(birth, rng)
        step(birth, rng)

    return Job([*stores, table], both, _automatic(rng))


def leak(pace: float, rate: float | None = None) -> Callable[[Rng], Job]:
    """A job that leaks `pace` bytes per run, in every run or every few, from the start or from some run on."""

    def make(rng: Rng) -> Job:
        at = rate or _rate(rng)
        store, every = Store(rng, at, _size(rng)), int(rng.choice([1, 1, 1, 2, 3]))

        def step(birth: int, rng: Rng) -> None:
            if birth % every == 0:
                store.add(birth, pace * every)

        return _job(rng, at, store, step=step)

    return make


def cache(rng: Rng) -> Job:
    """A cache that fills over 5 to 35 runs and then replaces its oldest entries, or keeps them."""
    rate = _rate(rng)
    store, runs = Store(rng, rate, _size(rng)), int(rng.integers(5, 36))
    capacity, keeps = math.exp(rng.uniform(math.log(1e5), math.log(0.1 * LIMIT_BYTES))), bool(rng.integers(2))

    def step(birth: int, rng: Rng) -> None:
        if birth <= runs or not keeps:
            store.add(birth, capacity / runs)
            store.drop(1.0, upto=birth - runs)

    return _job(rng, rate, store, step=step)


def expiry(rng: Rng) -> Job:
    """Entries that live for 1 to 30 runs."""
    rate = _rate(rng)
    store, life = Store(rng, rate, _size(rng)), int(rng.integers(1, 31))
    pace = math.exp(rng.uniform(math.log(5e3), math.log(0.003 * LIMIT_BYTES)))

    def step(birth: int, rng: Rng) -> None:
        store.add(birth, pace)
        store.drop(1.0, upto=birth - life)

    return _job(rng, rate, store, step=step)


def batches(rng: Rng) -> Job:
    """A buffer that is flushed every 5 to 30 runs."""
    rate = _rate(rng)
    store, every = Store(rng, rate, _size(rng)), int(rng.integers(5, 31))
    pace = math.exp(rng.uniform(math.log(5e3), math.log(0.003 * LIMIT_BYTES)))

    def step(birth: int, rng: Rng) -> None:
        if birth % every == 0:
            store.drop(1.0)
        store.add(birth, pace)

    return _job(rng, rate, store, step=step)


def replaced(rng: Rng) -> Job:
    """A table that is replaced, of random size."""
    rate = _rate(rng)
    store, usual = Store(rng, rate, _size(rng)), math.exp(rng.uniform(math.log(1e5), math.log(5e7)))

    def step(birth: int, rng: Rng) -> None:
        if rng.uniform() < 0.7:
            store.drop(1.0)
            store.add(birth, usual * rng.uniform(0.2, 2))

    return _job(rng, rate, store, step=step)


def warm_up(rng: Rng) -> Job:
    """A job that keeps what its first 1 to 12 runs make."""
    rate = _rate(rng)
    store, runs = Store(rng, rate, _size(rng)), int(rng.integers(1, 13))
    pace = math.exp(rng.uniform(math.log(1e4), math.log(0.005 * LIMIT_BYTES)))

    def step(birth: int, rng: Rng) -> None:
        if birth <= runs:
            store.add(birth, pace)

    return _job(rng, rate, store, step=step)


def garbage(rng: Rng) -> Job:
    """Cyclic garbage that a full collection frees, every 1 to 50 runs."""
    rate = _rate(rng)
    store = Store(rng, rate, _size(rng), garbage=True)
    pace = math.exp(rng.uniform(math.log(5e3), math.log(0.003 * LIMIT_BYTES)))
    job = _job(rng, rate, store, step=lambda birth, rng: store.add(birth, pace))
    job.automatic = int(rng.integers(1, 51))
    return job


def wandering(rng: Rng) -> Job:
    """A list whose entries are removed at random, in steady state after 5 to 40 runs."""
    rate = _rate(rng)
    store, life = Store(rng, rate, _size(rng)), float(rng.uniform(2, 12))
    pace = math.exp(rng.uniform(math.log(5e3), math.log(0.002 * LIMIT_BYTES)))

    def step(birth: int, rng: Rng) -> None:
        store.drop(1 / life * rng.uniform(0.3, 1.7))
        store.add(birth, pace * rng.uniform(0.2, 1.8))

    return _job(rng, rate, store, step=step)


def memo(rng: Rng) -> Job:
    """A memo of a bounded set of keys that are asked for at random: fewer and fewer are new."""
    rate = _rate(rng)
    store, scale = Store(rng, rate, _size(rng)), float(rng.uniform(3, 15))
    capacity = math.exp(rng.uniform(math.log(1e5), math.log(0.1 * LIMIT_BYTES)))

    def step(birth: int, rng: Rng) -> None:
        store.add(birth, capacity / scale * math.exp(-birth / scale))

    return _job(rng, rate, store, step=step)


def popular(rng: Rng) -> Job:
    """A full cache: the least popular entries make room for new ones, the most popular stay for long."""
    rate = _rate(rng)
    store, runs = Store(rng, rate, _size(rng)), int(rng.integers(2, 30))
    capacity = math.exp(rng.uniform(math.log(1e5), math.log(0.1 * LIMIT_BYTES)))
    power = float(rng.uniform(0.3, 1.5))

    def step(birth: int, rng: Rng) -> None:
        store.add(birth, capacity / runs)
        for _ in range(4):
            over = 1 - capacity / max(store.total, 1.0)
            if over <= 0:
                return
            weights = {old: (birth - old + 1) ** -power for old in store.alive}
            mean = sum(weights[old] * n for old, n in store.alive.items()) / sum(store.alive.values())
            for old in list(store.alive):
                died = int(rng.binomial(store.alive[old], min(1.0, over * weights[old] / mean)))
                store.alive[old] -= died
                if not store.alive[old]:
                    del store.alive[old]

    return _job(rng, rate, store, step=step)


INNOCENTS: dict[str, Callable[[Rng], Job]] = {
    "cache": cache,
    "expiry": expiry,
    "batches": batches,
    "replaced": replaced,
    "warm_up": warm_up,
    "garbage": garbage,
    "wandering": wandering,
    "memo": memo,
    "popular": popular,
}
