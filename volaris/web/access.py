"""The access rule for the debug routes of Volaris, from its settings."""

from __future__ import annotations

from profiling.web import Access

PRODUCTION = "production"


def access_of(environment: str, token: str | None, metrics_token: str | None = None) -> Access:
    """Return the rule: in production reading needs the token, elsewhere it does not."""
    return Access(
        token=token,
        metrics_token=metrics_token,
        open_to_all=environment != PRODUCTION,
        closed="the debug routes are closed in production; set DEBUG_TOKEN to open them",
        token_name="DEBUG_TOKEN",  # noqa: S106 - the name of the variable
    )
