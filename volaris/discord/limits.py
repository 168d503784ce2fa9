"""The limits that Discord publishes, each under the page of its documentation that has it."""

from __future__ import annotations

# https://discord.com/developers/docs/resources/message#embed-object-embed-limits
MAX_TITLE = 256
MAX_DESCRIPTION = 4_096
MAX_FIELDS = 25
MAX_FIELD_NAME = 256
MAX_FIELD_VALUE = 1_024
MAX_FOOTER = 2_048
MAX_EMBED = 6_000  # characters of all texts of a message's embeds

# https://discord.com/developers/docs/resources/message#create-message-limitations
MAX_CONTENT = 2_000

# https://discord.com/developers/docs/interactions/application-commands#application-command-object
MAX_CHOICES = 25
MAX_CHOICE = 100  # characters of the name, and of a value that is a text
