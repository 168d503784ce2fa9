"""The debug server: who may ask, what it refuses, and how it ends. Its routes are tested in debug_routes."""

from __future__ import annotations

import http.client
import json
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from profiling import Level, Profiler
from profiling.serve import DebugServer
from profiling.serve.server import CLOSED, MAX_CONNECTIONS, NOT_A_PAGE
from profiling.web import Access


@pytest.fixture
def profiler() -> Iterator[Profiler]:
    with closing(Profiler(level=Level.COUNTERS, limit_mb=512)) as profiler:
        yield profiler


def port_of(server: DebugServer) -> int:
    return int(server.address.rpartition(":")[2])


def connected(server: DebugServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port_of(server)), timeout=60)


def sent(server: DebugServer, request: bytes) -> tuple[int, dict[str, Any]]:
    """Send bytes as they are; return the status and the document of the answer."""
    with connected(server) as connection:
        connection.sendall(request)
        head, _, body = received(connection).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def received(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def get(path: str = "/debug/jobs", *headers: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", *headers, "", ""]).encode()


@pytest.mark.parametrize(
    ("said", "bearer", "status"),
    [
        ({}, "", 200),
        ({"token": ""}, "", 200),
        ({"token": "t"}, "", 403),
        ({"token": "t"}, "t", 200),
        ({"token": "t", "open_to_all": True}, "", 200),
        ({"open_to_all": False}, "", 403),
        ({"access": Access()}, "", 403),
        ({"access": Access(open_to_all=True)}, "", 200),
    ],
)
def test_loopback_is_open_for_looking_unless_it_is_said_otherwise(
    profiler: Profiler, said: dict[str, Any], bearer: str, status: int
) -> None:
    with DebugServer(profiler, "127.0.0.1:0", **said) as server:
        headers = [f"Authorization: Bearer {bearer}"] if bearer else []
        assert sent(server, get("/debug/jobs", *headers))[0] == status
        assert sent(server, get("/debug/memory/trim", method="POST"))[0] == 403


def test_profiler_serves_at_an_address_and_at_a_unix_socket(profiler: Profiler, tmp_path: Path) -> None:
    with profiler.serve("127.0.0.1:0", token="t") as server:
        assert isinstance(server, DebugServer)
        assert sent(server, get())[0] == 403
        assert sent(server, get("/debug/jobs", "Authorization: Bearer t"))[0] == 200
    with profiler.serve("127.0.0.1:0", open_to_all=False) as server:
        assert sent(server, get())[0] == 403
    path = tmp_path / "profiler.sock"
    server = profiler.serve(f"unix:{path}")
    assert (server.address, path.is_socket()) == (f"unix:{path}", True)
    server.close()
    with pytest.raises(ValueError, match="'nowhere' is not an address"):
        profiler.serve("nowhere")


def test_address_that_other_machines_reach_is_closed_without_a_token(profiler: Profiler) -> None:
    with DebugServer(profiler, "0.0.0.0:0") as server:
        status, document = sent(server, get())
        assert (status, document["detail"]) == (403, CLOSED)
        assert sent(server, get("/debug/health"))[0] == 200
    with DebugServer(profiler, "0.0.0.0:0", open_to_all=True) as server:
        assert sent(server, get("/debug/jobs", "Host: example.org"))[0] == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:6061", "[::1]:6061", "LOCALHOST:80"])
def test_loopback_answers_to_a_host_of_this_machine(profiler: Profiler, host: str) -> None:
    with DebugServer(profiler, "127.0.0.1:0") as server:
        assert sent(server, get("/debug/jobs", f"Host: {host}"))[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:6061", "localhost.evil.example", ""])
def test_loopback_answers_to_no_page_of_another_site(profiler: Profiler, host: str) -> None:
    with DebugServer(profiler, "127.0.0.1:0") as server:
        status, document = sent(server, get("/debug/jobs", f"Host: {host}"))
        assert (status, document["detail"]) == (403, NOT_A_PAGE)
    with DebugServer(profiler, "127.0.0.1:0", token="t") as server:
        assert sent(server, get("/debug/jobs", f"Host: {host}", "Authorization: Bearer t"))[0] == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /debug/jobs HTTP/2\r\n\r\n", 400),
        (b"GET /debug/j\xc3\xb6bs HTTP/1.1\r\n\r\n", 400),
        (b"GET http://[::1/debug HTTP/1.1\r\n\r\n", 400),
        (get("/debug/jobs", "no colon"), 400),
        (get("/debug/jobs", "Host : localhost"), 400),
        (get("/debug/jobs", "X: " + "y" * 20_000), 431),
        (get("/debug/jobs", "Transfer-Encoding: chunked"), 411),
        (get("/debug/jobs", "Content-Length: -1"), 411),
        (get("/debug/jobs", f"Content-Length: {(64 << 10) + 1}"), 413),
        (get("/debug/jobs", f"Content-Length: {'9' * 5_000}"), 413),
        (get("/elsewhere"), 404),
        (get("/debugger"), 404),
        (get("/debug/jobs", "Content-Length: 3") + b"abc", 200),
        (get("http://localhost/debug/jobs"), 200),
        (b"GET /debug/jobs HTTP/1.0\r\n\r\n", 200),
    ],
)
def test_request_that_is_not_http_or_too_large_is_refused_with_a_problem(
    profiler: Profiler, request_: bytes, status: int
) -> None:
    with DebugServer(profiler, "127.0.0.1:0") as server:
        told, document = sent(server, request_)
        assert told == status
        assert status == 200 or document["status"] == status


def test_client_that_sends_nothing_or_half_a_request_is_left(profiler: Profiler) -> None:
    with DebugServer(profiler, "127.0.0.1:0", request_s=0.05) as server:
        for part in (b"", b"GET /debug/jobs HTTP/1.1\r\n", get("/debug/jobs", "Content-Length: 5") + b"abc"):
            with connected(server) as connection:
                connection.sendall(part)
                assert received(connection) == b""


def test_too_many_connections_are_refused_until_one_of_them_has_ended(profiler: Profiler) -> None:
    with DebugServer(profiler, "127.0.0.1:0") as server:
        held = [connected(server) for _ in range(MAX_CONNECTIONS)]
        with connected(server) as connection:
            assert received(connection).startswith(b"HTTP/1.1 503 ")
        held.pop().close()
        while sent(server, get())[0] == 503:  # until the server has seen the end
            pass
        for connection in held:
            connection.close()


def test_unix_socket_is_its_owners_alone_and_gone_with_the_server(profiler: Profiler, tmp_path: Path) -> None:
    path = tmp_path / "p.sock"
    with DebugServer(profiler, f"unix:{path}") as server:
        assert server.address == f"unix:{path}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(get("/debug/health", "Host: anything"))
            assert received(connection).startswith(b"HTTP/1.1 200 OK\r\n")
        with pytest.raises(OSError, match=r"cannot listen at unix:.*[Aa]ddress.*in use"):
            DebugServer(profiler, f"unix:{path}")
    assert not path.exists()


def test_socket_that_a_dead_process_has_left_is_replaced_and_a_file_is_not(profiler: Profiler, tmp_path: Path) -> None:
    path, file = tmp_path / "p.sock", tmp_path / "file"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with DebugServer(profiler, f"unix:{path}"):
        pass
    file.write_text("kept")
    with pytest.raises(OSError, match="cannot listen at unix"):
        DebugServer(profiler, f"unix:{file}")
    assert file.read_text() == "kept"


def test_port_that_is_taken_is_an_error_that_names_it(profiler: Profiler) -> None:
    profiler.start_watching()
    before = threading.active_count()
    with (
        DebugServer(profiler, "127.0.0.1:0") as server,
        pytest.raises(OSError, match=f"cannot listen at {server.address}"),
    ):
        DebugServer(profiler, server.address)
    assert threading.active_count() == before


def test_close_ends_requests_that_are_under_way_and_may_be_called_twice(profiler: Profiler) -> None:
    server = DebugServer(profiler, "127.0.0.1:0")
    with connected(server) as waiting:
        waiting.sendall(get("/debug/memory/diff?seconds=600"))
        assert sent(server, get("/debug/health"))[0] == 200  # the loop has come to the first, too
        server.close()
        assert received(waiting) == b""
    server.close()
    with pytest.raises(ConnectionRefusedError):
        connected(server)


def test_other_thing_than_a_profiler_is_refused_before_anybody_listens() -> None:
    with pytest.raises(TypeError, match="the debug routes need a Profiler, not None"):
        DebugServer(None, "127.0.0.1:0")  # type: ignore[arg-type]


def test_answers_are_read_by_a_client_of_the_standard_library(profiler: Profiler) -> None:
    with profiler.run("sync"):
        pass
    with DebugServer(profiler, "127.0.0.1:0") as server:
        connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=60)
        connection.request("GET", "/api/v1/debug/jobs")
        answer = connection.getresponse()
        assert answer.headers["X-Profiler-Process"] == str(os.getpid())
        assert [job["id"] for job in json.load(answer)["jobs"]] == ["sync"]
        connection.close()


FORKING = """
import os, sys, urllib.request
from profiling import Profiler
from profiling.serve import DebugServer

def pid(server):
    with urllib.request.urlopen(f"http://{server.address}/debug/health", timeout=60) as answer:
        return int(answer.headers["X-Profiler-Process"])

profiler = Profiler(level="counters")
server = DebugServer(profiler, "127.0.0.1:0")
assert pid(server) == os.getpid()
child = os.fork()
if child == 0:
    assert pid(server) == os.getppid()  # the parent answers
    server.close()  # does nothing here
    own = DebugServer(profiler, "127.0.0.1:0")
    assert pid(own) == os.getpid()
    own.close()
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert pid(server) == os.getpid()
address = server.address
server.close()
again = DebugServer(profiler, address)
print("served", flush=True)
"""


def test_fork_serves_by_itself_and_leaves_the_parent_alone_and_no_server_keeps_a_program_from_its_end() -> None:
    # From 3.12 on a fork beside other threads is warned of.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "served\n", "")
