"""What is refused, in which form, and that no secret is in the log, in an answer or on a debug route."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import orjson
import pytest
from nacl.signing import SigningKey

from tests.acceptance.conftest import Serve
from tests.acceptance.discord.conftest import Commanded
from tests.acceptance.discord.stand_in import ADMIN, PATH, Discord
from tests.integration.demand.market import RecordingSource
from tests.integration.store.proxy import Proxy
from volaris.discord import route
from volaris.discord.route import ANSWERING, MAX_BODY_BYTES
from volaris.settings import Settings

PING = b'{"type": 1}'
UNSIGNED = "the request is not signed by Discord, is too old, or came before"


async def refuses(commanded: Commanded, body: bytes, headers: Mapping[str, str], status: int = 401) -> str:
    """The service refuses the request with a problem; returns its detail."""
    found, answer = await commanded.discord.post(commanded.running.client, body, headers)
    problem = orjson.loads(answer)
    assert (found, problem["status"]) == (status, status)
    return str(problem["detail"])


async def test_ping_is_answered_with_a_pong(commanded: Commanded) -> None:
    assert await commanded.discord.post(commanded.running.client, PING) == (200, b'{"type":1}')


async def test_each_wrong_signature_gets_the_same_answer(commanded: Commanded) -> None:
    right = commanded.discord.headers(PING)
    stale = commanded.discord.headers(PING, int(time.time()) - 3_600)
    wrong: list[dict[str, str]] = [
        {},
        right | {"X-Signature-Ed25519": "00" * 64},
        right | {"X-Signature-Ed25519": "no digits"},
        right | {"X-Signature-Ed25519": ""},
        right | {"X-Signature-Timestamp": str(int(time.time()) + 1)},
        right | {"X-Signature-Timestamp": "now"},
        commanded.discord.headers(PING, key=SigningKey.generate()),
        commanded.discord.headers(PING + b" "),
        stale,
    ]
    assert {await refuses(commanded, PING, headers) for headers in wrong} == {UNSIGNED}


async def test_a_request_that_comes_again_is_refused(commanded: Commanded) -> None:
    headers = commanded.discord.headers(PING)
    assert await commanded.discord.post(commanded.running.client, PING, headers) == (200, b'{"type":1}')
    assert await refuses(commanded, PING, headers) == UNSIGNED


@pytest.mark.parametrize("tells_its_size", [True, False])
async def test_a_large_body_is_refused_before_it_is_read(commanded: Commanded, tells_its_size: bool) -> None:
    body = PING + b" " * MAX_BODY_BYTES

    async def pieces() -> AsyncIterator[bytes]:
        yield body

    headers = commanded.discord.headers(body)
    data = body if tells_its_size else pieces()
    async with commanded.running.client.post(PATH, data=data, headers=headers) as response:
        assert response.status == 413
        assert (await response.json(content_type=None))["detail"] == "an interaction has at most 64 KiB"
    just_right = PING.ljust(MAX_BODY_BYTES)
    assert (await commanded.discord.post(commanded.running.client, just_right))[0] == 200


async def test_a_body_that_does_not_end_is_refused(commanded: Commanded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "READ_TIMEOUT_S", 0.1)
    url = commanded.running.client.make_url(PATH)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(f"POST {PATH} HTTP/1.1\r\nHost: volaris\r\nContent-Length: 9\r\n\r\n{{".encode())
    assert await reader.readline() == b"HTTP/1.1 408 Request Timeout\r\n"
    writer.close()
    await writer.wait_closed()


NOT_JSON = "the body is not JSON"
WRONG_VALUE = "a value of the interaction is missing, or not of its type"
BAD_INTERACTIONS = [
    (b"", NOT_JSON),
    (b"\xff\xfe", NOT_JSON),
    (b"[" * 60_000, WRONG_VALUE),
    (b"[]", WRONG_VALUE),
    (b'{"type": 99}', "the service has nothing for interactions of type 99"),
    (b'{"type": 3, "token": "abc"}', "the service has nothing for interactions of type 3"),
    (b'{"type": 2}', "a command needs `data`, and `member` or `user`"),
    (b'{"type": 2, "token": "../../x"}', WRONG_VALUE),
    (b'{"type": 2, "application_id": "1/2"}', WRONG_VALUE),
]


async def test_what_is_signed_but_no_interaction_is_a_bad_request(commanded: Commanded) -> None:
    details = [await refuses(commanded, body, commanded.discord.headers(body), 400) for body, _ in BAD_INTERACTIONS]
    assert details == [detail for _, detail in BAD_INTERACTIONS]


async def test_commands_may_come_from_direct_messages(commanded: Commanded) -> None:
    interaction = commanded.discord.command("status", {}, user=ADMIN)
    interaction["user"] = interaction.pop("member")["user"]
    response = await commanded.discord.respond(commanded.running.client, interaction)
    assert response["type"] in {4, 5}
    await commanded.has_ended()


async def test_without_the_key_there_is_no_route(serve: Serve, settings: Settings, source: RecordingSource) -> None:
    async with serve(replace(settings, discord_public_key=None), source) as running:
        async with running.client.post(PATH, data=PING) as response:
            assert response.status == 404
        assert ANSWERING not in running.app
        await running.is_up()


async def test_a_sentence_says_that_the_database_is_down(
    serve: Serve, settings: Settings, discord: Discord, source: RecordingSource, proxy: Proxy
) -> None:
    async with serve(replace(settings, database_url=proxy.url), source) as running:
        await running.is_up()
        proxy.cut()
        for command in ("price", "chain", "iv"):
            shown = await discord.ask(running.client, command, symbol="AAPL")
            assert shown.refusal == "The database is not available. Try again in a minute."
        assert await discord.choices(running.client, "chain", "", "expiration", symbol="AAPL") == []
        shown = await discord.ask(running.client, "screener")
        assert shown.refusal == "The database is not available. Try again in a minute."


async def test_no_secret_is_in_the_log_or_on_a_debug_route(
    commanded: Commanded, caplog: pytest.LogCaptureFixture
) -> None:
    """Follow-ups that fail in each way, errors of the service, and everything logged at the lowest level."""
    caplog.set_level(logging.DEBUG)
    discord, client = commanded.discord, commanded.running.client
    commanded.source.gate.clear()
    held = [discord.command("price", {"symbol": "AAPL"}), discord.command("iv", {"symbol": "AAPL"})]
    await asyncio.gather(*(discord.respond(client, interaction) for interaction in held))
    commanded.source.error = RuntimeError("a bug")
    commanded.source.gate.set()
    shown = await asyncio.gather(*map(discord.shown, held))
    assert {of.refusal for of in shown} == {"Something is wrong in the service. Its log has the reason."}
    await discord.ask(client, "status")
    await discord.post(client, orjson.dumps(discord.command("price", {"symbol": 7})))
    await commanded.has_ended()
    texts = [caplog.text, repr(commanded.running.service.settings)]
    for path in ("/debug/memory", "/debug/scopes", "/debug/memory/live", "/debug/jobs"):
        async with client.get(path) as response:
            texts.append(await response.text())
    assert "a bug" in caplog.text
    assert len(discord.tokens) == 4
    for secret in (*discord.tokens, discord.bot_token):
        assert not any(secret in text for text in texts)
