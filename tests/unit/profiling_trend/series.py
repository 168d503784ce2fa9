"""Seeded series of traced bytes: stationary ones of every kind, and leaks."""

from __future__ import annotations

import random
from collections.abc import Callable

LEVEL = 10_000_000.0
Kind = Callable[[random.Random, int], list[float]]


def constant(_r: random.Random, runs: int) -> list[float]:
    return [LEVEL] * runs


def noise(r: random.Random, runs: int) -> list[float]:
    share = r.choice([0.001, 0.01, 0.05])
    return [LEVEL * (1 + r.gauss(0, share)) for _ in range(runs)]


def sawtooth(r: random.Random, runs: int) -> list[float]:
    period, height, begin = r.randint(2, 10), r.uniform(0.05, 0.5), r.randint(0, 9)
    return [LEVEL * (1 + height * ((run + begin) % period) / period + r.gauss(0, 0.003)) for run in range(runs)]


def plateau(r: random.Random, runs: int) -> list[float]:
    filled, height, share = r.randint(1, 8), r.uniform(0.1, 1.0), r.choice([0, 0.002, 0.005])
    return [LEVEL * (1 + height * min(run, filled) / filled + r.gauss(0, share)) for run in range(runs)]


def step(r: random.Random, runs: int) -> list[float]:
    at, height, share = r.randint(1, runs - 1), r.uniform(0.1, 1.0), r.choice([0, 0.002, 0.01])
    return [LEVEL * (1 + height * (run >= at) + r.gauss(0, share)) for run in range(runs)]


def slow_leak_in_noise(r: random.Random, runs: int) -> list[float]:
    return [LEVEL * (1 + 0.01 * run + r.gauss(0, 0.05)) for run in range(runs)]


def small_leak(r: random.Random, runs: int) -> list[float]:
    return [2 * LEVEL + 40_000 * run + r.gauss(0, 3_000) for run in range(runs)]


def leak_beside_a_cache(r: random.Random, runs: int) -> list[float]:
    return [LEVEL + 2e6 * min(run, 5) / 5 + 60_000 * run + r.gauss(0, 2_000) for run in range(runs)]


def leak_from_the_sixth_run(r: random.Random, runs: int) -> list[float]:
    return [LEVEL + 40_000 * max(0, run - 6) + r.gauss(0, 1_000) for run in range(runs)]


def leak_below_a_sawtooth(r: random.Random, runs: int) -> list[float]:
    return [LEVEL + 60_000 * (run % 3) + 40_000 * run + r.gauss(0, 500) for run in range(runs)]


STATIONARY: list[Kind] = [constant, noise, sawtooth, plateau, step]
LEAKS: list[Kind] = [small_leak, leak_beside_a_cache, leak_from_the_sixth_run, leak_below_a_sawtooth]
