"""What is read from the body of a request, and that no error and no record shows what is in it."""

from __future__ import annotations

import json
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volaris.discord.interactions import Interaction, Kind, parse_interaction
from volaris.errors import BadInteraction

TOKEN = "aW50ZXJhY3Rpb24-_="
COMMAND = {
    "type": 2,
    "application_id": "1122334455667788990",
    "token": TOKEN,
    "data": {"name": "screener", "options": [{"name": "limit", "type": 4, "value": 5}]},
    "member": {"user": {"id": "77"}},
}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*COMMAND, "name", "id", "x"]), inner),
)


def test_a_command_has_its_options_and_its_user() -> None:
    assert parse_interaction(orjson.dumps(COMMAND)) == Interaction(
        kind=Kind.COMMAND,
        application_id="1122334455667788990",
        token=TOKEN,
        user_id="77",
        command="screener",
        options={"limit": 5},
        focused=None,
    )


def test_the_focused_option_of_a_command_that_is_being_typed_is_known() -> None:
    options = [{"name": "symbol", "type": 3, "value": "AA", "focused": True}]
    document = COMMAND | {"type": 4, "data": {"name": "price", "options": options}}
    interaction = parse_interaction(orjson.dumps(document))
    assert (interaction.kind, interaction.focused) == (Kind.AUTOCOMPLETE, "symbol")


def test_the_token_is_not_shown() -> None:
    assert TOKEN not in repr(parse_interaction(orjson.dumps(COMMAND)))


@pytest.mark.parametrize("token", ["", "a/b", "..", "a b", "é", "x" * 2_001, 7, None])
def test_a_token_that_does_not_fit_into_an_address_is_refused(token: object) -> None:
    with pytest.raises(BadInteraction, match=r"^a value of the interaction is missing, or not of its type$"):
        parse_interaction(orjson.dumps(COMMAND | {"token": token}))


@given(st.dictionaries(st.sampled_from(list(COMMAND)), JSON))
def test_any_document_is_read_or_refused(changed: dict[str, object]) -> None:
    with suppress(BadInteraction):
        interaction = parse_interaction(json.dumps(COMMAND | changed).encode())
        assert all(isinstance(value, (str, int, float)) for value in interaction.options.values())
