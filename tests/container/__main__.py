"""`python -m tests.container`: build, run, check; the verdict is the last line.

Exit status 0 where all holds, and where no container can be run here, which is told with its reason; 1 otherwise.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from tests.container import image
from tests.container.checks import BATCH_SIZE, CHECKS, LIMIT_MB, Check, Refuted, World
from tests.container.client import Client, NoAnswer
from tests.container.database import URL_IN_CONTAINER, OutsideDatabase, outside_database
from tests.container.engine import WORK, CannotRun, CommandFailed, Engine, Mount, install

CONTAINER = "volaris-container-test"
LOG_LINES = 20


def main() -> int:
    """Build the image and hold it to its checks."""
    passed = failed = 0
    try:
        install()
        WORK.mkdir(parents=True, exist_ok=True)
        engine = Engine()
        began_s = time.monotonic()
        say(f"image built {image.build(engine)}, in {time.monotonic() - began_s:.0f} s")
        with outside_database() as database, _service(engine, database) as world:
            # Each builds on those before it, so that the first that does not hold ends the story.
            passed = sum(1 for _ in takewhile(lambda check: _told(check, world), CHECKS))
            if passed < len(CHECKS):
                failed = 1
                say(engine.logs(CONTAINER, LOG_LINES))
    except CannotRun as reason:
        say(f"skipped: {reason}")
        say("container: 0 passed, 0 failed, 1 skipped")
        return 0
    except CommandFailed as error:
        say(f"FAILED {error}")
        failed += 1
    say(f"container: {passed} passed, {failed} failed")
    return 1 if failed else 0


@contextlib.contextmanager
def _service(engine: Engine, database: OutsideDatabase) -> Iterator[World]:
    """The image under its limit, as docs/deploy.md runs it, but for the job that fills memory."""
    port, token = _free_port(), secrets.token_hex(16)
    mounts = (database.mount, Mount(source=Path(__file__).with_name("hog.py"), target="/hog.py"))
    environment = {
        "DATABASE_URL": URL_IN_CONTAINER,
        "DEBUG_TOKEN": token,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "REALTIME_SYNC_BATCH_SIZE": str(BATCH_SIZE),
    }
    options = [
        "--restart=on-failure:3",
        *(f"--volume={mount}" for mount in mounts),
        *(f"--env={name}={value}" for name, value in environment.items()),
    ]
    engine.remove(CONTAINER)
    try:
        engine.start(CONTAINER, image.IMAGE, limit_mb=LIMIT_MB, options=options, run=("python", "/hog.py"))
        client = Client(port, token)
        yield World(engine=engine, container=CONTAINER, client=client, database=database)
    finally:
        engine.remove(CONTAINER)
        engine.prune()


def _told(check: Check, world: World) -> bool:
    """Whether a check holds, after it has been told."""
    title = check.__name__.replace("_", " ")
    began_s = time.monotonic()
    try:
        seen = check(world)
    except (Refuted, NoAnswer, CommandFailed) as error:
        say(f"FAILED {title}: {error}")
        return False
    say(f"ok     {title}: {seen} ({time.monotonic() - began_s:.1f} s)")
    return True


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def say(text: str) -> None:
    """A line for whoever waits."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
