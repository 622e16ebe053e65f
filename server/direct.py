"""Reads on the database driver itself: statements whose text is ready run without SQLAlchemy in between.

What is read is a generator that yields a statement's text and its arguments, is sent the rows, and returns what it
made of them. One generator runs in one snapshot, and the rows are tuples of what the driver gives.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Generator, Sequence
from contextvars import copy_context
from typing import Any, Protocol

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.asyncpg import dialect as postgresql_dialect
from sqlalchemy.dialects.sqlite.aiosqlite import dialect as sqlite_dialect
from sqlalchemy.engine import URL

from server.observability.records import begin_statement

Statement = tuple[str, Sequence[Any]]
Rows = Sequence[Sequence[Any]]
Steps = Generator[Statement, Rows, Any]
"""A read: yields statements, is sent their rows, returns its result."""

SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
CONNECTIONS = 20
CACHED_STATEMENTS = 500
KEPT = {
    "statement_cache_size": CACHED_STATEMENTS, "max_cached_statement_lifetime": 0, "max_cacheable_statement_size": 0,
}
"""asyncpg keeps statements however old and long they are: it would prepare those above 15 kB each time anew."""
INLINE_SECONDS = 0.025
"""How long one statement may compute in the event loop on SQLite; a read with a longer one starts again in a thread.
The largest pages that screens ask for stay below, also on a processor whose other half is busy: under load, starting
them again would be half of the work for nothing."""
CHECKED_EVERY = 2_000
"""Steps of SQLite's machine between two looks at the clock: some tens of microseconds."""
UTC = {"timezone": "UTC"}
"""PostgreSQL writes moments in the time zone of the connection."""


def driver_options(url: URL) -> dict[str, Any]:
    """What asyncpg connects with."""
    _, options = postgresql_dialect().create_connect_args(url)  # type: ignore[no-untyped-call]
    return {name: value for name, value in options.items() if not name.startswith("prepared_statement")}


class DirectReads(Protocol):
    """The way of one kind of database."""

    dialect: Dialect

    async def run(self, read: Callable[[], Steps], *, single: bool) -> Any:
        """What the read returns; `single` when it takes one statement only. It may be started more than once."""
        ...

    async def close(self) -> None: ...


class PostgresqlReads:
    """A few asyncpg connections, used by turns. A cancelled read cancels its statement on the server.

    asyncpg's own pool resets connections and watches them, at a cost above that of a small read; reads leave nothing
    behind. A statement is planned once for all values: planning it anew costs more than most of them take."""

    def __init__(self, url: URL) -> None:
        self.dialect: Dialect = postgresql_dialect()  # type: ignore[no-untyped-call]
        self._options = driver_options(url)
        self._free: list[Any] = []
        self._turns = asyncio.Semaphore(CONNECTIONS)

    async def run(self, read: Callable[[], Steps], *, single: bool) -> Any:
        async with self._turns:
            connection = await self._connection()
            try:
                if single:
                    return await _follow(connection, read())
                await connection.execute(SNAPSHOT)
                try:
                    return await _follow(connection, read())
                finally:
                    await connection.execute("COMMIT")
            finally:
                self._free.append(connection)

    async def _connection(self) -> Any:
        while self._free:
            if not (connection := self._free.pop()).is_closed():
                return connection
        return await asyncpg.connect(
            **self._options, **KEPT, server_settings={"plan_cache_mode": "force_generic_plan", **UTC},
        )

    async def close(self) -> None:
        for connection in self._free:
            await connection.close()
        self._free = []


async def _follow(connection: Any, steps: Steps) -> Any:
    try:
        text, arguments = next(steps)
        while True:
            with begin_statement(text, "postgresql") as running:
                rows = await connection.fetch(text, *arguments)
                running.end(len(rows))
            text, arguments = steps.send(rows)
    except StopIteration as finished:
        return finished.value


class _TooLongError(Exception):
    """A read has kept the event loop for long enough."""


class _Alarm:
    """Interrupts the statements of a connection that take too long, or all of them once it is stopped; COMMIT never."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: float | None = None
        self.is_stopped = False

    def __enter__(self) -> None:
        self._until = time.thread_time() + self._seconds

    def __exit__(self, *_: object) -> None:
        self._until = None

    def __call__(self) -> bool:
        return self._until is not None and (self.is_stopped or time.thread_time() > self._until)


class SqliteReads:
    """Short reads run in place: a switch of threads costs more than they do. Long ones start again in a thread."""

    def __init__(self, url: URL) -> None:
        self.dialect: Dialect = sqlite_dialect()
        self._path = url.database or ""
        self._inline: sqlite3.Connection | None = None
        self._free: list[sqlite3.Connection] = []
        self._threads = asyncio.Semaphore(CONNECTIONS)

    async def run(self, read: Callable[[], Steps], *, single: bool) -> Any:
        connection = self._inline = self._inline or self._connection()
        try:
            return _follow_here(connection, read(), _Alarm(INLINE_SECONDS), single=single)
        except _TooLongError:
            return await self._in_thread(read, single=single)

    async def _in_thread(self, read: Callable[[], Steps], *, single: bool) -> Any:
        async with self._threads:
            alarm = _Alarm(float("inf"))
            connection = self._free.pop() if self._free else self._connection()
            work = asyncio.get_running_loop().run_in_executor(
                None, copy_context().run, lambda: _follow_here(connection, read(), alarm, single=single)
            )
            try:
                return await asyncio.shield(work)
            finally:
                alarm.is_stopped = True  # a cancelled read ends, and is waited for: its connection is used again
                await asyncio.wait([work])
                self._free.append(connection)

    def _connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, cached_statements=CACHED_STATEMENTS
        )
        for pragma in ("query_only=ON", "busy_timeout=30000", "cache_size=-65536", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    async def close(self) -> None:
        for connection in (*self._free, *filter(None, [self._inline])):
            connection.close()
        self._free, self._inline = [], None


def _follow_here(connection: sqlite3.Connection, steps: Steps, alarm: _Alarm, *, single: bool) -> Any:
    connection.set_progress_handler(alarm, CHECKED_EVERY)
    if not single:
        connection.execute("BEGIN")
    try:
        text, arguments = next(steps)
        while True:
            with alarm, begin_statement(text, "sqlite") as running:
                rows = connection.execute(text, arguments).fetchall()
                running.end(len(rows))
            text, arguments = steps.send(rows)
    except StopIteration as finished:
        return finished.value
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise _TooLongError from None
        raise
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


def direct_reads(url: URL) -> DirectReads:
    return SqliteReads(url) if url.get_backend_name() == "sqlite" else PostgresqlReads(url)
