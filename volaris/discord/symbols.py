"""The symbols that a user may mean: choices while a symbol is being typed, and the symbol of a whole text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from volaris.demand import ListedSymbol, SymbolDirectory
from volaris.discord.commands import Completer, Option, text_of
from volaris.discord.interactions import Interaction
from volaris.discord.limits import MAX_CHOICES
from volaris.discord.texts import code
from volaris.errors import CommandRefused

NEAR = 3
MAX_TYPED = 40  # characters that are looked at; the longest symbol has 5, the longest name some 40

SYMBOL = Option(name="symbol", description="A share of the S&P 500, such as AAPL", is_required=True, completes=True)


def symbol_completer(directory: SymbolDirectory) -> Mapping[str, Completer]:
    """Return the completer of the option `symbol`, by its name."""

    async def complete(interaction: Interaction) -> Mapping[str, str]:
        return choices_for(text_of(interaction.options, SYMBOL.name), await directory.symbols())

    return {SYMBOL.name: complete}


def ticker_of(typed: str) -> str:
    """Return what a user has typed as the source spells it: `$brk-b` is BRK.B."""
    return typed[:MAX_TYPED].strip().lstrip("$").upper().replace("-", ".").replace("/", ".")


def symbol_meant(typed: str, listed: Sequence[ListedSymbol]) -> ListedSymbol:
    """Return the symbol that a user has typed. Raises CommandRefused with similar ones if there is no such symbol."""
    ticker = ticker_of(typed)
    by_ticker = {entry.symbol: entry for entry in listed}
    if ticker in by_ticker:
        return by_ticker[ticker]
    near = get_close_matches(ticker, by_ticker, n=NEAR)
    hint = f"Did you mean {' or '.join(near)}?" if near else "Type a few letters of it and choose from the list."
    raise CommandRefused(f"There is no symbol {code(typed)}. {hint}")


def choices_for(typed: str, listed: Sequence[ListedSymbol]) -> dict[str, str]:
    """Return the symbols that fit what a user has typed so far, best first, with what is shown for each."""
    ticker, words = ticker_of(typed), typed[:MAX_TYPED].strip().lower()
    ranked = sorted(
        (rank, entry.symbol, entry.name) for entry in listed if (rank := _rank(ticker, words, entry)) is not None
    )
    return {symbol: f"{symbol} · {name}" for _, symbol, name in ranked[:MAX_CHOICES]}


def _rank(ticker: str, words: str, entry: ListedSymbol) -> int | None:
    """Return how well a symbol fits, 0 for best, or None."""
    name = entry.name.lower()
    fits = (
        entry.symbol == ticker,
        entry.symbol.startswith(ticker),
        name.startswith(words),
        f" {words}" in name,
        words in name,
    )
    return fits.index(True) if any(fits) else None
