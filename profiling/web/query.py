"""The parameters of a request, checked against the declaration of its route."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from profiling.web.declarations import Route
from profiling.web.messages import Problem
from profiling.web.parameters import Parameter

Given = Mapping[str, Any]
"""A value for each parameter of the route; if the route has two forms, of the form that was requested."""


def given(route: Route, query: Mapping[str, str], places: Mapping[str, str]) -> Given:
    """Return the values, with defaults for missing ones. Raises Problem 422 that names the first wrong field.

    An unknown parameter is refused, because a misspelt one must not be ignored.
    """
    known = route.form_of(query)
    names = [parameter.name for parameter in known]
    for name in query:
        if name not in names:
            raise _bad_field(name, f"unknown parameter; this route accepts: {', '.join(names) or 'none'}")
    values = {parameter.name: _read(parameter, query.get(parameter.name)) for parameter in known}
    return values | {place.name: _read(place, places[place.name]) for place in route.places}


def _read(parameter: Parameter, text: str | None) -> Any:
    try:
        return parameter.read(text)
    except ValueError as error:
        raise _bad_field(parameter.name, str(error)) from error


def _bad_field(field: str, message: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{field}: {message}", extra={"errors": {field: [message]}})
