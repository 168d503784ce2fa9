"""Commands that take longer than Discord waits: the promise, the message that follows, and what may go wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import nullcontext

import pytest
import pytest_asyncio

from tests.acceptance.conftest import Serve
from tests.acceptance.discord.conftest import Commanded
from tests.acceptance.discord.published import DEFERRED_MESSAGE, EPHEMERAL
from tests.acceptance.discord.stand_in import Discord, Trouble
from tests.integration.demand.market import RecordingSource
from volaris.discord import answering as answering_module
from volaris.discord.answering import Answering
from volaris.discord.api import ATTEMPTS, FIRST_PAUSE_S, DiscordApi
from volaris.discord.commands import Command, Definition
from volaris.discord.follow_ups import FollowUps
from volaris.discord.interactions import Interaction, Kind
from volaris.discord.messages import Embed, Message, refusal
from volaris.discord.route import ANSWERING
from volaris.errors import SourceUnavailable
from volaris.settings import Settings

ANSWER = Message(embed=Embed(title="AAPL", text="$1.00"))


class Pauses:
    """Pauses that pass at once, or never."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.pass_by = True

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        if not self.pass_by:
            await asyncio.Event().wait()


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest_asyncio.fixture
async def api(discord: Discord, pauses: Pauses) -> AsyncIterator[DiscordApi]:
    """A client of the stand-in whose pauses pass at once."""
    api = DiscordApi(discord.url, sleep=pauses)
    yield api
    await api.close()


def deferred(discord: Discord, *, is_private: bool = False) -> tuple[Interaction, dict[str, object]]:
    """An interaction that the service has deferred, and its form as Discord knows it."""
    document = discord.command("price", {"symbol": "AAPL"})
    discord.defer(document, is_private=is_private)
    interaction = Interaction(
        kind=Kind.COMMAND,
        application_id=document["application_id"],
        token=document["token"],
        user_id="1",
        command="price",
        options={},
        focused=None,
    )
    return interaction, document


async def test_a_slow_command_is_promised_and_its_message_follows(commanded: Commanded) -> None:
    commanded.source.gate.clear()
    interaction = commanded.discord.command("price", {"symbol": "AAPL"})
    response = await commanded.discord.respond(commanded.running.client, interaction)
    assert response == {"type": DEFERRED_MESSAGE, "data": {}}
    assert commanded.running.app[ANSWERING].statistics().deferred == 1
    commanded.source.gate.set()
    shown = await commanded.discord.shown(interaction)
    assert shown.embed["title"] == "AAPL · Apple Inc."
    assert not shown.is_private
    await commanded.has_ended()
    assert commanded.discord.requests == ["PATCH webhooks"]


async def test_an_error_after_a_promise_that_all_see_replaces_it_by_a_message_that_one_sees(
    commanded: Commanded,
) -> None:
    commanded.source.gate.clear()
    interaction = commanded.discord.command("price", {"symbol": "AAPL"})
    await commanded.discord.respond(commanded.running.client, interaction)
    commanded.source.error = SourceUnavailable("simulated", "AAPL", "no answer")
    commanded.source.gate.set()
    assert (await commanded.discord.shown(interaction)).refusal.startswith("Nothing is stored, and the market")
    await commanded.has_ended()
    assert commanded.discord.requests == ["DELETE webhooks", "POST webhooks"]


@pytest.mark.parametrize("message", [Message(text="Fine.", is_private=True), refusal("No.")])
async def test_the_promise_of_a_private_command_is_private(discord: Discord, api: DiscordApi, message: Message) -> None:
    may_end = asyncio.Event()

    async def run(_: Interaction) -> Message:
        await may_end.wait()
        return message

    definition = Definition(name="price", description="Held by the test")
    answering = Answering(
        [Command(definition=definition, run=run, is_private=True)],
        FollowUps(api),
        nullcontext,
        deferred_after_s=0.0,
    )
    interaction, document = deferred(discord, is_private=True)
    assert await answering.answer(interaction) == {"type": DEFERRED_MESSAGE, "data": {"flags": EPHEMERAL}}
    may_end.set()
    shown = await discord.shown(document)
    await answering.close()
    assert (shown.is_private, shown.message["content"]) == (True, message.text)
    assert discord.requests == ["PATCH webhooks"]


async def test_a_command_that_takes_too_long_is_told(commanded: Commanded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commanded.running.app[ANSWERING], "_timeout_s", 0.0)
    commanded.source.gate.clear()
    shown = await commanded.ask("price", symbol="AAPL")
    assert shown.refusal == "The answer took too long. Try again in a minute."
    commanded.source.gate.set()


async def test_too_many_commands_at_once_are_refused(commanded: Commanded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering_module, "MAX_TASKS", 2)
    commanded.source.gate.clear()
    held = commanded.discord.command("price", {"symbol": "AAPL"})
    await commanded.discord.respond(commanded.running.client, held)  # a command and its follow-up
    shown = await commanded.ask("price", symbol="MSFT")
    assert shown.refusal == "Too many commands are running. Try again in a minute."
    commanded.source.gate.set()
    await commanded.discord.shown(held)
    await commanded.has_ended()
    statistics = commanded.running.app[ANSWERING].statistics()
    assert (statistics.running, statistics.commands, statistics.refused) == (0, 1, 1)


async def test_a_command_that_runs_when_the_service_stops_ends_with_it_and_its_user_is_told(
    serve: Serve, settings: Settings, discord: Discord, source: RecordingSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering_module, "STOP_GRACE_S", 0.1)
    monkeypatch.setattr(answering_module, "TELLING_GRACE_S", 60.0)
    async with serve(settings, source) as running:
        await running.is_up()
        source.gate.clear()
        interaction = discord.command("price", {"symbol": "AAPL"})
        await discord.respond(running.client, interaction)
        names = sorted(task.get_name() for task in running.app[ANSWERING]._tasks)
        assert names == ["discord /price", "discord follow-up of /price"]
    assert running.app[ANSWERING].statistics().running == 0
    assert (await discord.shown(interaction)).refusal == "The service is stopping. Try again in a minute."


@pytest.mark.parametrize(
    "trouble", [Trouble(status=500), Trouble(status=503), Trouble(), Trouble(status=429), Trouble(status=404)]
)
async def test_what_may_pass_is_tried_again(
    discord: Discord, api: DiscordApi, pauses: Pauses, trouble: Trouble
) -> None:
    """404 too: a fast follow-up may come before Discord has read the promise."""
    interaction, document = deferred(discord)
    discord.troubles += [trouble] * (ATTEMPTS - 1)
    await FollowUps(api).send(interaction, ANSWER, deferred_privately=False)
    assert (await discord.shown(document)).embed["title"] == "AAPL"
    assert pauses.seconds == [FIRST_PAUSE_S * 2**attempt for attempt in range(ATTEMPTS - 1)]


@pytest.mark.parametrize(
    ("retry_after", "pause_s"),
    [("7", 7.0), ("64.57", 64.57), ("0.1", FIRST_PAUSE_S), ("soon", FIRST_PAUSE_S), ("nan", FIRST_PAUSE_S)],
)
async def test_a_pause_is_as_long_as_discord_says(
    discord: Discord, api: DiscordApi, pauses: Pauses, retry_after: str, pause_s: float
) -> None:
    interaction, document = deferred(discord)
    discord.troubles.append(Trouble(status=429, retry_after=retry_after))
    await FollowUps(api).send(interaction, ANSWER, deferred_privately=False)
    await discord.shown(document)
    assert pauses.seconds == [pause_s]


@pytest.mark.parametrize(
    ("troubles", "requests", "told"),
    [
        ([Trouble(status=503)] * ATTEMPTS, ATTEMPTS, "the answer to /price could not be sent: status 503"),
        ([Trouble()] * ATTEMPTS, ATTEMPTS, "the answer to /price could not be sent: ServerDisconnectedError"),
        ([Trouble(status=401)], 1, "the answer to /price could not be sent: status 401"),
        ([Trouble(status=302)], 1, "the answer to /price could not be sent: status 302"),
    ],
)
async def test_what_does_not_pass_is_given_up_and_logged_without_the_token(
    discord: Discord,
    api: DiscordApi,
    caplog: pytest.LogCaptureFixture,
    troubles: list[Trouble],
    requests: int,
    told: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    interaction, _ = deferred(discord)
    discord.troubles += troubles
    await FollowUps(api).send(interaction, ANSWER, deferred_privately=False)
    assert len(discord.requests) == requests
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [told]
    assert interaction.token not in caplog.text
    assert interaction.token not in repr(interaction)


async def test_a_pause_that_is_too_long_ends_it(
    discord: Discord, api: DiscordApi, pauses: Pauses, caplog: pytest.LogCaptureFixture
) -> None:
    pauses.pass_by = False
    interaction, _ = deferred(discord)
    discord.troubles.append(Trouble(status=429, retry_after="1000000"))
    await FollowUps(api, time_limit_s=0.5).send(interaction, ANSWER, deferred_privately=False)
    assert pauses.seconds in ([1_000_000.0], [])
    assert caplog.messages == ["the answer to /price was given up after 0.5 s"]


async def test_a_refusal_that_cannot_replace_the_promise_is_not_shown_to_all(
    discord: Discord, api: DiscordApi, caplog: pytest.LogCaptureFixture
) -> None:
    interaction, _ = deferred(discord)
    discord.troubles.append(Trouble(status=403))
    await FollowUps(api).send(interaction, refusal("No."), deferred_privately=False)
    assert discord.requests == ["DELETE webhooks"]
    assert caplog.messages == ["the answer to /price could not be sent: status 403"]


async def test_an_api_that_is_not_there_is_given_up(pauses: Pauses) -> None:
    api = DiscordApi("http://127.0.0.1:9", sleep=pauses)  # the port `discard`, on which nobody listens
    answer = await api.send("GET", "/x")
    await api.close()
    assert (answer.status, answer.outcome) == (0, "ClientConnectorError")
    assert len(pauses.seconds) == ATTEMPTS - 1


async def test_a_huge_answer_is_not_kept(discord: Discord, api: DiscordApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("volaris.discord.api.MAX_ANSWER_BYTES", 10)
    interaction, document = deferred(discord)
    answer = await api.send(
        "PATCH", f"/webhooks/{interaction.application_id}/{interaction.token}/messages/@original", {"content": "a" * 99}
    )
    assert (answer.status, answer.body) == (200, b"")
    await discord.shown(document)
