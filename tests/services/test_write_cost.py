"""What the mutations of the main job cost in statements, and that they may share a commit."""

import asyncio

from sqlalchemy import event

from server.domain.approval import Approval
from server.domain.lifecycles import OrderStatus
from server.domain.order import Order
from server.grouping import Writer
from tests.services.conftest import World
from tests.services.interleaving import DONE, at_once
from tests.services.order_stories import acts, deciding, ordering
from tests.statements import sent_statements


class TestStatements:
    """The numbers may fall. Whoever lets one grow makes the busiest moment of the year slower."""

    async def test_of_a_new_order(self, world: World) -> None:
        package = await world.published("by_form")
        with sent_statements() as seen:
            await world.draft(package)
        assert len(seen) == 11, seen

    async def test_of_a_submitted_order(self, world: World) -> None:
        draft = await world.draft(await world.published("by_form"))
        with sent_statements() as seen:
            await world.do(world.paris_manager, acts(draft)["submit"])
        assert len(seen) == 15, seen  # as many for a hundred orders: test_submitting.py

    async def test_of_a_decision(self, world: World) -> None:
        order = await world.ordered(await world.published("by_form"))
        asked = await world.read(Approval, order_id=order.id)
        with sent_statements() as seen:
            await world.do(world.order_reviewer, deciding(asked, order))
        assert len(seen) == 19, seen  # as many for a hundred decisions: test_deciding.py


class TestSharingACommit:
    async def test_of_two_orders_of_one_entity_and_package_one_wins(self, world: World) -> None:  # [6.3]
        package = await world.published()
        order = ordering(package, world.paris)
        outcome = await at_once(*[(world, world.paris_manager, order)] * 3)
        assert outcome == ["ALREADY_ORDERED", "ALREADY_ORDERED", DONE]
        assert len(await world.all(Order)) == 1

    async def test_one_that_is_refused_leaves_the_others(self, world: World) -> None:
        package = await world.published()
        paris, lyon = [await world.do(world.owner, ordering(package, where)) for where in (world.paris, world.lyon)]
        acted = [acts(paris)["submit"], acts(paris)["submit"], acts(lyon)["submit"]]
        outcome = await at_once(*[(world, world.owner, act) for act in acted])
        assert outcome == ["ILLEGAL_TRANSITION", DONE, DONE]
        assert [order.status for order in await world.all(Order)] == [OrderStatus.ORDERED] * 2

    async def test_orders_that_come_at_once_are_committed_together_on_sqlite(self, world: World) -> None:
        if world.database.is_sqlite:
            world.database._group = Writer(world.database.engine, longest=60)
        package = await world.published()
        drafts = [await world.do(world.owner, ordering(package, where)) for where in (world.paris, world.lyon)]
        commits: list[object] = []
        event.listen(world.database.engine.sync_engine, "commit", lambda connection: commits.append(connection))
        await asyncio.gather(*(world.do(world.owner, acts(draft)["submit"]) for draft in drafts))
        assert len(commits) == (1 if world.database.is_sqlite else 2)
