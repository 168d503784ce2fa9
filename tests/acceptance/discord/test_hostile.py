"""Requests that nobody would send, signed and not: each is answered or refused, and none is an error of the service."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import orjson
import pytest

from tests.acceptance.discord.conftest import Commanded
from tests.acceptance.discord.published import CHOICES, MESSAGE, check_response
from tests.acceptance.discord.stand_in import ADMIN, USER, Discord

REQUESTS = 2_000
AT_ONCE = 8
ODD: list[Any] = [None, True, 0, -1, 2**31, 2**64, 1e308, "", " ", "\0", "é😀" * 50, "../..", "@everyone", [], [[]], {}]
ODD_HEADERS = ["", "0", "-1", "ff" * 64, "00" * 64, "9" * 400, "NaN", " ", "\t1760000000", "%00", "{}"]


def commands(discord: Discord, chance: random.Random) -> dict[str, Any]:
    """A command that is in order."""
    orderly: list[tuple[str, dict[str, Any]]] = [
        ("price", {"symbol": "AAPL"}),
        ("chain", {"symbol": "AAPL", "expiration": "2026-12-04", "type": "call"}),
        ("iv", {"symbol": "AAPL"}),
        ("screener", {"sort": "iv30", "limit": 3}),
        ("status", {}),
        ("moon", {}),
    ]
    name, options = chance.choice(orderly)
    kind = chance.choice([2, 2, 4])
    return discord.command(
        name, options, user=chance.choice([USER, ADMIN]), kind=kind, focused="symbol" if kind == 4 else ""
    )


def changed(document: Any, chance: random.Random) -> Any:
    """The document with a value somewhere in it that is odd, missing or twice there."""
    places: list[tuple[Any, Any]] = []

    def visit(part: Any) -> None:
        for key in list(part) if isinstance(part, dict) else range(len(part)):
            places.append((part, key))
            if isinstance(part[key], (dict, list)):
                visit(part[key])

    visit(document)
    part, key = chance.choice(places)
    if chance.random() < 0.2:
        del part[key]
    elif chance.random() < 0.1 and isinstance(part, list):
        part.extend(part * 30)
    else:
        part[key] = deepcopy(chance.choice(ODD))
    return document


def as_text(document: Any, chance: random.Random) -> bytes:
    """The document as JSON, perhaps with an integer that no library writes."""
    text = orjson.dumps(document) if _fits(document) else b'{"type":2}'
    return text.replace(b":2,", b":2e9999,", 1) if chance.random() < 0.02 else text


def _fits(document: Any) -> bool:
    try:
        orjson.dumps(document)
    except TypeError:  # an integer of more than 64 bits
        return False
    return True


def damaged(body: bytes, chance: random.Random) -> bytes:
    """The bytes with some of them changed, left out or repeated."""
    at, length = chance.randrange(len(body) + 1), chance.randrange(1, 20)
    match chance.randrange(4):
        case 0:
            return body[:at] + chance.randbytes(length) + body[at + length :]
        case 1:
            return body[:at]
        case 2:
            return body[:at] + body[at : at + length] * 40 + body[at + length :]
        case _:
            return body[:at] + chance.choice([b"[", b"{", b'"', b"\xff", b"\\ud800", b"\0"]) * chance.choice([1, 2_000])


def request(discord: Discord, chance: random.Random) -> tuple[bytes, dict[str, str]]:
    """A body and headers; half of the bodies are signed as they are."""
    document = commands(discord, chance)
    for _ in range(chance.randrange(3)):
        document = changed(document, chance)
    body = as_text(document, chance)
    ways: list[Callable[[], bytes]] = [lambda: body, lambda: body, lambda: damaged(body, chance)]
    body = chance.choice(ways)()
    headers = discord.headers(body)
    if chance.random() < 0.5:
        name = chance.choice(["X-Signature-Ed25519", "X-Signature-Timestamp"])
        given = headers[name]
        headers[name] = chance.choice([*ODD_HEADERS, given[1:], given + "0", given.replace(given[-1], "0")])
    if chance.random() < 0.1:
        headers["Content-Type"] = chance.choice(["text/plain", "application/json; charset=utf-16", "x"])
    return body, headers


@pytest.mark.timeout(600)
async def test_no_request_is_an_error_of_the_service(commanded: Commanded, caplog: pytest.LogCaptureFixture) -> None:
    chance = random.Random(18)
    requests = [request(commanded.discord, chance) for _ in range(REQUESTS)]
    statuses: Counter[int] = Counter()
    kinds: Counter[int] = Counter()

    async def send(some: list[tuple[bytes, dict[str, str]]]) -> None:
        for body, headers in some:
            status, answer = await commanded.discord.post(commanded.running.client, body, headers)
            statuses[status] += 1
            assert status in {200, 400, 401, 413}, (body, answer)
            if status == 200:
                kinds[check_response(orjson.loads(answer))["type"]] += 1

    await asyncio.gather(*(send(requests[number::AT_ONCE]) for number in range(AT_ONCE)))
    await commanded.has_ended()
    # What is deferred cannot be delivered, because the stand-in has not been told of these interactions.
    assert "Traceback" not in caplog.text
    assert statuses.total() == REQUESTS
    assert min(statuses[200], statuses[400], statuses[401]) > REQUESTS / 20
    assert min(kinds[MESSAGE], kinds[CHOICES]) > REQUESTS / 40
