"""An operation that takes too long is stopped with its SQL, and a server takes on only so many at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import strawberry
from sqlalchemy import text

from server.database import Database
from server.graphql.answers import Answer
from server.graphql.context import Context
from server.graphql.limits.bounds import Bounds, TooBusyError, TooSlowError
from server.graphql.operations import Operations
from server.graphql.transport.request import of_object
from server.settings import Settings

ENDLESS = {
    True: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    False: "SELECT pg_sleep(600)",
}


@strawberry.type
class Query:
    @strawberry.field
    async def read(self, info: strawberry.Info[Context, None]) -> int:
        async with info.context.database.reading() as session:
            return await endless(info.context.database, session)

    @strawberry.field
    async def quick(self) -> int:
        return 1


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def write(self, info: strawberry.Info[Context, None]) -> int:
        async with info.context.database.transaction(alone=True) as session:  # as what may take long is done
            await session.execute(text("DELETE FROM failed_login"))
            return await endless(info.context.database, session)


async def endless(database: Database, session: Any) -> int:
    return int(await session.scalar(text(ENDLESS[database.is_sqlite])))


async def answered(database: Database, query: str) -> Answer:
    operations = Operations(strawberry.Schema(Query, Mutation), bounds=Bounds(0.2))
    context = Context(database, cast(Any, None), Settings(fast_path=False), *(cast(Any, None),) * 3)
    return await operations.answer(await operations.prepared(of_object({"query": query}), context), context)


@pytest.mark.parametrize("query", ["{ read }", "{ quick a: read b: read }", "mutation { write }"])
async def test_an_operation_that_takes_too_long_is_stopped(database: Database, query: str) -> None:
    answer = await answered(database, query)
    assert (answer.status, answer.executed) == (504, False)
    assert b'"code":"TIMEOUT"' in answer.body and b'"seconds":0.2' in answer.body


@pytest.mark.parametrize("query", ["{ read }", "mutation { write }"])
async def test_afterwards_the_database_works_as_before(database: Database, query: str) -> None:
    for _ in range(3):  # more often than SQLite has connections that write
        await answered(database, query)
    for use in (database.reading, database.transaction):
        async with use() as session:
            assert await session.scalar(text("SELECT 1")) == 1


async def test_the_database_does_not_go_on_with_what_was_stopped(database: Database) -> None:
    await answered(database, "{ read }")
    if database.is_sqlite:
        return  # the connection answered the next statement, so it is idle: see above
    async with database.reading() as session:
        running = text("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(600)'")
        assert await session.scalar(running) == 0


async def test_the_limit_is_the_operations_own() -> None:
    bounds = Bounds(0.05)
    with pytest.raises(TooSlowError):
        await bounds.run(asyncio.Event().wait)
    assert await bounds.run(lambda: asyncio.sleep(0, "done")) == "done"


async def test_each_operation_has_its_own_time() -> None:
    bounds, started = Bounds(0.2), asyncio.get_running_loop().time()

    async def stopped_after() -> float:
        with pytest.raises(TooSlowError):
            await bounds.run(asyncio.Event().wait)
        return asyncio.get_running_loop().time() - started

    first = asyncio.create_task(stopped_after())
    await asyncio.sleep(0.1)
    second = asyncio.create_task(stopped_after())
    assert await first >= 0.2
    assert await second >= 0.3


async def test_who_is_cancelled_from_outside_is_not_told_of_time() -> None:
    task = asyncio.create_task(Bounds(60).run(asyncio.Event().wait))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@asynccontextmanager
async def full(bounds: Bounds, number: int) -> AsyncIterator[asyncio.Event]:
    """So many operations that go on until the event is set."""
    go_on = asyncio.Event()
    tasks = [asyncio.create_task(bounds.run(go_on.wait)) for _ in range(number)]
    await asyncio.sleep(0)
    yield go_on
    go_on.set()
    await asyncio.gather(*tasks)


async def test_more_than_run_at_once_wait() -> None:
    bounds = Bounds(at_once=2)
    async with full(bounds, 3) as go_on:
        late = asyncio.create_task(bounds.run(lambda: asyncio.sleep(0, "late")))
        go_on.set()
        assert await late == "late"


async def test_more_than_may_wait_are_refused() -> None:
    bounds = Bounds(at_once=2)
    async with full(bounds, 4):
        with pytest.raises(TooBusyError) as refused:
            await bounds.run(asyncio.Event().wait)
    assert (refused.value.status, refused.value.headers) == (503, (("retry-after", "1"),))
    assert await bounds.run(lambda: asyncio.sleep(0, "again")) == "again"
