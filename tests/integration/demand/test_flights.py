"""Fetches that are under way: shared, few at once, with a time limit, and ended at shutdown."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.integration.demand.market import Asked, asking
from volaris.demand import Answer, Fresh
from volaris.errors import DemandStopped, DemandTimeout, SourceTimeout, TooManyFetches
from volaris.store import Store

KINDS = ["quote", "chain", "figures"]


def asking_task(coroutine: Coroutine[Any, Any, Answer[Any]]) -> asyncio.Task[Answer[Any]]:
    """A question that is asked beside the test."""
    return asyncio.create_task(coroutine)


async def until(asked: Asked, **counts: int) -> None:
    """Let the loop turn until the statistics have these counts."""
    while any(getattr(asked.demand.statistics(), name) != count for name, count in counts.items()):  # noqa: ASYNC110
        await asyncio.sleep(0)  # counters have no event


@pytest.mark.parametrize("fresh", [Fresh.STALE, Fresh.ALWAYS])
@pytest.mark.parametrize("kind", KINDS)
async def test_50_questions_at_once_are_one_fetch(store: Store, kind: str, fresh: Fresh) -> None:
    async with asking(store) as asked:
        asked.source.stop()  # or the last questions could come after the fetch, which is then not theirs
        questions = [asking_task(getattr(asked.demand, kind)("AAPL", fresh)) for _ in range(50)]
        await until(asked, joined=49)
        asked.source.gate.set()
        answers = await asyncio.gather(*questions)
        assert set(asked.source.asked.values()) == {1}
        assert {(answer.record, answer.fetched) for answer in answers} == {(answers[0].record, True)}


@pytest.mark.parametrize("fresh", [Fresh.STALE, Fresh.ALWAYS])
async def test_question_gets_what_another_one_fetched_while_it_read_the_store(store: Store, fresh: Fresh) -> None:
    async with asking(store) as asked:
        await asked.demand.quote("AAPL")
        asked.clock.pass_s(300)
        has_read, may_go_on = asyncio.Event(), asyncio.Event()
        read_latest = store.prices.latest

        async def slow_latest(*arguments: Any, **options: Any) -> Any:
            rows = await read_latest(*arguments, **options)
            has_read.set()
            await may_go_on.wait()
            return rows

        store.prices.latest = slow_latest  # type: ignore[method-assign]
        late = asking_task(asked.demand.quote("AAPL", fresh))
        await has_read.wait()
        store.prices.latest = read_latest  # type: ignore[method-assign]
        first = await asked.demand.quote("AAPL")
        may_go_on.set()
        assert (first.fetched, first.age_s) == (True, 0.0)
        assert await late == first
        assert asked.source.asked == {("quote", "AAPL"): 2}


async def test_only_so_many_fetches_run_at_once_and_the_others_wait_for_their_turn(store: Store) -> None:
    async with asking(store, at_once=2) as asked:
        symbols = [entry.symbol for entry in await asked.source.symbols()][:10]
        asked.source.stop()
        questions = [asking_task(asked.demand.chain(symbol)) for symbol in symbols]
        await until(asked, started=10, running=2, waiting=8)
        asked.source.gate.set()
        assert all(answer.fetched for answer in await asyncio.gather(*questions))
        assert asked.source.most_at_once == 2
        assert asked.scopes == ["fetch chain"] * 10


async def test_figures_of_many_symbols_do_not_wait_for_each_others_turn(store: Store) -> None:
    async with asking(store, at_once=1) as asked:
        symbols = [entry.symbol for entry in await asked.source.symbols()][:5]
        answers = await asyncio.gather(*(asked.demand.figures(symbol) for symbol in symbols))
        assert all(answer.fetched for answer in answers)
        assert asked.source.most_at_once == 1


async def test_full_queue_refuses_a_further_fetch_but_not_a_further_question(store: Store) -> None:
    async with asking(store, at_once=1, max_waiting=2) as asked:
        await asked.demand.quote("AMZN")
        asked.source.stop()
        questions = [asking_task(asked.demand.quote(symbol)) for symbol in ("AAPL", "MSFT", "GOOG", "AAPL")]
        await until(asked, started=4, joined=1, running=1)
        with pytest.raises(
            TooManyFetches, match=r"^2 fetches from the market source are waiting, and no more may wait; try again$"
        ):
            await asked.demand.quote("NVDA")
        stored = await asked.demand.quote("AMZN", Fresh.ALWAYS)
        assert (stored.fetched, stored.age_s) == (False, 0.0)
        assert stored.fetch_error
        assert "no more may wait" in stored.fetch_error
        assert asked.demand.statistics().refused == 2
        asked.source.gate.set()
        assert all(answer.fetched for answer in await asyncio.gather(*questions))
        assert (await asked.demand.quote("NVDA")).fetched


@pytest.mark.parametrize("kind", KINDS)
async def test_fetch_beyond_its_time_limit_is_ended_and_told(store: Store, kind: str) -> None:
    async with asking(store, timeout_s=0.05) as asked:
        asked.source.stop()
        with pytest.raises(DemandTimeout, match=r"of AAPL could not be fetched within 0.05 s; try again$"):
            await getattr(asked.demand, kind)("AAPL")
        await until(asked, running=0, waiting=0)  # the chain of the figures has its own limit, which began later
        assert asked.source.at_once == 0


async def test_stored_data_are_answered_when_the_time_limit_is_over(store: Store) -> None:
    async with asking(store) as asked:
        first = await asked.demand.quote("AAPL")
    async with asking(store, timeout_s=0.05) as asked:
        asked.source.stop()
        answer = await asked.demand.quote("AAPL", Fresh.ALWAYS)
        assert (answer.record, answer.fetched) == (first.record, False)
        assert answer.fetch_error == "the quote of AAPL could not be fetched within 0.05 s; try again"


async def test_timeout_of_the_source_is_not_taken_for_that_of_the_fetch(store: Store) -> None:
    async with asking(store) as asked:
        asked.source.error = SourceTimeout("cboe", "AAPL", "it did not answer within 20 s")
        with pytest.raises(SourceTimeout, match="within 20 s"):
            await asked.demand.quote("AAPL")


async def test_cancelled_question_does_not_end_the_fetch_for_the_others(store: Store) -> None:
    async with asking(store) as asked:
        asked.source.stop()
        first, second = [asking_task(asked.demand.quote("AAPL")) for _ in range(2)]
        await until(asked, joined=1)
        first.cancel()
        await asyncio.wait([first])
        assert first.cancelled()
        asked.source.gate.set()
        assert (await second).fetched
        assert asked.source.asked == {("quote", "AAPL"): 1}


NOTHING_STORED: Answer[Any] = Answer(record=None, fetched=False, age_s=None, fetch_error=None)


async def end_unasked(asked: Asked, error: Exception | None = None) -> None:
    """Ask for a quote, cancel the question, and let its fetch end, by this error if one is given."""
    asked.source.stop()
    question = asking_task(asked.demand.quote("AAPL"))
    await asked.source.waits.wait()
    question.cancel()
    await asyncio.wait([question])
    asked.source.error = error
    asked.source.gate.set()
    (fetch,) = [task for task in asyncio.all_tasks() if task.get_name() == "fetch quote AAPL"]
    await asyncio.wait([fetch])


async def test_fetch_without_any_question_left_is_stored_all_the_same(store: Store) -> None:
    async with asking(store) as asked:
        await end_unasked(asked)
        assert (await asked.demand.quote("AAPL", Fresh.NEVER)).record


async def test_error_of_a_fetch_without_any_question_left_is_not_reported_as_unseen(store: Store) -> None:
    async with asking(store) as asked:
        await end_unasked(asked, SourceTimeout("cboe", "AAPL", "it did not answer within 20 s"))
        assert await asked.demand.quote("AAPL", Fresh.NEVER) == NOTHING_STORED
        # The fixture `loop_is_clean` fails if nobody has looked at the error.


@pytest.mark.parametrize("kind", KINDS)
async def test_end_of_the_service_ends_fetches_and_answers_who_waits(store: Store, kind: str) -> None:
    async with asking(store) as asked:
        await asked.demand.quote("AMZN")
        asked.source.stop()
        question = asking_task(getattr(asked.demand, kind)("AAPL"))
        stored = asking_task(asked.demand.quote("AMZN", Fresh.ALWAYS))
        await until(asked, started=4 if kind == "figures" else 3, running=2)
        await asked.demand.close()
        with pytest.raises(DemandStopped, match="the service is stopping"):
            await question
        assert (await stored).fetch_error == str(DemandStopped())
        assert asked.source.at_once == 0
        with pytest.raises(DemandStopped):
            await asked.demand.quote("AAPL")
        assert (await asked.demand.quote("AMZN", Fresh.NEVER)).record


async def test_each_fetch_is_tidied_up_after(store: Store) -> None:
    async with asking(store) as asked:
        await asked.demand.quote("AAPL")
        await asked.demand.figures("AAPL")
        await asked.demand.figures("AAPL")
        assert asked.tidied == [1, 3, 3]  # of the figures, the chain is a fetch of its own
