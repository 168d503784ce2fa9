"""Logging: one line an event to standard error, as text for people or as JSON for machines.

The text form is a contract: `2025-10-14 15:30:15 - INFO - job_completed - job_id=prices_1m memory_mb=387.23`. Times are
the machine's local ones (UTC in a container), as its other logs have them; JSON carries the offset. The standard
library's loggers go the same way, with the logger's name in the place of the event and the message after it.
The field `detail` is free text: it stands last, without its name and without quotes.

Tracebacks are the standard library's: file, line and source, and never the values of variables, which is what loguru's
`diagnose` would add. A value may be a password, in development too.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

import orjson
from loguru import logger

if TYPE_CHECKING:
    from loguru import Message, Record

# No field has this name by accident: it is no Python identifier.
_RENDERED = "rendered line"


def setup_logging(level: str, log_format: Literal["text", "json"]) -> None:
    """Send what is logged from `level` on to standard error; a second call replaces what the first set up.

    Lines are written in the caller's thread. loguru's `enqueue` would keep the loop from waiting for a reader of
    standard error that stalls, at the price of a thread, a queue without bound, and the last lines before a kill.
    """
    render = {"text": render_text, "json": render_json}[log_format]
    logger.remove()
    logger.add(_write, level=level, format=_format_by(render), colorize=False, backtrace=False, diagnose=False)
    logging.basicConfig(handlers=[StandardLibraryHandler()], level=level, force=True)


def log_event(level: str, event: str, /, *, exception: BaseException | None = None, **fields: object) -> None:
    """Log one event with its fields, in the order given, and the traceback of `exception` below it."""
    logger.bind(**fields).opt(exception=exception).log(level, event)


class StandardLibraryHandler(logging.Handler):
    """Hands the records of `logging` to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        """Never raises, as a handler must not: a record that cannot be formatted is reported on standard error."""
        try:
            to_loguru = logger.bind(detail=record.getMessage()).opt(exception=record.exc_info)
            to_loguru.log(_loguru_level(record), record.name)
        except Exception:  # logging's own protocol for the errors of a handler
            self.handleError(record)


def _loguru_level(record: logging.LogRecord) -> str | int:
    try:
        return logger.level(record.levelname).name
    except ValueError:
        return record.levelno


def _write(message: Message) -> None:
    # Looked up for each line: who redirects standard error later on gets the lines too.
    sys.stderr.write(message)


def _format_by(render: Callable[[Record], str]) -> Callable[[Record], str]:
    def format_record(record: Record) -> str:
        # loguru wants a template back; a line in its place would be searched for braces.
        record["extra"][_RENDERED] = render(record)
        return f"{{extra[{_RENDERED}]}}\n"

    return format_record


def render_text(record: Record) -> str:
    """`time - LEVEL - event - key=value ...`, and below it the traceback if the record has one; no line break last.

    A value that is not one plain word is quoted as a JSON string, so that the pairs can be split again.
    """
    fields = dict(record["extra"])
    detail = [_one_line(str(fields.pop("detail")))] if "detail" in fields else []
    tail = [f"{key}={_value_text(value)}" for key, value in fields.items()] + detail
    head = f"{record['time']:%Y-%m-%d %H:%M:%S} - {record['level'].name} - {_one_line(record['message'])}"
    line = f"{head} - {' '.join(tail)}" if tail else head
    below = _traceback_text(record)
    return f"{line}\n{below}" if below else line


def render_json(record: Record) -> str:
    """Format one object in one line: time (ISO 8601 with offset), level, event, fields, and the traceback if any."""
    document: dict[str, object] = {
        "time": record["time"].isoformat(),
        "level": record["level"].name,
        "event": record["message"],
        "fields": record["extra"],
    }
    if text := _traceback_text(record):
        document["traceback"] = text
    return _json_text(document)


def _one_line(text: str) -> str:
    # Whatever would break the line, or cannot be seen, is escaped as in a JSON string.
    return text if text.isprintable() else json.dumps(text)[1:-1]


def _value_text(value: object) -> str:
    text = json.dumps(value) if value is None or isinstance(value, bool) else str(value)
    plain = text != "" and text.isprintable() and not any(mark in text for mark in ' "=')
    return text if plain else json.dumps(text, ensure_ascii=not text.isprintable())


def _traceback_text(record: Record) -> str:
    exception = record["exception"]
    if exception is None or exception.value is None:
        return ""
    lines = traceback.format_exception(exception.type, exception.value, exception.traceback)
    return "".join(lines).rstrip("\n")


def _json_text(document: Mapping[str, object]) -> str:
    try:
        # Dataclasses are left to `str`, since it is their `repr` that hides secrets.
        return orjson.dumps(document, default=str, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()
    except orjson.JSONEncodeError:
        # Text that is no UTF-8 and integers over 64 bits: a line is not lost for that.
        return json.dumps(document, default=str)
