"""The engine, transactions and reads: SQLite and PostgreSQL alike."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from server.direct import KEPT, UTC, direct_reads
from server.errors import StartupError
from server.grouping import Writer
from server.interruptible import connect
from server.observability.engines import watch
from server.sqlite_driver import Connection as InPlace

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}

PREPARED_STATEMENTS = 500
"""Per connection to PostgreSQL; more than the server has, so that none is prepared twice."""
OPTIONS: dict[str, Any] = {"autoflush": False, "expire_on_commit": False}


def async_url(address: str) -> URL:
    """The SQLAlchemy URL of a settings address; StartupError when it is neither SQLite nor PostgreSQL."""
    try:
        url = make_url(address)
        return url.set(drivername=DRIVERS[url.get_backend_name()])
    except Exception:
        raise StartupError(
            "SAMVERKAN_DATABASE must look like sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME"
        ) from None


class Database:
    """Two ways in: `transaction()` to change things, `reading()` to look.

    On SQLite transactions take turns, and those that would wait for each other share the write lock (BEGIN IMMEDIATE)
    and the commit; reads have connections of their own that cannot write, and never wait for writers (WAL). On
    PostgreSQL each has a connection of its own (decision 10).
    """

    def __init__(self, address: str) -> None:
        self.url = async_url(address)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            _make_folder(self.url)
            self._writer = _sqlite_writer(self.url)
            self._reader = _sqlite_reader(self.url)
            self._group: Writer | None = Writer(self._writer)
        else:
            self._writer = create_async_engine(
                self.url, pool_size=20, max_overflow=0, hide_parameters=True,  # one more than the pool is closed again
                pool_use_lifo=True,  # each has plans and caches of its own: few warm ones do most of the work
                connect_args={"prepared_statement_cache_size": PREPARED_STATEMENTS, "server_settings": UTC, **KEPT},
            )
            event.listens_for(self._writer.sync_engine, "checkout")(_check_alive)
            watch(self._writer.sync_engine)
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            self._group = None
        self.direct = direct_reads(self.url)
        """Reads whose SQL is ready, on the driver itself."""

    @property
    def engine(self) -> AsyncEngine:
        return self._writer

    @asynccontextmanager
    async def transaction(self, *, alone: bool = False) -> AsyncIterator[AsyncSession]:
        """One write transaction: what the block did is committed when it is left, and taken back when it raises.
        `alone`: it may take long, so it shares its commit with nobody. Queries do not flush: what a service has set
        stands in memory until it is found right and recorded with what it was before."""
        if self._group:
            async with self._group.member(OPTIONS, alone=alone) as session:
                yield session
        else:
            async with AsyncSession(self._writer, **OPTIONS) as session, session.begin():
                yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """One consistent snapshot that cannot write."""
        async with AsyncSession(self._reader, **OPTIONS) as session, session.begin():
            yield session

    async def dispose(self) -> None:
        await self.direct.close()
        await self._writer.dispose()
        if self.is_sqlite:
            await self._reader.dispose()


def _make_folder(url: URL) -> None:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)


def _check_alive(connection: Any, *_: object) -> None:
    """A connection that the server has closed meanwhile is replaced, and all that are as old; asking the server each
    time would cost a round trip."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _sqlite_reader(url: URL) -> AsyncEngine:
    engine = _sqlite_engine(url, 10, "query_only=ON", _execute, async_creator=lambda: connect(url.database or ""))

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _sqlite_writer(url: URL) -> AsyncEngine:
    return _sqlite_engine(url.set(drivername="sqlite+inline"), 1, "query_only=OFF", InPlace.in_thread)


def _sqlite_engine(
    url: URL, size: int, access: str, execute: Callable[[Any, str], None], **options: Any
) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=size, max_overflow=0, pool_timeout=60, hide_parameters=True, **options)
    watch(engine.sync_engine)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver opens no transaction by itself
        for pragma in (
            "busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", access,
            "cache_size=-65536", "temp_store=MEMORY",
        ):
            execute(connection, f"PRAGMA {pragma}")

    return engine


def _execute(connection: Any, statement: str) -> None:
    cursor = connection.cursor()
    cursor.execute(statement)
    cursor.close()
