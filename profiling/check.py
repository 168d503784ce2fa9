"""Run functions again and again as jobs, and say of each what it keeps, where, and whether it grows."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import inspect
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from profiling.errors import CannotCheck
from profiling.profiler import Profiler
from profiling.records import Checked, Cost, Level, RunProfile, State
from profiling.samples import sampler
from profiling.source import is_users
from profiling.verdict.series import MIN_RUNS

PLAIN_RUNS = 2  # before profiling: what they take is what a run takes by itself
SAMPLE_BYTES = 1_024.0
"""One sample every so many: jobs that are checked are small, and where they are not the sampler takes fewer by itself.
From the start, because a series that begins anew does not see what is freed of before."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a series of runs is made."""

    runs: int
    level: Level
    together: bool = False  # the targets overlap, else they take turns


def first_plan(runs: int, level: Level | None, targets: int) -> Plan:
    """Samples where they can be taken, since jobs may then overlap; exact lines elsewhere, in turns.

    Raises CannotCheck for samples that cannot be taken.
    """
    reason = sampler.unavailable_reason()
    if level is Level.SAMPLES and reason is not None:
        raise CannotCheck(f"level samples cannot be had: {reason}; leave --level out, or take lines")
    if level is None:
        level = Level.SAMPLES if reason is None else Level.LINES
    return Plan(runs=runs, level=level, together=level.samples and targets > 1)


def next_plan(plan: Plan, checked: Sequence[Checked]) -> Plan | None:
    """A further series where this one leaves open what another can tell; None where it does not.

    Samples are whose they are while jobs overlap, but the size of the process is not. One frame of exact lines that is
    in a library needs its callers.
    """
    states = {result.verdict.state for result in checked}
    if plan.together and State.NATIVE_GROWTH in states:
        return replace(plan, together=False)
    if plan.level is Level.LINES and any(map(_needs_stacks, checked)):
        return replace(plan, level=Level.STACKS)
    return None


async def check(targets: Sequence[Target], *, runs: int = MIN_RUNS, level: Level | None = None) -> list[Checked]:
    """Run the targets `runs` times each, and judge them.

    At level `samples`, the one where none is asked for, they run beside each other; at the exact ones in turns, since
    of two that overlap each would be charged with what both keep. Garbage is collected at the end of each run, so that
    it counts as freed. Raises CannotCheck where a run fails.
    """
    plain_s = {target.name: min([await _timed(target) for _ in range(PLAIN_RUNS)]) for target in targets}
    plan: Plan | None = first_plan(runs, level, len(targets))
    checked: list[Checked] = []
    while plan is not None:
        checked = await _series(targets, plan, plain_s)
        plan = next_plan(plan, checked)
    return checked


async def _series(targets: Sequence[Target], plan: Plan, plain_s: Mapping[str, float]) -> list[Checked]:
    profiler = Profiler(level=plan.level, sample_bytes=SAMPLE_BYTES, arenas=True)
    took_s: dict[str, list[float]] = {target.name: [] for target in targets}

    async def run(target: Target) -> None:
        async with profiler.run(target.name):
            took_s[target.name].append(await _timed(target))
            gc.collect()

    try:
        for _ in range(plan.runs):
            if plan.together:
                async with asyncio.TaskGroup() as group:
                    for target in targets:
                        group.create_task(run(target), name=target.name)
            else:
                for target in targets:
                    await run(target)
        return [
            _judge(profiler, target.name, _slowdown(took_s[target.name], plain_s[target.name])) for target in targets
        ]
    except* CannotCheck as errors:
        raise errors.exceptions[0] from None
    finally:
        profiler.close()


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
    return result.verdict.state is State.LEAKING and not (
        result.verdict.suspects and is_users(result.verdict.suspects[0].site[0])
    )


def _slowdown(took_s: Sequence[float], plain_s: float) -> float | None:
    return median(took_s) / plain_s if plain_s > 1e-3 else None


def _judge(profiler: Profiler, job: str, slowdown: float | None) -> Checked:
    runs = profiler.history.runs(job)
    verdict = profiler.verdict(job)
    last = runs[-1]
    return Checked(
        job=job,
        runs=len(runs),
        level=profiler.level,
        verdict=verdict,
        usage=profiler.usage(),
        traced_bytes=last.figures.traced_bytes if last.figures else None,
        relative_error=_relative_error(last),
        held_free_bytes=last.after.c_heap_free_bytes,
        cost=Cost(
            duration_s=sum(run.cost.duration_s for run in runs),
            stall_s=max(run.cost.stall_s for run in runs),
            memory_bytes=max(run.cost.memory_bytes for run in runs),
        ),
        slowdown=slowdown,
    )


def _relative_error(run: RunProfile) -> float | None:
    """Standard error of what is alive as a share of it; None where that is exact or nothing."""
    figures = run.figures
    if figures is None or figures.precision is None or figures.traced_bytes <= 0:
        return None
    return figures.precision.live_error_bytes / figures.traced_bytes
