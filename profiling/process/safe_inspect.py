"""Type name, size and shape of an object, found without running any code of the program.

`isinstance`, `==`, `len`, `repr` and attributes may all run the program's code: a lazy proxy may define `__class__`,
and a metaclass `__eq__`. So types are compared by identity and by `issubclass` only, and read through `type`'s own
descriptors.
"""

from __future__ import annotations

import functools
import gc
import sys
import types
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum, auto
from io import BytesIO, StringIO
from typing import Any

from profiling.units import to_mb

Measure = Callable[[Any], int]

_mro_of = type.__dict__["__mro__"].__get__
_namespace_of = type.__dict__["__dict__"].__get__
_module_of = type.__dict__["__module__"].__get__
_qualname_of = type.__dict__["__qualname__"].__get__
_name_of = type.__dict__["__name__"].__get__
_flags_of = type.__dict__["__flags__"].__get__
_itemsize_of = type.__dict__["__itemsize__"].__get__
_contents_of = vars(types.ModuleType)["__dict__"].__get__

_TRACKED_BY_COLLECTOR = 1 << 14  # Py_TPFLAGS_HAVE_GC
_MADE_AT_RUN_TIME = 1 << 9  # Py_TPFLAGS_HEAPTYPE
_LRU_CACHE: Any = functools._lru_cache_wrapper  # noqa: SLF001 - the type has no other name
_LINK_BYTES = 56  # size of one link in a C lru_cache, which its __sizeof__ leaves out
_NAME_CHARS = 200
_POINTER_BYTES = 8


class VisitMode(Enum):
    """How a walk treats an object that another object refers to."""

    SKIP = auto()  # always small, or in the collector's own list
    MEASURE = auto()
    CONTAINER = auto()  # a tuple or dict, which the collector untracks if it holds plain values only
    ARRAY = auto()  # its memory may belong to another array


class TypeStats:
    """What is known about one type, and what a walk has counted of its objects.

    A module's dict is in the collector's list by itself. The other referents of a module are the state of its C code
    and may be freed memory that it keeps for reuse: asking `_asyncio` for them corrupts CPython 3.12.0 to 3.12.5
    (python/cpython#122695).
    """

    __slots__ = ("cls", "count", "measure", "mode", "name", "size_bytes", "skip_referents")

    def __init__(self, cls: type) -> None:
        self.cls = cls  # kept, so that no other type gets its id
        self.name = type_name(cls)
        self.measure = measure_of(cls)
        self.mode = visit_mode_of(cls)
        self.skip_referents = issubclass(cls, types.ModuleType)  # do not ask for its referents
        self.count = 0
        self.size_bytes = 0


def visit_mode_of(cls: type) -> VisitMode:
    """Return how a walk treats objects of this type that another object refers to."""
    if cls is tuple or cls is dict:
        return VisitMode.CONTAINER
    if _is_array(cls):
        return VisitMode.ARRAY
    fixed_size = not _itemsize_of(cls) and _sizeofs(cls)[0] is object.__dict__["__sizeof__"]
    return VisitMode.SKIP if fixed_size or _flags_of(cls) & _TRACKED_BY_COLLECTOR else VisitMode.MEASURE


def type_name(cls: type) -> str:
    """Return module and qualified name of a type: no module for a builtin, "?" if the module is unknown or no text."""
    try:
        module = _module_of(cls)
    except AttributeError:
        module = None
    module = _plain(module) if issubclass(type(module), str) else "?"
    qualname = _plain(_qualname_of(cls))
    return qualname if module == "builtins" else f"{module}.{qualname}"


def _plain(text: str) -> str:
    # A class's name may be an instance of a subclass of str, with a format of its own.
    return str.__str__(text)[:_NAME_CHARS]


def measure_of(cls: type) -> Measure:
    """Return a function that measures the shallow size in bytes of this type's objects and never raises.

    A pandas frame counts as the sum of its columns' arrays, and an lru_cache includes its links. `__sizeof__` is only
    called if it is written in C, because one in Python may do anything (pandas' own visits every string).
    """
    if _is_frame(cls) or _is_series(cls):
        return functools.partial(_guarded, _pandas_bytes)
    if cls is _LRU_CACHE:
        return _lru_cache_bytes
    methods = _sizeofs(cls)
    in_c = next(method for method in methods if type(method) is types.MethodDescriptorType)
    measure: Measure = sys.getsizeof if in_c is methods[0] else in_c
    return measure if _module_of(in_c.__objclass__) == "builtins" else functools.partial(_guarded, measure)


def _sizeofs(cls: type) -> list[Any]:
    """Return each `__sizeof__` of a type's classes: first the one that Python would call, last that of `object`."""
    return [_namespace_of(base)["__sizeof__"] for base in _mro_of(cls) if "__sizeof__" in _namespace_of(base)]


def _guarded(measure: Measure, obj: object) -> int:
    try:
        return measure(obj)
    except Exception:  # an extension may raise anything, and an object may be half initialised
        return object.__sizeof__(obj)


def _lru_cache_bytes(cache: Any) -> int:
    return sys.getsizeof(cache) + _LINK_BYTES * lru_cache_extent(cache)[0]


def is_lru_cache(obj: Any) -> bool:
    """Return whether the object is a function wrapped by `functools.lru_cache`."""
    return type(obj) is _LRU_CACHE


def lru_cache_extent(cache: Any) -> tuple[int, int | None]:
    """Return how many results an lru_cache holds, and its limit, or None for no limit."""
    info = _LRU_CACHE.cache_info(cache)
    return info.currsize, info.maxsize


def is_of_a_class(cls: type) -> bool:
    """Return whether the type was made by a class statement or like one, so that its objects may have attributes."""
    return bool(_flags_of(cls) & _MADE_AT_RUN_TIME)


class Attributes:
    """Reads the stored attributes of one type's objects, but no properties, because they run the program's code."""

    __slots__ = ("_mro", "_namespaces")

    def __init__(self, cls: type) -> None:
        self._mro = _mro_of(cls)[:-1]
        self._namespaces = [_namespace_of(base) for base in self._mro]

    def keys(self, name: str) -> list[str]:
        """Return the keys that may store a value of that name, and those private to a class with a property for it."""
        behind = [
            f"_{_plain(_name_of(base)).lstrip('_')}__{name}"
            for base, namespace in zip(self._mro, self._namespaces, strict=True)
            if name in namespace and type(namespace[name]) is property
        ]
        return [name, f"_{name}", *behind]

    def stored(self, obj: Any, key: str) -> object:
        """Return what an object of this type, or its class, stores under a key, or None."""
        defined = None
        for namespace in self._namespaces:  # a loop, as a look at all types of a heap comes here ten thousand times
            if key in namespace:
                defined = namespace[key]
                break
        try:
            if defined is None or type(defined) is int:
                return object.__getattribute__(obj, key)  # an attribute that no descriptor overrides
            if type(defined) is types.MemberDescriptorType:
                return defined.__get__(obj)
        except AttributeError:  # nothing is stored, or an extension's object stores attributes differently
            pass
        return None


def _pandas_bytes(frame: Any) -> int:
    """Return the bytes of the arrays of a DataFrame or a Series; of arrays of objects only the references count.

    The bytes are read from the private block manager, because `memory_usage(deep=False)` takes 8 ms for 1000 columns,
    and in pandas 2 leaves a cached Series for each column in the program's frame.
    """
    return sum(int(block.nbytes) for block in frame._mgr.arrays)  # noqa: SLF001 - see above


def _loaded(module: str, name: str) -> Any:
    """Return a class of a package, or None if the program has not imported it. Lazy modules are not loaded."""
    loaded = sys.modules.get(module)
    return _contents_of(loaded).get(name) if issubclass(type(loaded), types.ModuleType) else None


def _is_array(cls: type) -> bool:
    ndarray = _loaded("numpy", "ndarray")
    return ndarray is not None and issubclass(cls, ndarray)


def _is_frame(cls: type) -> bool:
    return cls is _loaded("pandas", "DataFrame")  # a subclass may have changed anything


def _is_series(cls: type) -> bool:
    return cls is _loaded("pandas", "Series")


def owner_of(array_: Any) -> Any:
    """Return the owner of a NumPy array's memory: the array, the array it is a view of, or what it was made from."""
    ndarray = _loaded("numpy", "ndarray")
    base = ndarray.base.__get__(array_)
    while base is not None:
        array_ = base
        base = ndarray.base.__get__(array_) if issubclass(type(array_), ndarray) else None
    return array_


def iterators_of(obj: Any) -> tuple[Iterator[Any], ...]:
    """Return iterators over the items of a dict, a set or an untracked tuple; return none for other objects.

    Lists and other tuples get no iterator. The collector lists them already while C code still fills them in another
    thread, and reading a missing item would crash. Dicts and sets are complete at all times. A tuple is complete by the
    time the collector untracks it.
    """
    cls = type(obj)
    if issubclass(cls, dict):
        return iter(dict.keys(obj)), iter(dict.values(obj))
    for base in (set, frozenset):
        if issubclass(cls, base):
            return (base.__iter__(obj),)
    return (iter(obj),) if cls is tuple and not gc.is_tracked(obj) else ()


_SEQUENCES: tuple[Any, ...] = (list, tuple, deque)
_LEAVES: tuple[Any, ...] = (array, BytesIO, StringIO, bytes, bytearray, str, int)


def referents_of(obj: Any) -> int:
    """Return an upper bound of how many objects this one refers to, by its type; a subclass adds few attributes."""
    cls = type(obj)
    for base in _SEQUENCES:
        if issubclass(cls, base):
            return int(base.__len__(obj))
    if issubclass(cls, _LEAVES) or _is_array(cls) or _is_frame(cls) or _is_series(cls):
        return 0
    return measure_of(cls)(obj) // _POINTER_BYTES


_COUNTED: tuple[tuple[Any, str], ...] = (
    (str, "chars"),
    (dict, "keys"),
    (list, "items"),
    (tuple, "items"),
    (set, "items"),
    (frozenset, "items"),
    (deque, "items"),
    (array, "items"),
)


def shape(obj: Any) -> str:
    """Return the shape of an object, never its content: `<dict: 12000 keys>`, or only its type: `<asyncio.Task>`."""
    cls = type(obj)
    extent = _extent(obj, cls)
    return f"<{type_name(cls)}>" if extent is None else f"<{_plain(_name_of(cls))}: {extent}>"


def _extent(obj: Any, cls: type) -> str | None:
    if _is_frame(cls):
        rows, columns = obj.shape
        return f"{rows} rows x {columns} cols"
    if _is_series(cls):
        return f"{obj.size} rows"
    if _is_array(cls):
        ndarray = _loaded("numpy", "ndarray")
        dimensions = " x ".join(map(str, ndarray.shape.__get__(obj)))
        return f"{dimensions} {ndarray.dtype.__get__(obj).name}"
    for base in (bytes, bytearray):
        if issubclass(cls, base):
            return f"{to_mb(base.__len__(obj)):.1f} MB"
    for base, unit in _COUNTED:
        if issubclass(cls, base):
            return f"{base.__len__(obj)} {unit}"
    return None
