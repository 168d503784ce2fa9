"""The list of the index's members, and what is let go of when it is there."""

from __future__ import annotations

import gc
import sys

from volaris.market.constituents import constituents


def test_members_are_sorted_by_symbol_with_a_dot_before_the_class_of_a_share() -> None:
    symbols = [entry.symbol for entry in constituents()]
    assert symbols == sorted(set(symbols))
    assert [symbol for symbol in symbols if not symbol.isalpha()] == ["BF.B", "BRK.B"]


def test_list_is_read_once() -> None:
    assert constituents() is constituents()


def test_packages_data_is_not_kept() -> None:
    # Read again between two collections, so that only what the reading keeps is counted: 57 000 blocks if it were all.
    constituents.cache_clear()
    gc.collect()
    blocks_before = sys.getallocatedblocks()
    members = constituents()
    gc.collect()
    assert sys.getallocatedblocks() - blocks_before < 10 * len(members)
    assert not [name for name in sys.modules if name.startswith("pytickersymbols")]
