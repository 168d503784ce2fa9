"""What users may import is listed, is there, and is all that the package shows."""

from __future__ import annotations

from types import ModuleType

from volaris import analytics


def test_the_package_shows_what_it_lists_and_nothing_else() -> None:
    shown = {name for name, value in vars(analytics).items() if name[0] != "_" and not isinstance(value, ModuleType)}
    assert shown - {"annotations"} == set(analytics.__all__)
    assert len(analytics.__all__) == len(set(analytics.__all__))


def test_each_name_is_explained() -> None:
    for name in set(analytics.__all__) - {"WINDOWS"}:
        assert getattr(analytics, name).__doc__, name
