"""Acts of two people at the same moment, on connections of their own.

`held` makes one order of events certain: the second act begins when the first has done everything but commit. `at_once`
lets the database decide.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError

from server.domain.network import Operator
from server.errors import Problem, Refused
from server.services.conflicts import problem_of
from server.services.work import Work
from tests.services.conftest import World

DONE = "done"
Act = Callable[[Work], Awaitable[Any]]
Turn = tuple[World, Operator, Act]


async def attempt(world: World, who: Operator, act: Act) -> Problem | None:
    """The problem that the edge would answer; None when the act was done."""
    try:
        await world.do(who, act)
    except Refused as refused:
        return refused.problems[0]
    except (DBAPIError, StaleDataError) as error:
        if problem := problem_of(error):
            return problem
        raise
    return None


async def at_once(*turns: Turn) -> list[str]:
    """What becomes of acts that start together, as sorted codes."""
    problems = await asyncio.gather(*(attempt(*turn) for turn in turns))
    return sorted(DONE if problem is None else problem.code for problem in problems)


async def held(first: Turn, second: Turn) -> Problem | None:
    """What becomes of `second` when it runs into `first` before that has committed."""
    acted, go = asyncio.Event(), asyncio.Event()
    world, who, act = first

    async def hold(work: Work) -> None:
        await act(work)
        await work.session.flush()
        acted.set()
        await go.wait()

    holding = asyncio.create_task(world.do(who, hold))
    await asyncio.wait({holding, asyncio.create_task(acted.wait())}, return_when=asyncio.FIRST_COMPLETED)
    running = asyncio.create_task(attempt(*second))
    await waits_or_ends(world, running)
    go.set()
    await holding
    return await asyncio.wait_for(running, timeout=30)


async def waits_or_ends(world: World, running: asyncio.Task[Any]) -> None:
    """Until the act stands before a lock. SQLite lets it begin only after the other's commit anyway."""
    if world.database.is_sqlite:
        return
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(1000):
        async with world.database.reading() as session:
            if running.done() or await session.scalar(waiting):
                return
        await asyncio.sleep(0.01)
    raise AssertionError("the second act neither waits nor ends")
