"""The command line of the service; docs/cli.md has a table of the commands.

The exit status is 0 on success, 1 if the command failed, and 2 if the command line or a setting was wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

# Nothing imported here may need a package of the extra `service`, so that `main` can report a missing one.
from volaris.errors import MissingPackage, MissingSetting, SettingError, UnknownJob, VolarisError

if TYPE_CHECKING:
    from volaris.service import Service
    from volaris.settings import Settings

EXIT_FAILED = 1
EXIT_WRONG_CALL = 2
EXIT_NO_READER = 141  # the status of a process that SIGPIPE ends

DAYS_SHOWN = 10
EXTRA_OF = {"nacl": "discord"}  # packages of other extras than `service`
# Those of volaris.demand, which needs packages of the extra.
FRESH = ("never", "stale", "always")
FRESH_HELP = "when the service fetches the data first: never, if what is stored is stale, or always"
OWN_PACKAGES = ("profiling", "volaris")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, by default those of the process, and return the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.command(_settings(), arguments))
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in OWN_PACKAGES:
            raise
        return _complain(MissingPackage(package, EXTRA_OF.get(package, "service")), EXIT_WRONG_CALL)
    except (SettingError, MissingSetting, UnknownJob) as error:
        return _complain(error, EXIT_WRONG_CALL)
    except VolarisError as error:
        return _complain(error, EXIT_FAILED)
    except KeyboardInterrupt:
        return 130


def _settings() -> Settings:
    from volaris.logs import setup_logging
    from volaris.settings import Settings

    settings = Settings.load()
    setup_logging(settings.log_level, settings.log_format)
    return settings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="volaris",
        description="Market data of the S&P 500 within 512 MB, under a memory profiler.",
        epilog="Settings come from environment variables and .env; docs/settings.md lists them.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="collect market data and serve it over HTTP until stopped")
    serve.set_defaults(command=_serve)
    run = commands.add_parser("run", help="run a job in this process, under the profiler")
    run.add_argument("job", metavar="JOB")
    run.add_argument("--runs", type=_count, default=1, metavar="N", help="number of runs, one after the other")
    run.set_defaults(command=_run)
    jobs = commands.add_parser("jobs", help="show the jobs of the running service")
    jobs.set_defaults(command=_jobs)
    diff = commands.add_parser("diff", help="show which memory a job's last run added, in the running service")
    diff.add_argument("job", metavar="JOB")
    diff.set_defaults(command=_diff)
    top = commands.add_parser("top", help="show which jobs of the running service hold memory and grow, once a second")
    top.add_argument("--interval", type=float, default=1.0, metavar="S", help="seconds between two looks (default: 1)")
    top.add_argument("--updates", type=_count, metavar="N", help="end after N looks (default: never)")
    top.set_defaults(command=_top)
    discord = commands.add_parser("discord", help="register the commands of this service with Discord")
    discord.add_argument("action", choices=("register",), help="make Discord's list of commands that of this version")
    discord.add_argument("--dry-run", action="store_true", help="only show what would change")
    discord.add_argument("--guild", metavar="ID", type=_discord_id, help="only in this server, where it shows at once")
    discord.set_defaults(command=_discord)
    iv = commands.add_parser("iv", help="show a symbol's volatility figures, from the running service")
    iv.add_argument("symbol", metavar="SYMBOL")
    iv.add_argument("--fresh", choices=FRESH, default="stale", help=FRESH_HELP + " (default: stale)")
    iv.set_defaults(command=_iv)
    export = commands.add_parser("export", help="write all stored rows of the running service to standard output")
    export.add_argument("data", choices=("prices", "options", "iv"))
    export.add_argument("--symbol", metavar="SYMBOL", help="only rows of this symbol (default: all symbols)")
    export.add_argument("--format", choices=("csv", "ndjson"), default="csv")
    export.add_argument("--fresh", choices=FRESH, help=FRESH_HELP + " (default: stale with --symbol, else never)")
    export.set_defaults(command=_export)
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 10000")
    return int(text)


def _discord_id(text: str) -> str:
    if not (text.isascii() and text.isdecimal() and 15 <= len(text) <= 20):
        raise argparse.ArgumentTypeError(f"{text!r} is not an id of Discord, which has 15 to 20 digits")
    return text


def _serve(settings: Settings, _arguments: argparse.Namespace) -> int:
    # Imported here, because commands that only query a running service need none of it.
    from volaris.app import create_app
    from volaris.web.server import serve

    app = create_app(settings)
    try:
        asyncio.run(serve(app, settings.host, settings.port, with_access_log=settings.log_level == "DEBUG"))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        place = f"{settings.host}:{settings.port}"
        return _complain(f"cannot listen on {place}: {reason}; set HOST or PORT to a free address", EXIT_FAILED)
    return 0


def _run(settings: Settings, arguments: argparse.Namespace) -> int:
    from volaris.cli.progress_bar import run_shown
    from volaris.service import Service

    service = Service(replace(settings, market_hours="always"))  # a job that is run by hand runs at any hour
    service.scheduler.status(arguments.job)  # raises for an unknown job before a database is started
    shown = run_shown(arguments.job, lambda: service.profiler.usage().rss_bytes)
    return asyncio.run(_run_job(service, arguments.job, arguments.runs, shown))


async def _run_job(service: Service, job_id: str, runs: int, shown: AbstractAsyncContextManager[None]) -> int:
    try:
        await service.store.open()
        async with shown:
            ended = [await service.scheduler.run_now(job_id) for _ in range(runs)]
    finally:
        await service.stop()
    return EXIT_FAILED if any(run.error_text for run in ended) else 0


def _jobs(settings: Settings, _arguments: argparse.Namespace) -> int:
    from volaris.cli import client

    answer = asyncio.run(client.get_json(settings, "/jobs", {}))
    row = "{:<16} {:<8} {:<26} {:>6} {:>9}  {:<18} {}"
    _print(row.format("job", "state", "next run", "runs", "failures", "verdict", "last"))
    for job in answer["jobs"]:
        last, verdict = job["last_run"], job["verdict"]
        _print(
            row.format(
                job["id"],
                job["state"],
                (job["next_run_at"] or "-")[:19],
                job["runs"],
                job["failures"],
                verdict["state"] if verdict else "-",
                f"{last['outcome']} in {last['duration_s']:.2f} s" if last else "-",
            )
        )
    return 0


def _diff(settings: Settings, arguments: argparse.Namespace) -> int:
    from volaris.cli import client

    query = {"job": arguments.job, "format": "text"}
    _print(asyncio.run(client.get(settings, "/memory/diff", query)).decode().rstrip("\n"))
    return 0


def _top(settings: Settings, arguments: argparse.Namespace) -> int:
    from profiling.errors import NoAnswer
    from profiling.remote import Service
    from profiling.top.command import shown
    from volaris.cli import client

    service = Service(client.address(settings), settings.debug_token or "")
    try:
        return shown(service, arguments.interval, arguments.updates)
    except NoAnswer as error:
        return _complain(error, EXIT_FAILED)


def _discord(settings: Settings, arguments: argparse.Namespace) -> int:
    from volaris.cli.discord import register_commands

    _print(asyncio.run(register_commands(settings, guild_id=arguments.guild, dry_run=arguments.dry_run)))
    return 0


def _iv(settings: Settings, arguments: argparse.Namespace) -> int:
    from volaris.cli import client
    from volaris.cli.tables import iv_table

    _print(iv_table(asyncio.run(client.figures(settings, arguments.symbol, DAYS_SHOWN, arguments.fresh))))
    return 0


def _export(settings: Settings, arguments: argparse.Namespace) -> int:
    try:
        asyncio.run(_write_export(settings, arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        # `| head` has read enough. Discard the buffer, or the process would try to write it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_NO_READER
    return 0


async def _write_export(settings: Settings, arguments: argparse.Namespace) -> None:
    from volaris.cli import client

    of = [arguments.symbol] if arguments.symbol else await client.symbols(settings)
    # To fetch the data of all symbols is the work of the jobs: it takes minutes and most of what a source allows.
    fresh = arguments.fresh or ("stale" if arguments.symbol else "never")
    async for piece in client.export(settings, arguments.data, of, arguments.format, fresh):
        sys.stdout.buffer.write(piece)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


def _complain(error: object, status: int) -> int:
    sys.stderr.write(f"volaris: {error}\n")
    return status
