"""`python -m profiling run` as a person types it, with programs that have never heard of the profiler."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.request import urlopen

import pytest

from profiling.samples import sampler

needs_samples = pytest.mark.skipif(bool(sampler.unavailable_reason()), reason=str(sampler.unavailable_reason()))
TIMEOUT_S = 120.0

LEAKS = """
import asyncio
import sys

kept = []


def table():
    return [bytes(1_000) for _ in range(500)]


async def leaky():
    for _ in range(20):
        kept.append(table())
        await asyncio.sleep(0)


async def clean():
    for _ in range(20):
        table()
        await asyncio.sleep(0)


async def main():
    await asyncio.gather(asyncio.create_task(leaky()), asyncio.create_task(clean()))


if __name__ == "__main__":
    asyncio.run(main())
    print(sys.argv, __file__, sys.path[0])
    print("to stderr", file=sys.stderr)
"""


def run(folder: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "profiling", "run", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def script(folder: Path, text: str, name: str = "program.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@needs_samples
def test_script_runs_as_it_does_alone_and_its_leak_is_told_at_its_end(tmp_path: Path) -> None:
    path = script(tmp_path, LEAKS)
    done = run(tmp_path, path.name, "--level", "its own", "-x")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{[path.name, '--level', 'its own', '-x']} {path.name} {tmp_path}\n"
    assert done.stderr.startswith("to stderr\nprofiling: process ")
    rows = [line.split() for line in done.stderr.splitlines()]
    scopes = {row[-1]: row for row in rows if row and row[-1] in {"leaky", "clean", "main"}}
    assert set(scopes) == {"leaky", "clean", "main"}
    assert scopes["leaky"][1:3] != ["0", "B"]
    assert any("program.py:9" in row for row in rows), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("text", "status"), [("raise SystemExit(3)", 3), ("import sys; sys.exit('why')", 1), ("", 0)])
def test_exit_status_is_the_programs(tmp_path: Path, text: str, status: int) -> None:
    done = run(tmp_path, script(tmp_path, text).name)
    assert done.returncode == status, done.stderr
    assert "profiling: process" in done.stderr


def test_error_is_told_from_the_programs_frame_on(tmp_path: Path) -> None:
    done = run(tmp_path, script(tmp_path, "def fails():\n    raise ValueError('no price')\n\nfails()\n").name)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].endswith('program.py", line 4, in <module>')
    assert "ValueError: no price" in lines


@pytest.mark.slow
def test_module_folder_and_archive_run_too(tmp_path: Path) -> None:
    package = tmp_path / "tool"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("import sys\nprint(__name__, sys.argv[1:])\n")
    with zipfile.ZipFile(tmp_path / "tool.pyz", "w") as archive:
        archive.write(package / "__main__.py", "__main__.py")
    for target in (["-m", "tool"], ["tool"], ["tool.pyz"]):
        done = run(tmp_path, *target, "a", "-m")
        assert (done.returncode, done.stdout) == (0, "__main__ ['a', '-m']\n"), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "no program is given"),
        (["nowhere.py"], "there is no file nowhere.py"),
        (["-m", "no_such_module"], "there is no module no_such_module"),
        (["-m", "no_such.module"], "the module no_such.module cannot be found"),
        (["--level", "stacks", "x.py"], "invalid choice: 'stacks'"),
    ],
)
def test_program_that_is_not_there_is_told_in_a_sentence(tmp_path: Path, arguments: list[str], told: str) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_what_is_pickled_and_started_as_a_process_finds_its_names(tmp_path: Path) -> None:
    text = """
import multiprocessing, pickle

class Order:
    pass

def work(number):
    return number + 1

if __name__ == "__main__":
    assert type(pickle.loads(pickle.dumps(Order()))) is Order
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(work, [1, 2]))
"""
    done = run(tmp_path, script(tmp_path, text).name)
    assert (done.returncode, done.stdout) == (0, "[2, 3]\n"), done.stderr


def test_program_in_mid_life_tells_at_a_sigterm_and_dies_of_it(tmp_path: Path) -> None:
    text = "import time\nkept = [bytes(1_000) for _ in range(5_000)]\nprint('ready', flush=True)\ntime.sleep(600)\n"
    with subprocess.Popen(
        [sys.executable, "-m", "profiling", "run", script(tmp_path, text).name],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == -signal.SIGTERM
    assert told.count("profiling: process") == 1
    if sampler.unavailable_reason() is None:
        assert "program.py:2" in told


SIGNAL_ELSEWHERE = """
import os, signal, threading, time
is_over = threading.Event()
threading.Thread(target=is_over.wait, daemon=True).start()
START
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # so that the signal interrupts another thread
kept = [bytes(1_000) for _ in range(5_000)]
print("ready", flush=True)
time.sleep(600)
"""
LOOP = "import asyncio; asyncio.run(asyncio.sleep(0))"
CHILD = """
reader, writer = os.pipe()
if os.fork():
    os.close(writer)
    os.read(reader, 1)  # until the child has ended
    os._exit(0)
print(os.getpid(), flush=True)
"""


@needs_samples
@pytest.mark.parametrize("start", ["", LOOP, CHILD], ids=["plain", "loop", "fork"])
def test_program_whose_main_thread_does_not_notice_a_sigterm_tells_and_dies_of_it(tmp_path: Path, start: str) -> None:
    path = script(tmp_path, SIGNAL_ELSEWHERE.replace("START", start))
    command = [sys.executable, "-m", "profiling", "run", path.name]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        pid = process.pid
        if start == CHILD:
            pid, said = int(said), process.stdout.readline()
        assert said == "ready\n"
        os.kill(pid, signal.SIGTERM)
        _, told = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == (0 if start == CHILD else -signal.SIGTERM)
    assert told.count("profiling: process") == 1
    assert f"process {pid} ends" in told
    assert "kept = [bytes(1_000) for _ in range(5_000)]" in told


@pytest.mark.slow
def test_handler_of_the_program_stays(tmp_path: Path) -> None:
    text = """
import os, signal
signal.signal(signal.SIGTERM, lambda *_: print("its own"))
os.kill(os.getpid(), signal.SIGTERM)
"""
    done = run(tmp_path, script(tmp_path, text).name)
    assert (done.returncode, done.stdout) == (0, "its own\n"), done.stderr


@pytest.mark.slow
def test_stderr_that_nobody_reads_is_no_failure(tmp_path: Path) -> None:
    text = "import os, sys\nos.close(2)\nsys.stderr = None\n"
    assert run(tmp_path, script(tmp_path, text).name).returncode == 0


AIOHTTP = """
from aiohttp import web

async def item(request):
    return web.Response(text=request.match_info["number"])

app = web.Application()
app.router.add_get("/items/{number}", item)
web.run_app(app, host="127.0.0.1", port=PORT, print=lambda *_: print("ready", flush=True))
"""
FASTAPI = """
import contextlib
import uvicorn
from fastapi import FastAPI

app = FastAPI()

@app.get("/items/{number}")
async def item(number: int):
    return number

class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print("ready", flush=True)

Server(uvicorn.Config(app, host="127.0.0.1", port=PORT, log_level="error")).run()
"""
FLASK = """
from flask import Flask
from werkzeug.serving import make_server

app = Flask(__name__)

@app.get("/items/<int:number>")
def item(number):
    return str(number)

server = make_server("127.0.0.1", PORT, app)
print("ready", flush=True)
server.serve_forever()
"""


@needs_samples
@pytest.mark.parametrize(
    ("text", "scope"),
    [
        (AIOHTTP, "GET /items/{number}"),
        pytest.param(FASTAPI, "GET /items/{number}", marks=pytest.mark.slow),
        pytest.param(FLASK, "GET /items/<int:number>", marks=pytest.mark.slow),
    ],
    ids=["aiohttp", "FastAPI", "Flask"],
)
def test_requests_of_a_framework_are_labelled_by_their_route(
    tmp_path: Path, unused_tcp_port: int, text: str, scope: str
) -> None:
    path = script(tmp_path, text.replace("PORT", str(unused_tcp_port)))
    command = [sys.executable, "-m", "profiling", "run", path.name]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        if ready == "ready\n":
            for number in range(5):
                with urlopen(f"http://127.0.0.1:{unused_tcp_port}/items/{number}", timeout=TIMEOUT_S) as response:
                    assert response.read() == str(number).encode()
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=TIMEOUT_S)
    assert ready == "ready\n", told
    (row,) = [line.split() for line in told.splitlines() if line.endswith(f" {scope}")]
    assert row[0] == "5", told
