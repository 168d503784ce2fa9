"""The rate of samples: fixed, or following the work in both directions; estimates stay right when it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiling.samples import sampler
from profiling.samples import sampling as rates
from profiling.samples.estimates import by_job
from profiling.samples.sampling import (
    CREDIT_OVER_S,
    CREDIT_S,
    JOBS_SHARE,
    LET_GO_S,
    MAX_BYTES_PER_SAMPLE,
    MAX_JOBS,
    MAX_LET_GO_SHARE,
    MIN_BYTES_PER_SAMPLE,
    SAMPLE_S,
    SUSPECTS_SHARE,
    Sampling,
    bytes_per_sample_for,
    fair_share,
)

if sampler.unavailable_reason() is not None:
    pytest.skip(str(sampler.unavailable_reason()), allow_module_level=True)

Start = Callable[..., None]
KB = 1_024


def make(count: int, size: int) -> Sequence[object]:
    return [bytes(size) for _ in range(count)]


def rate() -> float:
    return sampler.statistics().bytes_per_sample


class Clock:
    """Shows as many seconds of CPU time as it is set to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture(scope="module", autouse=True)
def cost_is_known() -> None:
    """Take a thousand samples that are timed: until the first, and with each of the next, a sample's cost changes."""
    sampler.start(64)
    make(20_000, 100)
    sampler.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def following(clock: Clock) -> Iterator[Sampling]:
    """Sampling that follows the work by that clock."""
    sampling = Sampling(cpu_clock=clock)
    sampling.ensure_session()
    sampler.set_share(0.0, MAX_BYTES_PER_SAMPLE)  # by itself it would look at the true clock
    yield sampling
    sampling.close()


# ---- the rate of the process ----


def test_rate_follows_the_work_in_both_directions(following: Sampling, clock: Clock) -> None:
    assert rate() == MIN_BYTES_PER_SAMPLE
    clock.now_s += 2.0
    following.keep_within()
    assert rate() == MIN_BYTES_PER_SAMPLE
    for _ in range(100):
        make(1_000, 1_000)  # 100 MB: 25 000 samples, more than the 0.2 ms that they may have in 2 s
    clock.now_s += 2.0
    following.keep_within(0.0001)
    coarse = rate()
    assert coarse >= 2 * MIN_BYTES_PER_SAMPLE
    clock.now_s += 2.0
    following.keep_within()
    assert rate() == coarse / 2


def test_rate_becomes_no_finer_while_many_samples_are_alive(
    following: Sampling, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampler.set_bytes_per_sample(16 * KB)
    clock.now_s += 2.0
    following.keep_within()  # the samples before are of several rates
    kept = make(100, 64 * KB)
    clock.now_s += 2.0
    with monkeypatch.context() as fewer:
        fewer.setattr(rates, "REFINE_BELOW_ALIVE", 10)
        following.keep_within()
    assert rate() == 16 * KB
    clock.now_s += 2.0
    following.keep_within()
    assert rate() == 8 * KB
    assert len(kept) == 100


@pytest.mark.parametrize(("is_suspect", "doublings"), [(False, 2), (True, 0)])
def test_process_is_sampled_as_finely_as_its_coarse_jobs_afford_until_a_job_is_suspected(
    following: Sampling, clock: Clock, doublings: int, *, is_suspect: bool
) -> None:
    following.suspect("quiet", is_suspect=is_suspect)
    coarse = sampler.label("busy")
    coarse.doublings = 7
    before = sampler.statistics().let_go
    sampler.set_current_job(coarse)
    for _ in range(200):
        make(1_000, 4_000)
    sampler.set_current_job(None)
    let_go_s = (sampler.statistics().let_go - before) * LET_GO_S
    clock.now_s += let_go_s / (3 * MAX_LET_GO_SHARE)  # three times what is allowed, and 1 % of the time
    following.keep_within(0.04)
    assert rate() == MIN_BYTES_PER_SAMPLE * 2**doublings


def test_rate_that_was_asked_for_is_fixed(clock: Clock) -> None:
    sampling = Sampling(1_000, cpu_clock=clock)
    sampling.ensure_session()
    try:
        make(1_000, 10_000)
        for _ in range(3):
            clock.now_s += 2.0
            sampling.keep_within(0.0)
            sampling.keep_within(1.0)
        sampling.learn("job", 1_000_000)
        assert rate() == 1_000
        assert sampling.label("job").doublings == 0
    finally:
        sampling.close()


def test_cost_is_not_looked_at_more_than_once_a_second(following: Sampling, clock: Clock) -> None:
    sampler.set_bytes_per_sample(16 * KB)
    clock.now_s = 1.0
    following.keep_within()
    for now_s, rate_kb in ((1.9, 16), (2.0, 8), (2.9, 8), (3.0, 4)):
        clock.now_s = now_s
        following.keep_within()
        assert rate() == rate_kb * KB


@pytest.mark.parametrize(
    ("bytes_per_sample", "spent_s", "expected_bytes"),
    [
        (64 * KB, 0.010, 64 * KB),
        (64 * KB, 0.0101, 128 * KB),
        (64 * KB, 0.050, 512 * KB),
        (64 * KB, 0.900, MAX_BYTES_PER_SAMPLE),
        (MAX_BYTES_PER_SAMPLE, 0.900, MAX_BYTES_PER_SAMPLE),
        (64 * KB, 0.0046, 64 * KB),
        (64 * KB, 0.0044, 32 * KB),
        (64 * KB, 0.0001, 32 * KB),
        (MIN_BYTES_PER_SAMPLE, 0.0, MIN_BYTES_PER_SAMPLE),
        (1 * KB, 0.0, 1 * KB),  # finer than the finest by order
    ],
)
def test_rate_fits_what_samples_may_take(bytes_per_sample: float, spent_s: float, expected_bytes: float) -> None:
    assert bytes_per_sample_for(bytes_per_sample, spent_s, 0.010) == expected_bytes


def test_rate_doubles_where_nothing_may_be_taken() -> None:
    assert bytes_per_sample_for(64 * KB, 0.001, 0.0) == 128 * KB


def test_rate_becomes_as_fine_at_once_as_is_asked_for() -> None:
    assert bytes_per_sample_for(64 * KB, 0.0, 0.010, most_refined=3) == 8 * KB
    assert bytes_per_sample_for(64 * KB, 0.0022, 0.010, most_refined=3) == 16 * KB


# ---- the rates of jobs ----


@pytest.mark.parametrize(
    ("wanted", "share"),
    [
        ([], 1.0),
        ([0.25], 1.0),
        ([3.0], 1.0),
        ([3.0, 2.0], 0.5),
        ([0.25, 3.0], 0.75),
        ([3.0, 0.0, 0.25, 3.0], 0.375),
        ([-2.0, 3.0], 1.0),  # one that has more than it wants already
    ],
)
def test_share_that_some_do_not_need_is_there_for_the_others(wanted: Sequence[float], share: float) -> None:
    assert fair_share(wanted, 1.0) == share


@given(st.lists(st.floats(0.0, 1e6)), st.floats(0.0, 1e6))
def test_shares_together_are_all_that_is_wanted_or_all_there_is(wanted: Sequence[float], available: float) -> None:
    share = fair_share(wanted, available)
    assert sum(min(want, share) for want in wanted) == pytest.approx(min(sum(wanted), available))


def affords(seconds: float) -> float:
    """Return how many samples take so long, as measured up to now."""
    return seconds / (sampler.statistics().sample_s or SAMPLE_S)


@pytest.mark.parametrize(("shares", "doublings"), [(0.0, 0), (0.9, 0), (1.5, 1), (3.0, 2), (1e6, 7)])
def test_job_that_takes_more_than_its_share_is_sampled_more_coarsely(
    following: Sampling, clock: Clock, shares: float, doublings: int
) -> None:
    following.label("heavy")
    following.label("light")
    clock.now_s += 10.0
    following.learn("heavy", round(shares * affords(JOBS_SHARE * 10.0)))
    assert following.label("heavy").doublings == doublings
    assert following.label("light").doublings == 0


def test_jobs_that_take_much_have_the_same_share(following: Sampling, clock: Clock) -> None:
    for job in ("one", "other", "light"):
        following.label(job)
    clock.now_s += 10.0
    following.learn("one", 1_000_000)
    following.learn("other", round(1.5 * affords(JOBS_SHARE / 2 * 10.0)))
    assert following.label("other").doublings == 1


def test_job_that_rests_leaves_its_share_to_the_others(following: Sampling, clock: Clock) -> None:
    following.label("resting")
    following.label("job")
    clock.now_s += 1.0
    following.learn("resting", 1_000)
    clock.now_s += 1_000_000.0
    following.learn("job", round(0.9 * affords(JOBS_SHARE * 1_000_000.0)))
    assert following.label("job").doublings == 0


def test_label_that_lasts_is_followed_from_its_own_rate_on(following: Sampling, clock: Clock) -> None:
    label = sampler.label("scope")
    label.doublings = 3
    following.follow("scope", label, 0)
    clock.now_s += 10.0
    following.follow("scope", label, round(1.5 * affords(JOBS_SHARE * 10.0)))
    assert label.doublings == 4


def test_job_that_takes_little_is_sampled_more_finely(following: Sampling) -> None:
    following.learn("job", 1_000_000)
    doublings = [following.label("job").doublings]
    for taken in (2, 1, 0, 0):  # of the four that a run may take
        following.learn("job", taken)
        doublings.append(following.label("job").doublings)
    assert doublings == [7, 7, 6, 3, 0]


def test_run_may_take_four_samples_however_short_it_is(following: Sampling) -> None:
    following.learn("job", 4)
    assert following.label("job").doublings == 0
    following.learn("job", 5)
    assert following.label("job").doublings == 1


def test_suspects_share_more_among_themselves(following: Sampling, clock: Clock) -> None:
    spend_credit(following)
    for job in ("one", "other"):
        following.label(job, is_suspect=True)
    clock.now_s += 10.0
    following.learn("one", 1_000_000)
    following.learn("other", round(0.8 * affords((JOBS_SHARE + SUSPECTS_SHARE) / 2 * 10.0)))
    assert following.label("other").doublings == 0
    following.label("other", is_suspect=True)
    clock.now_s += 10.0
    following.learn("other", round(1.5 * affords((JOBS_SHARE + SUSPECTS_SHARE) / 2 * 10.0)))
    assert following.label("other").doublings == 1


def spend_credit(sampling: Sampling) -> None:
    """Let a run that takes no time take all samples that there is time for."""
    sampling.learn("spender", 10_000_000)


def test_suspects_have_a_credit_once(following: Sampling, clock: Clock) -> None:
    share = JOBS_SHARE + SUSPECTS_SHARE + CREDIT_S / CREDIT_OVER_S
    following.label("job", is_suspect=True)
    clock.now_s += 1.0
    following.learn("job", round(0.9 * affords(share)))
    assert following.label("job", is_suspect=True).doublings == 0
    spend_credit(following)
    clock.now_s += 1.0
    following.learn("job", round(0.9 * affords(share)))
    assert following.label("job").doublings == 1


def test_job_is_sampled_by_doublings_of_the_rate_in_force(following: Sampling) -> None:
    following.learn("job", 4 * 2**4)  # sixteen times what it may take
    assert [following.label("job").doublings, following.label("other").doublings] == [4, 0]
    sampler.set_bytes_per_sample(16 * KB)
    assert [following.label("job").doublings, following.label("other").doublings] == [2, 0]
    sampler.set_bytes_per_sample(128 * KB)
    assert following.label("job").doublings == 0


@pytest.mark.parametrize(("others", "doublings"), [(MAX_JOBS - 1, 1), (MAX_JOBS, 0)])
def test_rates_of_so_many_jobs_are_remembered(following: Sampling, others: int, doublings: int) -> None:
    following.learn("job", 5)
    for number in range(others):
        following.label(f"other {number}")
    assert following.label("job").doublings == doublings


def test_what_is_outside_jobs_has_a_share_like_a_job(following: Sampling, clock: Clock) -> None:
    assert following.outside is not None
    for _ in range(200):
        make(1_000, 1_000)
    assert following.outside.taken > 40_000
    clock.now_s += 1.0  # samples may take 7 ms of it, which is 0.17 microseconds for each of these
    following.keep_within()
    assert following.outside.doublings > 0
    assert following.label("job").doublings == 0
    following.close()
    assert following.outside is None


# ---- estimates ----


def test_busy_run_becomes_coarser_before_it_ends() -> None:
    sampling = Sampling()
    sampling.ensure_session()
    try:
        for _ in range(400):
            make(2_000, 1_000)
        assert rate() >= 2 * MIN_BYTES_PER_SAMPLE  # which costs from 2 to 8 times its share, on one machine
        assert 0.1e-6 < sampler.statistics().sample_s < 20e-6
    finally:
        sampling.close()


@pytest.mark.parametrize("rates_kb", [(1, 4, 16), (16, 2, 1), (2, 16, 1, 8)])
def test_estimates_are_unbiased_when_the_rate_changes_midway(sampling: Start, rates_kb: Sequence[int]) -> None:
    estimates, errors = [], []
    truth_bytes = len(rates_kb) * 1_000 * (500 + 8)
    runs = 600
    for seed in range(runs):
        sampling(rates_kb[0] * KB, finest_bytes=1 * KB, seed=seed)
        kept = []
        with sampler.labelled("job"):
            for rate_kb in rates_kb:
                sampler.set_bytes_per_sample(rate_kb * KB)
                assert rate() == rate_kb * KB
                kept.append(make(1_000, 467))
        entry = by_job(sampler.snapshot("job"))["job"]
        estimates.append(entry.size_bytes)
        errors.append((entry.size_bytes - truth_bytes) / entry.variance**0.5)
        sampler.stop()
        del kept
    assert np.mean(estimates) == pytest.approx(truth_bytes, abs=5 * np.std(estimates) / runs**0.5 + 0.002 * truth_bytes)
    assert 0.85 < np.std(errors) < 1.2  # of 600 runs the standard error is 0.03; of few samples it is 1.03 in the mean


def test_estimates_are_unbiased_when_samples_of_several_rates_are_thinned(sampling: Start) -> None:
    estimates = []
    for seed in range(100):
        sampling(4 * KB, finest_bytes=256, max_samples=700, seed=seed)
        with sampler.labelled("job"):
            kept = [make(1_000, 467)]
            sampler.set_bytes_per_sample(256)
            kept.append(make(1_000, 467))
        assert sampler.statistics().thinned >= 1
        estimates.append(by_job(sampler.snapshot("job"))["job"].size_bytes)
        sampler.stop()
        del kept
    assert np.mean(estimates) == pytest.approx(2_000 * 508, rel=0.03)
