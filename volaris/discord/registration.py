"""Registers the commands with Discord: one request replaces all commands of the application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from volaris.discord.api import ApiAnswer, DiscordApi
from volaris.discord.catalogue import DEFINITIONS
from volaris.errors import RegistrationFailed

# What Discord fills in if a definition does not say it. It adds further keys, such as ids, which are not compared.
DEFAULTS: Mapping[str, Any] = {
    "type": 1,
    "options": [],
    "required": False,
    "autocomplete": False,
    "choices": [],
    "min_value": None,
    "max_value": None,
}
COMPARED = ("name", "description", *DEFAULTS)

HINTS = {
    HTTPStatus.UNAUTHORIZED: "the token is wrong; copy it anew from the page Bot of the developer portal",
    HTTPStatus.FORBIDDEN: "the application may not do this; add it to the server with the scope applications.commands",
    HTTPStatus.NOT_FOUND: "there is no such application or server; check DISCORD_APPLICATION_ID and --guild",
    HTTPStatus.TOO_MANY_REQUESTS: "too many requests; try again later",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The names of the commands that a registration adds, changes and removes."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        """Return whether there is anything to change."""
        return bool(self.added or self.changed or self.removed)

    def __str__(self) -> str:
        """Return what is changed, such as `add /iv; remove /old`."""
        parts = (("add", self.added), ("change", self.changed), ("remove", self.removed))
        return "; ".join(f"{verb} {', '.join(f'/{name}' for name in names)}" for verb, names in parts if names)


async def register(api: DiscordApi, application_id: str, *, guild_id: str | None, dry_run: bool) -> str:
    """Register all commands, in one server or everywhere, if they differ from what Discord has.

    Return a sentence that says what was done, or for a dry run, what would be done. Raises RegistrationFailed.
    """
    where = f"/guilds/{guild_id}" if guild_id else ""
    path = f"/applications/{application_id}{where}/commands"
    wanted = [definition.document() for definition in DEFINITIONS]
    changes = changes_between(_listed(await api.send("GET", path)), wanted)
    place = f"in the server {guild_id}" if guild_id else "in all servers and direct messages"
    if not changes:
        return f"nothing to change: Discord has these {len(wanted)} commands {place}"
    if dry_run:
        return f"would {changes}, {place}"
    _listed(await api.send("PUT", path, wanted))
    return f"registered {len(wanted)} commands {place}: {changes}"


def changes_between(registered: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]]) -> Changes:
    """Return how the wanted commands differ from the registered ones, in what the definitions say."""
    before = {str(command.get("name")): _comparable(command) for command in registered}
    after = {str(command["name"]): _comparable(command) for command in wanted}
    return Changes(
        added=tuple(name for name in after if name not in before),
        changed=tuple(name for name in after if name in before and before[name] != after[name]),
        removed=tuple(name for name in before if name not in after),
    )


def _comparable(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a command or an option with its defaults, and without what Discord adds."""
    compared = {key: part.get(key, DEFAULTS.get(key)) for key in COMPARED}
    compared["options"] = [_comparable(option) for option in compared["options"] or ()]
    compared["choices"] = [(choice.get("name"), choice.get("value")) for choice in compared["choices"] or ()]
    return compared


def _listed(answer: ApiAnswer) -> list[dict[str, Any]]:
    if not answer.is_success:
        raise RegistrationFailed(_words_for(answer))
    try:
        commands = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        commands = None
    if not isinstance(commands, list) or not all(isinstance(command, dict) for command in commands):
        raise RegistrationFailed("Discord's answer is no list of commands; check DISCORD_API_URL")
    return commands


def _words_for(answer: ApiAnswer) -> str:
    if not answer.status:
        return f"Discord cannot be reached ({answer.error}); check the network and DISCORD_API_URL"
    hint = HINTS.get(HTTPStatus(answer.status)) if answer.status in set(HTTPStatus) else None
    return f"Discord refused with status {answer.status}: {hint or _reason_in(answer.body)}"


def _reason_in(body: bytes) -> str:
    try:
        return str(orjson.loads(body)["message"])[:200]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "no reason was given"
