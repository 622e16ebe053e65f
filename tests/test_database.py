"""Transactions: what shares a commit, what does not, and what becomes of the others when one fails."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from server.database import Database
from server.domain.order import Counter
from server.grouping import Writer


class Refusal(Exception):
    """A member takes back what it did."""


@pytest.fixture
async def sqlite(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Database]:
    copy(sqlite_template, tmp_path / "samverkan.db")
    database = Database(f"sqlite:///{tmp_path / 'samverkan.db'}")
    database._group = Writer(database.engine, longest=60)
    yield database
    await database.dispose()


@contextmanager
def commits(database: Database) -> Iterator[list[Any]]:
    """The commits that the database does meanwhile."""
    seen: list[Any] = []
    event.listen(database.engine.sync_engine, "commit", lambda connection: seen.append(connection))
    yield seen


async def count(database: Database, prefix: str, *, fails: bool = False, alone: bool = False) -> None:
    async with database.transaction(alone=alone) as session:
        session.add(Counter(prefix=prefix, next=1))
        await session.flush()
        if fails:
            raise Refusal


async def counted(database: Database) -> set[str]:
    async with database.reading() as session:
        return set(await session.scalars(select(Counter.prefix)))


async def test_every_transaction_is_there_when_its_block_has_ended(database: Database, address: str) -> None:
    other = Database(address)

    async def one(prefix: str) -> bool:
        await count(database, prefix)
        return prefix in await counted(other)

    assert all(await asyncio.gather(*(one(f"A{n}") for n in range(30))))
    await other.dispose()


async def test_one_that_raises_takes_back_its_own_part_only(database: Database) -> None:
    done = await asyncio.gather(
        *(count(database, f"A{n}", fails=n % 3 == 0) for n in range(12)), return_exceptions=True
    )
    assert [isinstance(outcome, Refusal) for outcome in done] == [n % 3 == 0 for n in range(12)]
    assert await counted(database) == {f"A{n}" for n in range(12) if n % 3}


async def test_what_the_database_refuses_hurts_nobody_else(database: Database) -> None:
    done = await asyncio.gather(*(count(database, f"A{n // 2}") for n in range(10)), return_exceptions=True)
    assert sum(isinstance(outcome, IntegrityError) for outcome in done) == 5
    assert await counted(database) == {f"A{n}" for n in range(5)}


async def test_a_cancelled_one_takes_back_its_own_part_only(database: Database) -> None:
    began = asyncio.Event()

    async def stuck() -> None:
        async with database.transaction() as session:
            session.add(Counter(prefix="stuck", next=1))
            await session.flush()
            began.set()
            await asyncio.Event().wait()

    first = asyncio.create_task(count(database, "first"))
    cancelled = asyncio.create_task(stuck())
    others = [asyncio.create_task(count(database, f"A{n}")) for n in range(3)]
    await began.wait()
    cancelled.cancel()
    await asyncio.gather(first, *others)
    assert cancelled.cancelled() or await asyncio.wait([cancelled])
    assert await counted(database) == {"first", "A0", "A1", "A2"}


async def test_one_that_is_cancelled_while_it_waits_leaves_no_gap(database: Database) -> None:
    tasks = [asyncio.create_task(count(database, f"A{n}")) for n in range(6)]
    await asyncio.sleep(0)
    for task in tasks[1::2]:
        task.cancel()
    await asyncio.wait(tasks)
    await count(database, "after")
    assert {"A0", "A2", "A4", "after"} <= await counted(database)


async def test_those_who_wait_for_each_other_share_a_commit(sqlite: Database) -> None:
    with commits(sqlite) as seen:
        await asyncio.gather(*(count(sqlite, f"A{n}") for n in range(10)))
    assert len(seen) == 1


async def test_a_lone_one_commits_at_once(sqlite: Database) -> None:
    with commits(sqlite) as seen:
        await count(sqlite, "A")
        await count(sqlite, "B")
    assert len(seen) == 2


async def test_what_takes_long_shares_its_commit_with_nobody(sqlite: Database) -> None:
    with commits(sqlite) as seen:
        await asyncio.gather(*(count(sqlite, f"A{n}", alone=n == 1) for n in range(4)))
    assert len(seen) == 3


async def test_a_commit_that_fails_fails_every_member(sqlite: Database) -> None:
    def fail(_connection: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    event.listen(sqlite.engine.sync_engine, "commit", fail)
    done = await asyncio.gather(*(count(sqlite, f"A{n}", fails=n == 1) for n in range(4)), return_exceptions=True)
    event.remove(sqlite.engine.sync_engine, "commit", fail)
    assert [type(outcome) for outcome in done] == [
        sqlite3.OperationalError, Refusal, sqlite3.OperationalError, sqlite3.OperationalError
    ]
    await count(sqlite, "after")
    assert await counted(sqlite) == {"after"}


async def test_a_transaction_that_sqlite_took_back_is_not_reported_as_done(sqlite: Database) -> None:
    async def lose() -> None:
        async with sqlite.transaction() as session:
            await count_in(session, "lost")
            driver: Any = (await (await session.connection()).get_raw_connection()).driver_connection
            sqlite3.Cursor(driver).execute("ROLLBACK")  # as a full disk does

    outcomes = await asyncio.gather(count(sqlite, "first"), lose(), count(sqlite, "next"), return_exceptions=True)
    assert isinstance(outcomes[0], sqlite3.OperationalError)
    assert isinstance(outcomes[1], sqlite3.OperationalError)
    assert outcomes[2] is None
    assert await counted(sqlite) == {"next"}


async def test_a_long_statement_leaves_the_event_loop_free_and_stops_when_it_is_cancelled(sqlite: Database) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

    async def long() -> None:
        async with sqlite.transaction(alone=True) as session:
            await (await session.connection()).exec_driver_sql(endless)

    running = asyncio.create_task(long())
    await asyncio.sleep(0.05)
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    await count(sqlite, "after")
    assert await counted(sqlite) == {"after"}


async def test_another_process_that_writes_is_waited_for_without_holding_up_the_loop(sqlite: Database) -> None:
    await count(sqlite, "first")
    with closing(sqlite3.connect(sqlite.url.database or "", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(count(sqlite, "second"))
        await asyncio.sleep(0.05)
        assert await counted(sqlite) == {"first"}
        other.execute("COMMIT")
        await waiting
    assert await counted(sqlite) == {"first", "second"}


async def test_a_connection_that_the_server_closed_is_replaced(database: Database, address: str) -> None:
    if database.is_sqlite:
        pytest.skip("there is no server")
    async with database.transaction() as session:
        backend = await session.scalar(select(func.pg_backend_pid()))
    other = Database(address)
    async with other.transaction() as session:
        assert await session.scalar(select(func.pg_terminate_backend(backend, 10_000)))
    await other.dispose()
    await asyncio.sleep(0.05)  # the socket's end has to arrive
    await count(database, "after")
    assert await counted(database) == {"after"}


async def count_in(session: AsyncSession, prefix: str) -> None:
    session.add(Counter(prefix=prefix, next=1))
    await session.flush()


async def test_a_group_ends_when_it_has_lasted_long_enough(sqlite: Database) -> None:
    sqlite._group = Writer(sqlite.engine, longest=0)
    with commits(sqlite) as seen:
        await asyncio.gather(*(count(sqlite, f"A{n}") for n in range(3)))
    assert len(seen) == 3
