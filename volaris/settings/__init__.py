"""The settings of the service, read from environment variables and `.env`.

May import `errors` and no other room.
Offers `Settings` and `variables` (in `schema`), and `Variable` (in `environment`, which knows no setting by name).
"""

from __future__ import annotations

from volaris.settings.environment import Variable
from volaris.settings.schema import Settings, variables

__all__ = ["Settings", "Variable", "variables"]
