"""The command /status: memory, jobs and verdicts, for administrators only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from profiling import MemoryUsage, State, Verdict
from profiling.units import MB, format_bytes
from profiling.web import JobInfo, health_status
from volaris.discord.commands import Command, Definition
from volaris.discord.interactions import Interaction
from volaris.discord.messages import Embed, Message
from volaris.discord.texts import NONE, cut, table
from volaris.errors import CommandRefused

ACCUSED = 5
WIDEST_NAME = 22
STATUS = Definition(name="status", description="Memory, jobs and verdicts, for administrators")
WORDS = {State.INSUFFICIENT_RUNS: "too few runs", State.NATIVE_GROWTH: "native growth"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReaders:
    """The parts of the service that the status is read from."""

    memory: Callable[[], MemoryUsage]  # returns the current usage of the process
    jobs: Callable[[], Sequence[JobInfo]]  # returns all jobs of the scheduler
    verdicts: Callable[[], Awaitable[Mapping[str, Verdict]]]  # returns those on jobs, scopes and other work, by name
    scheduler_enabled: bool


def status_command(readers: StatusReaders, admins: Collection[str]) -> Command:
    """Return the command; only the users with these ids get an answer."""

    async def run(interaction: Interaction) -> Message:
        if interaction.user_id not in admins:
            raise CommandRefused(
                "Only administrators may see the status. Your id is "
                f"{interaction.user_id}; an operator can add it to DISCORD_ADMINS."
            )
        return Message(embed=status_embed(readers, await readers.verdicts()), is_private=True)

    return Command(definition=STATUS, run=run, is_private=True)


def status_embed(readers: StatusReaders, verdicts: Mapping[str, Verdict]) -> Embed:
    """Return the status of the service as an embed."""
    usage, jobs = readers.memory(), readers.jobs()
    scheduler = "on" if readers.scheduler_enabled else "off: jobs run only on request"
    return Embed(
        title=f"Memory: {health_status(usage.percent)}",
        text=f"**{usage.rss_bytes / MB:,.1f} MB** of {usage.limit.limit_bytes / MB:,.0f} MB, {usage.percent:.1f} %",
        lines=table(("job", "last", "verdict"), [_job(info, verdicts.get(info.id)) for info in jobs]),
        fields=(
            ("Growing", _growing(verdicts, {info.id for info in jobs})),
            ("Verdicts", _counts(verdicts)),
            ("Scheduler", scheduler),
            ("Failures", f"{sum(info.failures for info in jobs)} of {sum(info.runs for info in jobs)} runs"),
        ),
    )


def _job(info: JobInfo, verdict: Verdict | None) -> tuple[str, str, str]:
    last = info.state if info.state != "idle" else info.last_outcome or NONE
    return cut(info.id, WIDEST_NAME), last, NONE if verdict is None else _word(verdict.state)


def _growing(verdicts: Mapping[str, Verdict], job_ids: Collection[str]) -> str:
    accused = sorted(
        ((name, verdict) for name, verdict in verdicts.items() if verdict.state.is_accusation),
        key=lambda item: -(item[1].bytes_per_run or 0.0),
    )
    if not accused:
        return "nothing"
    more = f"\nand {len(accused) - ACCUSED} more" if len(accused) > ACCUSED else ""
    lines = [_accusation(name, verdict, "run" if name in job_ids else "window") for name, verdict in accused[:ACCUSED]]
    return "\n".join(lines) + more


def _accusation(name: str, verdict: Verdict, unit: str) -> str:
    pace = f", {format_bytes(round(verdict.bytes_per_run))} per {unit}" if verdict.bytes_per_run else ""
    return f"{cut(name, 60)}: {_word(verdict.state)}{pace}"


def _counts(verdicts: Mapping[str, Verdict]) -> str:
    counts = Counter(verdict.state for verdict in verdicts.values())
    return ", ".join(f"{counts[state]} {_word(state)}" for state in State if counts[state]) or "none yet"


def _word(state: State) -> str:
    return WORDS.get(state, state.value)
