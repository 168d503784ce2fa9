"""The arguments of the markers: pure functions over what is in their parentheses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from profiling.pytest_plugin.options import MAX_RUNS, Options
from profiling.pytest_plugin.sizes import Size, parse_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakPlan:
    """How often a test is repeated, and how much each run may keep."""

    runs: int
    warmup: int  # runs, with the test's own run included
    tolerance: Size


def limit_of(args: Sequence[object], kwargs: Mapping[str, object], options: Options) -> Size:
    """Return the limit of `memory_limit(...)`. Raises ValueError."""
    values = {**dict(zip(("size",), args, strict=False)), **kwargs}
    if len(args) > 1 or set(values) - {"size"}:
        raise ValueError('memory_limit takes one size, as in memory_limit("24 MB")')
    if "size" in values:
        return _size("memory_limit", values["size"], parse_limit)
    if options.limit is None:
        raise ValueError('memory_limit has no size; write memory_limit("24 MB"), for example, or set --memory-limit')
    return options.limit


def parse_no_leaks(args: Sequence[object], kwargs: Mapping[str, object], options: Options) -> LeakPlan:
    """Return the plan of `no_leaks(...)`. Raises ValueError."""
    unknown = sorted(set(kwargs) - {"runs", "warmup", "tolerance"})
    if args or unknown:
        what = f"no argument {', '.join(map(repr, unknown))}" if unknown else "keyword arguments only"
        raise ValueError(f'no_leaks takes {what}; write, for example, no_leaks(runs=8, warmup=2, tolerance="4 KB")')
    return LeakPlan(
        runs=_count("runs", kwargs.get("runs", options.runs)),
        warmup=_count("warmup", kwargs.get("warmup", options.warmup)),
        tolerance=_size("tolerance", kwargs["tolerance"]) if "tolerance" in kwargs else options.tolerance,
    )


def _count(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_RUNS:
        raise ValueError(f"no_leaks: {name} must be a whole number from 1 to {MAX_RUNS}, not {value!r}")
    return value


def _size(name: str, value: object, parse: Callable[[str], Size] = Size.parse) -> Size:
    is_size = isinstance(value, str | int) and not isinstance(value, bool)
    if not is_size:
        raise ValueError(f"{name}: {value!r} is neither a size as text, like '24 MB', nor a number of bytes")
    try:
        return parse(str(value))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
