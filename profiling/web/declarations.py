"""Declaration of a route, in one place.

The routing, the index, the check of the query and the OpenAPI document are all made from the declaration.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Container, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from profiling.web.messages import JSON, Response
from profiling.web.parameters import MAX_ID, Parameter, Text, Whole
from profiling.web.shapes import Shape

# takes the handlers' owner, the request, and the values of its parameters
Handler = Callable[..., Awaitable[Response]]

PLACES: dict[str, Parameter] = {
    "job_id": Text(name="job_id", description="name of a job"),
    "scope": Text(name="scope", description="name of a scope or a job, slashes and all", example="GET%20/items"),
    "run_id": Whole(name="run_id", description="number of a run", low=1, high=MAX_ID),
}
"""The parameters that may be in a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route, relative to the path where the application is mounted."""

    method: str
    path: str
    handler: Handler
    summary: str  # in one line
    answer: Shape | None  # None for an answer that is described elsewhere
    # in addition to those of the access rule and of the query
    problems: Mapping[int, str] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    # parameters of the route's other form, which applies if the first of them is given
    instead: tuple[Parameter, ...] = ()
    status: int = HTTPStatus.OK
    forms: tuple[str, ...] = (JSON,)  # media types of the answer
    is_for_scrapers: bool = False  # who may have a token of their own
    is_open: bool = False  # to all requests; mounted beside the guarded routes

    @property
    def places(self) -> tuple[Parameter, ...]:
        """Return the parameters in the path."""
        return tuple(PLACES[name] for name in re.findall(r"{(\w+)}", self.path))

    @property
    def changes(self) -> bool:
        """Return whether a request changes something, so that it always needs the header."""
        return self.method != "GET"

    def form_of(self, query: Container[Any]) -> tuple[Parameter, ...]:
        """Return the parameters of the form that the query has."""
        return self.instead if self.instead and self.instead[0].name in query else self.parameters
