"""Publication to many entities: their orders are made in chunks after the commit, each once, whatever happens [6.5]."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update as sql_update

from server.domain.approval import Approval
from server.domain.later import FanOut
from server.domain.lifecycles import OrderStatus, PackageStatus
from server.domain.network import Entity
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import EventKind, History
from server.jobs.enqueue import JobKind
from server.observability.records import Record, Statement, current
from server.services.approvals import Approvals, Decision
from server.services.audience import Audience
from server.services.orders import Orders
from tests.builders import DAY, NOW, an_entity, given
from tests.services.acts import cancel, reinitialize
from tests.services.conftest import STORES, World
from tests.services.many import fan_outs, jobs, ordered, run
from tests.services.order_stories import ordering
from tests.statements import sent_statements

MINUTE = timedelta(minutes=1)


class Killed(Exception):
    """The process ends here."""


class Killing(list[Statement]):
    """The statements of an operation, which ends with the first one that begins in one of these ways."""

    def __init__(self, fatal: tuple[str, ...]) -> None:
        self._fatal = fatal

    def append(self, statement: Statement) -> None:
        if statement.text.startswith(self._fatal):
            raise Killed


async def published(world: World, stores: Sequence[Entity], type: str = "simple", **fields: Any) -> Package:
    ids = [store.id for store in stores]
    return await world.published(type, approval_mode="AUTOMATIC", entity_ids=ids, **fields)


class TestPublication:
    async def test_leaves_the_orders_of_many_entities_for_later(self, small: World, stores: list[Entity]) -> None:
        package = await published(small, stores)
        begun = await small.read(FanOut)
        assert (begun.package_id, begun.actor_id) == (package.id, small.colleague.id)
        assert (begun.total, begun.done, begun.finished_at) == (STORES, 0, None)
        assert not await small.all(Order) and await jobs(small, JobKind.FAN_OUT) == 1
        assert (await small.events()).count(EventKind.PACKAGE_SUBSCRIBED) == 1

    async def test_makes_those_of_a_few_at_once(self, small: World, stores: list[Entity]) -> None:
        await published(small, stores[:3])
        assert len(await small.all(Order)) == 3 and not await small.all(FanOut)

    async def test_that_is_only_tried_counts_the_orders_and_begins_nothing(
        self, small: World, stores: list[Entity]
    ) -> None:  # [10.3]
        package = await small.submitted(approval_mode="AUTOMATIC", entity_ids=[store.id for store in stores])
        asked = await small.read(Approval)
        impact = await small.rehearsed(
            small.colleague, lambda work: Approvals(work).decide(asked.id, package.revision, Decision.APPROVE)
        )
        assert (impact.counts["ORDER"], impact.counts["ENTITY"]) == (STORES, STORES)
        assert not await small.all(FanOut) and await jobs(small, JobKind.FAN_OUT) == 0

    async def test_of_many_makes_the_same_orders_as_that_of_a_few(
        self, small: World, world: World, stores: list[Entity]
    ) -> None:
        few, many = await published(world, stores), await published(small, stores)
        await run(small)
        left = {"id", "code", "package_id", "entity_id"}
        columns = [name for name in Order.__table__.c.keys() if name not in left]  # noqa: SIM118 (not a mapping)
        one, *others = [
            {str([getattr(order, name) for name in columns]) for order in await small.all(Order, package_id=package.id)}
            for package in (few, many)
        ]
        assert len(one) == 1 and others == [one]


class TestTheWork:
    async def test_makes_an_order_for_every_entity(self, small: World, stores: list[Entity]) -> None:
        await published(small, stores)
        done = await run(small)
        assert await ordered(small) == sorted(store.id for store in stores)
        assert {order.status for order in await small.all(Order)} == {OrderStatus.APPROVED}
        assert (done.done, done.finished_at) == (STORES, NOW)

    async def test_is_written_into_the_history_as_done_by_whoever_published(
        self, small: World, stores: list[Entity]
    ) -> None:  # [12.1]
        await published(small, stores)
        await run(small)
        entries = await small.all(History, action="SUBSCRIBE")
        assert {entry.entity_id for entry in entries} == {store.id for store in stores}
        assert {entry.actor_id for entry in entries} == {small.colleague.id}

    async def test_tells_how_far_it_has_come(self, small: World, stores: list[Entity]) -> None:
        await published(small, stores)
        begun = await small.read(FanOut)
        assert await fan_outs(small).chunk(begun.id, NOW) is True
        begun = await small.read(FanOut)
        assert (begun.done, begun.total, begun.finished_at, len(await small.all(Order))) == (3, STORES, None, 3)

    async def test_goes_on_where_it_stopped_between_two_chunks(self, small: World, stores: list[Entity]) -> None:
        await published(small, stores)
        begun = await small.read(FanOut)
        await fan_outs(small).chunk(begun.id, NOW)
        assert (await run(small)).done == STORES
        assert await ordered(small) == sorted(store.id for store in stores)

    @pytest.mark.parametrize("table", ['"order"', "history", "fan_out"])
    async def test_takes_back_a_chunk_that_was_interrupted(
        self, small: World, stores: list[Entity], table: str
    ) -> None:
        await published(small, stores)
        begun = await small.read(FanOut)
        await fan_outs(small).chunk(begun.id, NOW)

        token = current.set(record := Record("test", "", "", lambda: None))
        record.running = Killing((f"INSERT INTO {table}", f"UPDATE {table}"))
        with pytest.raises(Killed):
            await fan_outs(small).chunk(begun.id, NOW)
        current.reset(token)
        assert len(await small.all(Order)) == 3 and (await small.read(FanOut)).done == 3
        await run(small)
        assert await ordered(small) == sorted(store.id for store in stores)

    async def test_makes_every_order_once_when_two_do_it(
        self, small: World, other: World, stores: list[Entity]
    ) -> None:
        await published(small, stores)
        begun = await small.read(FanOut)
        doing = [fan_outs(replace(other, settings=small.settings), 2), fan_outs(small, 2)]
        await asyncio.gather(*(each.run(begun.id, NOW) for each in doing))
        assert await ordered(small) == sorted(store.id for store in stores)
        assert (await small.read(FanOut)).done == STORES

    async def test_done_again_changes_nothing(self, small: World, stores: list[Entity]) -> None:
        await published(small, stores)
        done = await run(small)
        await fan_outs(small).run(done.id, NOW + DAY)
        assert (await small.read(FanOut)).finished_at == NOW and len(await small.all(Order)) == STORES

    async def test_reaches_every_local_entity_when_it_is_offered_to_all(
        self, small: World, stores: list[Entity]
    ) -> None:
        package = await published(small, stores)
        async with small.database.transaction() as session:
            await session.execute(sql_update(Package).where(Package.id == package.id).values(offered_to_all=True))
        await run(small)
        everyone = await small.all(Entity, kind="LOCAL", active=True)
        assert await ordered(small) == sorted(entity.id for entity in everyone) and len(everyone) > STORES

    async def test_has_the_due_moves_looked_for(self, small: World, stores: list[Entity]) -> None:
        campaign = {"default_values": {"headline": "Spring in town"}}
        await published(small, stores, "by_campaign", campaign_available_at=NOW - DAY, campaign=campaign)
        before = await jobs(small, JobKind.ADVANCE)
        await run(small)
        assert await jobs(small, JobKind.ADVANCE) > before
        assert (await small.advance(NOW))["make_available"] == STORES

    async def test_takes_as_many_statements_for_60_entities_as_for_20(self, small: World) -> None:
        assert await chunk_statements(small, 60) == await chunk_statements(small, 20)


class TestMeanwhile:
    async def test_an_entity_that_ordered_by_itself_is_left_out(
        self, small: World, stores: list[Entity]
    ) -> None:  # [6.3]
        package = await published(small, stores)
        own = await small.do(small.owner, ordering(package, stores[4]))
        await run(small)
        assert await ordered(small) == sorted(store.id for store in stores)
        assert own.id in {order.id for order in await small.all(Order, entity_id=stores[4].id)}

    async def test_an_entity_that_said_no_is_not_subscribed_again(self, small: World, stores: list[Entity]) -> None:
        package = await published(small, stores)
        own = await small.do(small.owner, ordering(package, stores[4]))
        own = await small.do(small.owner, lambda work: Orders(work).submit(own.id, own.revision))
        await small.do(small.owner, lambda work: Orders(work).cancel(own.id, own.revision))
        await run(small)
        [order] = await small.all(Order, entity_id=stores[4].id)
        assert order.status is OrderStatus.CANCELED

    async def test_a_cancelled_package_gets_no_more_orders(self, small: World, stores: list[Entity]) -> None:  # [10.1]
        package = await published(small, stores)
        begun = await small.read(FanOut)
        await fan_outs(small).chunk(begun.id, NOW)
        await small.do(small.owner, cancel(package))
        assert (await run(small)).finished_at == NOW
        assert [order.status for order in await small.all(Order)] == [OrderStatus.CANCELED] * 3

    async def test_nor_does_the_next_cycle(self, small: World, stores: list[Entity]) -> None:  # [10.2]
        package = await published(small, stores)
        await small.do(small.owner, reinitialize(package))
        await run(small)
        assert not await small.all(Order)

    async def test_a_package_that_ended_during_an_outage_has_been_published_all_the_same(
        self, small: World, stores: list[Entity]
    ) -> None:
        await published(small, stores, end=NOW + DAY, registration_deadline=NOW + DAY)
        assert (await small.advance(NOW + 3 * DAY))["end"] == 1
        assert (await small.read(Package)).status is PackageStatus.ENDED
        await run(small)
        assert len(await small.all(Order)) == STORES

    async def test_an_entity_that_left_the_audience_is_left_out(self, small: World, stores: list[Entity]) -> None:
        package = await published(small, stores)
        await small.do(small.owner, lambda work: Audience(work).remove(package.id, package.revision, [stores[2].id]))
        await run(small)
        assert stores[2].id not in await ordered(small) and len(await small.all(Order)) == STORES - 1


class TestAddedEntities:
    async def test_are_subscribed_later_when_they_are_many(self, small: World, stores: list[Entity]) -> None:  # [4.7]
        package = await published(small, stores[:2])
        first, _second = await small.all(Order)
        await small.do(small.owner, lambda work: Orders(work).cancel(first.id, first.revision))
        ids = [store.id for store in stores[2:]]
        await small.do(small.owner, lambda work: Audience(work).add(package.id, package.revision, ids), at=NOW + MINUTE)
        assert len(await small.all(Order)) == 2 and (await small.read(FanOut)).total == len(ids)
        await run(small)
        assert await ordered(small) == sorted(store.id for store in stores)  # who had said no, is not asked again

    async def test_that_were_removed_before_are_subscribed_again(self, small: World, stores: list[Entity]) -> None:
        package = await published(small, stores[:1])
        [gone] = await small.all(Order)
        await small.do(small.owner, lambda work: Orders(work).cancel(gone.id, gone.revision))
        await small.do(small.owner, lambda work: Audience(work).remove(package.id, package.revision, [stores[0].id]))
        package, ids = await small.read(Package), [store.id for store in stores]
        await small.do(small.owner, lambda work: Audience(work).add(package.id, package.revision, ids), at=NOW + MINUTE)
        await run(small)
        assert len(await small.all(Order, entity_id=stores[0].id)) == 2


async def chunk_statements(world: World, entities: int) -> int:
    stores = [an_entity(f"Store {number}") for number in range(entities)]
    await given(world.database, stores)
    package = await published(world, stores)
    [begun] = await world.all(FanOut, package_id=package.id)
    with sent_statements() as seen:
        await fan_outs(world, 100).run(begun.id, NOW)
    assert len(await world.all(Order, package_id=package.id)) == entities
    return len(seen)
