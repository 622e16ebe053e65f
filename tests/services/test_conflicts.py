"""What the database refuses, in our words: `problem_of`."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError

from server.domain.lifecycles import OrderStatus
from server.domain.order import Order
from server.domain.package import Package
from server.errors import Problem
from server.services.conflicts import problem_of
from tests.builders import an_approval, an_operator, an_order, given
from tests.services.conftest import World


async def refusal(world: World, *rows: Any) -> Problem | None:
    with pytest.raises(DBAPIError) as error:
        await given(world.database, *rows)
    return problem_of(error.value)


async def test_a_second_standing_order(world: World) -> None:
    """[6.3]"""
    package = await world.published()
    problem = await refusal(
        world, an_order(package, world.paris), an_order(package, world.paris, OrderStatus.DRAFT)
    )
    assert problem is not None and problem.code == "ALREADY_ORDERED"


async def test_a_second_open_question_about_an_order(world: World) -> None:
    order = await world.ordered(await world.published())
    problem = await refusal(world, an_approval(order))
    assert problem is not None and problem.code == "ALREADY_ASKED"


async def test_a_login_or_a_code_that_is_taken(world: World) -> None:
    problem = await refusal(world, an_operator(login=world.owner.login))
    assert problem is not None and (problem.code, problem.path) == ("TAKEN", ("login",))
    order = await world.draft(await world.published())
    problem = await refusal(world, an_order(await world.published(), world.lyon, code=order.code))
    assert problem is not None and (problem.code, problem.path) == ("TAKEN", ("code",))


async def test_a_row_that_changed_under_our_hands(world: World) -> None:
    draft = await world.draft(await world.published())
    with pytest.raises(StaleDataError) as error:
        async with world.database.transaction() as session:
            order = await session.get_one(Order, draft.id)
            order.comment = "mine"
            await session.execute(
                update(Order.__table__).where(Order.__table__.c.id == draft.id).values(revision=9)  # type: ignore
            )
    problem = problem_of(error.value)
    assert problem is not None and problem.code == "STALE_REVISION"


async def test_anything_else_is_a_bug(world: World) -> None:
    with pytest.raises(DBAPIError) as error:
        async with world.database.transaction() as session:
            await session.execute(text("SELECT no_such_column FROM package"))
    assert (problem_of(error.value), problem_of(ValueError("no"))) == (None, None)


async def test_a_lock_that_somebody_else_keeps(world: World, other: World) -> None:
    """SQLite: another process writes for too long. PostgreSQL: two transactions wait for each other."""
    errors = await (locked if world.database.is_sqlite else deadlocked)(world, other)
    problems = [problem_of(error) for error in errors]
    assert [problem and problem.code for problem in problems] == ["CONFLICT"]


async def locked(world: World, other: World) -> list[BaseException]:
    async with other.database.transaction() as session:
        await session.execute(text("PRAGMA busy_timeout = 1"))
    async with world.database.transaction() as session:
        await session.execute(text("SELECT 1"))
        with pytest.raises(DBAPIError) as error:
            async with other.database.transaction() as later:
                await later.execute(text("SELECT 1"))
    return [error.value]


async def deadlocked(world: World, other: World) -> list[BaseException]:
    first, second = await world.published(), await world.published()
    both = asyncio.Barrier(2)

    async def change(door: World, one: Package, then: Package) -> None:
        async with door.database.transaction() as session:
            await session.execute(update(Package).where(Package.id == one.id).values(folder="a"))
            await both.wait()
            await session.execute(update(Package).where(Package.id == then.id).values(folder="b"))

    results = await asyncio.gather(
        change(world, first, second), change(other, second, first), return_exceptions=True
    )
    return [result for result in results if isinstance(result, BaseException)]
