"""A simulated service under the profiler: 20 routes at 300 requests per second, of which one leaks 2 KB per call.

What is told of each window of each route is judged as the profiler judges it. The other routes do what ordinary routes
do: they fill caches, keep sessions until these expire, warm up, hold buffers of random size, and leave garbage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.simulated import LIMIT_BYTES, Job, Rng, Step, Store, between
from profiling.records import SiteKey
from profiling.windows import PATIENCE, WINDOW_S

ROUTES = 20
REQUESTS_PER_S = 300.0
LEAK_BYTES = 2_048.0  # per call
CALLS = REQUESTS_PER_S / ROUTES * WINDOW_S  # per route and window, in the mean
RATES_BYTES = (4_096, 16_384, 65_536)
MAX_LIFETIME = 45  # windows: what fills up or expires within four minutes
MIN_BLOCK_BYTES, MAX_BLOCK_BYTES = 48.0, 8_192.0

LEAKS: dict[str, tuple[float, ...]] = {
    "a list of the route": (1.0,),
    "a task that nobody awaits to its end": (0.45, 0.35, 0.2),  # its frames, itself, what it waits for
    "a thread per request that stays": (0.6, 0.4),
    "a session kept by the middleware": (0.5, 0.3, 0.1, 0.1),
}
"""By kind, what share of the leak is allocated at each of its lines."""

Make = Callable[[Rng, float], Job]


def _store(rng: Rng, rate_bytes: float) -> Store:
    return Store(rng, rate_bytes, between(rng, MIN_BLOCK_BYTES, MAX_BLOCK_BYTES))


def _route(rng: Rng, stores: list[Store], step: Step) -> Job:
    """Return a route with these stores, beside requests that are under way when a window ends."""
    requests = _store(rng, stores[0].rate_bytes)
    under_way, request_bytes = rng.uniform(0.1, 20.0), between(rng, 2e3, 2e5)

    def both(birth: int, rng: Rng) -> None:
        requests.drop(1.0)
        requests.add(birth, rng.poisson(under_way) * request_bytes)
        step(birth, rng)

    return Job([*stores, requests], both, int(rng.integers(3, 80)), PATIENCE)


def leaking(shares: tuple[float, ...], rng: Rng, rate_bytes: float) -> Job:
    """Make the route that leaks, at one line or at several."""
    stores = [_store(rng, rate_bytes) for _ in shares]

    def step(birth: int, rng: Rng) -> None:
        calls = rng.poisson(CALLS)
        for share, store in zip(shares, stores, strict=True):
            store.add(birth, calls * share * LEAK_BYTES)

    return _route(rng, stores, step)


def cache(rng: Rng, rate_bytes: float) -> Job:
    """Make a bounded cache that fills within four minutes, and then keeps its entries or replaces the oldest."""
    store, windows, keeps = _store(rng, rate_bytes), int(rng.integers(5, MAX_LIFETIME)), bool(rng.integers(2))
    capacity_bytes = between(rng, 1e5, 0.1 * LIMIT_BYTES)

    def step(birth: int, rng: Rng) -> None:
        if birth <= windows or not keeps:
            store.add(birth, capacity_bytes / windows * rng.poisson(CALLS) / CALLS)
            store.drop(1.0, upto=birth - windows)

    return _route(rng, [store], step)


def sessions(rng: Rng, rate_bytes: float) -> Job:
    """Make sessions that expire within four minutes, of random size."""
    store, lifetime = _store(rng, rate_bytes), int(rng.integers(1, MAX_LIFETIME))
    all_bytes = between(rng, 1e5, 0.1 * LIMIT_BYTES)  # what takes over a seventh of the room is told sooner
    session_bytes = all_bytes / (lifetime * CALLS)

    def step(birth: int, rng: Rng) -> None:
        store.add(birth, rng.poisson(CALLS) * session_bytes)
        store.drop(1.0, upto=birth - lifetime)

    return _route(rng, [store], step)


def warm_up(rng: Rng, rate_bytes: float) -> Job:
    """Make a route that keeps what its first minute allocates, and no more."""
    store, windows, pace_bytes = _store(rng, rate_bytes), int(rng.integers(1, 13)), between(rng, 1e4, 2e6)

    def step(birth: int, _: Rng) -> None:
        if birth <= windows:
            store.add(birth, pace_bytes)

    return _route(rng, [store], step)


def buffer(rng: Rng, rate_bytes: float) -> Job:
    """Make a buffer of random size that is filled and flushed, every few windows or within one."""
    store, every, pace_bytes = _store(rng, rate_bytes), int(rng.integers(1, 25)), between(rng, 5e3, 1e6)

    def step(birth: int, rng: Rng) -> None:
        if birth % every == 0:
            store.drop(1.0)
        store.add(birth, pace_bytes * rng.uniform(0.2, 1.8))

    return _route(rng, [store], step)


def garbage(rng: Rng, rate_bytes: float) -> Job:
    """Make cycles that wait for the collector."""
    store, pace_bytes = _store(rng, rate_bytes), between(rng, 5e3, 1e6)

    def step(birth: int, _: Rng) -> None:
        store.add(birth, pace_bytes)
        store.garbage_upto = birth

    return _route(rng, [store], step)


def plain(rng: Rng, rate_bytes: float) -> Job:
    """Make a route that keeps nothing."""
    return _route(rng, [_store(rng, rate_bytes)], lambda _birth, _rng: None)


INNOCENTS: tuple[Make, ...] = (cache, sessions, warm_up, buffer, garbage, plain)


@dataclass(frozen=True, slots=True)
class Trial:
    """What was told of one service."""

    accused_at: int | None  # the window in which the leaking route was accused; None: it was not
    site: SiteKey | None  # of its first suspect then
    innocents: tuple[str, ...]  # that were accused


def trial(kind: str, seed: int, windows: int) -> Trial:
    """Simulate a service with a leak of this kind for so many windows."""
    rng = np.random.default_rng([list(LEAKS).index(kind), seed])
    guilty = leaking(LEAKS[kind], rng, float(rng.choice(RATES_BYTES)))
    makers = [INNOCENTS[int(number)] for number in rng.integers(0, len(INNOCENTS), ROUTES - 1)]
    routes = [make(rng, float(rng.choice(RATES_BYTES))) for make in makers]
    accused_at, site = None, None
    innocents = set[str]()
    for birth in range(1, windows + 1):
        verdict = guilty.run(birth, rng).verdict
        if accused_at is None and verdict.state.is_accusation:
            accused_at, site = birth, verdict.suspects[0].site
        accused = (
            make.__name__
            for make, route in zip(makers, routes, strict=True)
            if route.run(birth, rng).verdict.state.is_accusation
        )
        innocents.update(accused)
    return Trial(accused_at, site, tuple(sorted(innocents)))
