"""`volaris discord register` as an operator types it, against the stand-in."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import orjson
import pytest
import pytest_asyncio

from tests.acceptance.discord.published import check_commands
from tests.acceptance.discord.stand_in import APPLICATION, GUILD, Discord, Trouble
from volaris.cli.discord import register_commands
from volaris.discord.api import ATTEMPTS, DiscordApi
from volaris.discord.catalogue import DEFINITIONS
from volaris.discord.registration import changes_between, register
from volaris.errors import MissingSetting, RegistrationFailed
from volaris.settings import Settings

ROOT = Path(__file__).parents[3]
EVERYWHERE = f"/api/v10/applications/{APPLICATION}/commands"
IN_GUILD = f"/api/v10/applications/{APPLICATION}/guilds/{GUILD}/commands"
NAMES = ["chain", "iv", "price", "screener", "status"]
ALL = "/chain, /iv, /price, /screener, /status"


Types = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def types(discord: Discord, tmp_path: Path) -> Types:
    """What an operator types: returns the exit status and what is printed. Settings are given by their names."""

    async def types(*arguments: str, **settings: str) -> tuple[int, str, str]:
        given = {
            "DISCORD_API_URL": discord.url,
            "DISCORD_APPLICATION_ID": APPLICATION,
            "DISCORD_TOKEN": discord.bot_token,
        }
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "volaris", "discord", "register", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **given, **settings},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.strip(), done.stderr.strip()

    return types


@pytest_asyncio.fixture
async def api(discord: Discord) -> AsyncIterator[DiscordApi]:
    """A client of the stand-in whose pauses pass at once."""

    async def sleep(_seconds: float) -> None:
        pass

    api = DiscordApi(discord.url, token=discord.bot_token, sleep=sleep)
    yield api
    await api.close()


async def registered(api: DiscordApi, *, guild_id: str | None = None, dry_run: bool = False) -> str:
    """What is told of a registration."""
    return await register(api, APPLICATION, guild_id=guild_id, dry_run=dry_run)


async def test_commands_are_registered_once(discord: Discord, types: Types) -> None:
    place = f"in the server {GUILD}"
    assert await types("--guild", GUILD) == (0, f"registered 5 commands {place}: add {ALL}", "")
    assert [command["name"] for command in discord.registered[IN_GUILD]] == NAMES
    told = f"nothing to change: Discord has these 5 commands {place}"
    assert await types("--guild", GUILD, "--dry-run") == (0, told, "")
    assert discord.requests == ["GET applications", "PUT applications", "GET applications"]


async def test_what_is_registered_is_not_registered_again(discord: Discord, api: DiscordApi) -> None:
    place = "in all servers and direct messages"
    assert await registered(api) == f"registered 5 commands {place}: add {ALL}"
    assert await registered(api) == f"nothing to change: Discord has these 5 commands {place}"
    assert discord.requests == ["GET applications", "PUT applications", "GET applications"]


async def test_a_dry_run_changes_nothing(discord: Discord, api: DiscordApi) -> None:
    assert await registered(api, dry_run=True) == f"would add {ALL}, in all servers and direct messages"
    assert discord.requests == ["GET applications"]


async def test_commands_of_one_server_are_apart(discord: Discord, api: DiscordApi) -> None:
    told = f"registered 5 commands in the server {GUILD}: add {ALL}"
    assert await registered(api, guild_id=GUILD) == told
    assert [command["name"] for command in discord.registered[IN_GUILD]] == NAMES
    assert discord.registered[EVERYWHERE] == []


async def test_what_differs_is_told_and_overwritten(discord: Discord, api: DiscordApi) -> None:
    await registered(api)
    listed = discord.registered[EVERYWHERE]
    listed[1]["description"] = "Another text"
    listed[2]["options"][0]["description"] = "Another text"
    del listed[0]
    listed.append({"name": "old", "description": "x"})
    expected = "registered 5 commands in all servers and direct messages: add /chain; change /iv, /price; remove /old"
    assert await registered(api) == expected
    assert [command["name"] for command in discord.registered[EVERYWHERE]] == NAMES


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "the token is wrong; copy it anew from the page Bot of the developer portal"),
        (403, "the application may not do this; add it to the server with the scope applications.commands"),
        (404, "there is no such application or server; check DISCORD_APPLICATION_ID and --guild"),
        (429, "too many requests; try again later"),
        (400, "trouble"),
        (599, "trouble"),
    ],
)
async def test_a_refusal_is_told_with_what_to_do(discord: Discord, api: DiscordApi, status: int, told: str) -> None:
    discord.troubles += [Trouble(status=status)] * ATTEMPTS
    with pytest.raises(RegistrationFailed, match=f"^Discord refused with status {status}: {told}$"):
        await registered(api)


async def test_no_network_is_told_with_what_to_check(api: DiscordApi, discord: Discord) -> None:
    discord.troubles += [Trouble()] * ATTEMPTS * 2  # the client itself asks once more for what changes nothing
    with pytest.raises(
        RegistrationFailed, match=r"^Discord cannot be reached \(\w+\); check the network and DISCORD_API_URL$"
    ):
        await registered(api)


@pytest.mark.parametrize("answer", ["{}", "[1]", '"text"'])
async def test_an_answer_that_is_no_list_is_told(discord: Discord, api: DiscordApi, answer: str) -> None:
    discord.registered[EVERYWHERE] = orjson.loads(answer)
    with pytest.raises(RegistrationFailed, match=r"^Discord's answer is no list of commands; check DISCORD_API_URL$"):
        await registered(api)


async def test_a_wrong_token_is_told_and_not_shown(types: Types) -> None:
    told = (
        "volaris: Discord refused with status 401: "
        "the token is wrong; copy it anew from the page Bot of the developer portal"
    )
    assert await types(DISCORD_TOKEN="s3cret") == (1, "", told)


async def test_a_missing_setting_is_named(types: Types) -> None:
    told = "volaris: this command needs the setting DISCORD_TOKEN, which is not set; see docs/discord.md"
    assert await types(DISCORD_TOKEN="") == (2, "", told)
    with pytest.raises(MissingSetting, match=r"^this command needs the setting DISCORD_APPLICATION_ID, which is not"):
        await register_commands(Settings(discord_token="t0ken"), guild_id=None, dry_run=True)


async def test_a_wrong_id_of_a_server_is_a_wrong_call(types: Types) -> None:
    status, _, told = await types("--guild", "volaris")
    assert status == 2
    assert told.endswith("argument --guild: 'volaris' is not an id of Discord, which has 15 to 20 digits")


def test_definitions_are_as_discord_wants_them() -> None:
    documents = [definition.document() for definition in DEFINITIONS]
    assert [command["name"] for command in check_commands(documents)] == NAMES
    assert not changes_between(documents, documents)


def test_the_page_has_each_command_and_what_the_registration_prints() -> None:
    page = (ROOT / "docs" / "discord.md").read_text()
    rows = re.findall(r"^\| `/(\w+)(.*?)` \|", page, re.MULTILINE)
    assert {name: re.findall(r"\w+", options.lower()) for name, options in rows} == {
        definition.name: [option.name for option in definition.options] for definition in DEFINITIONS
    }
    assert f"registered 5 commands in all servers and direct messages: add {ALL}\n" in page
