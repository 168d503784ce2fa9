"""A worker with threads and a queue of tasks, as Celery has them: each task is a call of the scope with its name."""

import os
import queue
import threading
import time

from profiling import Profiler

profiler = Profiler()
tasks: queue.Queue[tuple[str, int]] = queue.Queue(maxsize=100)
seen = []


def resize(number: int) -> None:
    """Handle a task, and keep something of it."""
    seen.append(bytes(10_000 + number))  # and never let go of it


TASKS = {"resize": resize, "hex": hex}


def work() -> None:
    """Take tasks from the queue, and run each in its scope."""
    while True:
        name, number = tasks.get()
        with profiler.scope(name):
            TASKS[name](number)


if __name__ == "__main__":
    for _ in range(4):
        threading.Thread(target=work, daemon=True).start()
    with profiler.serve(os.environ.get("DEBUG_ADDRESS", "127.0.0.1:6061")) as server:
        print(f"curl http://{server.address}/debug/jobs/resize/verdict", flush=True)  # noqa: T201
        while True:
            tasks.put(("resize", 1))
            tasks.put(("hex", 2))
            time.sleep(0.05)
