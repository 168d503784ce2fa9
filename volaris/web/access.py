"""Who may call the debug routes of Volaris, by its settings."""

from __future__ import annotations

from profiling.web import Access

PRODUCTION = "production"


def access_of(environment: str, token: str | None) -> Access:
    """Return the rule: in production nobody looks without the token, elsewhere everybody does."""
    return Access(
        token=token,
        open_to_all=environment != PRODUCTION,
        closed="debug routes are closed in production; set DEBUG_TOKEN to open them",
        token_name="DEBUG_TOKEN",  # noqa: S106 - the name of the variable
    )
