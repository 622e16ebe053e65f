"""How the server logs: one line per event, with the ids of its request, and never a value that a client sent."""

import logging
import re
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from server.observability.records import ids
from server.settings import LogFormat

TELLING = (ArithmeticError, AttributeError, ImportError, MemoryError, NameError, OSError, RuntimeError, TypeError)
"""Errors whose messages speak of the program. Those of the others, databases above all, repeat what was given."""


def configure_logs(format: LogFormat = LogFormat.AUTO) -> None:
    """Our own lines and those of libraries go to standard output in the same format."""
    as_text = format is LogFormat.TEXT or (format is LogFormat.AUTO and sys.stdout.isatty())
    shared: list[Processor] = [
        _with_ids, structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_traceback,
    ]
    render = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback) if as_text \
        else structlog.processors.JSONRenderer(serializer=_json)
    structlog.configure(processors=[*shared, render])
    output = _Output()
    output.setFormatter(structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_of_library, *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
    ))
    root = logging.getLogger()
    root.handlers = [*(each for each in root.handlers if not isinstance(each, _Output)), output]


class _Output(logging.Handler):
    """Standard output as it is now: it may have been redirected since the start."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stdout.write(self.format(record) + "\n")
        sys.stdout.flush()


def _json(event: EventDict, **_: Any) -> str:
    first = {name: event[name] for name in ("timestamp", "level", "event")}
    return orjson.dumps({**first, **event}, default=str).decode()


def _with_ids(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {**ids(), **event}


def _of_library(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """asyncio goes on to show the objects that it speaks of, and uvicorn whole query strings."""
    record: logging.LogRecord = event["_record"]
    event["logger"] = record.name
    if record.name == "asyncio":
        event["event"] = event["event"].partition("\n")[0]
    elif record.name.startswith("uvicorn"):
        event["event"] = re.sub(r"\?\S*", "?…", event["event"])
    return event


def _with_traceback(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    error = event.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    elif error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["exception"] = "\n".join(_lines(error))
    return event


def _lines(error: BaseException) -> Iterator[str]:
    """The traceback of an error and of those that led to it: code and kinds of errors, no local variables."""
    if before := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        yield from _lines(before)
        yield "which led to:"
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip()
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    state = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)
    message = str(error) if isinstance(error, TELLING) else state or "(its message may hold values)"
    yield f"{kind}: {message}"
    for place, inner in enumerate(getattr(error, "exceptions", ()), 1):
        yield f"of which number {place}:"
        yield from _lines(inner)
