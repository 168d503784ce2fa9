"""Answers interactions: at once if a command is fast, else by a promise and a message that follows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

from volaris.discord.commands import Command
from volaris.discord.follow_ups import FollowUps
from volaris.discord.interactions import Interaction, Kind
from volaris.discord.messages import PONG, Message, choices, deferral, refusal, response
from volaris.errors import CommandRefused, DemandError, SourceError, StoreError, StoreUnavailable, UnknownSymbol

DEFERRED_AFTER_S = 1.2  # Discord waits for 3 s, the way there and back included
COMPLETED_WITHIN_S = 2.0  # choices cannot be promised
COMMAND_TIMEOUT_S = 30.0
STOP_GRACE_S = 2.0  # at shutdown, for commands to end
TELLING_GRACE_S = 2.0  # after that, to tell the users of the others
MAX_TASKS = 128  # a command that is promised has two, of which the second waits for Discord

BUSY = "Too many commands are running. Try again in a minute."
STOPPING = "The service is stopping. Try again in a minute."

Scope = Callable[[str], AbstractContextManager[Any]]

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweringStatistics:
    """How many commands there are and were."""

    running: int  # tasks of commands and follow-ups
    commands: int  # so far
    deferred: int  # so far, of all commands
    refused: int  # so far, because too many were running, or the service was stopping


class Answering:
    """Answers interactions, and owns the tasks of commands until they end. `scope` attributes a command's memory."""

    def __init__(
        self,
        commands: Iterable[Command],
        follow_ups: FollowUps,
        scope: Scope,
        *,
        deferred_after_s: float = DEFERRED_AFTER_S,
        timeout_s: float = COMMAND_TIMEOUT_S,
    ) -> None:
        self._commands: Mapping[str, Command] = {command.name: command for command in commands}
        self._follow_ups = follow_ups
        self._scope = scope
        self._deferred_after_s = deferred_after_s
        self._timeout_s = timeout_s
        self._tasks: set[asyncio.Task[Any]] = set()  # of commands and follow-ups
        self._running: set[asyncio.Task[Message]] = set()  # those of commands
        self._is_closed = False
        self._started = self._deferred = self._refused = 0

    async def answer(self, interaction: Interaction) -> Mapping[str, Any]:
        """Return the response to an interaction. Every error becomes a message for the user."""
        match interaction.kind:
            case Kind.PING:
                return PONG
            case Kind.AUTOCOMPLETE:
                return choices(await self._choices(interaction))
            case Kind.COMMAND:
                return await self._answer_command(interaction)

    def statistics(self) -> AnsweringStatistics:
        """Return how many commands there are and were."""
        return AnsweringStatistics(
            running=len(self._tasks), commands=self._started, deferred=self._deferred, refused=self._refused
        )

    async def close(self) -> None:
        """Refuse further commands, and give those that are running two seconds to end.

        The users of the others are told that the service is stopping, which may take two seconds more.
        """
        self._is_closed = True
        for late, grace_s in ((self._running, STOP_GRACE_S), (self._tasks, TELLING_GRACE_S)):
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=grace_s)
            for task in late:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _choices(self, interaction: Interaction) -> Mapping[str, str]:
        command = self._commands.get(interaction.command)
        completer = command.completers.get(interaction.focused or "") if command else None
        if completer is None:
            return {}
        with self._scope("discord autocomplete"):
            try:
                async with asyncio.timeout(COMPLETED_WITHIN_S):
                    return await completer(interaction)
            # There is no way to show an error here; the command itself tells it.
            except (SourceError, StoreError, TimeoutError):
                return {}
            except Exception:
                logger.exception("unexpected error while /%s was typed", interaction.command)
                return {}

    async def _answer_command(self, interaction: Interaction) -> dict[str, Any]:
        command = self._commands.get(interaction.command)
        if command is None:
            return response(refusal("There is no such command any more; `volaris discord register` renews the list."))
        if self._is_closed or len(self._tasks) >= MAX_TASKS:
            self._refused += 1
            return response(refusal(STOPPING if self._is_closed else BUSY))
        self._started += 1
        task = self._start(self._run(command, interaction), f"discord /{command.name}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            await asyncio.wait((task,), timeout=self._deferred_after_s)
            if task.done():
                return response(task.result())
        except BaseException:
            task.cancel()  # whoever asked has gone, or the service stops
            raise
        self._deferred += 1
        self._start(self._follow_up(command, interaction, task), f"discord follow-up of /{command.name}")
        return deferral(is_private=command.is_private)

    async def _run(self, command: Command, interaction: Interaction) -> Message:
        with self._scope(f"discord /{command.name}"):
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await command.run(interaction)
            except Exception as error:
                return refusal(_words_for(error, command))

    async def _follow_up(self, command: Command, interaction: Interaction, task: asyncio.Task[Message]) -> None:
        await asyncio.wait((task,))
        message = refusal(STOPPING) if task.cancelled() else task.result()
        await self._follow_ups.send(interaction, message, deferred_privately=command.is_private)

    def _start(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _words_for(error: Exception, command: Command) -> str:
    """Return what the user is told about an error, without what is only for operators, who find it in the log."""
    match error:
        case CommandRefused():
            return str(error)
        case UnknownSymbol():
            return f"The market source has no data for {error.symbol}."
        case SourceError():
            return f"Nothing is stored, and the market source could not be asked: {error.cause}."
        case DemandError():
            return f"Nothing is stored, and {error}."
        case StoreUnavailable():
            return "The database is not available. Try again in a minute."
        case TimeoutError():  # of the command
            return "The answer took too long. Try again in a minute."
    logger.error("unexpected error in /%s", command.name, exc_info=error)
    return "Something is wrong in the service. Its log has the reason."
