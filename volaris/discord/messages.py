"""What a command answers with, and the forms in which Discord takes it; all are within its limits by construction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from volaris.discord import limits
from volaris.discord.texts import NONE, cut

BLUE = 0x3B82F6
FENCE = "```"
EPHEMERAL = 1 << 6  # the flag of a message that only the user sees who gave the command

# Types of responses: https://discord.com/developers/docs/interactions/receiving-and-responding
PONG: Mapping[str, Any] = {"type": 1}
MESSAGE, DEFERRED_MESSAGE, CHOICES = 4, 5, 8
NOBODY_IS_PINGED: Mapping[str, Any] = {"parse": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class Embed:
    """A card with a title, a few figures and a table."""

    title: str
    text: str = ""
    lines: Sequence[str] = ()  # of a table, in letters of fixed width
    fields: Sequence[tuple[str, str]] = ()  # names and values, three beside each other on a wide screen
    footer: str = ""
    at: datetime | None = None  # with time zone; shown after the footer in the reader's time


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The answer to a command: an embed, or a text if there is none."""

    embed: Embed | None = None
    text: str = ""
    is_private: bool = False  # whether only the user sees it who gave the command


def refusal(text: str) -> Message:
    """Return a message that says why there is no answer; nobody else sees it."""
    return Message(text=text, is_private=True)


def response(message: Message) -> dict[str, Any]:
    """Return the response to an interaction that is answered at once."""
    return {"type": MESSAGE, "data": data_of(message) | _flags(is_private=message.is_private)}


def deferral(*, is_private: bool) -> dict[str, Any]:
    """Return the response that promises a message, and says whether others will see it."""
    return {"type": DEFERRED_MESSAGE, "data": _flags(is_private=is_private)}


def choices(names_by_value: Mapping[str, str]) -> dict[str, Any]:
    """Return the response to a text that a user is typing: values to choose from, each with its name."""
    found = [
        {"name": cut(name, limits.MAX_CHOICE), "value": value}
        for value, name in names_by_value.items()
        if 1 <= len(value) <= limits.MAX_CHOICE
    ]
    return {"type": CHOICES, "data": {"choices": found[: limits.MAX_CHOICES]}}


def data_of(message: Message) -> dict[str, Any]:
    """Return the content of a message, without its flags, which only a new message has."""
    data: dict[str, Any] = {"allowed_mentions": NOBODY_IS_PINGED}
    if message.embed is None:
        return data | {"content": _shown(message.text, limits.MAX_CONTENT)}
    return data | {"embeds": [embed_of(message.embed)]}


def embed_of(embed: Embed) -> dict[str, Any]:
    """Return the embed in Discord's form. What exceeds a limit is left out: first fields, then lines of the table."""
    title, footer = _shown(embed.title, limits.MAX_TITLE), cut(embed.footer.strip(), limits.MAX_FOOTER)
    room = limits.MAX_EMBED - len(title) - len(footer)
    description = _description(embed.text, embed.lines, min(room, limits.MAX_DESCRIPTION))
    document: dict[str, Any] = {"title": title, "color": BLUE}
    if description:
        document["description"] = description
    if fields := _fields(embed.fields, room - len(description)):
        document["fields"] = fields
    if footer:
        document["footer"] = {"text": footer}
    if embed.at is not None:
        document["timestamp"] = embed.at.astimezone(UTC).isoformat(timespec="seconds")
    return document


def _description(text: str, lines: Sequence[str], room: int) -> str:
    text = cut(text.strip(), room)
    kept: list[str] = []
    room -= len(text) + len(f"\n{FENCE}\n\n{FENCE}")
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line.replace(FENCE, ""))
    if not kept:
        return text
    block = "\n".join([FENCE, *kept, FENCE])
    return f"{text}\n{block}" if text else block


def _fields(fields: Sequence[tuple[str, str]], room: int) -> list[dict[str, Any]]:
    kept = []
    for name, value in fields[: limits.MAX_FIELDS]:
        name, value = _shown(name, limits.MAX_FIELD_NAME), _shown(value, limits.MAX_FIELD_VALUE)
        room -= len(name) + len(value)
        if room < 0:
            break
        kept.append({"name": name, "value": value, "inline": True})
    return kept


def _shown(text: str, most: int) -> str:
    # Discord refuses a text of nothing but blanks.
    return cut(text.strip(), most) or NONE


def _flags(*, is_private: bool) -> dict[str, Any]:
    return {"flags": EPHEMERAL} if is_private else {}
