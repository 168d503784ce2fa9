"""The command `volaris discord register`."""

from __future__ import annotations

from volaris.discord.api import DiscordApi
from volaris.discord.registration import register
from volaris.errors import MissingSetting
from volaris.settings import Settings


async def register_commands(settings: Settings, *, guild_id: str | None, dry_run: bool) -> str:
    """Register the commands with the application of the settings, and return what was done.

    Raises MissingSetting or RegistrationFailed.
    """
    if settings.discord_application_id is None:
        raise MissingSetting("DISCORD_APPLICATION_ID", "docs/discord.md")
    if settings.discord_token is None:
        raise MissingSetting("DISCORD_TOKEN", "docs/discord.md")
    api = DiscordApi(settings.discord_api_url, token=settings.discord_token)
    try:
        return await register(api, settings.discord_application_id, guild_id=guild_id, dry_run=dry_run)
    finally:
        await api.close()
