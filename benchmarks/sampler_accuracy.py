"""The sampler's estimates against tracemalloc's exact figures of the same run, line by line, over seeded trials.

By hand: `python -m benchmarks.sampler_accuracy [--trials 1000]`. A trial keeps more than 100 times the rate on each of
these lines, in blocks of 16 bytes to 1 MB, and lets go of about as much.
"""

from __future__ import annotations

import argparse
import gc
import math
import random
import statistics
import sys
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from profiling.records import SiteKey
from profiling.samples import sampler
from profiling.samples.estimates import LiveEstimate, estimate_live, table_of

JOB = "accuracy"
TIMES_THE_RATE = 100  # what a line has to keep to be judged
AIM = 1.3  # times that, so that the least of the lines is above it too
BEYOND = 99.0
SMALLEST_BYTES, LARGEST_BYTES = 16, 1 << 20


def blocks(sizes: Iterable[int]) -> list[object]:
    return [bytes(size) for size in sizes]


def small_objects(sizes: Iterable[int]) -> list[object]:
    return ["x" * (size // 4) + str(size) for size in sizes for _ in range(4)]


def dicts(sizes: Iterable[int]) -> list[object]:
    return [dict.fromkeys(range(size // 50)) for size in sizes]


def grown(sizes: Iterable[int]) -> list[object]:
    return [bytearray().__iadd__(bytes(size)) for size in sizes]


def arrays(sizes: Iterable[int]) -> list[object]:
    return [np.empty(size, np.uint8) for size in sizes]


def zeroed_arrays(sizes: Iterable[int]) -> list[object]:
    return [np.zeros(size, np.uint8) for size in sizes]


def computed_arrays(sizes: Iterable[int]) -> list[object]:
    return [np.add(piece, 1) for size in sizes for piece in (ONES[:size],)]


ONES = np.ones(LARGEST_BYTES, np.uint8)

Maker = Callable[[Iterable[int]], list[object]]

LARGEST: dict[Maker, int] = {  # of the blocks that a line makes
    blocks: LARGEST_BYTES,
    small_objects: 2_048,
    dicts: 65_536,
    grown: 262_144,
    arrays: LARGEST_BYTES,
    zeroed_arrays: 65_536,
    computed_arrays: LARGEST_BYTES,
}


def site_of(maker: Maker) -> SiteKey:
    """Return the line that a maker allocates on."""
    code = maker.__code__
    return code.co_filename, code.co_firstlineno + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One line in one trial."""

    line: str
    exact_bytes: int
    estimated_bytes: float
    error_bytes: float  # the standard error that came with the estimate
    rate_bytes: float

    @property
    def errors_off(self) -> float:
        """Return how many of its standard errors the estimate is off; infinity if it is off and claims no error."""
        off_bytes = self.estimated_bytes - self.exact_bytes
        return off_bytes / self.error_bytes if self.error_bytes else math.copysign(BEYOND, off_bytes)


def mixed_sizes(chance: random.Random, largest: int, total_bytes: float) -> Iterator[int]:
    """Yield sizes in bytes whose logarithm is uniform, until the sizes sum up to the total."""
    while total_bytes > 0:
        size = round(SMALLEST_BYTES * (largest / SMALLEST_BYTES) ** chance.random())
        yield size
        total_bytes -= size


CHANGES = ((1, 1), (1, 1 / 4), (1 / 4, 1))  # of the rate from the first half of a trial to the second, in turn


def trial(seed: int, rate_bytes: int) -> list[Estimate]:
    """Return the estimate and the exact bytes of each line that kept enough.

    The bytes per sample may change midway through the trial.
    """
    chance = random.Random(seed)
    aim_bytes = TIMES_THE_RATE * AIM * rate_bytes
    # Sizes are drawn and large arrays are made before the run: they are on no line of ours.
    plans = [(make, list(mixed_sizes(chance, largest, 2 * aim_bytes))) for make, largest in LARGEST.items()]
    first, second = CHANGES[seed % len(CHANGES)]
    sampler.start(rate_bytes * first, finest_bytes=rate_bytes / 4, seed=seed)
    tracemalloc.start()
    try:
        with sampler.labelled(JOB):
            kept = [make(sizes[::2]) for make, sizes in plans]
            sampler.set_bytes_per_sample(rate_bytes * second)
            kept += [make(sizes[1::2]) for make, sizes in plans]
            for made in kept:
                chance.shuffle(made)
                made[: len(made) // 2] = []
        estimates = estimated(estimate_live(sampler.snapshot(JOB)))
        exact = exact_bytes()
    finally:
        tracemalloc.stop()
        sampler.stop()
    return [
        Estimate(
            line=make.__name__,
            exact_bytes=exact[site_of(make)],
            estimated_bytes=estimates.get(site_of(make), (0, 0.0))[0],
            error_bytes=estimates.get(site_of(make), (0, 0.0))[1],
            rate_bytes=rate_bytes,
        )
        for make, _ in plans
        if exact[site_of(make)] > TIMES_THE_RATE * rate_bytes
    ]


def exact_bytes() -> dict[SiteKey, int]:
    """Return the bytes that tracemalloc saw on each line of this file."""
    ours = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, __file__)])
    return {(entry.traceback[0].filename, entry.traceback[0].lineno): entry.size for entry in ours.statistics("lineno")}


def estimated(state: LiveEstimate) -> dict[SiteKey, tuple[int, float]]:
    """Return the estimated bytes and their standard error by line, as a run's record has them."""
    table = table_of(state)
    assert table.errors is not None
    return {site: (size, error) for (site, size, _), error in zip(table.rows(), table.errors, strict=True)}


def trials(count: int, rates_bytes: Sequence[int]) -> list[Estimate]:
    """Return the estimates of `count` trials with seeds from 0 on, which take the rates in turn."""
    gc.collect()
    return [estimate for seed in range(count) for estimate in trial(seed, rates_bytes[seed % len(rates_bytes)])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Many estimates of one line, or of all."""

    estimates: int
    within_three: float  # share of them that are within three standard errors
    ratio: float  # mean of estimate to truth
    ratio_error: float  # standard error of that mean
    spread: float  # standard deviation of errors_off: 1 where the standard errors are right


def accuracy(estimates: Sequence[Estimate]) -> Accuracy:
    """Return how accurate the estimates are together."""
    ratios = [estimate.estimated_bytes / estimate.exact_bytes for estimate in estimates]
    off = [estimate.errors_off for estimate in estimates]
    return Accuracy(
        estimates=len(estimates),
        within_three=statistics.fmean(abs(errors) <= 3 for errors in off),
        ratio=statistics.fmean(ratios),
        ratio_error=statistics.stdev(ratios) / math.sqrt(len(ratios)),
        spread=statistics.stdev(off),
    )


def by_line(estimates: Sequence[Estimate]) -> dict[str, Accuracy]:
    """Return the accuracy of each line's estimates, and under "all" that of all lines together."""
    lines = {make.__name__: [one for one in estimates if one.line == make.__name__] for make in LARGEST}
    return {line: accuracy(ones) for line, ones in (lines | {"all": list(estimates)}).items()}


def main() -> int:
    """Run the trials and print the table; 1 where the aims of issue 3 are missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1_000)
    parser.add_argument("--rates", type=int, nargs="+", default=[1_024, 4_096, 8_192])
    wanted = parser.parse_args()
    estimates = trials(wanted.trials, wanted.rates)
    print(f"Python {sys.version.split()[0]}, {wanted.trials} trials, rates of {wanted.rates} bytes")
    table = by_line(estimates)
    for line, one in table.items():
        print(
            f"{line:16} {one.estimates:6} estimates, {one.within_three:.2%} within 3 standard errors "
            f"(spread {one.spread:.2f}), "
            f"estimate / truth {one.ratio:.4f} +- {one.ratio_error:.4f}"
        )
    return int(any(one.within_three < 0.99 or abs(one.ratio - 1) > 0.01 for one in table.values()))


if __name__ == "__main__":
    sys.exit(main())
