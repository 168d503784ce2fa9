"""What scopes, windows and debug servers must survive; by hand: `python -m benchmarks.scope_survival --times 200`.

Forks, programs that are started, workers that are recycled, applications that are loaded anew, and interpreters that
end, each of them under load, so many times. Prints a table of what was done, how many answers there were, and how many
crashes, hangs and lost answers; the exit status is 1 if there were any. `--without-profiler` does the same to the two
web servers alone, to tell what they lose by themselves.
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks import survival_programs as programs
from benchmarks.survival_clients import Clients
from benchmarks.survival_processes import environment, program, run

LIMIT_S = 60.0  # of one answer, one end, one worker; what takes longer hangs
BAD_SIGNS = ("Traceback", "Fatal Python error", "WORKER TIMEOUT", "was sent SIG", "[CRITICAL]", "[ERROR]")
MAX_NOTES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one part."""

    times: int = 0  # how often it was done
    answers: int = 0
    crashes: int = 0
    hangs: int = 0
    lost: int = 0  # answers that should have come
    notes: Sequence[str] = ()  # what was seen of each failure

    @property
    def failures(self) -> int:
        """Return how much went wrong."""
        return self.crashes + self.hangs + self.lost


def forks(times: int) -> Outcome:
    """Fork in a process with threads, scopes, windows and a debug server; each child answers and ends."""
    with program(programs.FORKING) as path:
        done = run([str(path), str(times), str(LIMIT_S)], limit_s=LIMIT_S + 10 * times)
    if done.status != 0:
        return Outcome(crashes=done.status is not None, hangs=done.status is None, notes=[done.stderr])
    told = json.loads(done.stdout.splitlines()[-1])
    return Outcome(**told, notes=[done.stderr] if done.stderr else [])


def programs_started(times: int) -> Outcome:
    """Start two programs within a scope, and exec oneself, which is done anew in what begins then."""
    with program(programs.EXECUTING) as path:
        done = run([str(path), str(times), str(path.with_name("debug.sock"))], limit_s=LIMIT_S + 10 * times)
    answers = done.stdout.count("ok\n")
    return Outcome(
        times=times,
        answers=answers,
        crashes=done.status not in {0, None},
        hangs=done.status is None,
        lost=times - answers,
        notes=[done.stderr] if done.stderr else [],
    )


def ends(times: int, text: str, before: Sequence[str], expected: Callable[[int], tuple[int, bool]]) -> Outcome:
    """Run a program that ends under load; `expected` says its exit status, and whether it ends by SIGTERM."""
    told: Counter[str] = Counter()
    notes = []
    with program(text) as path:
        for number in range(times):
            status, is_terminated = expected(number)
            ended_by = signal.SIGTERM if is_terminated else None
            done = run([*before, str(path), str(number)], limit_s=LIMIT_S, ended_by=ended_by)
            has_reported = not before or done.stderr.count("profiling: process") == 1
            told["answers"] += done.stdout == "ok\n" and has_reported
            told["lost"] += not (done.stdout == "ok\n" and has_reported)
            told["hangs"] += done.status is None
            told["crashes"] += done.status not in {status, None} or any(sign in done.stderr for sign in BAD_SIGNS)
            if done.status != status or not has_reported or any(sign in done.stderr for sign in BAD_SIGNS):
                notes.append(f"number {number}, status {done.status}: {done.stderr}")
    return Outcome(times=times, **told, notes=notes)


def exits(times: int) -> Outcome:
    """End the interpreter while threads allocate in scopes, windows end, and the debug routes are asked."""
    return ends(times, programs.EXITING, (), lambda _: (0, False))


def exits_of_run(times: int) -> Outcome:
    """End a program under `python -m profiling run --serve`, by its end, by sys.exit and by a signal."""
    before = ["-m", "profiling", "run", "--serve", "127.0.0.1:0"]
    statuses = {0: (-signal.SIGTERM, True), 1: (3, False)}
    return ends(times, programs.PLAIN, before, lambda number: statuses.get(number % 4, (0, False)))


@contextmanager
def served(command: Sequence[str], path: Path, log: Path, *, with_profiler: bool) -> Iterator[int]:
    """Run a web server on a socket that listens already; yield its port, and then end it."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening, log.open("wb") as output:
        given = [word.replace("FD", str(listening.fileno())) for word in command]
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", *given],
            cwd=path.parent,
            env=environment(WITH_PROFILER=str(int(with_profiler))),
            pass_fds=[listening.fileno()],
            stdout=output,
            stderr=output,
        )
        try:
            yield listening.getsockname()[1]
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(LIMIT_S)
            if process.returncode is None:
                process.kill()
                output.write(b"[ERROR] the server did not end\n")


def workers_recycled(times: int, *, with_profiler: bool = True) -> Outcome:
    """Let gunicorn end and fork two workers after every 20 requests or so, of an application that is loaded before."""
    command = ["gunicorn", "--preload", "--workers=2", "--max-requests=20", "--max-requests-jitter=5", "--bind=fd://FD"]
    command += ["--no-control-socket", "--log-level=warning", "service:app"]
    with program(programs.FLASK, "service.py") as path:
        log = path.with_name("log.txt")
        with served(command, path, log, with_profiler=with_profiler) as port:
            clients = Clients(port, limit_s=LIMIT_S, with_debug_routes=with_profiler)
            with clients.at_work():
                is_done = clients.wait_for(times + 2)
        return outcome(clients, len(clients.workers) - 2, log.read_text(), is_done=is_done)


def reloads(times: int, *, with_profiler: bool = True) -> Outcome:
    """Let uvicorn load a changed application anew, in a new process, under requests.

    A server that ends resets connections that it has accepted, also without a profiler, so clients send again.
    """
    command = ["uvicorn", "--reload", "--reload-delay=0.05", "--fd=FD", "--log-level=error", "service:app"]
    with program(programs.FASTAPI, "service.py") as path:
        log = path.with_name("log.txt")
        with served(command, path, log, with_profiler=with_profiler) as port:
            clients = Clients(port, limit_s=LIMIT_S, with_debug_routes=with_profiler, retries=5)
            with clients.at_work():
                is_done = clients.wait_for(1)
                for number in range(1, times + 1):
                    path.write_text(programs.FASTAPI + f"\n# {number}\n")
                    is_done = is_done and clients.wait_for(number + 1)
        return outcome(clients, len(clients.workers) - 1, log.read_text(), is_done=is_done)


def outcome(clients: Clients, times: int, log: str, *, is_done: bool) -> Outcome:
    """Return what became of a server's workers and of the clients' requests."""
    signs = [line for line in log.splitlines() if any(sign in line for sign in BAD_SIGNS)]
    notes = [*clients.notes, *([log[-5_000:]] if signs else [])]
    hangs = clients.told["hangs"] + (not is_done)
    told = clients.told
    return Outcome(
        times=times, answers=told["answers"], crashes=len(signs), hangs=hangs, lost=told["lost"], notes=notes
    )


Part = Callable[[int], Outcome]
PARTS: Mapping[str, Part] = {
    "fork beside threads in scopes": forks,
    "subprocess and exec within a scope": programs_started,
    "exit under load": exits,
    "exit under load, `profiling run --serve`": exits_of_run,
    "gunicorn's workers recycled": workers_recycled,
    "uvicorn's application reloaded": reloads,
}
WITHOUT_PROFILER: Mapping[str, Part] = {
    f"{name}, no profiler": lambda times, part=part: part(times, with_profiler=False)  # type: ignore[misc]
    for name, part in (("gunicorn's workers recycled", workers_recycled), ("uvicorn's application reloaded", reloads))
}


def main() -> int:
    """Run the parts, print a row for each, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=200, metavar="N", help="of each part (default: %(default)s)")
    parser.add_argument("--only", metavar="TEXT", default="", help="the parts that have this in their name")
    parser.add_argument("--without-profiler", action="store_true", help="the two web servers alone")
    wanted = parser.parse_args()
    print(f"{'what':<44}{'times':>7}{'answers':>9}{'crashes':>9}{'hangs':>7}{'lost':>6}{'seconds':>9}", flush=True)
    failures = 0
    for name, part in (WITHOUT_PROFILER if wanted.without_profiler else PARTS).items():
        if wanted.only in name:
            failures += told(name, part, wanted.times).failures
    return int(failures > 0)


def told(name: str, part: Part, times: int) -> Outcome:
    """Do a part so many times, and print its row and what went wrong."""
    began_s = time.monotonic()
    done = part(times)
    counts = f"{done.times:>7}{done.answers:>9}{done.crashes:>9}{done.hangs:>7}{done.lost:>6}"
    print(f"{name:<44}{counts}{time.monotonic() - began_s:>9.0f}", flush=True)
    for note in done.notes[:MAX_NOTES]:
        print(f"    {note}", flush=True)
    return done


if __name__ == "__main__":
    sys.exit(main())
