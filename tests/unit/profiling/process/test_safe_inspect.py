"""What is known of an object without running its program's code."""

from __future__ import annotations

import functools
import gc
import sys
import types
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pytest

from profiling.process import safe_inspect
from profiling.process.safe_inspect import (
    TypeStats,
    VisitMode,
    iterators_of,
    measure_of,
    owner_of,
    referents_of,
    shape,
    type_name,
)

MB = 1 << 20


class Touched(BaseException):
    """Raised by every piece of a program's code that a walk must not run."""


def touched(*_: object) -> Any:
    raise Touched


def make_hostile() -> object:
    """An object that raises for whatever is done with it or its type. Made late: pytest looks at a module's names."""

    class HostileMeta(type):
        __eq__ = __instancecheck__ = __subclasscheck__ = __sizeof__ = touched
        __hash__ = touched

        def __getattribute__(cls, name: str) -> Any:
            raise Touched

    class Hostile(metaclass=HostileMeta):
        __eq__ = __len__ = __iter__ = __repr__ = __str__ = __sizeof__ = __getattr__ = touched
        __hash__ = touched
        __class__ = property(touched)

    return object.__new__(Hostile)


class HostileList(list[int]):
    __len__ = __iter__ = __repr__ = __sizeof__ = __getitem__ = touched


class HostileDict(dict[int, int]):
    __len__ = __iter__ = __repr__ = __sizeof__ = keys = values = items = touched


class HostileStr(str):
    __slots__ = ()
    __len__ = __str__ = __repr__ = __format__ = __sizeof__ = __hash__ = touched


class HostileArray(np.ndarray[Any, Any]):
    __len__ = __repr__ = __sizeof__ = touched
    nbytes = base = shape = dtype = property(touched)


class HostileFrame(pd.DataFrame):
    __len__ = __repr__ = __sizeof__ = touched
    shape = property(touched)


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        ({i: i for i in range(1200)}, "<dict: 1200 keys>"),
        (Counter("aab"), "<Counter: 2 keys>"),
        ([0] * 5000, "<list: 5000 items>"),
        ((1, 2), "<tuple: 2 items>"),
        ({1, 2, 3}, "<set: 3 items>"),
        (frozenset((1,)), "<frozenset: 1 items>"),
        (deque((1, 2)), "<deque: 2 items>"),
        (array("d", (1.0, 2.0)), "<array: 2 items>"),
        (bytes(8 * MB), "<bytes: 8.0 MB>"),
        (bytearray(MB // 2), "<bytearray: 0.5 MB>"),
        ("secret " * 3, "<str: 21 chars>"),
        (np.zeros((1000, 50)), "<ndarray: 1000 x 50 float64>"),
        (np.zeros(7, dtype="u1"), "<ndarray: 7 uint8>"),
        (np.zeros(2, dtype=[("password", "i4")]), "<ndarray: 2 void32>"),
        (pd.DataFrame(np.zeros((500, 50))), "<DataFrame: 500 rows x 50 cols>"),
        (pd.Series([1.0, 2.0]), "<Series: 2 rows>"),
        (1 << 100, "<int>"),
        (BytesIO(b"secret"), "<_io.BytesIO>"),
        (types.SimpleNamespace(secret=1), "<types.SimpleNamespace>"),
    ],
)
def test_the_shape_of_an_object_shows_none_of_its_content(obj: object, text: str) -> None:
    assert shape(obj) == text


def make_hostile_array() -> HostileArray:
    return np.zeros((3, 2)).view(HostileArray)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (make_hostile, f"<{__name__}.make_hostile.<locals>.Hostile>"),
        (lambda: HostileList((1, 2)), "<HostileList: 2 items>"),
        (lambda: HostileDict({1: 2}), "<HostileDict: 1 keys>"),
        (lambda: HostileStr("secret"), "<HostileStr: 6 chars>"),
        (lambda: np.zeros((3, 2)).view(HostileArray), "<HostileArray: 3 x 2 float64>"),
        (lambda: HostileFrame({"a": [1]}), f"<{__name__}.HostileFrame>"),
    ],
    ids=["object", "list", "dict", "str", "array", "frame"],
)
def test_nothing_of_the_programs_own_code_runs(make: Callable[[], Any], text: str) -> None:
    obj = make()
    assert shape(obj) == text
    assert 16 <= TypeStats(type(obj)).measure(obj) < 1000
    assert referents_of(obj) < 100
    assert all(len(list(iterator)) == 1 for iterator in iterators_of(obj))


def test_a_type_is_named_by_module_and_qualified_name() -> None:
    class Local: ...

    assert type_name(dict) == "dict"
    assert type_name(OrderedDict) == "collections.OrderedDict"
    assert type_name(np.ndarray) == "numpy.ndarray"
    assert type_name(Local) == f"{__name__}.test_a_type_is_named_by_module_and_qualified_name.<locals>.Local"


def test_a_module_that_is_not_text_is_a_question_mark() -> None:
    assert type_name(type("Odd", (), {"__module__": 5})) == "?.Odd"
    without: dict[str, Any] = {}
    exec("made = type('Homeless', (), {})", {"__builtins__": {"type": type}}, without)
    assert type_name(without["made"]) == "?.Homeless"


def test_a_name_that_formats_itself_is_taken_as_plain_text() -> None:
    assert type_name(type(HostileStr("Named"), (), {"__module__": HostileStr("module")})) == "module.Named"


def test_a_very_long_name_is_cut() -> None:
    assert type_name(type("x" * 100_000, (), {"__module__": "m"})) == "m." + "x" * 200


@pytest.mark.parametrize(
    "obj", [1, "text", b"bytes", [1], {1: 2}, (1,), {1}, object(), deque(), BytesIO(b"x" * 99), np.zeros(9)]
)
def test_sizes_are_those_of_sys_getsizeof_where_that_is_c(obj: object) -> None:
    assert measure_of(type(obj))(obj) == sys.getsizeof(obj)


def test_a_size_that_is_computed_by_python_is_not_asked() -> None:
    assert measure_of(HostileList)(HostileList(range(1000))) >= list.__sizeof__(list(range(1000)))
    assert measure_of(HostileFrame)(HostileFrame({"a": [1]})) == object.__sizeof__(HostileFrame({"a": [1]}))


def test_an_extensions_size_that_fails_is_that_of_its_struct(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> int:
        raise MemoryError

    monkeypatch.setattr(sys, "getsizeof", fails)
    zeros = np.zeros(1000)
    assert measure_of(np.ndarray)(zeros) == object.__sizeof__(zeros)


def test_a_frame_is_as_large_as_its_columns() -> None:
    frame = pd.DataFrame({"f": np.zeros(1000), "i": np.zeros(1000, dtype="i4")})
    assert measure_of(pd.DataFrame)(frame) == 12_000
    assert measure_of(pd.Series)(frame["f"]) == 8_000


def test_a_half_made_frame_has_the_size_of_its_struct() -> None:
    half = object.__new__(pd.DataFrame)
    assert measure_of(pd.DataFrame)(half) == object.__sizeof__(half)


def test_the_links_of_an_lru_cache_belong_to_it() -> None:
    @functools.cache
    def same(number: int) -> int:
        return number

    empty_bytes = measure_of(type(same))(same)
    for number in range(1000):
        same(number)
    assert measure_of(type(same))(same) == empty_bytes + 56_000
    assert referents_of(same) >= len(gc.get_referents(same)) - 10


def test_a_view_leads_to_what_owns_the_memory() -> None:
    owner = np.zeros((100, 100))
    assert owner_of(owner) is owner
    assert owner_of(owner[::2].T[3:]) is owner
    data = b"x" * 100
    assert owner_of(np.frombuffer(data, dtype="u1")[1:]) is data
    hostile = np.zeros(5)
    assert owner_of(hostile.view(HostileArray)) is hostile


@pytest.mark.parametrize(
    ("cls", "way"),
    [
        (object, VisitMode.SKIP),
        (float, VisitMode.SKIP),
        (list, VisitMode.SKIP),
        (defaultdict, VisitMode.SKIP),
        (int, VisitMode.MEASURE),
        (str, VisitMode.MEASURE),
        (bytes, VisitMode.MEASURE),
        (bytearray, VisitMode.MEASURE),
        (dict, VisitMode.CONTAINER),
        (tuple, VisitMode.CONTAINER),
        (np.ndarray, VisitMode.ARRAY),
        (HostileArray, VisitMode.ARRAY),
        (pd.DataFrame, VisitMode.SKIP),
    ],
)
def test_what_may_be_large_without_being_tracked_is_measured(cls: type, way: VisitMode) -> None:
    assert safe_inspect.visit_mode_of(cls) is way


def test_only_what_is_whole_at_all_times_is_iterated() -> None:
    tracked: tuple[list[int]] = ([],)
    untracked = tuple(range(3, 6))
    gc.collect()
    assert not gc.is_tracked(untracked)
    assert iterators_of([1]) == ()
    assert iterators_of(tracked) == ()
    assert iterators_of(deque((1,))) == ()
    assert [list(iterator) for iterator in iterators_of({1: 2})] == [[1], [2]]
    assert [list(iterator) for iterator in iterators_of(OrderedDict({1: 2}))] == [[1], [2]]
    assert [list(iterator) for iterator in iterators_of({7})] == [[7]]
    assert [list(iterator) for iterator in iterators_of(frozenset((7,)))] == [[7]]
    assert [list(iterator) for iterator in iterators_of(untracked)] == [[3, 4, 5]]


def test_what_holds_plain_memory_refers_to_nothing() -> None:
    for obj in (
        array("d", bytes(8000)),
        BytesIO(bytes(8000)),
        np.zeros(1000),
        pd.DataFrame({"a": np.zeros(9)}),
        "x" * 99,
    ):
        assert referents_of(obj) == 0
    assert referents_of(list(range(1000))) == 1000
    assert referents_of(deque(range(1000))) == 1000


def test_a_package_that_is_not_imported_is_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "numpy")
    monkeypatch.delitem(sys.modules, "pandas")
    assert shape([1]) == "<list: 1 items>"
    assert measure_of(list)([1]) == sys.getsizeof([1])
    assert "numpy" not in sys.modules


def test_a_module_that_loads_itself_when_touched_is_not_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lazy(types.ModuleType):
        def __getattribute__(self, name: str) -> Any:
            raise Touched

    monkeypatch.setitem(sys.modules, "pandas", Lazy("pandas"))
    monkeypatch.setitem(sys.modules, "numpy", object())
    assert shape([1]) == "<list: 1 items>"
