"""What Discord's documentation says of payloads, page by page: https://discord.com/developers/docs

Written down a second time, apart from `volaris.discord.limits`, so that a wrong limit there is found here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

# Interactions > Receiving and Responding > Interaction Response Type
PONG, MESSAGE, DEFERRED_MESSAGE, CHOICES = 1, 4, 5, 8
EPHEMERAL = 1 << 6  # Resources > Message > Message Flags

# Resources > Message > Embed Limits
TITLE, DESCRIPTION, FIELDS, FIELD_NAME, FIELD_VALUE, FOOTER, ALL_EMBEDS = 256, 4096, 25, 256, 1024, 2048, 6000
EMBEDS = 10  # Resources > Message > Create Message
CONTENT = 2000

# Interactions > Application Commands > Application Command Naming
COMMAND_NAME = re.compile(r"^[-_'\w\u0900-\u097f\u0e00-\u0e7f]{1,32}$")
SUB_COMMAND, STRING, INTEGER, NUMBER = 1, 3, 4, 10
COMMAND_KEYS = {"type", "name", "description", "options"}
OPTION_KEYS = {"type", "name", "description", "required", "autocomplete", "choices", "min_value", "max_value"}


class NotAccepted(Exception):
    """Raised for a payload that Discord would refuse."""


def need(is_met: object, what: str) -> None:
    """Refuse the payload if a rule is not met."""
    if not is_met:
        raise NotAccepted(what)


def text_of(part: Mapping[str, Any], key: str, most: int, least: int = 1) -> str:
    """A text of so many characters that are not blank at both ends, as Discord strips them."""
    value = part.get(key)
    need(isinstance(value, str), f"{key} is {type(value).__name__}, not a text")
    text = str(value).strip()
    need(least <= len(text) and len(str(value)) <= most, f"{key} has {len(str(value))} characters")
    return text


def only(part: Any, keys: set[str], name: str) -> Mapping[str, Any]:
    """An object with no other keys."""
    need(isinstance(part, dict), f"{name} is no object")
    need(set(part) <= keys, f"{name} has {sorted(set(part) - keys)}")
    found: Mapping[str, Any] = part
    return found


def check_response(document: Any) -> Mapping[str, Any]:
    """Interactions > Receiving and Responding > Interaction Response Object."""
    response = only(document, {"type", "data"}, "response")
    match response.get("type"):
        case 1:
            need("data" not in response, "a pong has no data")
        case 4:
            check_message(response.get("data"))
        case 5:
            need(only(response.get("data", {}), {"flags"}, "data").get("flags", 0) in {0, EPHEMERAL}, "flags")
        case 8:
            check_choices(only(response.get("data"), {"choices"}, "data").get("choices"))
        case other:
            raise NotAccepted(f"there is no response of type {other}")
    return response


def check_choices(choices: Any) -> None:
    """Interactions > Application Commands > Application Command Option Choice Structure."""
    need(isinstance(choices, list) and len(choices) <= 25, "choices are no list of up to 25")
    for choice in choices:
        only(choice, {"name", "value"}, "choice")
        text_of(choice, "name", 100)
        text_of(choice, "value", 100)
    need(len({choice["name"] for choice in choices}) == len(choices), "two choices have one name")


def check_message(document: Any, *, is_edit: bool = False) -> Mapping[str, Any]:
    """Resources > Message; Resources > Webhook > Edit Webhook Message, which knows no flag for privacy."""
    message = only(document, {"content", "embeds", "allowed_mentions"} | (set() if is_edit else {"flags"}), "message")
    need("content" in message or message.get("embeds"), "the message is empty")
    if "content" in message:
        text_of(message, "content", CONTENT)
    need(message.get("flags", 0) in {0, EPHEMERAL}, "flags")
    mentions = only(message.get("allowed_mentions", {}), {"parse"}, "allowed_mentions")
    need(set(mentions.get("parse", ())) <= {"roles", "users", "everyone"}, "parse")
    embeds = message.get("embeds", [])
    need(isinstance(embeds, list) and len(embeds) <= EMBEDS, "embeds are no list of up to 10")
    need(sum(map(check_embed, embeds)) <= ALL_EMBEDS, "the embeds have over 6000 characters")
    return message


def check_embed(document: Any) -> int:
    """Resources > Message > Embed Object; returns the characters that count."""
    embed = only(document, {"title", "description", "color", "fields", "footer", "timestamp"}, "embed")
    characters = len(text_of(embed, "title", TITLE))
    if "description" in embed:
        characters += len(text_of(embed, "description", DESCRIPTION))
    if "footer" in embed:
        characters += len(text_of(only(embed["footer"], {"text"}, "footer"), "text", FOOTER))
    if "timestamp" in embed:
        need(datetime.fromisoformat(embed["timestamp"]).tzinfo, "the timestamp has no zone")
    need(0 <= embed.get("color", 0) <= 0xFFFFFF, "color")
    fields = embed.get("fields", [])
    need(isinstance(fields, list) and len(fields) <= FIELDS, "fields are no list of up to 25")
    for field in fields:
        only(field, {"name", "value", "inline"}, "field")
        characters += len(text_of(field, "name", FIELD_NAME)) + len(text_of(field, "value", FIELD_VALUE))
        need(isinstance(field.get("inline", False), bool), "inline")
    return characters


def check_commands(document: Any) -> Sequence[Mapping[str, Any]]:
    """Interactions > Application Commands > Bulk Overwrite Global Application Commands."""
    need(isinstance(document, list) and len(document) <= 100, "the body is no list of up to 100 commands")
    for command in document:
        only(command, COMMAND_KEYS, "command")
        need(command.get("type", 1) == 1, "no chat input command")
        check_name(command)
        text_of(command, "description", 100)
        check_options(command.get("options", []))
    need(len({command["name"] for command in document}) == len(document), "two commands have one name")
    found: Sequence[Mapping[str, Any]] = document
    return found


def check_name(part: Mapping[str, Any]) -> None:
    """Application Command Naming: letters are in lower case if they have one."""
    name = part.get("name")
    need(isinstance(name, str) and COMMAND_NAME.match(name) and name == name.lower(), f"the name is {name!r}")


def check_options(options: Any) -> None:
    """Interactions > Application Commands > Application Command Option Structure."""
    need(isinstance(options, list) and len(options) <= 25, "options are no list of up to 25")
    for option in options:
        only(option, OPTION_KEYS, "option")
        check_name(option)
        text_of(option, "description", 100)
        need(option.get("type") in {STRING, INTEGER}, "the type of the option is not in use")
        need(not (option.get("autocomplete") and "choices" in option), "an option has either choices or autocomplete")
        if "choices" in option:
            check_choices(option["choices"])
        for bound in ("min_value", "max_value"):
            need(bound not in option or option["type"] in {INTEGER, NUMBER}, f"{bound} is for numbers")
    required = [option.get("required", False) for option in options]
    need(required == sorted(required, reverse=True), "required options come first")
    need(len({option["name"] for option in options}) == len(options), "two options have one name")
