"""Where profiles and reports come from: a running service, a file that was kept, or a function that is run."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from profiling.check.calls import Caller
from profiling.check.failures import failures_told
from profiling.check.series import SAMPLE_BYTES, level_for
from profiling.check.targets import load
from profiling.errors import CannotExport
from profiling.export import SOURCE
from profiling.past.state_file import State, read_state
from profiling.process.build_id import build_id
from profiling.profiler import Profiler
from profiling.records import Level
from profiling.records.stack_profile import StackProfile
from profiling.remote import SCHEMES, Service
from profiling.report.pprof import to_pprof
from profiling.report.pprof_reader import from_pprof
from profiling.trial import Bounds, Trial

PROFILES = (".pb.gz", ".pb")
TIMELINES = "timeline-*.bin"

_logger = logging.getLogger(__name__)


def profile_of(source: str, *, seconds: int | None, runs: int) -> bytes:
    """Return the profile as pprof has it. Raises NoAnswer, CannotExport, and CannotCheck for a wrong function."""
    if source.startswith(SCHEMES):
        return Service(source).ask(f"/pprof/heap{'' if seconds is None else f'?seconds={seconds}'}").body
    if source.endswith(PROFILES):
        return _read(Path(source))
    if _is_timeline(source):
        raise CannotExport(f"{source} has the memory over time, and no stacks; `report` shows it")
    with _ran(source, Bounds(runs=runs), Level.SAMPLES) as profiler:
        return to_pprof(profiler.stack_profile(), executable=sys.executable, build_id=build_id(sys.executable))


def report_of_source(source: str, bounds: Bounds) -> bytes:
    """Return the report as HTML. Raises NoAnswer, CannotExport, and CannotCheck for a wrong function."""
    from profiling.web.report import report_of

    if source.startswith(SCHEMES):
        return Service(source).ask("/report").body
    if source.endswith(PROFILES):
        return report_of_profile(_read(Path(source)))
    if _is_timeline(source):
        return _report_of_timeline(Path(source))
    with _ran(source, bounds, level_for(None)[0]) as profiler:
        return report_of(profiler)


def report_of_profile(data: bytes) -> bytes:
    """Return the report of a profile of pprof. Raises CannotExport if the data is none."""
    from profiling.report.page.stored import profile_html

    return profile_html(parsed(data))


def _is_timeline(source: str) -> bool:
    return source.endswith(".bin") or Path(source).is_dir()


def _report_of_timeline(path: Path) -> bytes:
    """Return the report of a stored timeline, in a folder the newest. Raises CannotExport if there is none."""
    from profiling.report.page.history import history_html

    state = _newest_state(path) if path.is_dir() else _read_state(path)
    try:
        return history_html(state, time.time())
    except ValueError as error:
        raise CannotExport(f"{path} cannot be read: {error}") from error


def _newest_state(folder: Path) -> State:
    """Return the state of the process that was seen last. Files that cannot be read are logged."""
    states, errors = list[State](), list[CannotExport]()
    for path in sorted(path for path in folder.iterdir() if path.match(TIMELINES)):
        try:
            states.append(_read_state(path))
        except CannotExport as error:
            errors.append(error)
    if not states:
        nothing = CannotExport(f"{folder} has no timeline-N.bin, which a process with PROFILING_STATE_DIR writes")
        raise errors[0] if errors else nothing
    for unread in errors:
        _logger.warning("profiling: %s", unread)
    return max(states, key=lambda state: state.saved_s)


def _read_state(path: Path) -> State:
    try:
        return read_state(path)
    except OSError as error:
        raise CannotExport(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CannotExport(f"{path} cannot be read: {error}") from error


def parsed(data: bytes) -> StackProfile:
    """Return a profile of pprof as a record. Raises CannotExport if the data is none."""
    try:
        return from_pprof(data)
    except ValueError as error:
        raise CannotExport(str(error)) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CannotExport(f"{path} cannot be read: {error.strerror}") from error


@contextmanager
def _ran(source: str, bounds: Bounds, level: Level) -> Iterator[Profiler]:
    """Run the function until its verdict is sure, or as often as the bounds say, and yield the profiler."""
    if ":" not in source or "://" in source:
        raise CannotExport(f"{source!r} is none of these: {SOURCE}")
    (target,) = load([source])
    caller = Caller(target.site)
    profiler = Profiler(
        level=level, sample_bytes=SAMPLE_BYTES, collect=True, patience=bounds.patience, all_threads=True
    )
    trial = Trial(profiler, target.name, bounds)
    profiler.start_watching()  # records the timeline
    try:
        with asyncio.Runner() as loop:
            while trial.goes_on():
                with profiler.run(target.name), failures_told(f"{target.name} failed"):
                    caller.run_to_end(target.function, loop)
            yield profiler
    finally:
        profiler.close()
