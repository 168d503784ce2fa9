"""What a question on demand is made of: how fresh the answer has to be, and the answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Generic, TypeVar

T = TypeVar("T")


class Fresh(Enum):
    """When data are fetched from the market source before they are answered."""

    NEVER = "never"  # what is stored is answered, however old
    STALE = "stale"  # fetched if nothing is stored, or if what is stored is too old
    ALWAYS = "always"  # fetched now


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(Generic[T]):
    """A record of the store, and the moment whose market it shows."""

    record: T
    source: str  # name of the market source
    made_at: datetime  # with time zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """The latest stored record of a symbol, after the fetch if there was one."""

    record: T | None  # None if nothing is stored, which is only possible with Fresh.NEVER
    fetched: bool  # whether it was fetched for this question, or for another one at the same time
    age_s: float | None  # seconds since the market was as the record shows it; None without a record
    fetch_error: str | None  # why a needed fetch failed, without secrets; None if it succeeded or was not needed
