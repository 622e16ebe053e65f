"""The SQL statements that a test causes, whichever way they are sent."""

from collections.abc import Iterator
from contextlib import contextmanager

from server.observability.records import Record, current


@contextmanager
def sent_statements() -> Iterator[list[str]]:
    """Those that were sent meanwhile, once it is over; up to 200."""
    seen: list[str] = []
    token = current.set(record := Record("test", "", "", lambda: None))
    yield seen
    current.reset(token)
    seen += [statement.text for statement in record.running]
