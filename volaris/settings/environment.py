"""Environment variables: their records, the kinds of values, and where their text comes from.

This module knows no variable of Volaris by name; `volaris.settings.schema` lists them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from dotenv import dotenv_values
from environs import Env, EnvError, ValidationError, validate

from volaris.errors import SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueKind:
    """A kind of value: how a variable's text becomes a value."""

    read: Callable[[Env, str], Any]  # reads the variable of that name; raises EnvError if its text is wrong
    fits: str  # what is accepted, as a sentence about "it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One environment variable, for code that reads, tests or documents it."""

    name: str  # the name in the environment
    kind: ValueKind  # the kind of its value
    meaning: str  # one line for the documentation
    secret: bool  # whether its value must never be shown
    unset: str | None  # words for the default, if the field's default does not tell

    def value_in(self, environment: Mapping[str, str]) -> Any:
        """Return the value of this variable.

        Raises SettingError if its text is wrong, and KeyError if the variable is not set.
        """
        text = environment[self.name]
        try:
            return self.kind.read(_Values(environment), self.name)
        except EnvError as error:
            raise SettingError(self.name, None if self.secret else text, self.kind.fits) from error


class _Values(Env):
    """Uses environs over a mapping instead of `os.environ`, through the hook that its own `FileAwareEnv` uses."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__()
        self._mapping = values

    def _get_value(self, env_key: str, default: object) -> object:
        return self._mapping.get(env_key, default)


def environment_with_file(file: Path) -> dict[str, str]:
    """Return the process's environment over the values in `file`; an empty or blank value counts as unset in both.

    The file is read literally, without `${...}` expansion, so that a password may contain any character. It is not
    copied into `os.environ`, where child processes would inherit its secrets. Raises SettingError if it cannot be read.
    """
    try:
        in_file = dotenv_values(file, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(str(file), None, f"it must be a readable UTF-8 file ({type(error).__name__})") from error
    return without_blanks(in_file) | without_blanks(os.environ)


def without_blanks(values: Mapping[str, str | None]) -> dict[str, str]:
    """Return the values that are set, without surrounding blanks."""
    return {name: text.strip() for name, text in values.items() if text and not text.isspace()}


def whole_number(low: int, high: int) -> ValueKind:
    """Return the kind of an int from `low` to `high`, both included."""
    check = validate.Range(low, high)
    return ValueKind(
        read=lambda env, name: env.int(name, validate=check),
        fits=f"it must be a whole number from {low} to {high}",
    )


def number_above_0(unit: str, most: int | None = None) -> ValueKind:
    """Return the kind of a finite float above 0, and at most `most` if that is given."""
    check = validate.Range(0, most, min_inclusive=False)
    limit = "" if most is None else f" and at most {most}"
    return ValueKind(
        read=lambda env, name: env.float(name, validate=check),
        fits=f"it must be a number of {unit} above 0{limit}",
    )


def fraction(low: float, high: float) -> ValueKind:
    """Return the kind of a float from `low` to `high`, both included: 0.3 is 30 %."""
    check = validate.Range(low, high)
    return ValueKind(
        read=lambda env, name: env.float(name, validate=check),
        fits=f"it must be a number from {low:g} to {high:g}",
    )


def one_of(literal: object) -> ValueKind:
    """Return the kind of one word of a Literal, in upper or lower case; the value is spelt as in the Literal."""
    spelling = {word.casefold(): word for word in get_args(literal)}
    check = validate.OneOf(spelling)
    return ValueKind(
        read=lambda env, name: spelling[env.str(name, validate=lambda text: check(text.casefold())).casefold()],
        fits=f"it must be one of {', '.join(spelling.values())}",
    )


def word(fits: str, check: Callable[[str], bool]) -> ValueKind:
    """Return the kind of a text without spaces and control characters for which `check` returns True.

    If `check` raises a ValueError, the text is wrong.
    """

    def holds(text: str) -> bool:
        try:
            return " " not in text and text.isprintable() and check(text)
        except ValueError:
            return False

    def validated(text: str) -> None:
        # Raised here, outside of the handling of urllib's ValueError, which quotes the text, and that may be a secret.
        if not holds(text):
            raise ValidationError(fits)

    return ValueKind(read=lambda env, name: env.str(name, validate=validated), fits=fits)


def several(fits: str, check: Callable[[str], bool]) -> ValueKind:
    """Return the kind of a tuple of texts, separated by commas, for each of which `check` returns True."""

    def parts(text: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in text.split(","))

    def validated(text: str) -> None:
        if not all(map(check, parts(text))):
            raise ValidationError(fits)

    return ValueKind(read=lambda env, name: parts(env.str(name, validate=validated)), fits=fits)


def switch() -> ValueKind:
    """Return the kind of a bool."""
    return ValueKind(
        read=lambda env, name: env.bool(name),
        fits="it must be true or false (or 1 or 0, yes or no, on or off)",
    )


def folder() -> ValueKind:
    """Return the kind of a Path to a folder that need not exist yet."""
    fits = "it must be the path of a folder"

    def validated(path: Path) -> None:
        if "\0" in str(path):  # no operating system accepts a NUL
            raise ValidationError(fits)

    return ValueKind(read=lambda env, name: env.path(name, validate=validated), fits=fits)
