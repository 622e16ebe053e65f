"""Databases of the test server on PostgreSQL: emptied and used again, since making one takes as long as a test."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from itertools import count
from typing import Any

import asyncpg

NUMBERS = count(1)
Content = list[tuple[str, str | None]]
GROWN = 8_000_000
"""Bytes beyond an empty database, from which on what was deleted would slow down those who come after."""
TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1
"""
ALONE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"
SIZE = "SELECT pg_database_size(current_database())"


def postgres_address(server: Any, name: str) -> str:
    """The address of one database of the test server."""
    return str(server.get_uri()).replace("/postgres?", f"/{name}?")


class PostgresDatabases:
    """Copies of the template: one test at a time has each."""

    def __init__(self, server: Any, template: str) -> None:
        self._server, self._template = server, template
        self._loop = asyncio.new_event_loop()
        self._main = self._run(asyncpg.connect(postgres_address(server, "postgres")))
        self._free: list[str] = []
        self._content, self._empty, self._size = self._run(self._learn())

    def take(self) -> str:
        """The name of a migrated, empty database."""
        if self._free:
            return self._free.pop()
        name = f"test_{next(NUMBERS)}"
        self._run(self._main.execute(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY FILE_COPY"))
        return name

    def give_back(self, name: str) -> None:
        """Ends what is still connected to it, and empties it; one that grew, or is not as it was before, goes."""
        if self._run(self._emptied(name)):
            self._free.append(name)
        else:
            self._run(self._main.execute(f"DROP DATABASE {name} WITH (FORCE)"))

    def close(self) -> None:
        self._run(self._main.close())
        self._loop.close()

    async def _learn(self) -> tuple[Content, str, int]:
        """What an empty one holds, how one is emptied, and how large it is then."""
        connection = await asyncpg.connect(postgres_address(self._server, self._template))
        content = await _content(connection)
        size = await connection.fetchval(SIZE)
        await connection.close()
        deletes = "; ".join(f"DELETE FROM {table}" for table, rows in content if rows is None)
        return content, f"SET session_replication_role = replica; {deletes}", size  # no triggers, no foreign keys

    async def _emptied(self, name: str) -> bool:
        await self._main.fetch(ALONE, name)
        connection = await asyncpg.connect(postgres_address(self._server, name))
        try:
            with suppress(asyncpg.UndefinedTableError):
                await connection.execute(self._empty)
            as_it_was = await _content(connection) == self._content
            return as_it_was and bool(await connection.fetchval(SIZE) < self._size + GROWN)
        finally:
            await connection.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(work)


async def _content(connection: Any) -> Content:
    """Every table with a hash of its rows, None without any."""
    tables = [row[0] for row in await connection.fetch(TABLES)]
    hashes = ", ".join(f"(SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} t)" for table in tables)
    return list(zip(tables, await connection.fetchrow(f"SELECT {hashes}"), strict=True))
