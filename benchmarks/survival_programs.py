"""The programs that `benchmarks.scope_survival` runs, each a file of its own in a temporary folder."""

from __future__ import annotations

FORKING = '''
"""Fork again and again beside threads whose scopes are in use; print what became of the children as JSON."""
import collections, encodings.idna, faulthandler, json, os, random, select, signal, sys, threading, time
from urllib.request import urlopen
from profiling import Profiler
from profiling.serve import DebugServer

TIMES, LIMIT_S, chance = int(sys.argv[1]), float(sys.argv[2]), random.Random(1)
faulthandler.enable()
profiler = Profiler(sample_bytes=512, window_s=0.02)
server = DebugServer(profiler, "127.0.0.1:0")
kept, is_over, rounds = collections.deque(maxlen=200), threading.Event(), collections.Counter()
told = collections.Counter()

def allocate(number):
    with profiler.scope(f"thread {number % 4}"):
        kept.append([bytes(number % 500) for _ in range(50)])

def work(number):
    while not is_over.is_set():
        with profiler.run("job") if number == 0 else profiler.scope("outer"):
            allocate(number)
        rounds[number] += 1
        time.sleep(0.0005)  # so that the children have a share of the machine

def get(address, path):
    with urlopen(f"http://{address}/debug/{path}", timeout=LIMIT_S) as answer:
        return answer.read()

def ask():
    while not is_over.is_set():
        for path in ("scopes", "memory/live", "memory"):
            get(server.address, path)
        rounds["asked"] += 1

def in_child(number):
    with profiler.scope("child"):
        thread = threading.Thread(target=allocate, args=[number])
        thread.start()
        thread.join()
    with profiler.run("job"):
        kept.append(bytes(10_000))
    profiler.end_windows()
    assert profiler.scopes() and profiler.live().sites
    if number % 4 == 0:
        with DebugServer(profiler, "127.0.0.1:0") as own:
            assert get(own.address, "scopes") and get(own.address, "memory")
    if number % 4 == 1:
        profiler.close()

def fork(number):
    """Fork once; the child answers through a pipe, and ends as a worker ends or as a child of a library does."""
    reader, writer = os.pipe()
    with profiler.scope("fork"):
        child = os.fork()
        if child == 0:
            os.close(reader)
            faulthandler.dump_traceback_later(LIMIT_S)
            try:
                in_child(number)
                os.write(writer, b"ok")
            except BaseException:
                sys.excepthook(*sys.exc_info())
                os._exit(1)
            faulthandler.cancel_dump_traceback_later()  # its thread would outlive that of the fork
            if number % 2:
                os._exit(0)
            sys.exit(0)  # of the interpreter with all its handlers, or of the thread that forked, which was the last
    os.close(writer)
    began_s, status = time.monotonic(), None
    while status is None and time.monotonic() - began_s < 2 * LIMIT_S:
        select.select([reader], [], [], 0.05)
        pid, ended = os.waitpid(child, os.WNOHANG)
        status = os.waitstatus_to_exitcode(ended) if pid else None
    if status is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        told["hangs"] += 1
    told["crashes"] += status not in (0, None)
    told["answers" if os.read(reader, 2) == b"ok" else "lost"] += 1
    os.close(reader)
    told["times"] += 1

threads = [threading.Thread(target=work, args=[number]) for number in range(4)] + [threading.Thread(target=ask)]
for thread in threads:
    thread.start()
for number in range(TIMES):
    time.sleep(chance.random() * 0.02)
    if number % 3:
        fork(number)
    else:
        thread = threading.Thread(target=fork, args=[number])
        thread.start()
        thread.join()
is_over.set()
for thread in threads:
    thread.join()
assert all(rounds[number] for number in (0, 1, 2, 3, "asked")), rounds
assert {scope.name: scope.calls for scope in profiler.scopes()}["fork"] == TIMES
print(json.dumps({"crashes": 0, "hangs": 0, "lost": 0} | told))
'''

EXECUTING = '''
"""Start programs from within a scope, and become oneself anew, as reloaders do."""
import collections, faulthandler, os, subprocess, sys, threading
from profiling import Profiler
from profiling.serve import DebugServer

left, socket = int(sys.argv[1]), sys.argv[2]
faulthandler.enable()
profiler = Profiler(sample_bytes=512, window_s=0.02)
server = DebugServer(profiler, f"unix:{socket}")
kept, is_busy = collections.deque(maxlen=200), threading.Semaphore(0)

def work(number):
    while True:
        with profiler.scope(f"thread {number}"):
            kept.append([bytes(100) for _ in range(50)])
        is_busy.release()

for number in range(3):
    threading.Thread(target=work, args=[number], daemon=True).start()
for _ in range(3):
    is_busy.acquire()
with profiler.scope("starts others"):
    for options in ({}, {"preexec_fn": os.setpgrp}):
        done = subprocess.run(["/bin/echo", "ok"], capture_output=True, check=True, **options)
        assert done.stdout == b"ok\\n"
    print("ok", flush=True)
    if left > 1:
        os.execv(sys.executable, [sys.executable, "-W", "ignore", __file__, str(left - 1), socket])
server.close()
'''

FLASK = '''
"""A Flask application for gunicorn's workers."""
import os
from flask import Flask

app = Flask(__name__)
kept = []

@app.get("/keep/<int:number>")
def keep(number):
    kept.append(bytes(2_000 + number))
    return {"pid": os.getpid()}

if os.environ.get("WITH_PROFILER") == "1":
    from profiling import Profiler
    from profiling.wsgi import mount
    app.wsgi_app = mount(app.wsgi_app, Profiler(sample_bytes=512, window_s=0.05), open_to_all=True)
'''

FASTAPI = '''
"""A FastAPI application for uvicorn, which loads it anew when this file changes."""
import os
from fastapi import FastAPI

app = FastAPI()
kept = []

@app.get("/keep/{number}")
async def keep(number: int):
    kept.append(bytes(2_000 + number))
    return {"pid": os.getpid()}

if os.environ.get("WITH_PROFILER") == "1":
    from profiling import Profiler
    from profiling.asgi import DebugApp, ProfilerMiddleware
    profiler = Profiler(sample_bytes=512, window_s=0.05)
    app.mount("/debug", DebugApp(profiler, open_to_all=True))
    app.add_middleware(ProfilerMiddleware, profiler=profiler)
'''

EXITING = '''
"""End while threads allocate in scopes, windows end, and the debug routes are asked."""
import asyncio, collections, faulthandler, sys, threading, time
from contextlib import suppress
from urllib.request import urlopen
from profiling import Profiler
from profiling.serve import DebugServer

number = int(sys.argv[1])
faulthandler.enable()
profiler = Profiler(sample_bytes=256, window_s=0.0)
kept, is_busy = collections.deque(maxlen=300), threading.Semaphore(0)

def work(name):
    while True:
        with profiler.scope(name):
            kept.append([bytes(100) for _ in range(50)])
        is_busy.release()

def ask(address):
    while True:
        for path in ("scopes", "memory", "memory/live"):
            with suppress(OSError), urlopen(f"http://{address}/debug/{path}", timeout=60) as answer:
                answer.read()
        is_busy.release()

async def tasks():
    with profiler.scope("loop"):
        for _ in range(20):
            asyncio.create_task(asyncio.sleep(60, bytes(1_000)))
            asyncio.get_running_loop().run_in_executor(None, kept.append, bytes(1_000))
        await asyncio.sleep(0.01)

works = [threading.Thread(target=work, args=[f"thread {each}"], daemon=True) for each in range(3)]
if number % 2:
    server = DebugServer(profiler, "127.0.0.1:0")
    works.append(threading.Thread(target=ask, args=[server.address], daemon=True))
for thread in works:
    thread.start()
for _ in range(20):
    is_busy.acquire()
if number % 3 == 0:
    asyncio.run(tasks())
time.sleep(number % 10 * 0.002)
print("ok", flush=True)
if number % 5 == 0:
    sys.exit(0)
if number % 5 == 1:
    profiler.close()
'''

PLAIN = '''
"""A program that has never heard of the profiler: threads, tasks and their end."""
import asyncio, collections, sys, threading, time

number = int(sys.argv[1])
kept, is_busy = collections.deque(maxlen=300), threading.Semaphore(0)

def work():
    while True:
        kept.append([bytes(100) for _ in range(50)])
        is_busy.release()

async def step():
    kept.append(bytes(1_000))
    await asyncio.sleep(0)

async def tasks():
    for _ in range(20):
        asyncio.create_task(step())
        asyncio.get_running_loop().run_in_executor(None, kept.append, bytes(1_000))
    await asyncio.sleep(0.005)

for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
for _ in range(20):
    is_busy.acquire()
if number % 2:
    asyncio.run(tasks())
print("ok", flush=True)
if number % 4 == 0:
    time.sleep(600)  # until the signal, which may come just before this call begins
if number % 4 == 1:
    sys.exit(3)
'''
