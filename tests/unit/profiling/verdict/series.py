"""Seeded series of bytes, one value a run: stationary ones of every kind, and leaks."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

LEVEL = 10_000_000.0
PAGES = 262_144
Kind = Callable[[random.Random, int], list[float]]


def constant(_r: random.Random, runs: int) -> list[float]:
    return [LEVEL] * runs


def noise(r: random.Random, runs: int) -> list[float]:
    share = r.choice([0.001, 0.01, 0.05])
    return [LEVEL * (1 + r.gauss(0, share)) for _ in range(runs)]


def sawtooth(r: random.Random, runs: int) -> list[float]:
    period, height, begin = r.randint(2, 10), r.uniform(0.05, 1.0), r.randint(0, 9)
    share = r.choice([0, 0.002, 0.01])
    return [LEVEL * (1 + height * ((run + begin) % period) / period + r.gauss(0, share)) for run in range(runs)]


def plateau(r: random.Random, runs: int) -> list[float]:
    filled, height, share = r.randint(1, 8), r.uniform(0.1, 1.0), r.choice([0, 0.002, 0.01])
    return [LEVEL * (1 + height * min(run, filled) / filled + r.gauss(0, share)) for run in range(runs)]


def plateau_in_noise_of_5_per_cent(r: random.Random, runs: int) -> list[float]:
    filled, height = r.randint(1, 8), r.uniform(0.2, 1.0)
    return [LEVEL * (1 + height * min(run, filled) / filled + r.gauss(0, 0.05)) for run in range(runs)]


def warm_cache(r: random.Random, runs: int) -> list[float]:
    """One that meets fewer new keys with every run."""
    runs_to_fill, height, share = r.uniform(1.0, 2.7), r.uniform(0.1, 1.0), r.choice([0, 0.002, 0.01])
    return [LEVEL * (1 + height * (1 - math.exp(-run / runs_to_fill)) + r.gauss(0, share)) for run in range(runs)]


def step(r: random.Random, runs: int) -> list[float]:
    at, height, share = r.randint(1, runs - 1), r.uniform(0.1, 1.0), r.choice([0, 0.002, 0.01])
    return [LEVEL * (1 + height * (run >= at) + r.gauss(0, share)) for run in range(runs)]


def borrowed(r: random.Random, runs: int) -> list[float]:
    """Some runs end while a good deal is in use."""
    return [LEVEL * (1 + r.gauss(0, 0.003) + r.choice([r.uniform(0.1, 1.0)] + [0] * 11)) for _ in range(runs)]


def alike_neighbours(r: random.Random, runs: int) -> list[float]:
    """An RSS that is slow to go back to its level: AR(1)."""
    memory, value, values = r.choice([0.5, 0.8]), 0.0, []
    for _ in range(runs + 30):
        value = memory * value + r.gauss(0, 0.02)
        values.append(LEVEL * (1 + value))
    return values[-runs:]


def random_walk(r: random.Random, runs: int) -> list[float]:
    value, values = 10.0, []
    for _ in range(runs):
        value += r.gauss(0, 0.1)
        values.append(LEVEL * value)
    return values


def arenas(r: random.Random, runs: int) -> list[float]:
    """An RSS that takes and gives back some pages in some of its runs."""
    value, values = 0, []
    for _ in range(runs):
        value += r.choice([-1, 0, 0, 0, 1]) * PAGES * r.randint(1, 4)
        values.append(8 * LEVEL + value + r.gauss(0, 20e3))
    return values


def leak_of_1_per_cent_in_noise_of_5(r: random.Random, runs: int) -> list[float]:
    return [LEVEL * (1 + 0.01 * run + r.gauss(0, 0.05)) for run in range(runs)]


def small_leak(r: random.Random, runs: int) -> list[float]:
    return [2 * LEVEL + 40_000 * run + r.gauss(0, 3_000) for run in range(runs)]


def uneven_leak(r: random.Random, runs: int) -> list[float]:
    value, values = LEVEL, []
    for _ in range(runs):
        value += r.uniform(20e3, 60e3)
        values.append(value + r.gauss(0, 1_000))
    return values


def leak_beside_a_cache(r: random.Random, runs: int) -> list[float]:
    return [LEVEL + 2e6 * min(run, 4) / 4 + 60_000 * run + r.gauss(0, 2_000) for run in range(runs)]


def leak_in_every_fourth_run(r: random.Random, runs: int) -> list[float]:
    return [LEVEL + 160_000 * (run // 4) + r.gauss(0, 500) for run in range(runs)]


def leak_below_a_sawtooth(r: random.Random, runs: int) -> list[float]:
    return [LEVEL + 60_000 * (run % 3) + 40_000 * run + r.gauss(0, 500) for run in range(runs)]


def leak_below_deep_teeth(r: random.Random, runs: int) -> list[float]:
    return [LEVEL * (1 + 0.3 * (run % 10) / 10) + 80_000 * run + r.gauss(0, 5_000) for run in range(runs)]


def leak_in_a_wandering_process(r: random.Random, runs: int) -> list[float]:
    return [value + 2e6 * run for run, value in enumerate(arenas(r, runs))]


STATIONARY_HEAPS: list[Kind] = [
    constant,
    noise,
    sawtooth,
    plateau,
    plateau_in_noise_of_5_per_cent,
    warm_cache,
    step,
]
STATIONARY_PROCESSES: list[Kind] = [*STATIONARY_HEAPS, borrowed, alike_neighbours, random_walk, arenas]
LEAKS_AT_ONCE: list[Kind] = [small_leak, uneven_leak, leak_beside_a_cache, leak_below_a_sawtooth]
LEAKS_WITHIN_20_RUNS: list[Kind] = [*LEAKS_AT_ONCE, leak_in_every_fourth_run, leak_below_deep_teeth]
