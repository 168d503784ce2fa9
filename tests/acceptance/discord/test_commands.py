"""Each command from the signed request to what a user sees, over a database without rows and with the scheduler off."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from tests.acceptance.discord.conftest import Commanded
from tests.acceptance.discord.stand_in import ADMIN, USER
from tests.acceptance.test_data_api import METRICS
from tests.integration.store.chains import MOMENT
from volaris.discord import chain
from volaris.errors import SourceUnavailable
from volaris.jobs.sp500 import row_of
from volaris.store import ConstituentRow, MetricsRow, PriceRow

DOLLARS = r"\$\d{1,3}(,\d{3})*\.\d\d"
WIDEST_LINE = 36  # letters of fixed width that fit on a small phone


def figures_of(
    day: date, iv30: float, *, symbol: str = "AAPL", rank: float | None = None, at: datetime = MOMENT
) -> MetricsRow:
    """The figures of a symbol on a day."""
    return replace(METRICS, symbol=symbol, day=day, iv30=iv30, iv_rank=rank, computed_at=at)


def table_in(description: str) -> list[str]:
    """The lines of the table."""
    match = re.search(r"```\n(.*)\n```$", description, re.DOTALL)
    assert match, description
    return match[1].split("\n")


async def test_price_is_fetched_and_has_bid_ask_and_volume(commanded: Commanded) -> None:
    shown = await commanded.ask("price", symbol="AAPL")
    assert not shown.is_private
    assert shown.embed["title"] == "AAPL · Apple Inc."
    assert re.fullmatch(rf"\*\*{DOLLARS}\*\*", shown.embed["description"])
    assert list(shown.fields) == ["Bid", "Ask", "Volume"]
    assert all(re.fullmatch(DOLLARS, shown.fields[name]) for name in ("Bid", "Ask"))
    assert re.fullmatch(r"simulated · .+ · fetched now", shown.embed["footer"]["text"])
    assert commanded.source.asked == {("quote", "AAPL"): 1}


async def test_symbol_may_be_typed_as_people_do(commanded: Commanded) -> None:
    for typed in ("brk-b", "$BRK.B", " brk/b "):
        assert (await commanded.ask("price", symbol=typed)).embed["title"].startswith("BRK.B · ")


async def test_chain_shows_both_sides_of_the_nearest_expiration_around_the_money(commanded: Commanded) -> None:
    shown = await commanded.ask("chain", symbol="AAPL")
    head, *rows = table_in(shown.embed["description"])
    assert head.split() == ["strike", "C", "bid", "ask", "P", "bid", "ask"]
    assert len(rows) == chain.STRIKES
    assert max(map(len, (head, *rows))) <= WIDEST_LINE
    assert sum(row.startswith(">") for row in rows) == 1
    strikes = [float(row[1:].split()[0]) for row in rows]
    assert strikes == sorted(strikes)
    day = re.search(r"of \*\*(\S+)\*\*, spot", shown.embed["description"])
    assert day is not None
    assert day[1] < shown.fields["Other expirations"].split(", ")[0]


async def test_chain_of_one_side_and_another_expiration(commanded: Commanded) -> None:
    later = (await commanded.ask("chain", symbol="AAPL")).fields["Other expirations"].split(", ")[1]
    shown = await commanded.ask("chain", symbol="AAPL", expiration=later, type="put")
    head, *rows = table_in(shown.embed["description"])
    assert shown.embed["description"].startswith(f"Puts of **{later}**, spot ")
    assert head.split() == ["strike", "bid", "ask", "volume", "open"]
    assert len(rows) == chain.STRIKES
    assert commanded.source.asked["chain", "AAPL"] == 1  # the second answer is the stored chain
    assert shown.embed["footer"]["text"].endswith(" · stored")


async def test_wrong_expirations_and_types_are_told_with_those_there_are(commanded: Commanded) -> None:
    day = "2001-01-01"
    refusal = (await commanded.ask("chain", symbol="AAPL", expiration=day)).refusal
    assert re.fullmatch(rf"No contracts expire on {day}\. Choose one of (\d{{4}}-\d\d-\d\d(, )?)+\.", refusal)
    refusal = (await commanded.ask("chain", symbol="AAPL", expiration="fri`day")).refusal
    assert refusal.startswith("`fri day` is no day; write it as 2")
    refusal = (await commanded.ask("chain", symbol="AAPL", type="straddle")).refusal
    assert refusal == "`type` must be one of call, put."


async def test_iv_shows_rank_percentile_and_term_structure(commanded: Commanded) -> None:
    metrics = commanded.running.service.store.metrics
    today = datetime.now(UTC).date()
    # A third of the days above whatever it is today, and two thirds below.
    history = [figures_of(today - timedelta(days=days), 0.01 if days % 3 else 3.0) for days in range(1, 253)]
    await metrics.save(history, [])
    shown = await commanded.ask("iv", symbol="AAPL")
    assert re.fullmatch(r"\d+ of 100, over 252 days", shown.fields["IV rank"])
    assert shown.fields["IV percentile"] == "67 of 100, over 252 days"
    assert re.match(r"\*\*\d+\.\d %\*\* over the next 30 days\n", shown.embed["description"])
    head, *rows = table_in(shown.embed["description"])
    assert head.split() == ["expires", "days", "ATM", "IV", "skew"]
    assert len(rows) == 8
    assert max(map(len, rows)) <= WIDEST_LINE
    assert commanded.source.asked == {("chain", "AAPL"): 1, ("bars", "AAPL"): 1}


async def test_iv_without_history_says_what_a_rank_needs(commanded: Commanded) -> None:
    shown = await commanded.ask("iv", symbol="MSFT")
    assert shown.fields["IV rank"] == "needs 252 days; there are 0"


async def test_screener_fetches_the_index_and_sorts_as_asked(commanded: Commanded) -> None:
    store = commanded.running.service.store
    listed = (await commanded.source.constituents())[:30]  # not all 503, which takes some seconds
    await store.constituents.replace([row_of(member) for member in listed], datetime.now(UTC))
    shown = await commanded.ask("screener")
    assert (shown.embed["title"], len(table_in(shown.embed["description"]))) == ("Highest IV 30 days", 11)
    assert shown.embed["footer"]["text"].endswith("fetched now")
    refusal = (await commanded.ask("screener", sort="iv_rank")).refusal
    assert refusal.startswith("No share has a figure for IV rank yet.")
    names = [f"S{number}" for number in range(30)]
    await store.constituents.replace(
        [ConstituentRow(symbol=name, name=name, sector=None, since=None) for name in names], datetime.now(UTC)
    )
    at = datetime.now(UTC) - timedelta(hours=1, minutes=1)
    rows = [
        figures_of(at.date(), 0.01 * number, symbol=name, rank=99 - number, at=at) for number, name in enumerate(names)
    ]
    await store.metrics.save(rows, [])
    shown = await commanded.ask("screener")
    head, *lines = table_in(shown.embed["description"])
    assert (head.split(), len(lines)) == (["#", "symbol", "iv_rank", "iv30"], 10)
    assert lines[0].split() == ["1", "S0", "99", "0.0", "%"]
    assert shown.embed["footer"]["text"] == "simulated · 1 h old · stored"
    shown = await commanded.ask("screener", sort="iv30", limit=25)
    head, *lines = table_in(shown.embed["description"])
    assert (head.split(), len(lines)) == (["#", "symbol", "iv30", "iv_rank"], 25)
    assert lines[0].split() == ["1", "S29", "29.0", "%", "70"]


async def test_screener_refuses_a_limit_out_of_bounds(commanded: Commanded) -> None:
    for limit in (0, 26, 10**12):
        refusal = (await commanded.ask("screener", limit=limit)).refusal
        assert refusal == "`limit` must be a whole number from 1 to 25."


async def test_status_shows_memory_jobs_and_verdicts_to_an_administrator_alone(commanded: Commanded) -> None:
    await commanded.running.run()
    shown = await commanded.ask("status", user=ADMIN)
    assert shown.is_private
    assert shown.embed["title"].startswith("Memory: ")
    head, *rows = table_in(shown.embed["description"])
    assert head.split() == ["job", "last", "verdict"]
    assert ["prices_1m", "completed", "too", "few", "runs"] in [row.split() for row in rows]
    assert len(rows) == 5
    assert shown.fields["Failures"] == "0 of 1 runs"
    assert shown.fields["Scheduler"] == "off: jobs run only on request"


async def test_status_is_refused_to_everybody_else(commanded: Commanded) -> None:
    refusal = (await commanded.ask("status")).refusal
    assert refusal == (
        f"Only administrators may see the status. Your id is {USER}; an operator can add it to DISCORD_ADMINS."
    )


async def test_unknown_commands_and_symbols_are_told_in_plain_words(commanded: Commanded) -> None:
    assert (await commanded.ask("moon")).refusal.startswith("There is no such command any more")
    refusal = (await commanded.ask("price", symbol="APPL")).refusal
    assert refusal.startswith("There is no symbol `APPL`. Did you mean ")
    refusal = (await commanded.ask("price", symbol="@everyone ``` [x](http://x)")).refusal
    assert refusal.startswith("There is no symbol `@everyone")
    assert refusal.count("`") == 2
    refusal = (await commanded.ask("price")).refusal
    assert refusal.startswith("There is no symbol ` `.")


async def test_symbols_are_completed_the_nearest_first(commanded: Commanded) -> None:
    assert (await commanded.choices("price", "aap"))[0] == "AAPL"
    assert (await commanded.choices("iv", "apple"))[0] == "AAPL"
    assert (await commanded.choices("iv", "A"))[0] == "A"
    assert len(await commanded.choices("chain", "")) == 25
    assert await commanded.choices("chain", "no share has this name") == []
    assert await commanded.choices("moon", "A") == []
    assert await commanded.choices("chain", "c", option="type") == []


async def test_expirations_are_completed_from_the_stored_chain(commanded: Commanded) -> None:
    assert await commanded.choices("chain", "", option="expiration", symbol="AAPL") == []
    assert await commanded.choices("chain", "", option="expiration") == []
    others = (await commanded.ask("chain", symbol="AAPL")).fields["Other expirations"].split(", ")
    found = await commanded.choices("chain", "", option="expiration", symbol="aapl")
    assert (found[1:], len(found)) == (others, 8)
    last = others[-1]
    assert await commanded.choices("chain", last, option="expiration", symbol="AAPL") == [last]
    for typed in ("1999", "\0", "x" * 6_000):
        assert await commanded.choices("chain", typed, option="expiration", symbol="AAPL") == []
        assert await commanded.choices("chain", "", option="expiration", symbol=typed) == []


async def test_stored_data_are_shown_with_their_age_while_the_source_is_down(commanded: Commanded) -> None:
    quoted_at = datetime.now(UTC) - timedelta(days=2, hours=1)
    row = PriceRow(symbol="AAPL", source="simulated", price=99.5, bid=None, ask=None, volume=None, quoted_at=quoted_at)
    await commanded.running.service.store.prices.save([row])
    commanded.source.error = SourceUnavailable("simulated", "AAPL", "no answer")
    shown = await commanded.ask("price", symbol="AAPL")
    assert shown.embed["description"] == "**$99.50**\nNot updated: simulated: AAPL: no answer"
    assert shown.embed["footer"]["text"] == "simulated · 2 days old · stored"
    assert shown.fields == {"Bid": "–", "Ask": "–", "Volume": "–"}


async def test_sentence_says_that_the_source_is_down_if_nothing_is_stored(commanded: Commanded) -> None:
    commanded.source.error = SourceUnavailable("simulated", "AAPL", "no answer")
    for command in ("price", "chain", "iv"):
        refusal = (await commanded.ask(command, symbol="AAPL")).refusal
        assert refusal == "Nothing is stored, and the market source could not be asked: no answer."


async def test_fifty_users_who_ask_for_one_symbol_at_once_share_a_fetch(commanded: Commanded) -> None:
    shown = await asyncio.gather(*(commanded.ask("price", symbol="AAPL") for _ in range(50)))
    assert len({of.embed["description"] for of in shown}) == 1
    assert commanded.source.asked == {("quote", "AAPL"): 1}


async def test_each_command_is_a_scope_and_so_is_each_fetch(commanded: Commanded) -> None:
    await commanded.ask("iv", symbol="AAPL")
    await commanded.ask("price", symbol="AAPL")
    await commanded.ask("price", symbol="MSFT")
    await commanded.ask("moon")
    await commanded.choices("price", "A")
    scopes = (await commanded.running.json("/debug/scopes"))["scopes"]
    calls = {scope["scope"]: scope["calls"] for scope in scopes if scope["scope"].startswith(("discord", "fetch"))}
    assert calls == {
        "discord /iv": 1,
        "discord /price": 2,
        "discord autocomplete": 1,
        "fetch quote": 2,
        "fetch chain": 1,
        "fetch figures": 1,
    }
