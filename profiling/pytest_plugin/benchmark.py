"""Memory beside the times of pytest-benchmark, saved with them and compared with a saved run."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from profiling.pytest_plugin import workers
from profiling.pytest_plugin.checks import KEY, Figures
from profiling.pytest_plugin.measurement import Case, measure, standing_at
from profiling.pytest_plugin.options import COMPARE_FAIL, Options
from profiling.pytest_plugin.peak import JOB, Peak, close_when_quiet
from profiling.pytest_plugin.reports import Reports
from profiling.samples import sampler
from profiling.units import format_bytes

NOT_MEASURED = "profiling_not_measured"
MEASURED = pytest.StashKey[Figures]()


class BenchmarkSession(Protocol):
    """The part of pytest-benchmark's session that is needed here."""

    compared_mapping: Mapping[Path, Mapping[str, Mapping[str, Any]]]  # by file, then by the benchmark's full name


class MemoryBenchmark:
    """The fixture `memory_benchmark`: call it once, with a plain or an async function."""

    def __init__(self, benchmark: Any, keep: Callable[[Figures, Peak], None]) -> None:
        self.benchmark = benchmark
        self._keep = keep

    def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Time the function, then measure its memory in some more runs. Return what the function returns."""
        where = _callers_line()
        with _plain(function) as plain:
            result = _finished(self.benchmark(plain, *args, **kwargs))
            self._measure(Case(function=standing_at(plain, *where), arguments=lambda: (args, kwargs)))
        return result

    def pedantic(
        self,
        target: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        setup: Callable[[], tuple[Sequence[Any], Mapping[str, Any]] | None] | None = None,
        teardown: Callable[..., object] | None = None,
        **options: Any,
    ) -> Any:
        """Run as pytest-benchmark's `pedantic` does; the memory of `setup` and `teardown` is not measured."""
        where = _callers_line()
        with _plain(target) as plain:
            given = {"args": args, "kwargs": kwargs, "setup": setup, "teardown": teardown}
            result = _finished(self.benchmark.pedantic(plain, **given, **options))
            self._measure(
                Case(
                    function=standing_at(plain, *where),
                    arguments=lambda: (setup() if setup else None) or (args, kwargs or {}),
                    teardown=teardown,
                )
            )
        return result

    def _measure(self, case: Case) -> None:
        if self.benchmark.enabled:
            figures, peak = measure(case)
            self.benchmark.extra_info[KEY] = figures.to_info()
            self._keep(figures, peak)


def _callers_line() -> tuple[str, int]:
    """Return the file and line of the call to the method that called this."""
    here = inspect.currentframe()
    caller = here.f_back.f_back if here and here.f_back else None
    return (caller.f_code.co_filename, caller.f_lineno) if caller else ("<unknown>", 1)


@contextmanager
def _plain(function: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Yield an async function as a plain one, whose calls all run on one loop."""
    if not inspect.iscoroutinefunction(function):
        yield function
        return
    if _has_running_loop():
        raise RuntimeError(
            "memory_benchmark runs an async function on an event loop of its own; write the test as a plain function"
        )
    with asyncio.Runner() as runner:
        # In the current context, because the context of the runner does not know which job samples belong to.
        yield lambda *args, **kwargs: runner.run(function(*args, **kwargs), context=contextvars.copy_context())


def _has_running_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _finished(result: Any) -> Any:
    if inspect.iscoroutine(result):
        result.close()
        raise TypeError("the function only created a coroutine; pass the async function itself to memory_benchmark")
    return result


class Benchmarks:
    """The fixture, and the report and checks of its results."""

    def __init__(self, options: Options, reports: Reports) -> None:
        self._reports = reports
        self._checks = options.compare_fail
        self._measured: list[tuple[str, Figures]] = []
        self._not_measured = 0
        self._not_measured_in_workers = 0
        self._not_compared: list[str] = []
        self._session: BenchmarkSession | None = None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Keep what pytest-benchmark has loaded from saved runs.

        Raises pytest.UsageError if it has loaded nothing although the command line asks for a comparison. In the ini
        file and the environment, the option only applies to sessions that compare.
        """
        config = session.config
        self._session = config.pluginmanager.get_plugin("pytest-benchmark")
        if not self._checks or (self._session and self._session.compared_mapping):
            return
        if config.getoption(COMPARE_FAIL.name) or config.getoption("benchmark_compare"):
            raise pytest.UsageError(
                f"{COMPARE_FAIL.flag} needs a saved run to compare with; save one, and give --benchmark-compare"
            )
        self._checks = ()

    @pytest.fixture
    def memory_benchmark(self, benchmark: Any, request: pytest.FixtureRequest) -> Iterator[MemoryBenchmark]:
        """Benchmark as pytest-benchmark's `benchmark` does, and keep the memory in `extra_info["memory"]`."""

        def keep(figures: Figures, peak: Peak) -> None:
            self._reports.write_peak(request.node, peak)
            request.node.stash[MEASURED] = figures
            self._measured.append((request.node.nodeid, figures))

        if not benchmark.enabled:
            self._not_measured += 1
        previous = sampler.set_current_job(JOB)  # before an event loop is created, because the loop copies the context
        try:
            yield MemoryBenchmark(benchmark, keep)
        finally:
            sampler.set_current_job(previous)
            close_when_quiet()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Fail a test whose memory has grown too much, after its own assertions have passed."""
        result = yield
        now = item.stash.get(MEASURED, None)
        if now is not None and self._checks:
            failures = self._failures(item.nodeid, now)
            if failures:
                pytest.fail("\n".join(failures), pytrace=False)
        return result

    def _failures(self, name: str, now: Figures) -> list[str]:
        saved = self._saved(name)
        if not saved:
            self._not_compared.append(name)
        found = (check.failure(now, past, path.name) for path, past in saved for check in self._checks)
        return [failure for failure in found if failure]

    def _saved(self, name: str) -> list[tuple[Path, Figures]]:
        """Return the figures of the benchmark in each saved run that is compared, if that run has figures for it."""
        if self._session is None:
            return []
        found = []
        for path, benchmarks in self._session.compared_mapping.items():
            info = benchmarks.get(name, {}).get("extra_info", {}).get(KEY)
            try:
                if info is not None:
                    found.append((Path(path), Figures.from_info(info)))
            except (KeyError, TypeError, ValueError, OverflowError):
                continue  # the key of another tool; reported as not compared
        return found

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send the results to the main session if this is a worker of pytest-xdist, where pytest-benchmark is off."""
        workers.tell(session.config, NOT_MEASURED, self._not_measured)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Receive the results of a worker of pytest-xdist."""
        self._not_measured_in_workers += workers.told_by(node, NOT_MEASURED) or 0

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write a line for each benchmark, and the benchmarks that were not measured or not compared."""
        lines = list(self._told())
        if lines:
            terminalreporter.section("memory of benchmarks")
            for line in lines:
                terminalreporter.write_line(line)

    def _told(self) -> Iterator[str]:
        if self._measured:
            width = max(len(name) for name, _ in self._measured)
            yield f"{'':{width}}  {'peak':>10}  {'retained':>10}  {'blocks':>8}  most at the peak"
            for name, figures in self._measured:
                most = figures.peak_lines[0] if figures.peak_lines else None
                where = f"{format_bytes(most.size_bytes)} at {most.file}:{most.line}" if most else figures.note or ""
                sizes = f"{format_bytes(figures.peak_bytes):>10}  {format_bytes(figures.retained_bytes):>10}"
                yield f"{name:{width}}  {sizes}  {figures.blocks:>8}  {where}".rstrip()
        if self._not_measured:
            yield f"not measured, because benchmarks are disabled: {self._not_measured}"
        if self._not_measured_in_workers:
            yield (
                "not measured, because pytest-benchmark switches itself off in workers of pytest-xdist "
                f"(give -n 0 to measure them): {self._not_measured_in_workers}"
            )
        for name in self._not_compared:
            yield f"not compared, because the saved run has no memory figures for it: {name}"
