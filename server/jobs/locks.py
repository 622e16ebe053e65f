"""Locks between processes that end with their holder, however it ends: who is alive, and who does what there is only
one of."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from server.database import Database

AGAIN_SECONDS = 0.05
"""After which a lock that another holds is tried again."""


class Locks(Protocol):
    can_be_lost: bool
    """Whether a live holder may lose one for a moment."""

    async def take(self, name: str) -> bool:
        """Whether the lock is ours now, or was already."""

    async def release(self, name: str) -> None: ...

    async def remove(self, name: str) -> None:
        """Releases the lock of a process that is no more."""

    async def keep(self) -> None:
        """Takes again what a lost connection has cost."""

    async def close(self) -> None: ...


@asynccontextmanager
async def alone(locks: Locks, name: str) -> AsyncIterator[None]:
    """Waits until the lock is ours, and holds it while the block runs."""
    while not await locks.take(name):  # noqa: ASYNC110  # another process holds it, which sets no event here
        await asyncio.sleep(AGAIN_SECONDS)
    try:
        yield
    finally:
        await locks.release(name)


def locks_of(database: Database) -> Locks:
    if database.is_sqlite:
        return FileLocks(Path(f"{database.url.database}-jobs"))
    return AdvisoryLocks(create_async_engine(database.url, poolclass=NullPool, isolation_level="AUTOCOMMIT"))


class AdvisoryLocks:
    """PostgreSQL's own, held by a connection of their own; `_lost`: those that went with one and are still to be taken
    again."""

    can_be_lost = True

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._connection: AsyncConnection | None = None
        self._held: set[str] = set()
        self._lost: set[str] = set()
        self._turn = asyncio.Lock()

    async def take(self, name: str) -> bool:
        async with self._turn:
            if name in self._held:
                return False  # by another job of this process
            if taken := await self._call("pg_try_advisory_lock", name):
                self._held.add(name)
                self._lost.discard(name)
            return taken

    async def release(self, name: str) -> None:
        async with self._turn:
            self._held.discard(name)
            with suppress(Exception):  # the connection is gone, and with it the lock
                await self._call("pg_advisory_unlock", name)

    async def remove(self, name: str) -> None:
        await self.release(name)

    async def keep(self) -> None:
        async with self._turn:
            with suppress(Exception):  # the database is away: next time
                if self._connection is not None:
                    await self._alive(self._connection)
                for name in self._lost & self._held:
                    if await self._call("pg_try_advisory_lock", name):
                        self._lost.discard(name)

    async def close(self) -> None:
        await self._drop()
        await self._engine.dispose()

    async def _call(self, function: str, name: str) -> bool:
        if self._connection is None:
            self._connection = await self._engine.connect()
        try:
            statement = text(f"SELECT {function}(hashtextextended('samverkan ' || CAST(:name AS text), 0))")
            return bool(await self._connection.scalar(statement, {"name": name}))
        except Exception:
            await self._drop()
            raise

    async def _alive(self, connection: AsyncConnection) -> None:
        try:
            await connection.execute(text("SELECT 1"))
        except Exception:
            await self._drop()

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._lost |= self._held
        if connection is not None:
            with suppress(Exception):
                await connection.invalidate()
                await connection.close()


class FileLocks:
    """Files beside the embedded database, locked as SQLite itself locks, which works on every system."""

    can_be_lost = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, sqlite3.Connection] = {}

    async def take(self, name: str) -> bool:
        if name in self._held:
            return False
        self._folder.mkdir(exist_ok=True)
        connection = sqlite3.connect(self._path(name), timeout=0, isolation_level=None)
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            connection.close()
            return False
        self._held[name] = connection
        return True

    async def release(self, name: str) -> None:
        if connection := self._held.pop(name, None):
            connection.close()

    async def remove(self, name: str) -> None:
        await self.release(name)
        with suppress(OSError):
            self._path(name).unlink()

    async def keep(self) -> None:
        """Nothing can be lost."""

    async def close(self) -> None:
        for name in list(self._held):
            await self.release(name)

    def _path(self, name: str) -> Path:
        return self._folder / re.sub(r"[^a-z0-9-]", "-", name)
