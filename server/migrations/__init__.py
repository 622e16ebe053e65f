"""The schema's history: brings a database to the newest revision and says where it differs from the model."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from server.database import async_url
from server.domain.tables import metadata
from server.jobs.tables import is_ours, make_tables

T = TypeVar("T")
FOLDER = Path(__file__).parent
ADVISORY_LOCK = 7_268_263
"""Two processes that migrate one PostgreSQL database take turns."""


def upgrade(database_address: str) -> None:
    """Brings the database to the newest revision, all in one transaction, and then the tables of the jobs to the
    installed dbos. Synchronous, callable from anywhere."""
    _run(database_address, lambda connection: command.upgrade(configuration(connection), "head"))
    make_tables(database_address)


def current(database_address: str) -> str | None:
    """The revision that the database is at; None when it is empty."""
    return _run(database_address, lambda connection: MigrationContext.configure(connection).get_current_revision())


def newest() -> str | None:
    """The revision that `upgrade` leads to."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def check(database_address: str) -> list[Any]:
    """What `alembic check` would report: the differences between the database and `server.domain.tables`."""
    return _run(database_address, _differences)


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration without a file; `connection` is what env.py works on."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    return config


def _differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={
        "compare_type": True, "compare_server_default": True, "include_name": is_ours,
    })
    return list(compare_metadata(context, metadata))


def _run(address: str, work: Callable[[Connection], T]) -> T:
    """Does `work` in a thread with an event loop of its own: the caller may or may not have one running."""
    url = async_url(address)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, _in_transaction(url, work)).result()


async def _in_transaction(url: URL, work: Callable[[Connection], T]) -> T:
    engine = create_async_engine(url, poolclass=NullPool)
    if url.get_backend_name() == "sqlite":
        _prepare_sqlite(engine, url)
    try:
        async with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def _prepare_sqlite(engine: AsyncEngine, url: URL) -> None:
    """Transactions that hold DDL too. Foreign keys stay off here, so that a table can be rebuilt and renamed."""
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA busy_timeout=30000")

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
