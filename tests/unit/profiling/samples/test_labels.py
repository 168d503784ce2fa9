"""Whose a sample is: the label of its context, the default one, and the births that labels advance."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextvars import Context, copy_context

import numpy as np
import pytest

from benchmarks import sampler_survival as survival
from profiling.samples import sampler
from profiling.samples.estimates import by_job, estimate_live
from profiling.samples.sampled_run import SampledRun, _heirs
from profiling.samples.sampling import Sampling

Start = Callable[..., None]


@pytest.fixture(autouse=True)
def no_default_label() -> Iterator[None]:
    yield
    sampler.set_default_label(None)


def make(count: int) -> Sequence[object]:
    return [bytes(967) for _ in range(count)]


def born(birth: int) -> float:
    return sum(entry.fresh_bytes for entry in estimate_live(sampler.snapshot(births=(birth,))).sums.values())


def in_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_label_that_is_shared_advances_its_birth_for_all_who_hold_it(sampling: Start) -> None:
    sampling(64)
    label = sampler.label("job")
    first = label.birth
    sampler.set_current_job(label)
    kept = [make(100)]
    label.birth = second = sampler.next_birth()
    kept.append(make(200))
    sampler.set_current_job(None)
    assert born(first) == pytest.approx(100_000, rel=0.1)
    assert born(second) == pytest.approx(200_000, rel=0.1)
    assert by_job(sampler.snapshot())["job"].size_bytes == pytest.approx(300_000, rel=0.1)
    assert len(kept) == 2


def test_thread_that_inherits_no_context_works_for_the_default_label(sampling: Start) -> None:
    kept: list[object] = []
    sampling(64)
    default = sampler.label("everything")
    sampler.set_default_label(default)
    with sampler.labelled("job"):
        in_thread(lambda: kept.append(make(100)))
        kept.append(make(200))
    assert born(default.birth) == pytest.approx(100_000, rel=0.1)
    assert by_job(sampler.snapshot())["job"].size_bytes == pytest.approx(200_000, rel=0.1)
    sampler.set_default_label(None)
    default_bytes = born(default.birth)
    in_thread(lambda: kept.append(make(300)))
    assert born(default.birth) <= default_bytes


def test_default_label_without_a_job_gives_births_to_what_is_outside_jobs(sampling: Start) -> None:
    outside = sampler.label(None)
    sampler.set_default_label(outside)
    sampling(64)
    kept = [make(100)]
    first, outside.birth = outside.birth, sampler.next_birth()
    kept.append(make(200))
    assert born(first) == pytest.approx(100_000, rel=0.1)
    assert born(outside.birth) == pytest.approx(200_000, rel=0.1)
    assert set(by_job(sampler.snapshot())) == {None}
    assert len(kept) == 2


def test_births_are_drawn_once(sampling: Start) -> None:
    drawn = [sampler.next_birth() for _ in range(100)]
    assert drawn == list(range(drawn[0], drawn[0] + 100))
    assert sampler.label("job").birth == drawn[-1] + 1
    assert sampler.label("job", 7).birth == 7


def test_label_refuses_what_is_no_job_and_no_birth(sampling: Start) -> None:
    label = sampler.label("job", 2**32 - 1)
    assert repr(label) == f"Label('job', {2**32 - 1})"
    for birth in (-1, 2**32):
        with pytest.raises(OverflowError, match=r"32 bits|negative|unsigned"):
            label.birth = birth
        with pytest.raises(OverflowError, match=r"32 bits|negative|unsigned"):
            sampler.label("job", birth)
    with pytest.raises(AttributeError):
        label.job = "other"  # type: ignore[misc]
    with pytest.raises(AttributeError, match="always has its numbers"):
        del label.birth
    with pytest.raises(TypeError, match="a str or None, not int"):
        sampler.label(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a Label or None"):
        sampler.set_default_label("job")  # type: ignore[arg-type]


def test_labels_are_given_back(sampling: Start) -> None:
    label = sampler.label("job")
    before = sys.getrefcount(label)
    sampling(64)
    sampler.set_default_label(label)
    sampler.set_current_job(label)
    kept = make(100)
    sampler.set_current_job(None)
    sampler.set_default_label(None)
    sampler.stop()
    assert len(kept) == 100
    assert sys.getrefcount(label) == before


def test_marks_are_told_apart_also_when_their_sixteen_bits_have_come_round(sampling: Start) -> None:
    def fresh(since: int) -> float:
        return by_job(sampler.snapshot("job", since=since))["job"].fresh_bytes

    sampling(64)
    with sampler.labelled("job"):
        kept = [make(100)]
        for _ in range(3):
            for _ in range(30_000):
                sampler.mark()
            last = sampler.mark()
            kept.append(make(100))
        for _ in range(10_000):
            sampler.mark()
    assert fresh(0) == pytest.approx(400_000, rel=0.1)
    assert fresh(last) == pytest.approx(100_000, rel=0.1)
    assert fresh(last - 1_000) == pytest.approx(100_000, rel=0.1)
    assert fresh(sampler.mark()) == 0
    assert len(kept) == 4


# ---- what outlives a run ----


@pytest.fixture
def profiled() -> Iterator[Sampling]:
    sampling = Sampling(64)
    yield sampling
    sampling.close()


def in_run(job: str, sampling: Sampling, work: Callable[[], object]) -> int:
    """Do the work in a run of the job; return the run's birth."""
    run = SampledRun(job, sampling)
    run.open()
    work()
    run.leave()
    assert run.birth is not None
    return run.birth


def test_what_a_run_leaves_at_work_is_attributed_to_the_jobs_later_runs_by_birth(profiled: Sampling) -> None:
    kept: list[object] = []
    servers: list[Context] = []

    def serve() -> None:
        servers[0].run(lambda: kept.append(make(200)))

    first = in_run("job", profiled, lambda: servers.append(copy_context()))
    serve()  # between runs: the latest one's
    assert born(first) == pytest.approx(200_000, rel=0.1)
    other = in_run("other", profiled, serve)  # another job's run does not take it
    assert born(first) == pytest.approx(400_000, rel=0.1)
    assert born(other) < 20_000
    second = in_run("job", profiled, serve)
    third = in_run("job", profiled, serve)
    assert [born(second), born(third)] == pytest.approx([200_000, 200_000], rel=0.1)
    assert born(first) == pytest.approx(400_000, rel=0.1)
    assert by_job(sampler.snapshot())["job"].size_bytes == pytest.approx(800_000, rel=0.1)


def test_heir_lasts_as_long_as_a_context_holds_the_label_of_a_run(profiled: Sampling) -> None:
    held: list[Context] = []
    in_run("heir", profiled, lambda: held.append(copy_context()))
    assert "heir" in _heirs
    in_run("heir", profiled, lambda: None)
    assert "heir" in _heirs
    held.clear()
    assert "heir" not in _heirs


def test_label_is_left_to_another_label_only(sampling: Start) -> None:
    label, heir = sampler.label("job"), sampler.label("job")
    with pytest.raises(TypeError, match="an heir is another label"):
        label.bequeath(label)
    with pytest.raises(TypeError, match="an heir is another label"):
        label.bequeath("job")  # type: ignore[arg-type]
    label.bequeath(heir)
    with pytest.raises(TypeError, match="one without an heir"):
        sampler.label("job").bequeath(label)


# ---- labels that are sampled more coarsely ----


def fill(kept: list[object], size: int, places: Sequence[int]) -> None:
    """Put a block into each of these places of a list: neither the list nor a number is allocated meanwhile."""
    for place in places:
        kept[place] = bytes(size)


def test_label_counts_the_samples_that_were_taken_under_it(sampling: Start) -> None:
    sampling(64)
    label = sampler.label("job")
    assert label.taken == 0
    kept: list[object] = [None] * 1_000
    places = list(range(1_000))
    sampler.set_current_job(label)
    fill(kept, 967, places)
    sampler.set_current_job(None)
    taken = label.taken
    assert taken == pytest.approx(1_000, abs=20)
    fill(kept, 967, places)
    assert label.taken == taken


@pytest.mark.parametrize("doublings", [0, 1, 3, 5])
def test_estimates_are_unbiased_under_a_label_that_is_sampled_more_coarsely(sampling: Start, doublings: int) -> None:
    estimates, errors, taken, runs, places = [], [], 0, 600, list(range(2_000))
    truth_bytes = 2_000 * 500
    for seed in range(runs):
        sampling(1_024, seed=seed)
        label = sampler.label("job")
        label.doublings = doublings
        kept: list[object] = [None] * 2_000
        sampler.set_current_job(label)
        fill(kept, 467, places)
        sampler.set_current_job(None)
        entry = by_job(sampler.snapshot("job"))["job"]
        estimates.append(entry.size_bytes)
        errors.append((entry.size_bytes - truth_bytes) / entry.variance**0.5)
        taken += label.taken
        sampler.stop()
        del kept
    assert np.mean(estimates) == pytest.approx(truth_bytes, abs=5 * np.std(estimates) / runs**0.5 + 0.005 * truth_bytes)
    assert 0.85 < np.std(errors) < 1.2  # of 600 runs the standard error is 0.03; of few samples it is 1.03 in the mean
    assert taken / runs == pytest.approx(2_000 * -np.expm1(-500 / (1_024 * 2**doublings)), rel=0.05)


def test_blocks_of_half_a_megabyte_are_sampled_finely_under_any_label(sampling: Start) -> None:
    sampling(4_096)
    label = sampler.label("job")
    label.doublings = 20
    sampler.set_current_job(label)
    small = [bytearray((512 << 10) - 2) for _ in range(8)]  # a byte more is allocated for the end
    assert label.taken == 0
    large = [bytearray((512 << 10) - 1) for _ in range(8)]
    sampler.set_current_job(None)
    assert label.taken == 8
    assert len(small) + len(large) == 16


def test_doublings_are_a_number_of_32_bits(sampling: Start) -> None:
    label = sampler.label("job")
    label.doublings = 2**32 - 1
    assert label.doublings == 2**32 - 1
    for number in (-1, 2**32):
        with pytest.raises(OverflowError, match=r"32 bits|negative|unsigned"):
            label.doublings = number


def test_stacks_that_no_sample_has_any_more_hold_no_code_once_they_are_let_go() -> None:
    part = survival.run(  # by itself: a tracer of code holds on to code too
        "import weakref\n"
        "from profiling.samples import sampler\n"
        "sampler.start(64, seed=1)\n"
        "made = {}\n"
        "exec('def allocate(): return [bytes(967) for _ in range(100)]', made)\n"
        "code = weakref.ref(made['allocate'].__code__)\n"
        "kept = made['allocate']()\n"
        "made.clear()\n"
        "sampler.let_go()\n"
        "assert code() is not None\n"
        "del kept\n"
        "sampler.let_go()\n"
        "assert code() is None\n"
    )
    assert part.status == 0, part.output
