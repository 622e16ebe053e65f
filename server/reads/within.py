"""Statements whose SQL is ready on the connection of an open transaction: they see what it has flushed."""

import asyncio
import sqlite3
from collections.abc import Sequence
from typing import Any

from asyncpg import IntegrityConstraintViolationError, InterfaceError, PostgresError  # type: ignore[import-untyped]
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from server.direct import Steps
from server.observability.records import begin_statement
from server.sqlite_driver import Connection as InPlace


async def run_within(session: AsyncSession, steps: Steps) -> Any:
    """What a read returns, as `server.direct` has it, in the session's transaction."""
    connection: Any = (await session.connection()).sync_connection
    driver, system = connection.connection.driver_connection, connection.dialect.name
    try:
        text, arguments = next(steps)
        while True:
            with begin_statement(text, system) as running:
                rows = await driver.fetch(text, *arguments)
                running.end(len(rows))
            text, arguments = steps.send(rows)
    except StopIteration as finished:
        return finished.value


async def fetch(session: AsyncSession, text: str, arguments: Sequence[Any]) -> Sequence[Any]:
    """The rows of one statement as the driver gives them, in the session's transaction: SQLAlchemy takes about ten
    times as long to run one whose SQL is ready. Its errors are SQLAlchemy's. That itself runs the first one, which
    begins the transaction on PostgreSQL, and those of connections that only read on SQLite."""
    connection: Any = (await session.connection()).sync_connection
    driver, system = connection.connection.driver_connection, connection.dialect.name
    begun = driver.is_in_transaction() if system == "postgresql" else isinstance(driver, InPlace)
    if not begun:
        return await session.run_sync(lambda _: _by_sqlalchemy(connection, text, tuple(arguments)))
    with begin_statement(text, system) as running:
        try:
            rows: Sequence[Any] = await driver.fetch(text, *arguments)
        except (IntegrityConstraintViolationError, sqlite3.IntegrityError) as error:
            raise IntegrityError(text, None, error, hide_parameters=True) from error
        except (PostgresError, InterfaceError, sqlite3.Error) as error:
            raise DBAPIError(text, None, error, hide_parameters=True) from error
        running.end(len(rows))
    if system == "sqlite":
        await asyncio.sleep(0)  # the statement ran in the event loop: others go on before the next one does
    return rows


def _by_sqlalchemy(connection: Any, text: str, arguments: tuple[Any, ...]) -> Sequence[Any]:
    result = connection.exec_driver_sql(text, arguments)
    return result.fetchall() if result.returns_rows else ()
