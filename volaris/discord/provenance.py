"""Where the data of an answer come from, and how old they are."""

from __future__ import annotations

from volaris.discord.texts import age, cut

MAX_ERROR = 300


def footer_of(source: str, age_s: float | None, *, fetched: bool) -> str:
    """Return the footer of an embed: the market source, the age, and whether the data were fetched for the answer."""
    return f"{source} · {age(age_s)} · {'fetched now' if fetched else 'stored'}"


def with_fetch_error(text: str, error: str | None) -> str:
    """Return the text, and below it why the data are older than they should be, if a fetch failed."""
    return text if error is None else f"{text}\nNot updated: {cut(error, MAX_ERROR)}"
