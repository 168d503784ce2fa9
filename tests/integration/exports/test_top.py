"""`python -m profiling top` of a running service: in a pipe, at a terminal, and while the service goes away."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle

import pytest

from profiling import Level, Profiler
from profiling.__main__ import main
from profiling.errors import NoAnswer
from profiling.remote import TOKEN_VARIABLE, Service
from profiling.serve import DebugServer
from profiling.top.follow import Reader, follow
from tests.integration.exports import leaking

SYNC = re.compile(r"  \d+  sync( |$)", re.MULTILINE)


def nothing(_: float) -> None:
    """Wait for nothing."""


def test_pipe_gets_lines_of_text(server: DebugServer) -> None:
    output = io.StringIO()
    follow(Service(f"http://{server.address}"), output, updates=2, wait=nothing)
    first, second, end = output.getvalue().split("\n\n")
    assert end == ""
    for told in (first, second):
        assert re.match(r"\d\d:\d\d:\d\d  [\d,]+ MB, [\d.]+ % of the limit, \w+, process \d+\n", told)
        assert SYNC.search(told)
        assert "GET /x" in told


def test_command_ends_after_so_many_looks(server: DebugServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", f"http://{server.address}", "--updates", "1"]) == 0
    assert SYNC.search(capsys.readouterr().out)


def test_reader_of_a_pipe_may_close_it(server: DebugServer) -> None:
    command = [sys.executable, "-m", "profiling", "top", f"http://{server.address}", "--interval", "0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "of the limit" in process.stdout.readline()
        process.stdout.close()
        assert (process.stderr.read(), process.wait(120)) == ("", 0)


def test_token_comes_from_the_environment(
    profiler: Profiler, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with DebugServer(profiler, "127.0.0.1:0", token="t0ken") as server:
        command = ["top", f"http://{server.address}", "--updates", "1"]
        monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
        assert main(command) == 2
        assert "the service answered with 403: " in capsys.readouterr().err
        monkeypatch.setenv(TOKEN_VARIABLE, "t0ken")
        assert main(command) == 0


def test_terminal_gets_a_live_table_which_stays_at_the_end(server: DebugServer) -> None:
    pytest.importorskip("rich")
    main_end, terminal = pty.openpty()
    command = [sys.executable, "-m", "profiling", "top", f"http://{server.address}", "--updates", "1"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "24"}
    with subprocess.Popen(command, stdout=terminal, stderr=subprocess.PIPE, env=environment) as process:
        os.close(terminal)
        told = b"".join(iter(lambda: _read(main_end), b"")).decode()
        assert process.wait(120) == 0
    os.close(main_end)
    on_screen, left = told.rsplit("\x1b[?1049l", 1)
    assert "\x1b[?1049h" in on_screen
    assert " sync " in on_screen
    assert " sync " in left


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # Linux says so at the end of a terminal
        return b""


def test_terminal_that_can_do_nothing_gets_lines_and_no_rich_is_imported(server: DebugServer) -> None:
    code = (
        "import sys\nfrom profiling.__main__ import main\n"
        f"main(['top', 'http://{server.address}', '--updates', '1'])\n"
        "print('rich' in sys.modules, '\\x1b' in sys.argv)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "TERM": "dumb"}
    )
    assert done.stdout.endswith("False False\n")
    assert "\x1b" not in done.stdout


def test_service_that_goes_away_is_shown_as_of_then_until_it_is_back(profiler: Profiler) -> None:
    leaking.leak(profiler)
    servers = [DebugServer(profiler, "127.0.0.1:0")]
    address = servers[0].address
    output, waits = io.StringIO(), []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            servers.pop().close()
        elif len(waits) == 2:
            servers.append(DebugServer(profiler, address))

    follow(Service(f"http://{address}"), output, updates=3, wait=wait)
    servers.pop().close()
    first, gone, back, _ = output.getvalue().split("\n\n")
    assert "as of then, because the service cannot be reached" in gone.splitlines()[0]
    assert gone.splitlines()[1:] == first.splitlines()[1:]
    assert "because" not in back
    assert all(seconds >= 1.0 for seconds in waits)


def test_service_without_samples_shows_its_jobs() -> None:
    profiler, output = Profiler(level=Level.COUNTERS, limit_mb=512), io.StringIO()
    with profiler.run("sync"):
        pass
    with DebugServer(profiler, "127.0.0.1:0") as server:
        follow(Service(f"http://{server.address}"), output, updates=1)
    profiler.close()
    assert "no samples are taken" in output.getvalue()
    assert " sync" in output.getvalue()


@contextmanager
def workers(*processes: str) -> Iterator[str]:
    """A server whose workers answer in turn, by its address."""
    turns = cycle(processes)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            process = next(turns)
            health = {"status": "ok", "memory_mb": float(process), "memory_percent": 1.0}
            body = json.dumps(health if "health" in self.path else {"scopes": []}).encode()
            self.send_response(200)
            self.send_header("X-Profiler-Process", process)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_all_answers_are_of_the_worker_that_answered_first() -> None:
    with workers("1", "2", "3") as address:
        reader = Reader(Service(address))
        assert [reader.read().memory_mb for _ in range(4)] == [1.0] * 4


def test_worker_that_is_gone_is_told_and_then_another_one_is_read() -> None:
    with workers("1", *"23456789" * 9) as address:
        reader = Reader(Service(address))
        with pytest.raises(NoAnswer, match="process 1 no longer answers"):
            reader.read()
        reader.forget()
        assert reader.took_s == 0.0


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("localhost:8080", "no address of a service"),
        ("http://user:password@localhost", "no password"),
        ("http://127.0.0.1:9", "cannot be reached"),
    ],
)
def test_wrong_address_is_told(address: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", address]) == 2
    assert message in capsys.readouterr().err
