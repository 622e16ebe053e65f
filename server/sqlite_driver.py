"""SQLite for SQLAlchemy's asyncio: statements run in place, since a switch of threads costs more than most of them do.

What may take long goes to a thread: waiting for the write lock, a commit that must reach the disk, and all that a
connection does `off_loop`.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import AsyncAdaptedQueuePool, Pool
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.util import await_only

CACHED_STATEMENTS = 500
AGAIN_SECONDS = 0.05
"""A statement that had not begun yet did not notice that it was interrupted: it is interrupted again."""

T = TypeVar("T")
_threads = ThreadPoolExecutor(16, "sqlite")  # more than there are connections, so that nobody waits for a thread


class Connection(sqlite3.Connection):
    """A connection of one event loop."""

    off_loop = False

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or Cursor)

    def in_thread(self, statement: str) -> None:
        """For a statement that waits for a lock."""
        await_only(_in_thread(lambda: sqlite3.Cursor(self).execute(statement).fetchall()))

    def commit(self) -> None:
        self.check_transaction()
        await_only(_in_thread(super().commit))

    def check_transaction(self) -> None:
        """Raises when SQLite has taken back everything, not one statement: a full disk or an interrupt does that."""
        if not self.in_transaction:
            raise sqlite3.OperationalError("the transaction was rolled back before its commit")

    def close(self) -> None:
        """Rolls back first: a closed connection keeps its lock on the database while a cursor of it is somewhere."""
        if self.in_transaction:
            self.rollback()
        super().close()

    async def fetch(self, statement: str, *arguments: Any) -> list[Any]:
        """The rows of a statement whose text is ready, as asyncpg's connections give them."""
        def rows() -> list[Any]:
            return sqlite3.Cursor(self).execute(statement, arguments).fetchall()

        return await _in_thread(rows, interrupt=self.interrupt) if self.off_loop else rows()

    def call(self, act: Callable[..., T], *arguments: Any) -> T:
        """Acts here or in a thread; there, a cancelled caller interrupts what runs."""
        if not self.off_loop:
            return act(*arguments)
        return await_only(_in_thread(act, *arguments, interrupt=self.interrupt))


class Cursor(sqlite3.Cursor):
    connection: Connection

    def execute(self, statement: str, parameters: Any = ()) -> "Cursor":
        self.connection.call(super().execute, statement, parameters)
        return self

    def executemany(self, statement: str, parameters: Iterable[Any]) -> "Cursor":
        self.connection.call(super().executemany, statement, parameters)
        return self

    def fetchall(self) -> list[Any]:
        return self.connection.call(super().fetchall)

    async def _async_soft_close(self) -> None:
        """SQLAlchemy's asyncio asks for it; there is nothing to wait for."""


async def _in_thread(act: Callable[..., T], *arguments: Any, interrupt: Callable[[], None] = lambda: None) -> T:
    """What `act` returns. It is waited for in any case: its connection is used again."""
    work = asyncio.get_running_loop().run_in_executor(_threads, lambda: act(*arguments))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        while not work.done():
            interrupt()
            await asyncio.wait([work], timeout=AGAIN_SECONDS)
        raise


async def driver_of(connection: AsyncConnection) -> Connection:
    driver: Any = (await connection.get_raw_connection()).driver_connection
    return driver  # type: ignore[no-any-return]  # SQLAlchemy does not know its type


@asynccontextmanager
async def off_loop(connection: AsyncConnection, long: bool) -> AsyncIterator[None]:
    """While the block runs, statements of the connection run in a thread if `long`, and leave the event loop free."""
    driver = await driver_of(connection)
    driver.off_loop = long
    try:
        yield
    finally:
        driver.off_loop = False


class Dialect(SQLiteDialect_pysqlite):
    """sqlite+inline:// for the writer: a transaction takes the write lock at its start."""

    driver = "inline"
    is_async = True
    supports_statement_cache = True

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        return AsyncAdaptedQueuePool

    def do_begin(self, dbapi_connection: Any) -> None:
        dbapi_connection.in_thread("BEGIN IMMEDIATE")

    def do_savepoint(self, connection: Any, name: str) -> None:
        _mark(connection, f"SAVEPOINT {name}")

    def do_rollback_to_savepoint(self, connection: Any, name: str) -> None:
        _mark(connection, f"ROLLBACK TO SAVEPOINT {name}")

    def do_release_savepoint(self, connection: Any, name: str) -> None:
        _mark(connection, f"RELEASE SAVEPOINT {name}")

    def connect(self, *arguments: Any, **options: Any) -> Any:
        ours = {"factory": Connection, "check_same_thread": False, "cached_statements": CACHED_STATEMENTS}
        return super().connect(*arguments, **options | ours)


def _mark(connection: Any, statement: str) -> None:
    """SQLAlchemy would compile the statement anew each time, which takes longer than to run it."""
    driver: Connection = connection.connection.dbapi_connection
    driver.call(sqlite3.Cursor(driver).execute, statement)


registry.register("sqlite.inline", __name__, "Dialect")
