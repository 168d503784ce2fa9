"""Whose a sample is: the label of its context, the default one, and the births that labels advance."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from profiling.samples import sampler
from profiling.samples.estimates import by_job, live

Start = Callable[..., None]


@pytest.fixture(autouse=True)
def no_default_label() -> Iterator[None]:
    yield
    sampler.set_default_label(None)


def make(count: int) -> Sequence[object]:
    return [bytes(967) for _ in range(count)]


def born(birth: int) -> float:
    return sum(entry.fresh_bytes for entry in live(sampler.snapshot(birth=birth)).sums.values())


def in_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_label_that_is_shared_advances_its_birth_for_all_who_hold_it(sampling: Start) -> None:
    sampling(64)
    label = sampler.label("job")
    first = label.birth
    sampler.enter(label)
    kept = [make(100)]
    label.birth = second = sampler.next_birth()
    kept.append(make(200))
    sampler.enter(None)
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
    sampler.enter(label)
    kept = make(100)
    sampler.enter(None)
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
