"""Query parameters of the debug routes: read, checked, and refused with the field's name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from profiling.web.problems import Problem

MAX_RUN_ID = 2**53  # what a JSON number holds exactly


def bad_field(field: str, message: str) -> Problem:
    """422 that names one field of the query."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{field}: {message}", extra={"errors": {field: [message]}})


@dataclass(frozen=True, slots=True)
class Query:
    """The query of a request. Each reader raises Problem 422 with the field for a value that does not fit."""

    request: web.Request

    def only(self, *known: str) -> None:
        """Refuse parameters that the route does not have: a misspelt one must not be ignored."""
        for field in self.request.query:
            if field not in known:
                raise bad_field(field, f"unknown; there are: {', '.join(known) or 'none'}")

    def required(self, field: str) -> str:
        """A text that must be there."""
        value = self.request.query.get(field)
        if not value:
            raise bad_field(field, "missing")
        return value

    def optional(self, field: str) -> str | None:
        """A text, or None."""
        return self.request.query.get(field) or None

    def choice(self, field: str, choices: Sequence[str]) -> str:
        """One of these; the first where nothing is given."""
        value = self.request.query.get(field, choices[0])
        if value not in choices:
            raise bad_field(field, f"must be one of {', '.join(choices)}")
        return value

    def integer(self, field: str, *, default: int, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        return integer(field, self.request.query.get(field, str(default)), low=low, high=high)

    def run_id(self, field: str) -> int | None:
        """The id of a run, or None."""
        text = self.request.query.get(field)
        return None if text is None else run_id(field, text)


def run_id(field: str, text: str) -> int:
    """`text` as the id of a run; 422 with the field where it is none."""
    return integer(field, text, low=1, high=MAX_RUN_ID)


def integer(field: str, text: str, *, low: int, high: int) -> int:
    """`text` as a whole number from `low` to `high`; 422 with the field where it is none."""
    if text.isascii() and text.isdecimal() and len(text) < 20 and low <= int(text) <= high:
        return int(text)
    raise bad_field(field, f"must be a whole number from {low} to {high}")
