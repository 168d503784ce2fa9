"""The members of the S&P 500, from pytickersymbols."""

from __future__ import annotations

import sys
from functools import cache

from volaris.market.records import Symbol

INDEX = "S&P 500"


@cache
def constituents() -> tuple[Symbol, ...]:
    """Symbol and name of each member, sorted by symbol: 503, in 100 kB. Blocks for 20 ms the first time.

    The RSS grows by 6 MB, by 82 MB where the package was installed without its .pyc files and is compiled here. What is
    let go of below is free for this process after the next full collection; the system does not get it back.

    Call it before tracemalloc is on: the package's data is one very long module, whose import takes 12 s while each
    allocation looks for its line in it.
    """
    from pytickersymbols import PyTickerSymbols

    names = {stock["symbol"]: stock["name"] for stock in PyTickerSymbols().get_stocks_by_index(INDEX)}
    # The data of all the indices is 57 000 blocks, and nobody asks for it again.
    for module in [name for name in sys.modules if name.partition(".")[0] == "pytickersymbols"]:
        del sys.modules[module]
    return tuple(Symbol(symbol=symbol, name=names[symbol]) for symbol in sorted(names))
