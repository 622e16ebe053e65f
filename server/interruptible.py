"""SQLite connections whose statements stop when the task that waits for them is cancelled."""

import asyncio
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from aiosqlite import Connection

AGAIN_SECONDS = 0.05
"""A statement that had not begun yet did not notice: it is interrupted again."""


class InterruptibleConnection(Connection):
    """aiosqlite's connection runs what it was given to its end, a cancelled statement too, and holds the pool's place
    and a core as long; this one interrupts it, and is idle when the cancelled task goes on."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self._running or self._connection is None:
            raise ValueError("Connection closed")
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((done, partial(fn, *args, **kwargs)))
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            while not done.done():
                self._connection.interrupt()
                await asyncio.wait([done], timeout=AGAIN_SECONDS)
            done.exception()  # what became of it nobody asks any more
            raise

    async def close(self) -> None:
        """Rolls back first: a closed connection keeps its lock on the database while a cursor of it is somewhere."""
        if self._connection is not None and self._connection.in_transaction:
            await self.rollback()
        await super().close()


def connect(path: str | Path) -> InterruptibleConnection:
    """A connection that is opened when it is awaited; its thread does not keep the process alive."""
    connection = InterruptibleConnection(lambda: sqlite3.connect(path), 64)
    connection._thread.daemon = True
    return connection
