"""Functions that declare the keys of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key: the meaning and the type of its value."""

    description: str
    kind: Mapping[str, Any]  # the type, in terms of OpenAPI 2.0
    of: Shape | None = None  # the shape of the value, or of each entry
    is_list: bool = False
    null: bool = False  # whether the value may be null
    optional: bool = False  # whether the key may be missing

    def schema(self) -> dict[str, Any]:
        """Return the key as an OpenAPI 2.0 schema."""
        told: dict[str, Any] = {"description": self.description, **self.kind}
        if self.of is not None:
            reference = {"$ref": f"#/definitions/{self.of.name}"}
            told |= {"type": "array", "items": reference} if self.is_list else {"allOf": [reference]}
        return told | {"x-nullable": True} if self.null else told


@dataclass(frozen=True, slots=True)
class Shape:
    """An object with its keys. It has no other keys, unless `is_open`."""

    name: str
    description: str
    keys: Mapping[str, Key]
    is_open: bool = False

    def schema(self) -> dict[str, Any]:
        """Return the object as an OpenAPI 2.0 schema."""
        return {
            "type": "object",
            "description": self.description,
            "properties": {name: key.schema() for name, key in self.keys.items()},
            "required": [name for name, key in self.keys.items() if not key.optional],
            "additionalProperties": self.is_open,
        }

    def within(self) -> dict[str, Shape]:
        """Return this shape and all shapes that its keys refer to, by name."""
        found = {self.name: self}
        for key in self.keys.values():
            if key.of is not None:
                found |= key.of.within()
        return found


def text(description: str, *, null: bool = False) -> Key:
    """Declare a key whose value is a text."""
    return Key(description=description, kind={"type": "string"}, null=null)


def whole(description: str, *, null: bool = False) -> Key:
    """Declare a key whose value is a whole number."""
    return Key(description=description, kind={"type": "integer"}, null=null)


def number(description: str, *, null: bool = False) -> Key:
    """Declare a key whose value is a number."""
    return Key(description=description, kind={"type": "number"}, null=null)


def switch(description: str) -> Key:
    """Declare a key whose value is true or false."""
    return Key(description=description, kind={"type": "boolean"})


def moment(description: str, *, null: bool = False) -> Key:
    """Declare a key whose value is a time with its time zone."""
    return Key(description=description, kind={"type": "string", "format": "date-time"}, null=null)


def one_of(description: str, *words: str) -> Key:
    """Declare a key whose value is one of several words."""
    return Key(description=description, kind={"type": "string", "enum": [str(word) for word in words]})


def texts(description: str) -> Key:
    """Declare a key whose value is a list of texts."""
    return Key(description=description, kind={"type": "array", "items": {"type": "string"}})


def numbers(description: str, kind: str = "number", *, null: bool = False, null_within: bool = False) -> Key:
    """Declare a key whose value is a list of numbers."""
    entry: dict[str, Any] = {"type": kind} | ({"x-nullable": True} if null_within else {})
    return Key(description=description, kind={"type": "array", "items": entry}, null=null)


def an(description: str, shape: Shape, *, null: bool = False) -> Key:
    """Declare a key whose value is an object."""
    return Key(description=description, kind={}, of=shape, null=null)


def many(description: str, shape: Shape, *, null: bool = False) -> Key:
    """Declare a key whose value is a list of objects."""
    return Key(description=description, kind={}, of=shape, is_list=True, null=null)
