"""The rate of samples: fixed, or following the work in both directions; estimates stay right when it changes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from profiling.samples import sampler
from profiling.samples.estimates import by_job
from profiling.samples.sampling import MAX_RATE_BYTES, MIN_RATE_BYTES, REFINE_BELOW_ALIVE, Sampling, rate_for

if sampler.unavailable_reason() is not None:
    pytest.skip(str(sampler.unavailable_reason()), allow_module_level=True)

Start = Callable[..., None]
KB = 1_024


def make(count: int, size: int) -> Sequence[object]:
    return [bytes(size) for _ in range(count)]


def rate() -> float:
    return sampler.statistics().rate_bytes


@pytest.fixture
def following() -> Iterator[Sampling]:
    """Each look comes after two more seconds of CPU time."""
    clock = itertools.count(0.0, 2.0)
    sampling = Sampling(cpu_clock=lambda: next(clock))
    sampling.period()
    sampler.set_share(0.0, MAX_RATE_BYTES)  # by itself it would look at the true clock
    yield sampling
    sampling.close()


def test_rate_follows_the_work_in_both_directions(following: Sampling) -> None:
    assert rate() == 16 * KB
    following.keep_within()
    assert rate() == 8 * KB
    for _ in range(3):
        following.keep_within()
    assert rate() == MIN_RATE_BYTES
    for _ in range(400):
        make(1_000, 1_000)  # 400 MB: 100 000 samples, more than 50 ms of the 20 that they may have in 2 s
    following.keep_within()
    assert rate() >= 8 * KB
    coarse = rate()
    following.keep_within()
    assert rate() == coarse / 2


def test_rate_that_was_asked_for_is_fixed() -> None:
    sampling = Sampling(1_000, cpu_clock=itertools.count(0.0, 2.0).__next__)
    sampling.period()
    try:
        make(1_000, 10_000)
        for _ in range(3):
            sampling.keep_within(0.0)
            sampling.keep_within(1.0)
        assert rate() == 1_000
    finally:
        sampling.close()


def test_cost_is_not_looked_at_more_than_once_a_second() -> None:
    times_s = iter([0.0, 0.9, 1.1, 1.5])
    sampling = Sampling(cpu_clock=lambda: next(times_s))
    sampling.period()
    try:
        sampling.keep_within()
        assert rate() == 16 * KB
        sampling.keep_within()
        assert rate() == 8 * KB
        sampling.keep_within()
        assert rate() == 8 * KB
    finally:
        sampling.close()


@pytest.mark.parametrize(
    ("rate_bytes", "spent_s", "alive", "expected_bytes"),
    [
        (64 * KB, 0.010, 0, 64 * KB),
        (64 * KB, 0.0101, 0, 128 * KB),
        (64 * KB, 0.050, 0, 512 * KB),
        (64 * KB, 0.900, 0, MAX_RATE_BYTES),
        (MAX_RATE_BYTES, 0.900, 0, MAX_RATE_BYTES),
        (64 * KB, 0.004, 0, 64 * KB),
        (64 * KB, 0.003, 0, 32 * KB),
        (64 * KB, 0.003, REFINE_BELOW_ALIVE, 64 * KB),
        (MIN_RATE_BYTES, 0.0, 0, MIN_RATE_BYTES),
    ],
)
def test_rate_fits_what_samples_may_take(rate_bytes: float, spent_s: float, alive: int, expected_bytes: float) -> None:
    assert rate_for(rate_bytes, spent_s, 0.010, alive) == expected_bytes


def test_busy_run_becomes_coarser_before_it_ends() -> None:
    sampling = Sampling()
    sampling.period()
    try:
        for _ in range(400):
            make(2_000, 1_000)
        assert rate() > 16 * KB
        assert 0.1e-6 < sampler.statistics().sample_s < 20e-6
    finally:
        sampling.close()


@pytest.mark.parametrize("rates_kb", [(1, 4, 16), (16, 2, 1), (2, 16, 1, 8)])
def test_estimates_are_unbiased_when_the_rate_changes_midway(sampling: Start, rates_kb: Sequence[int]) -> None:
    estimates, errors = [], []
    truth_bytes = len(rates_kb) * 1_000 * (500 + 8)
    for seed in range(150):
        sampling(rates_kb[0] * KB, finest_bytes=1 * KB, seed=seed)
        kept = []
        with sampler.labelled("job"):
            for rate_kb in rates_kb:
                sampler.set_rate(rate_kb * KB)
                assert rate() == rate_kb * KB
                kept.append(make(1_000, 467))
        entry = by_job(sampler.snapshot("job"))["job"]
        estimates.append(entry.size_bytes)
        errors.append((entry.size_bytes - truth_bytes) / entry.variance**0.5)
        sampler.stop()
        del kept
    assert np.mean(estimates) == pytest.approx(truth_bytes, abs=4 * np.std(estimates) / 150**0.5 + 0.002 * truth_bytes)
    assert 0.85 < np.std(errors) < 1.15


def test_estimates_are_unbiased_when_samples_of_several_rates_are_thinned(sampling: Start) -> None:
    estimates = []
    for seed in range(100):
        sampling(4 * KB, finest_bytes=256, max_samples=700, seed=seed)
        with sampler.labelled("job"):
            kept = [make(1_000, 467)]
            sampler.set_rate(256)
            kept.append(make(1_000, 467))
        assert sampler.statistics().thinned >= 1
        estimates.append(by_job(sampler.snapshot("job"))["job"].size_bytes)
        sampler.stop()
        del kept
    assert np.mean(estimates) == pytest.approx(2_000 * 508, rel=0.03)
