"""Labels follow work into executors, pools and threads while sampling is on, and threads are left as they were."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from profiling.samples import sampler, threads
from profiling.samples.estimates import by_job
from profiling.samples.sampling import Sampling

if sampler.unavailable_reason() is not None:
    pytest.skip(str(sampler.unavailable_reason()), allow_module_level=True)

KEPT_BYTES = 200_000
SUBMIT, START = ThreadPoolExecutor.submit, threading.Thread.start


@pytest.fixture(autouse=True)
def following() -> Iterator[None]:
    sampler.start(64)
    threads.follow()
    yield
    threads.leave()
    sampler.stop()
    assert (ThreadPoolExecutor.submit, threading.Thread.start) == (SUBMIT, START)


@pytest.fixture
def kept() -> list[object]:
    return []


@pytest.fixture
def work(kept: list[object]) -> Callable[[], None]:
    """Keep 200 KB."""
    return lambda: kept.append([bytes(967) for _ in range(KEPT_BYTES // 1_000)])


def size_of(job: str) -> float:
    entry = by_job(sampler.snapshot()).get(job)
    return entry.size_bytes if entry else 0.0


def about(size_bytes: float) -> object:
    return pytest.approx(size_bytes, rel=0.1)


async def test_executor_of_the_loop_works_for_who_asks(work: Callable[[], None]) -> None:
    with sampler.labelled("job"):
        await asyncio.get_running_loop().run_in_executor(None, work)
    assert size_of("job") == about(KEPT_BYTES)


def test_pool_works_for_who_submits_and_for_each_in_turn(work: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as pool:
        with sampler.labelled("one"):
            pool.submit(work).result()
        with sampler.labelled("other"):
            pool.submit(work).result()
            list(pool.map(lambda _: work(), range(2)))
    assert size_of("one") == about(KEPT_BYTES)
    assert size_of("other") == about(3 * KEPT_BYTES)


def test_worker_keeps_no_label(work: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as pool:
        with sampler.labelled("job"):
            pool.submit(work).result()
        told = size_of("job")
        pool.submit(work).result()
        assert pool.submit(sampler.job_label.get).result() is None
    assert size_of("job") == pytest.approx(told, abs=5_000)


def test_call_that_fails_leaves_no_label_either() -> None:
    def fail() -> None:
        raise KeyError("failed")

    with ThreadPoolExecutor(1) as pool:
        with sampler.labelled("job"):
            future = pool.submit(fail)
        with pytest.raises(KeyError, match="failed"):
            future.result()
        assert pool.submit(sampler.job_label.get).result() is None


def test_result_and_arguments_pass_through() -> None:
    with ThreadPoolExecutor(1) as pool, sampler.labelled("job"):
        assert pool.submit(divmod, 7, 2).result() == (3, 1)
        assert pool.submit(int, "11", base=2).result() == 3


def test_submitting_does_not_change_the_label_of_who_submits() -> None:
    with ThreadPoolExecutor(1) as pool, sampler.labelled("job"):
        label = sampler.job_label.get()
        pool.submit(len, ()).result()
        assert sampler.job_label.get() is label
    with pytest.raises(RuntimeError, match="cannot schedule"), sampler.labelled("job"):
        pool.submit(len, ())


def join(thread: threading.Thread) -> None:
    thread.start()
    thread.join()


def test_thread_with_a_target_works_for_who_starts_it(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    with sampler.labelled("job"):
        join(thread)
    assert size_of("job") == about(KEPT_BYTES)


def test_subclass_of_thread_works_for_who_starts_it(work: Callable[[], None]) -> None:
    class Worker(threading.Thread):
        def run(self) -> None:
            work()

    with sampler.labelled("job"):
        join(Worker())
    assert size_of("job") == about(KEPT_BYTES)


def test_thread_whose_run_was_replaced_runs_that(work: Callable[[], None]) -> None:
    thread = threading.Thread()
    thread.run = work  # type: ignore[method-assign]
    with sampler.labelled("job"):
        join(thread)
    assert size_of("job") == about(KEPT_BYTES)


def test_thread_that_a_thread_starts_works_for_the_same_job(work: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as pool, sampler.labelled("job"):
        join(threading.Thread(target=lambda: join(threading.Thread(target=work))))
        pool.submit(lambda: join(threading.Thread(target=work))).result()
    assert size_of("job") == about(2 * KEPT_BYTES)


def test_thread_started_outside_jobs_works_for_none(work: Callable[[], None]) -> None:
    join(threading.Thread(target=work))
    assert set(by_job(sampler.snapshot())) == {None}


def test_thread_that_has_ended_is_in_no_cycle() -> None:
    thread = threading.Thread(target=len, args=((),))
    with sampler.labelled("job"):
        join(thread)
    assert "run" not in vars(thread)
    gone = weakref.ref(thread)
    gc.disable()
    try:
        del thread
        assert gone() is None
    finally:
        gc.enable()


def test_following_twice_is_the_same_as_once(work: Callable[[], None]) -> None:
    threads.follow()
    with sampler.labelled("job"):
        join(threading.Thread(target=work))
    assert size_of("job") == about(KEPT_BYTES)


def test_what_others_have_patched_on_top_stays() -> None:
    ours, calls = threading.Thread.start, []

    def others(thread: threading.Thread) -> None:
        calls.append(thread)
        ours(thread)

    threading.Thread.start = others  # type: ignore[method-assign, assignment]
    try:
        threads.leave()
        assert threading.Thread.start is others
        assert ThreadPoolExecutor.submit is SUBMIT
        join(threading.Thread(target=len, args=((),)))
        assert len(calls) == 1
    finally:
        threading.Thread.start = ours  # type: ignore[method-assign]


def test_labels_follow_from_the_first_need_of_samples_until_they_stop() -> None:
    threads.leave()
    sampler.stop()
    sampling = Sampling(64)
    sampling.ensure_session()
    assert ThreadPoolExecutor.submit is not SUBMIT
    assert threading.Thread.start is not START
    sampling.close()
    assert (ThreadPoolExecutor.submit, threading.Thread.start) == (SUBMIT, START)
