"""Run functions again and again as jobs, and say of each what it keeps, where, and whether it grows."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import inspect
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from profiling import traces
from profiling.errors import CannotCheck
from profiling.profiler import Profiler
from profiling.records import Checked, Cost, Level, State, Suspect
from profiling.source import is_users, users_site
from profiling.suspects import suspects
from profiling.trend import MIN_RUNS

PLAIN_RUNS = 2  # before tracing: what they take is what a run takes by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A function that is run as a job."""

    name: str  # FILE.py:FUNCTION, as it was asked for
    function: Callable[[], Awaitable[object] | object]


def load(targets: Sequence[str]) -> list[Target]:
    """The functions that `FILE.py:FUNCTION` name; each file is executed once. Raises CannotCheck."""
    modules: dict[Path, object] = {}
    loaded = []
    for text in targets:
        file, _, name = text.rpartition(":")
        path = Path(os.path.normpath(Path(file).absolute()))  # as the user names it: symbolic links stay
        if not file or not name.isidentifier() or path.suffix != ".py":
            raise CannotCheck(f"{text!r} is not of the form FILE.py:FUNCTION")
        if path not in modules:
            modules[path] = _module(path)
        function = getattr(modules[path], name, None)
        if not callable(function):
            raise CannotCheck(f"{file} has no function {name!r}")
        loaded.append(Target(name=text, function=function))
    return loaded


def _module(path: Path) -> object:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise CannotCheck(f"there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise CannotCheck(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent))
    return module


async def check(targets: Sequence[Target], *, runs: int = MIN_RUNS, level: Level = Level.LINES) -> list[Checked]:
    """Run the targets in turn, `runs` times each, and judge them.

    They take turns, since at these levels two that overlap would each be charged with what both keep. Garbage is
    collected at the end of each run, so that it counts as freed. Where a leak's line is not the user's own, as many
    runs follow with stacks, which name it. Raises CannotCheck where a run fails.
    """
    plain_s = {target.name: [await _timed(target) for _ in range(PLAIN_RUNS)] for target in targets}
    profiler = await _series(targets, runs, level)
    try:
        checked = [_judge(profiler, target.name, min(plain_s[target.name])) for target in targets]
    finally:
        profiler.close()
    if level is Level.LINES and any(_needs_stacks(result) for result in checked):
        return await check(targets, runs=runs, level=Level.STACKS)
    return checked


async def _series(targets: Sequence[Target], runs: int, level: Level) -> Profiler:
    profiler = Profiler(level=level)
    try:
        for _ in range(runs):
            for target in targets:
                async with profiler.run(target.name):
                    await _timed(target)
                    gc.collect()
    except BaseException:
        profiler.close()
        raise
    return profiler


async def _timed(target: Target) -> float:
    """One run, and its seconds."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    try:
        result = target.function()
        if inspect.isawaitable(result):
            await result
    except Exception as error:
        raise CannotCheck(f"{target.name} failed: {type(error).__name__}: {error}") from error
    return loop.time() - began_s


def _needs_stacks(result: Checked) -> bool:
    return result.verdict.state is State.LEAKING and not (result.suspects and is_users(result.suspects[0].site[0]))


def _judge(profiler: Profiler, job: str, plain_s: float) -> Checked:
    runs = profiler.history.runs(job)
    verdict = profiler.verdict(job)
    found = suspects(runs) if verdict.state is State.LEAKING else []
    site_of = users_site if profiler.level is Level.STACKS else innermost
    stacks = traces.largest_stacks([site for site, _ in found], site_of)
    last = runs[-1]
    return Checked(
        job=job,
        runs=len(runs),
        level=profiler.level,
        verdict=verdict,
        suspects=tuple(
            Suspect(site=site, bytes_per_run=bytes_per_run, stack=stacks.get(site, (site,)))
            for site, bytes_per_run in found
        ),
        usage=profiler.usage(),
        traced_bytes=last.lines.traced_bytes if last.lines else None,
        held_free_bytes=last.after.c_heap_free_bytes,
        cost=Cost(
            duration_s=sum(run.cost.duration_s for run in runs),
            stall_s=max(run.cost.stall_s for run in runs),
            memory_bytes=max(run.cost.memory_bytes for run in runs),
        ),
        slowdown=median(run.duration_s for run in runs) / plain_s if plain_s > 1e-3 else None,
    )


def innermost(frames: tuple[tuple[str, int], ...]) -> tuple[str, int]:
    """The line that allocated."""
    return frames[0]
