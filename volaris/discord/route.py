"""POST /discord/interactions: the one route that Discord calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from http import HTTPStatus

import orjson
from aiohttp import web

from profiling.web import Problem
from volaris.discord.answering import Answering, Scope
from volaris.discord.api import DiscordApi
from volaris.discord.catalogue import Sources, all_commands
from volaris.discord.follow_ups import FollowUps
from volaris.discord.interactions import parse_interaction
from volaris.discord.signature import SignatureCheck
from volaris.errors import BadInteraction

PATH = "/discord/interactions"
MAX_BODY_BYTES = 64 << 10  # an interaction of these commands has 2 to 6 kB
READ_TIMEOUT_S = 5.0  # Discord has given up by then

ANSWERING: web.AppKey[Answering] = web.AppKey("discord_answering")


def add_interactions(
    app: web.Application, *, public_key: str, api_url: str, admins: Collection[str], sources: Sources, scope: Scope
) -> None:
    """Add the route to `app`, which must have a middleware for Problem and must not have started.

    Commands that are running when the application stops end before it does what was added to its cleanup earlier.
    """
    check = SignatureCheck(public_key)
    api = DiscordApi(api_url)
    answering = Answering(all_commands(sources, admins), FollowUps(api), scope)
    app[ANSWERING] = answering

    async def interactions(request: web.Request) -> web.Response:
        body = await read_body(request)
        signature, timestamp = (request.headers.get(f"X-Signature-{name}", "") for name in ("Ed25519", "Timestamp"))
        if not check.accept(signature, timestamp, body):
            raise Problem(HTTPStatus.UNAUTHORIZED, "the request is not signed by Discord, is too old, or came before")
        try:
            interaction = parse_interaction(body)
        except BadInteraction as error:
            raise Problem(HTTPStatus.BAD_REQUEST, str(error)) from error
        document = await answering.answer(interaction)
        return web.Response(body=orjson.dumps(document), content_type="application/json")

    async def closing(_app: web.Application) -> AsyncIterator[None]:
        yield
        await answering.close()
        await api.close()

    app.router.add_post(PATH, interactions)
    app.cleanup_ctx.append(closing)


async def read_body(request: web.Request) -> bytes:
    """Return the body.

    Raises Problem 413 as soon as it has more than 64 KiB, whatever its header says, and 408 if it does not end in 5 s.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            async for piece in request.content.iter_any():
                body += piece
                if len(body) > MAX_BODY_BYTES:
                    detail = f"an interaction has at most {MAX_BODY_BYTES >> 10} KiB"
                    raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    except TimeoutError as error:
        detail = f"the body did not end within {READ_TIMEOUT_S:g} s"
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, detail) from error
    return bytes(body)
