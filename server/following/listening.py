"""Where changes come from: one LISTEN connection on PostgreSQL, the growing log of changes on SQLite."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress

import asyncpg  # type: ignore[import-untyped]
import structlog

from server.changes import CHANNEL
from server.database import Database
from server.direct import driver_options
from server.following.hub import Hub

CHECK_SECONDS = 10.0
"""How often a silent connection to PostgreSQL is asked whether it still stands."""
POLL_SECONDS = 0.05
SHORTEST_WAIT, LONGEST_WAIT = 0.1, 5.0
"""Seconds between two attempts to listen again."""
log = structlog.get_logger(__name__)


@asynccontextmanager
async def listening(hub: Hub, database: Database) -> AsyncIterator[None]:
    """The hub hears of changes as long as the block runs and somebody follows."""
    tasks = [asyncio.create_task(hub.sift()), asyncio.create_task(_listen(hub, database))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(hub: Hub, database: Database) -> None:
    """Listens again whenever it ended, however it did; who follows is then told to read again."""
    wait = SHORTEST_WAIT
    while True:
        await hub.followed()
        try:
            await (_read_log if database.is_sqlite else _hear)(hub, database)
        except Exception as error:
            wait = SHORTEST_WAIT if hub.listens else min(wait * 2, LONGEST_WAIT)
            log.warning("changes_lost", error=type(error).__name__, next_attempt_in_seconds=wait)
            await asyncio.sleep(wait)
        finally:
            hub.end()


async def _hear(hub: Hub, database: Database) -> None:
    """On PostgreSQL, until the connection is lost."""
    connection = await asyncpg.connect(**driver_options(database.url), timeout=CHECK_SECONDS)
    lost = asyncio.Event()
    try:
        connection.add_termination_listener(lambda _connection: lost.set())
        await connection.add_listener(CHANNEL, lambda *told: hub.hear(told[-1]))
        hub.begin()
        while not lost.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(lost.wait(), CHECK_SECONDS)
                raise ConnectionResetError
            await connection.execute("SELECT 1", timeout=CHECK_SECONDS)
    finally:
        connection.terminate()


async def _read_log(hub: Hub, database: Database) -> None:
    """On SQLite, until nobody follows. The number that tells whether another connection has committed costs
    microseconds."""
    with closing(sqlite3.connect(database.url.database or "", isolation_level=None)) as connection:
        [last] = connection.execute("SELECT coalesce(max(id), 0) FROM change").fetchone()
        version = None
        hub.begin()
        while hub.is_followed:
            now = connection.execute("PRAGMA data_version").fetchone()
            if now != version:
                version, last = now, _read_on(hub, connection, last)
            await asyncio.sleep(POLL_SECONDS)


def _read_on(hub: Hub, connection: sqlite3.Connection, last: int) -> int:
    """Hears what was written after `last`."""
    for id, message in connection.execute("SELECT id, message FROM change WHERE id > ? ORDER BY id", (last,)):
        if id > last + 1:
            hub.begin()  # older ones are gone: there was no time to read them
        hub.hear(message)
        last = id
    return last
