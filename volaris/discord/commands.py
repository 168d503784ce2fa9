"""What a command is: its name and options as Discord is told, and the functions that answer it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from volaris.discord.interactions import Interaction, Value
from volaris.discord.messages import Message
from volaris.errors import CommandRefused

# Returns the values that a user can choose from who is typing a command, best first, each with its name.
Completer = Callable[[Interaction], Awaitable[Mapping[str, str]]]


class OptionType(IntEnum):
    """The types of options that are in use."""

    STRING = 3
    INTEGER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of a command."""

    name: str
    description: str  # 1 to 100 characters
    type: OptionType = OptionType.STRING
    is_required: bool = False  # required options come first
    completes: bool = False  # whether Discord asks for choices while a user is typing
    choices: Mapping[str, str] | None = None  # the only values, with their names
    bounds: tuple[int, int] | None = None  # the lowest and highest value of an integer

    def document(self) -> dict[str, Any]:
        """Return the option in Discord's form."""
        document: dict[str, Any] = {"type": int(self.type), "name": self.name, "description": self.description}
        if self.is_required:
            document["required"] = True
        if self.completes:
            document["autocomplete"] = True
        if self.choices:
            document["choices"] = [{"name": name, "value": value} for value, name in self.choices.items()]
        if self.bounds:
            document["min_value"], document["max_value"] = self.bounds
        return document


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A command as Discord is told about it."""

    name: str
    description: str  # 1 to 100 characters
    options: Sequence[Option] = ()

    def document(self) -> dict[str, Any]:
        """Return the definition in Discord's form."""
        return {
            "type": 1,
            "name": self.name,
            "description": self.description,
            "options": [option.document() for option in self.options],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command and its answer."""

    definition: Definition
    run: Callable[[Interaction], Awaitable[Message]]  # raises CommandRefused, or an error of the service
    completers: Mapping[str, Completer] = field(default_factory=dict)  # by the option that a user is typing
    is_private: bool = False  # whether only the user who gave the command sees the answer

    @property
    def name(self) -> str:
        """Return the name, without the slash."""
        return self.definition.name


def text_of(options: Mapping[str, Value], name: str) -> str:
    """Return the text of an option, or an empty text if it was not given."""
    value = options.get(name, "")
    return value.strip() if isinstance(value, str) else str(value)


def number_of(options: Mapping[str, Value], name: str, default: int, bounds: tuple[int, int]) -> int:
    """Return the number of an option, or the default. Raises CommandRefused if it is out of bounds."""
    value = options.get(name, default)
    lowest, highest = bounds
    if not isinstance(value, int) or not lowest <= value <= highest:
        raise CommandRefused(f"`{name}` must be a whole number from {lowest} to {highest}.")
    return value


def choice_of(options: Mapping[str, Value], name: str, choices: Mapping[str, str], default: str) -> str:
    """Return the chosen value of an option, or the default. Raises CommandRefused if there is no such choice."""
    value = options.get(name, default)
    if value != default and value not in choices:
        raise CommandRefused(f"`{name}` must be one of {', '.join(choices)}.")
    return str(value)
