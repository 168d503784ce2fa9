"""Whatever a message is made of, Discord takes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.acceptance.discord.published import check_message, check_response
from volaris.discord.messages import Embed, Message, choices, data_of, deferral, embed_of, refusal, response

LONG = st.one_of(st.text(), st.integers(0, 7_000).map(lambda size: "x" * size), st.just(" " * 300))
EMBEDS = st.builds(
    Embed,
    title=LONG,
    text=LONG,
    lines=st.lists(LONG, max_size=300),
    fields=st.lists(st.tuples(LONG, LONG), max_size=40),
    footer=LONG,
    at=st.none() | st.datetimes(timezones=st.just(UTC)),
)


@given(EMBEDS, st.booleans())
def test_every_embed_is_within_the_limits(embed: Embed, is_private: bool) -> None:
    document = response(Message(embed=embed, is_private=is_private))
    check_response(document)
    check_message(data_of(Message(embed=embed)), is_edit=True)
    assert document["data"].get("flags") == (64 if is_private else None)


@given(LONG)
def test_every_text_is_within_the_limits(text: str) -> None:
    check_response(response(refusal(text)))


@given(st.dictionaries(LONG, LONG, max_size=40))
def test_choices_are_within_the_limits(found: dict[str, str]) -> None:
    names = {value: f"{number} {name}" for number, (value, name) in enumerate(found.items()) if value.strip()}
    check_response(choices(names))


def test_nobody_is_pinged_whatever_is_quoted() -> None:
    assert response(refusal("@everyone"))["data"]["allowed_mentions"] == {"parse": []}


def test_promises_say_who_will_see_the_message() -> None:
    assert deferral(is_private=False) == {"type": 5, "data": {}}
    assert deferral(is_private=True) == {"type": 5, "data": {"flags": 64}}


def test_an_embed_has_its_table_under_its_text_and_its_time_in_utc() -> None:
    at = datetime(2026, 1, 2, 9, 30, tzinfo=timezone(timedelta(hours=-5)))
    embed = Embed(title="T", text="**1**", lines=["a  b", "c  d"], fields=[("N", "v")], footer="f", at=at)
    expected: dict[str, Any] = {
        "title": "T",
        "color": 0x3B82F6,
        "description": "**1**\n```\na  b\nc  d\n```",
        "fields": [{"name": "N", "value": "v", "inline": True}],
        "footer": {"text": "f"},
        "timestamp": "2026-01-02T14:30:00+00:00",
    }
    assert embed_of(embed) == expected


def test_a_table_that_is_too_long_loses_whole_lines_at_its_end() -> None:
    description = embed_of(Embed(title="T", lines=[f"{number:99}" for number in range(100)]))["description"]
    lines = description.split("\n")
    assert (lines[0], lines[-1]) == ("```", "```")
    assert [int(line) for line in lines[1:-1]] == list(range(40))
    assert len(description) <= 4_096
