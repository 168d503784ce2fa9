"""Logging: one line per event to standard error, as text for people or as JSON for programs.

The text form is a contract: `2025-10-14 15:30:15 - INFO - job_completed - job_id=prices_1m memory_mb=387.23`. Times are
in the machine's time zone (UTC in a container), as in its other logs; JSON has the offset too. The records of the
standard library's loggers take the same way, with the logger's name as the event and the message after it. The field
`detail` is free text, so it comes last, without its name and without quotes.

Tracebacks are in the standard library's form: file, line and source, but never the values of variables, which loguru's
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

# No other field can have this name, because it is not a Python identifier.
_RENDERED = "rendered line"


def setup_logging(level: str, log_format: Literal["text", "json"]) -> None:
    """Log events of at least `level` to standard error; a second call replaces the first.

    Lines are written in the caller's thread, so a stalled reader of standard error can block the loop. loguru's
    `enqueue` would prevent that, but it costs a thread and an unbounded queue, and loses the last lines before a kill.
    """
    render = {"text": render_text, "json": render_json}[log_format]
    logger.remove()
    logger.add(_write, level=level, format=_format_by(render), colorize=False, backtrace=False, diagnose=False)
    logging.basicConfig(handlers=[StandardLibraryHandler()], level=level, force=True)


def log_event(level: str, event: str, /, *, exception: BaseException | None = None, **fields: object) -> None:
    """Log one event with its fields, in the given order, and below it the traceback of `exception`."""
    logger.bind(**fields).opt(exception=exception).log(level, event)


class StandardLibraryHandler(logging.Handler):
    """Passes the records of `logging` to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on. This never raises: a record that cannot be formatted is reported on standard error."""
        try:
            to_loguru = logger.bind(detail=record.getMessage()).opt(exception=record.exc_info)
            to_loguru.log(_loguru_level(record), record.name)
        except Exception:  # `logging` expects handlers to report their errors in this way
            self.handleError(record)


def _loguru_level(record: logging.LogRecord) -> str | int:
    try:
        return logger.level(record.levelname).name
    except ValueError:
        return record.levelno


def _write(message: Message) -> None:
    # Looked up for each line, so that a later redirection of standard error applies.
    sys.stderr.write(message)


def _format_by(render: Callable[[Record], str]) -> Callable[[Record], str]:
    def format_record(record: Record) -> str:
        # loguru expects a template; a formatted line in its place would be searched for braces.
        record["extra"][_RENDERED] = render(record)
        return f"{{extra[{_RENDERED}]}}\n"

    return format_record


def render_text(record: Record) -> str:
    """Return `time - LEVEL - event - key=value ...` without a final line break, and below it the traceback, if any.

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
    """Return one JSON object in one line: time (ISO 8601 with offset), level, event, fields, and any traceback."""
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
    # Characters that would break the line, or are invisible, are escaped as in a JSON string.
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
        # Dataclasses are passed to `str`, because their `repr` hides secrets.
        return orjson.dumps(document, default=str, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()
    except orjson.JSONEncodeError:
        # Text that is not UTF-8, and integers over 64 bits, must not lose the line.
        return json.dumps(document, default=str)
