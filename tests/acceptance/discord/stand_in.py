"""A stand-in for Discord: it signs interactions, and takes follow-ups and registrations that are as they must be."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from nacl.signing import SigningKey

from tests.acceptance.discord.published import (
    CHOICES,
    COMMAND_KEYS,
    DEFERRED_MESSAGE,
    EPHEMERAL,
    INTEGER,
    MESSAGE,
    STRING,
    NotAccepted,
    check_commands,
    check_message,
    check_response,
    need,
)

PATH = "/discord/interactions"
APPLICATION, GUILD = "1122334455667788990", "9988776655443322110"
USER, ADMIN = "100000000000000001", "100000000000000002"

Client = TestClient[web.Request, web.Application] | aiohttp.ClientSession
Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a user sees in the end."""

    message: Mapping[str, Any]
    is_private: bool
    was_deferred: bool

    @property
    def embed(self) -> Mapping[str, Any]:
        """The only embed."""
        (embed,) = self.message["embeds"]
        found: Mapping[str, Any] = embed
        return found

    @property
    def fields(self) -> dict[str, str]:
        """The values of the embed's fields, by name."""
        return {field["name"]: field["value"] for field in self.embed["fields"]}

    @property
    def refusal(self) -> str:
        """The text of a message that others do not see."""
        assert self.is_private, self.message
        return str(self.message["content"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """An answer to one request that does not do what was asked for; without a status, the connection is cut."""

    status: int = 0
    retry_after: str = ""


@dataclass
class _Reply:
    """The reply to one interaction, as others see it until it is edited or deleted."""

    is_private: bool
    messages: asyncio.Queue[tuple[Mapping[str, Any], bool]] = field(default_factory=asyncio.Queue)


class Discord:
    """Discord as the service sees it, on a port of its own."""

    def __init__(self) -> None:
        self.key = SigningKey.generate()
        self.bot_token = secrets.token_urlsafe(32)
        self.tokens: list[str] = []  # of all interactions so far
        self.refused: list[str] = []  # why payloads were refused
        self.requests: list[str] = []  # those of the service, as method and path without secrets
        self.troubles: deque[Trouble] = deque()  # for the next requests
        self.registered: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._replies: dict[str, _Reply] = {}
        self._server = TestServer(self._application())

    @property
    def public_key(self) -> str:
        """The key of the application, as the portal shows it."""
        return self.key.verify_key.encode().hex()

    @property
    def url(self) -> str:
        """The address of the API."""
        return str(self._server.make_url("/api/v10"))

    async def start(self) -> None:
        """Listen."""
        await self._server.start_server(access_log=None)

    async def stop(self) -> None:
        """Stop listening; nothing was refused without the test expecting it."""
        await self._server.close()

    def interaction(self, kind: int, **parts: Any) -> dict[str, Any]:
        """An interaction as Discord sends it, with a token of its own."""
        token = secrets.token_urlsafe(80)
        self.tokens.append(token)
        return {
            "app_permissions": "442368",
            "application_id": APPLICATION,
            "entitlements": [],
            "id": str(1 << 60 | secrets.randbits(50)),
            "locale": "en-GB",
            "token": token,
            "type": kind,
            "version": 1,
            **parts,
        }

    def command(
        self, name: str, options: Mapping[str, Any], *, user: str = USER, kind: int = 2, focused: str = ""
    ) -> dict[str, Any]:
        """A command in a server, or with kind 4 one that is being typed."""
        given = [
            {"name": key, "type": INTEGER if isinstance(value, int) else STRING, "value": value}
            | ({"focused": True} if key == focused else {})
            for key, value in options.items()
        ]
        member = {"user": {"id": user, "username": "someone", "avatar": None}, "roles": [], "permissions": "0"}
        data = {"id": "1", "name": name, "type": 1, **({"options": given} if given else {})}
        return self.interaction(kind, data=data, member=member, guild_id=GUILD, channel_id="5", context=0)

    def headers(self, body: bytes, timestamp: object = None, key: SigningKey | None = None) -> dict[str, str]:
        """The headers of a request with this body."""
        time_text = str(int(time.time()) if timestamp is None else timestamp)
        signature = (key or self.key).sign(time_text.encode() + body).signature.hex()
        return {
            "X-Signature-Ed25519": signature,
            "X-Signature-Timestamp": time_text,
            "Content-Type": "application/json",
            "User-Agent": "Discord-Interactions/1.0 (+https://discord.com)",
        }

    async def post(self, client: Client, body: bytes, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """The status and the body of the service's answer to a request."""
        given = self.headers(body) if headers is None else headers
        async with client.post(PATH, data=body, headers=given) as response:
            return response.status, await response.read()

    async def respond(self, client: Client, interaction: Mapping[str, Any]) -> Mapping[str, Any]:
        """The service's response to an interaction, which is as Discord wants it."""
        reply = self._replies.setdefault(interaction["token"], _Reply(is_private=False))
        status, body = await self.post(client, orjson.dumps(interaction))
        assert status == 200, body
        response = check_response(orjson.loads(body))
        if response["type"] in {MESSAGE, DEFERRED_MESSAGE}:
            reply.is_private = bool(response["data"].get("flags", 0) & EPHEMERAL)
        return response

    def defer(self, interaction: Mapping[str, Any], *, is_private: bool) -> None:
        """Take an interaction for one that the service has deferred."""
        self._replies[interaction["token"]] = _Reply(is_private=is_private)

    async def ask(self, client: Client, name: str, *, user: str = USER, **options: Any) -> Shown:
        """What a user sees in the end who gives a command, at once or later."""
        interaction = self.command(name, options, user=user)
        response = await self.respond(client, interaction)
        if response["type"] == DEFERRED_MESSAGE:
            return await self.shown(interaction)
        data = response["data"]
        return Shown(message=data, is_private=bool(data.get("flags", 0) & EPHEMERAL), was_deferred=False)

    async def shown(self, interaction: Mapping[str, Any]) -> Shown:
        """What follows a deferral, as soon as it is there."""
        message, is_private = await self._replies[interaction["token"]].messages.get()
        return Shown(message=message, is_private=is_private, was_deferred=True)

    async def choices(self, client: Client, name: str, typed: str, option: str = "symbol", **options: Any) -> list[str]:
        """The values that a user can choose from who has typed so much of an option, after other options."""
        interaction = self.command(name, options | {option: typed}, kind=4, focused=option)
        response = await self.respond(client, interaction)
        assert response["type"] == CHOICES
        return [choice["value"] for choice in response["data"]["choices"]]

    def _application(self) -> web.Application:
        app = web.Application()
        webhook = f"/api/v10/webhooks/{APPLICATION}/{{token}}"
        app.router.add_patch(f"{webhook}/messages/@original", self._checked(self._edit))
        app.router.add_delete(f"{webhook}/messages/@original", self._checked(self._delete))
        app.router.add_post(webhook, self._checked(self._follow))
        for path in (f"/api/v10/applications/{APPLICATION}", f"/api/v10/applications/{APPLICATION}/guilds/{GUILD}"):
            app.router.add_get(f"{path}/commands", self._checked(self._list))
            app.router.add_put(f"{path}/commands", self._checked(self._overwrite))
        return app

    def _checked(self, handler: Handler) -> Handler:
        """Discord's answers to what it does not accept, and to what a test wants to go wrong."""

        async def checked(request: web.Request) -> web.Response:
            self.requests.append(f"{request.method} {request.path.removeprefix('/api/v10').split('/')[1]}")
            if self.troubles:
                trouble = self.troubles.popleft()
                if not trouble.status:
                    assert request.transport is not None
                    request.transport.abort()
                headers = {"Retry-After": trouble.retry_after} if trouble.retry_after else {}
                return web.json_response({"message": "trouble"}, status=trouble.status or 500, headers=headers)
            try:
                need(
                    request.headers.get("User-Agent", "").startswith("DiscordBot ("), "User-Agent is not that of a bot"
                )
                return await handler(request)
            except NotAccepted as error:
                self.refused.append(str(error))
                return web.json_response({"message": str(error), "code": 50035}, status=400)

        return checked

    def _reply(self, request: web.Request) -> _Reply:
        token = request.match_info["token"]
        if token not in self._replies:
            raise web.HTTPNotFound
        return self._replies[token]

    async def _edit(self, request: web.Request) -> web.Response:
        message, reply = check_message(await request.json(), is_edit=True), self._reply(request)
        reply.messages.put_nowait((message, reply.is_private))
        return web.json_response(message)

    async def _delete(self, request: web.Request) -> web.Response:
        self._reply(request).is_private = True  # what follows decides by itself
        return web.Response(status=204)

    async def _follow(self, request: web.Request) -> web.Response:
        message, reply = check_message(await request.json()), self._reply(request)
        reply.messages.put_nowait((message, bool(message.get("flags", 0) & EPHEMERAL)))
        return web.json_response(message)

    def _refuse_strangers(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bot {self.bot_token}":
            raise web.HTTPUnauthorized(text='{"message": "401: Unauthorized", "code": 0}')

    async def _list(self, request: web.Request) -> web.Response:
        self._refuse_strangers(request)
        return web.json_response(self.registered[request.path])

    async def _overwrite(self, request: web.Request) -> web.Response:
        self._refuse_strangers(request)
        commands = check_commands(await request.json())
        self.registered[request.path] = [as_listed(command) for command in commands]
        return web.json_response(self.registered[request.path])


def as_listed(command: Mapping[str, Any]) -> dict[str, Any]:
    """A command as Discord lists it: with keys of its own, and without what is as it is by default."""

    def listed(options: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [
            {key: value for key, value in option.items() if value not in (False, None)}
            | ({"choices": [choice | {"name_localizations": None} for choice in option["choices"]]}
               if "choices" in option else {})
            for option in options
        ]  # fmt: skip

    assert set(command) <= COMMAND_KEYS
    document = {
        "id": str(secrets.randbits(60)),
        "application_id": APPLICATION,
        "version": str(secrets.randbits(60)),
        "default_member_permissions": None,
        "type": 1,
        "name": command["name"],
        "name_localizations": None,
        "description": command["description"],
        "description_localizations": None,
        "dm_permission": True,
        "contexts": None,
        "integration_types": [0],
        "nsfw": False,
    }
    return document | ({"options": listed(command["options"])} if command.get("options") else {})
