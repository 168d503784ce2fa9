"""Messages that follow a deferred answer: they replace what Discord shows in the meantime."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from urllib.parse import quote

from volaris.discord.api import ApiAnswer, DiscordApi
from volaris.discord.interactions import Interaction
from volaris.discord.messages import EPHEMERAL, Message, data_of

# The token of an interaction lives for 15 minutes, but nobody waits that long.
TIME_LIMIT_S = 120.0

# A fast follow-up may come before Discord has read the deferral, and then it does not know the message yet.
NOT_YET = frozenset({int(HTTPStatus.NOT_FOUND)})

logger = logging.getLogger(__name__)


class FollowUps:
    """Sends the messages that were promised. What cannot be sent is logged, without the interaction's token."""

    def __init__(self, api: DiscordApi, time_limit_s: float = TIME_LIMIT_S) -> None:
        self._api = api
        self._time_limit_s = time_limit_s

    async def send(self, interaction: Interaction, message: Message, *, deferred_privately: bool) -> None:
        """Send the message, with a limit for the time and the attempts.

        Whether others see a message is decided by its deferral. So if others see the deferral but must not see the
        message, the deferral is deleted first.
        """
        try:
            async with asyncio.timeout(self._time_limit_s):
                answer = await self._send(interaction, message, replaces=deferred_privately or not message.is_private)
        except TimeoutError:
            logger.warning("the answer to /%s was given up after %g s", interaction.command, self._time_limit_s)
            return
        if not answer.is_success:
            logger.warning("the answer to /%s could not be sent: %s", interaction.command, answer.outcome)

    async def _send(self, interaction: Interaction, message: Message, *, replaces: bool) -> ApiAnswer:
        webhook = f"/webhooks/{quote(interaction.application_id, safe='')}/{quote(interaction.token, safe='')}"
        original = f"{webhook}/messages/@original"
        if replaces:
            return await self._api.send("PATCH", original, data_of(message), retry_at=NOT_YET)
        deleted = await self._api.send("DELETE", original, retry_at=NOT_YET)
        if not deleted.is_success:
            return deleted
        return await self._api.send("POST", webhook, data_of(message) | {"flags": EPHEMERAL})
