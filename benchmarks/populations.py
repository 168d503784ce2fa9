"""Kinds of simulated jobs: stores that leak, fill up, drain, expire or hold garbage, each made from a generator.

Sizes of blocks, rates of sampling and the interpreter's own collections are drawn anew for each job. Beside each store
stands a table of random size that every run replaces.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable

import numpy as np

from benchmarks.simulated import LIMIT_BYTES, Job, Outcome, Rng, Step, Store, between, watch

RATES_BYTES = (4_096, 16_384, 65_536)
MIN_BLOCK_BYTES, MAX_BLOCK_BYTES = 48.0, 8_192.0

Make = Callable[[Rng], Job]


def watch_population(name: str, make: Make, *, jobs: int, runs: int) -> list[Outcome]:
    """Return what is said of so many jobs of one kind, each from a seed of its own."""
    outcomes = []
    for number in range(jobs):
        rng = np.random.default_rng([zlib.crc32(name.encode()), number])
        outcomes.append(watch(make(rng), runs, rng))
    return outcomes


def _store(rng: Rng, rate_bytes: float | None = None) -> Store:
    rate_bytes = rate_bytes or float(rng.choice(RATES_BYTES))
    return Store(rng, rate_bytes, between(rng, MIN_BLOCK_BYTES, MAX_BLOCK_BYTES))


def _job(rng: Rng, store: Store, step: Step, *, collected_every: int | None = None) -> Job:
    """Return a job with this store beside a table of random size that every run replaces."""
    table, usual_bytes = _store(rng, store.rate_bytes), between(rng, 1e4, 4e6)

    def both(birth: int, rng: Rng) -> None:
        table.drop(1.0)
        table.add(birth, usual_bytes * rng.uniform(0.3, 1.7))
        step(birth, rng)

    return Job([store, table], both, collected_every or int(rng.integers(3, 80)))


def leak(pace_bytes: float, rate_bytes: float | None = None) -> Make:
    """Return a maker of jobs that leak so many bytes per run, in every run or in every second or third."""

    def make(rng: Rng) -> Job:
        store, every = _store(rng, rate_bytes), int(rng.choice([1, 1, 1, 2, 3]))

        def step(birth: int, rng: Rng) -> None:
            if birth % every == 0:
                store.add(birth, pace_bytes * every)

        return _job(rng, store, step)

    return make


def cache(rng: Rng) -> Job:
    """Make a cache that fills over 5 to 35 runs and then keeps its entries, or replaces the oldest."""
    store, runs, keeps = _store(rng), int(rng.integers(5, 36)), bool(rng.integers(2))
    capacity_bytes = between(rng, 1e5, 0.1 * LIMIT_BYTES)

    def step(birth: int, rng: Rng) -> None:
        if birth <= runs or not keeps:
            store.add(birth, capacity_bytes / runs)
            store.drop(1.0, upto=birth - runs)

    return _job(rng, store, step)


def cache_of_cycles(rng: Rng) -> Job:
    """Make a cache that fills over 5 to 35 runs; the entries that it replaces wait for the collector."""
    store, runs = _store(rng), int(rng.integers(5, 36))
    pace_bytes = between(rng, 1e5, 0.1 * LIMIT_BYTES) / runs

    def step(birth: int, rng: Rng) -> None:
        store.add(birth, pace_bytes)
        store.garbage_upto = birth - runs

    return _job(rng, store, step)


def expiry(rng: Rng) -> Job:
    """Make entries that live for 1 to 30 runs."""
    store, lifetime, pace_bytes = _store(rng), int(rng.integers(1, 31)), between(rng, 5e3, 0.003 * LIMIT_BYTES)

    def step(birth: int, rng: Rng) -> None:
        store.add(birth, pace_bytes)
        store.drop(1.0, upto=birth - lifetime)

    return _job(rng, store, step)


def batches(rng: Rng) -> Job:
    """Make a buffer that is flushed every 5 to 30 runs."""
    store, every, pace_bytes = _store(rng), int(rng.integers(5, 31)), between(rng, 5e3, 0.003 * LIMIT_BYTES)

    def step(birth: int, rng: Rng) -> None:
        if birth % every == 0:
            store.drop(1.0)
        store.add(birth, pace_bytes)

    return _job(rng, store, step)


def replaced(rng: Rng) -> Job:
    """Make a table of random size that seven of ten runs replace."""
    store, usual_bytes = _store(rng), between(rng, 1e5, 5e7)

    def step(birth: int, rng: Rng) -> None:
        if rng.uniform() < 0.7:
            store.drop(1.0)
            store.add(birth, usual_bytes * rng.uniform(0.2, 2))

    return _job(rng, store, step)


def warm_up(rng: Rng) -> Job:
    """Make a job that keeps what its first 1 to 12 runs allocate."""
    store, runs, pace_bytes = _store(rng), int(rng.integers(1, 13)), between(rng, 1e4, 0.005 * LIMIT_BYTES)

    def step(birth: int, rng: Rng) -> None:
        if birth <= runs:
            store.add(birth, pace_bytes)

    return _job(rng, store, step)


def garbage(rng: Rng) -> Job:
    """Make cyclic garbage that a full collection frees, every 1 to 50 runs."""
    store, pace_bytes = _store(rng), between(rng, 5e3, 0.003 * LIMIT_BYTES)

    def step(birth: int, rng: Rng) -> None:
        store.add(birth, pace_bytes)
        store.garbage_upto = birth

    return _job(rng, store, step, collected_every=int(rng.integers(1, 51)))


def wandering(rng: Rng) -> Job:
    """Make a list whose entries are removed at random, after 2 to 12 runs in the mean."""
    store, lifetime, pace_bytes = _store(rng), float(rng.uniform(2, 12)), between(rng, 5e3, 0.002 * LIMIT_BYTES)

    def step(birth: int, rng: Rng) -> None:
        store.drop(1 / lifetime * rng.uniform(0.3, 1.7))
        store.add(birth, pace_bytes * rng.uniform(0.2, 1.8))

    return _job(rng, store, step)


def memo(rng: Rng) -> Job:
    """Make a memo of a bounded set of keys that are asked for at random: fewer and fewer of them are new."""
    store, scale = _store(rng), float(rng.uniform(3, 15))
    capacity_bytes = between(rng, 1e5, 0.1 * LIMIT_BYTES)
    return _job(rng, store, lambda birth, _: store.add(birth, capacity_bytes / scale * math.exp(-birth / scale)))


def popular(rng: Rng) -> Job:
    """Make a full cache where the least popular entries make room for new ones, and the most popular stay for long."""
    store, runs, power = _store(rng), int(rng.integers(2, 30)), float(rng.uniform(0.3, 1.5))
    capacity_bytes = between(rng, 1e5, 0.1 * LIMIT_BYTES)

    def step(birth: int, rng: Rng) -> None:
        store.add(birth, capacity_bytes / runs)
        for _ in range(4):
            excess = 1 - capacity_bytes / max(store.size_bytes, 1.0)
            if excess <= 0:
                return
            weights = {old: (birth - old + 1) ** -power for old in store.alive}
            mean = sum(weights[old] * samples for old, samples in store.alive.items()) / sum(store.alive.values())
            for old, weight in weights.items():
                store.free(old, excess * weight / mean)

    return _job(rng, store, step)


LEAKS: dict[str, Make] = {
    "leak of 1 % of the limit a run": leak(0.01 * LIMIT_BYTES),
    "leak of 0.1 % of the limit a run": leak(0.001 * LIMIT_BYTES),
    "leak of 0.01 % of the limit a run": leak(0.0001 * LIMIT_BYTES),
    "leak of 15 KB a run": leak(15 * 1_024),
    "leak of 15 KB a run, a sample every 4 KB": leak(15 * 1_024, 4_096),
}

INNOCENTS: dict[str, Make] = {
    "cache": cache,
    "cache of cycles": cache_of_cycles,
    "expiry": expiry,
    "batches": batches,
    "replaced": replaced,
    "warm-up": warm_up,
    "garbage": garbage,
    "wandering": wandering,
    "memo": memo,
    "popular": popular,
}
