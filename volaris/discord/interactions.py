"""Interactions: their records, and how they are read from the body of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Annotated

import msgspec

from volaris.errors import BadInteraction


class Kind(IntEnum):
    """The kinds of interactions that are answered."""

    PING = 1
    COMMAND = 2
    AUTOCOMPLETE = 4


Value = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """A ping, a command, or a command that a user is still typing."""

    kind: Kind
    application_id: str
    token: str = field(repr=False)  # lets its bearer answer in the name of the application, for 15 minutes
    user_id: str  # empty for a ping
    command: str  # its name; empty for a ping
    options: Mapping[str, Value]
    focused: str | None  # the option that the user is typing


# Ids and tokens become parts of an address.
_Id = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,20}$")]
_Token = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_=~+-]{1,2000}$")]
_Name = Annotated[str, msgspec.Meta(max_length=100)]


class _Option(msgspec.Struct):
    name: _Name
    value: Value = ""
    focused: bool = False


class _Data(msgspec.Struct):
    name: _Name
    options: Annotated[list[_Option], msgspec.Meta(max_length=25)] = []


class _User(msgspec.Struct):
    id: _Id


class _Member(msgspec.Struct):
    user: _User


class _Request(msgspec.Struct):
    type: int
    application_id: _Id = "0"
    token: _Token = "none"  # noqa: S105 - of a ping, which has no use for one
    data: _Data | None = None
    member: _Member | None = None  # in a server
    user: _User | None = None  # in a direct message


_REQUEST = msgspec.json.Decoder(_Request)


def parse_interaction(body: bytes) -> Interaction:
    """Return the interaction in the body of a request. Raises BadInteraction, whose message quotes nothing of it."""
    request = _decoded(body)
    try:
        kind = Kind(request.type)
    except ValueError:
        raise BadInteraction(f"the service has nothing for interactions of type {request.type}") from None
    if kind is Kind.PING:
        return _interaction(kind, request, "", _Data(name=""))
    user = request.member.user if request.member else request.user
    if request.data is None or user is None:
        raise BadInteraction("a command needs `data`, and `member` or `user`")
    return _interaction(kind, request, user.id, request.data)


def _decoded(body: bytes) -> _Request:
    try:
        return _REQUEST.decode(body)
    except msgspec.ValidationError:
        # Its text may quote the body, so it is not passed on.
        raise BadInteraction("a value of the interaction is missing, or not of its type") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadInteraction("the body is not JSON") from None


def _interaction(kind: Kind, request: _Request, user_id: str, data: _Data) -> Interaction:
    focused = [option.name for option in data.options if option.focused]
    return Interaction(
        kind=kind,
        application_id=request.application_id,
        token=request.token,
        user_id=user_id,
        command=data.name,
        options={option.name: option.value for option in data.options},
        focused=focused[0] if focused else None,
    )
