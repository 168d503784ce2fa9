"""Parameters of a route, in the query or in the path; each kind reads a text, and describes itself for OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

MAX_ROWS = 1_000
MAX_ID = 2**53  # what a JSON number holds exactly


class Parameter(Protocol):
    """One parameter."""

    @property
    def name(self) -> str:
        """Return the name in the query or in the path."""

    @property
    def description(self) -> str:
        """Return what the parameter is for."""

    def read(self, text: str | None) -> Any:
        """Return the value of the text, or of a missing parameter. Raises ValueError, which says what is accepted."""

    def schema(self) -> Mapping[str, Any]:
        """Return the kind of value and its bounds, as OpenAPI 2.0 has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text; an empty text counts as missing."""

    name: str
    description: str
    required: bool = False
    example: str = "collect"

    def read(self, text: str | None) -> str | None:
        """Return the text, or None. Raises ValueError if it is required but missing."""
        if not text and self.required:
            raise ValueError("missing")
        return text or None

    def schema(self) -> Mapping[str, Any]:
        """Return the kind of value."""
        return {"type": "string", "x-example": self.example}


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A whole number between two bounds."""

    name: str
    description: str
    low: int
    high: int
    default: int | None = None
    example: int = 1

    def read(self, text: str | None) -> int | None:
        """Return the number, or the default. Raises ValueError that names the bounds."""
        if text is None:
            return self.default
        if text.isascii() and text.isdecimal() and len(text) < 20 and self.low <= int(text) <= self.high:
            return int(text)
        raise ValueError(f"must be a whole number from {self.low} to {self.high}")

    def schema(self) -> Mapping[str, Any]:
        """Return the kind of value and its bounds."""
        bounds = {"type": "integer", "minimum": self.low, "maximum": self.high, "x-example": self.example}
        return bounds if self.default is None else bounds | {"default": self.default}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of several words; the first is the default."""

    name: str
    description: str
    choices: tuple[str, ...] = field(default=())

    def read(self, text: str | None) -> str:
        """Return the word. Raises ValueError that names the accepted words."""
        value = self.choices[0] if text is None else text
        if value not in self.choices:
            raise ValueError(f"must be one of {', '.join(self.choices)}")
        return value

    def schema(self) -> Mapping[str, Any]:
        """Return the words."""
        return {"type": "string", "enum": list(self.choices), "default": self.choices[0], "x-example": self.choices[0]}


def limit(default: int) -> Whole:
    """Return the parameter for the highest number of rows in a list."""
    return Whole(name="limit", description="most rows returned", low=1, high=MAX_ROWS, default=default, example=5)
