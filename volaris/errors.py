"""Every exception that Volaris raises on purpose.

    VolarisError
    ├── SettingError
    ├── MissingSetting
    ├── MissingPackage
    ├── SourceError
    │   ├── SourceUnavailable
    │   ├── SourceTimeout
    │   ├── BadDocument
    │   └── UnknownSymbol
    ├── StoreError
    │   ├── StoreUnavailable
    │   └── MigrationError
    ├── DemandError
    │   ├── DemandTimeout
    │   ├── TooManyFetches
    │   └── DemandStopped
    ├── SchedulerError
    │   ├── UnknownJob
    │   ├── JobAlreadyRunning
    │   └── JobTimeout
    └── DiscordError
        ├── BadInteraction
        ├── CommandRefused
        └── RegistrationFailed

A leaf: it imports nothing of this project.
"""

from __future__ import annotations

from collections.abc import Iterable


class VolarisError(Exception):
    """Base class of all errors below; catch it to catch them all."""


class SettingError(VolarisError):
    """Raised at start when an environment variable has a value that cannot be used.

    `value` is None if it must not be shown. The message is one line, whatever the value holds.
    """

    def __init__(self, variable: str, value: str | None, expected: str) -> None:
        shown = "" if value is None else f"={value[:80]!r}"
        super().__init__(f"{variable}{shown} cannot be used: {expected}")
        self.variable = variable


class MissingSetting(VolarisError):
    """Raised when a command needs a setting that has no default."""

    def __init__(self, variable: str, page: str) -> None:
        super().__init__(f"this command needs the setting {variable}, which is not set; see {page}")
        self.variable = variable


class MissingPackage(VolarisError):
    """Raised when a command needs a package of an extra that is not installed."""

    def __init__(self, package: str, extra: str = "service") -> None:
        super().__init__(
            f"this command needs the package {package}, which is not installed; "
            f"install it with: pip install 'volaris[{extra}]'"
        )
        self.package = package


class SourceError(VolarisError):
    """Raised when a market source had no usable answer for a symbol."""

    def __init__(self, source: str, symbol: str, cause: str) -> None:
        super().__init__(f"{source}: {symbol}: {cause}")
        self.source = source
        self.symbol = symbol
        self.cause = cause


class SourceUnavailable(SourceError):
    """Raised when the source cannot be reached or refuses for now (5xx, 429); another attempt may succeed."""


class SourceTimeout(SourceError):
    """Raised when the source did not answer within its time limit; another attempt may succeed."""


class BadDocument(SourceError):
    """Raised when the answer of the source is not a quote document."""


class UnknownSymbol(SourceError):
    """Raised when the source does not have the symbol."""


class StoreError(VolarisError):
    """Raised when the database refused a statement."""


class StoreUnavailable(StoreError):
    """Raised when the database cannot be reached, or has no free connection in time; another attempt may succeed."""


class MigrationError(StoreError):
    """Raised when the schema in the database does not match the migrations of this version."""


class DemandError(VolarisError):
    """Raised when data could not be fetched on demand, for a reason that lies in this service."""


class DemandTimeout(DemandError):
    """Raised when data were not fetched and stored within the time limit of a fetch on demand."""

    def __init__(self, kind: str, symbol: str, timeout_s: float) -> None:
        super().__init__(f"the {kind} of {symbol} could not be fetched within {timeout_s:g} s; try again")
        self.timeout_s = timeout_s


class TooManyFetches(DemandError):
    """Raised when so many fetches are waiting that a further one would hardly be in time."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} fetches from the market source are waiting, and no more may wait; try again")
        self.waiting = waiting


class DemandStopped(DemandError):
    """Raised when the service stops before data are fetched."""

    def __init__(self) -> None:
        super().__init__("nothing is fetched from the market source, because the service is stopping")


class SchedulerError(VolarisError):
    """Raised when the scheduler cannot do what it is told."""


class UnknownJob(SchedulerError):
    """Raised for a job id that is not registered; the message lists the registered ones."""

    def __init__(self, job_id: str, known: Iterable[str]) -> None:
        self.job_id = job_id
        self.known = tuple(sorted(known))
        super().__init__(f"there is no job {job_id!r}; the known jobs are: {', '.join(self.known) or 'none'}")


class JobAlreadyRunning(SchedulerError):
    """Raised by `run_now` while the job is running, because a job has only one run at a time."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"job {job_id!r} is already running; try again when it has ended")
        self.job_id = job_id


class JobTimeout(SchedulerError):
    """Raised within a run that exceeded its job's time limit."""

    def __init__(self, job_id: str, timeout_s: float) -> None:
        super().__init__(f"job {job_id!r} exceeded its time limit of {timeout_s:g} s")
        self.job_id = job_id
        self.timeout_s = timeout_s


class DiscordError(VolarisError):
    """Base class of the errors around the commands in Discord."""


class BadInteraction(DiscordError):
    """Raised for a request that Discord signed, but that is no interaction of a known form."""


class CommandRefused(DiscordError):
    """Raised by a command that cannot be answered; the user of the command is shown the message."""


class RegistrationFailed(DiscordError):
    """Raised when Discord did not list or take the commands; the message says what to do."""
