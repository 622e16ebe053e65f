"""The engine, transactions and reads: SQLite and PostgreSQL alike."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from server.errors import StartupError

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}


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

    On SQLite a transaction takes the one write lock at its start (BEGIN IMMEDIATE) and waits its turn in this process
    on an asyncio lock; reads have connections of their own that cannot write, and never wait for writers (WAL).
    """

    def __init__(self, address: str) -> None:
        self.url = async_url(address)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            _make_folder(self.url)
            self._writer = _sqlite_engine(self.url, size=1, begin="BEGIN IMMEDIATE", query_only=False)
            self._reader = _sqlite_engine(self.url, size=10, begin="BEGIN", query_only=True)
            self._turn: Any = asyncio.Lock()
        else:
            self._writer = create_async_engine(self.url, pool_size=10, max_overflow=10, pool_pre_ping=True)
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            self._turn = nullcontext()

    @property
    def engine(self) -> AsyncEngine:
        return self._writer

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One write transaction: commits at the end of the block, rolls back when it raises. Queries do not flush: what
        a service has set stands in memory until it is found right and recorded with what it was before."""
        async with (
            self._turn, AsyncSession(self._writer, autoflush=False, expire_on_commit=False) as session, session.begin()
        ):
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """One consistent snapshot that cannot write."""
        async with AsyncSession(self._reader, autoflush=False, expire_on_commit=False) as session, session.begin():
            yield session

    async def dispose(self) -> None:
        await self._writer.dispose()
        if self.is_sqlite:
            await self._reader.dispose()


def _make_folder(url: URL) -> None:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)


def _sqlite_engine(url: URL, size: int, begin: str, query_only: bool) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=size, max_overflow=0, pool_timeout=60)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver opens no transaction by itself
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000",
            f"query_only={'ON' if query_only else 'OFF'}", "cache_size=-65536", "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin_transaction(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
