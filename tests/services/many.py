"""Work on many rows as the tests have it done: chunk by chunk, or to its end."""

from typing import Any

from sqlalchemy import func, select

from server.domain.later import FanOut
from server.domain.order import Order
from server.jobs.enqueue import JobKind
from server.jobs.tables import jobs_table
from server.services.fanning import FanOuts
from tests.builders import NOW
from tests.services.conftest import World


def fan_outs(world: World, rows: int = 3) -> FanOuts:
    return FanOuts(world.database, world.types, world.settings, rows)


async def run(world: World, rows: int = 3, **which: Any) -> FanOut:
    """Does what is left of the one fan-out, and gives it."""
    begun = await world.read(FanOut, **which)
    await fan_outs(world, rows).run(begun.id, NOW)
    return await world.read(FanOut, id=begun.id)


async def ordered(world: World) -> list[Any]:
    return sorted(order.entity_id for order in await world.all(Order))


async def jobs(world: World, kind: JobKind) -> int:
    table = jobs_table(world.database.url.get_backend_name())
    async with world.database.reading() as session:
        return await session.scalar(select(func.count()).where(table.c.queue_name == kind.value)) or 0
