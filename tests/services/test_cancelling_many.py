"""Cancelling a package with many orders: they end in chunks after the commit, and nothing else befalls them [10.1]."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from server.domain.approval import Approval, ApprovalStatus, Reminder, ReminderStatus
from server.domain.campaign import Campaign
from server.domain.later import FanOut, FanOutKind
from server.domain.lifecycles import CampaignStatus, OrderStatus, PackageStatus
from server.domain.network import Entity
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import Event, EventKind, History, TypeJob
from server.jobs.enqueue import JobKind
from server.services.approvals import Approvals, Decision
from server.services.orders import Orders
from server.services.packages import LiveOrders
from server.services.work import Work
from tests.builders import DAY, NOW, an_entity, given
from tests.plugins.every_hook import EveryHook
from tests.services.acts import cancel, create, finish_campaign, reinitialize, start_campaign, submit
from tests.services.conftest import STORES, World
from tests.services.many import fan_outs, jobs, run
from tests.services.order_stories import ordering

AVAILABLE = {"campaign_available_at": NOW - DAY, "approval_mode": "AUTOMATIC"}
HEADLINE = {"default_values": {"headline": "Spring"}}


async def subscribed(world: World, stores: Sequence[Entity], type: str = "simple", **fields: Any) -> Package:
    """A package that every store takes part in."""
    ids = [store.id for store in stores]
    return await world.published(type, entity_ids=ids, **{"approval_mode": "AUTOMATIC"} | fields)


async def with_children(world: World, stores: Sequence[Entity]) -> Package:
    """Every store has its own campaign, and somebody was asked about one order."""
    package = await subscribed(world, stores, "by_campaign", campaign=HEADLINE, **AVAILABLE)
    await world.advance(NOW)
    return package


async def asked(world: World, stores: Sequence[Entity], **fields: Any) -> Package:
    """A package that every store has ordered from, and waits for a decision."""
    package = await world.published(entity_ids=[store.id for store in stores], **fields)
    for store in stores:
        draft = await world.do(world.owner, ordering(package, store))
        await world.do(world.owner, partial(submit_order, draft))
    return package


async def submit_order(draft: Order, work: Work) -> Order:
    return await Orders(work).submit(draft.id, draft.revision)


async def statuses(world: World, package: Package) -> list[OrderStatus]:
    return sorted(order.status for order in await world.all(Order, package_id=package.id))


class TestTheCommit:
    async def test_cancels_the_package_and_leaves_its_many_orders_for_later(
        self, world: World, small: World, stores: list[Entity]
    ) -> None:
        package = await with_children(world, stores)
        package = await small.do(small.owner, cancel(package, "The supplier left"))
        begun = await small.read(FanOut)
        assert package.status is PackageStatus.CANCELED
        assert (begun.kind, begun.package_id, begun.actor_id) == (FanOutKind.CANCEL, package.id, small.owner.id)
        assert (begun.total, begun.done, await jobs(small, JobKind.FAN_OUT)) == (STORES, 0, 1)
        assert await statuses(small, package) == [OrderStatus.AVAILABLE] * STORES
        assert (await small.read(Campaign, id=package.campaign_id)).status is CampaignStatus.CANCELED

    async def test_tells_the_entities_at_once(self, world: World, small: World, stores: list[Entity]) -> None:  # [N12]
        package = await subscribed(world, stores[:4])
        await small.do(small.owner, cancel(package, "Sorry"))
        [event] = await small.all(Event, kind=EventKind.PACKAGE_CANCELED)
        codes = sorted(store.code for store in stores[:4])
        assert event.payload == {"comment": "Sorry", "entities": codes}

    async def test_cancels_a_few_orders_itself(self, small: World, stores: list[Entity]) -> None:
        package = await subscribed(small, stores[:3])
        await small.do(small.owner, cancel(package))
        assert await statuses(small, package) == [OrderStatus.CANCELED] * 3 and not await small.all(FanOut)

    async def test_that_is_only_tried_counts_as_for_a_few_and_begins_nothing(
        self, world: World, small: World, stores: list[Entity]
    ) -> None:  # [10.3]
        package = await with_children(world, stores)

        at_once, later = [await each.rehearsed(each.owner, cancel(package)) for each in (world, small)]
        assert later.counts == at_once.counts and set(later.items) == set(at_once.items)
        assert later.counts["ORDER"] == STORES and later.counts["CAMPAIGN"] == STORES + 1
        assert not await small.all(FanOut) and await jobs(small, JobKind.FAN_OUT) == 0


class TestTheWork:
    @pytest.mark.parametrize("begin", [with_children, asked])
    async def test_leaves_what_one_transaction_leaves(
        self, world: World, small: World, stores: list[Entity], begin: Any
    ) -> None:
        others = [an_entity(f"Shop {number}") for number in range(STORES)]
        await given(world.database, others)
        many, few = await begin(world, stores), await begin(world, others)
        await small.do(small.owner, cancel(many, "Once"))
        done = await run(small)
        await world.do(world.owner, cancel(few, "Once"))
        assert (done.done, done.finished_at) == (STORES, NOW)
        assert await outcome(small, many) == await outcome(world, few)
        assert await statuses(small, many) == [OrderStatus.CANCELED] * STORES
        assert not await small.all(Approval, status=ApprovalStatus.PENDING)

    async def test_goes_on_where_it_stopped_and_cancels_every_order_once(
        self, world: World, small: World, stores: list[Entity]
    ) -> None:
        package = await subscribed(world, stores)
        await small.do(small.owner, cancel(package))
        begun = await small.read(FanOut)
        assert await fan_outs(small).chunk(begun.id, NOW) is True
        assert (await small.read(FanOut)).done == 3
        assert (await statuses(small, package)).count(OrderStatus.CANCELED) == 3
        await run(small)
        await run(small)
        entries = await small.all(History, subject="ORDER", action="CANCEL")
        assert len({entry.subject_id for entry in entries}) == len(entries) == STORES
        assert {entry.actor_id for entry in entries} == {small.owner.id}

    async def test_asks_the_type_about_every_approved_order(self, world: World, stores: list[Entity]) -> None:
        world = await world.with_type(EveryHook)
        small = replace(world, settings=world.settings.model_copy(update={"fan_out_from": 3}))
        campaign = await world.campaign("every_hook", default_values={"slogan": "Spring"})
        package = await world.do(world.owner, create(
            campaign_id=campaign.id, start=NOW, end=NOW + DAY, approval_mode="AUTOMATIC",
            entity_ids=[store.id for store in stores],
        ))
        package = await world.do(world.owner, submit(package))
        await world.decide(world.colleague, package)
        await small.do(small.owner, cancel(await world.read(Package)))
        await run(small)
        told = [job.arguments["order"] for job in await world.all(TypeJob, name="cancelled")]
        assert sorted(told) == sorted(order.code for order in await world.all(Order))

    async def test_spares_the_orders_of_a_later_cycle(self, world: World, small: World, stores: list[Entity]) -> None:
        package = await subscribed(world, stores)
        package = await small.do(small.owner, cancel(package))
        begun = await small.read(FanOut)
        for _ in range(STORES // 3):
            await fan_outs(small, 3).chunk(begun.id, NOW)
        async with world.database.transaction() as session:  # the last of them is done, and nobody knows yet
            (await session.get_one(Order, (await world.all(Order))[-1].id)).status = OrderStatus.CANCELED
        package = await world.do(world.owner, reinitialize(package))
        package = await world.do(world.owner, submit(package))
        await world.decide(world.colleague, package)
        await run(small)
        assert {order.status for order in await world.all(Order, cycle=2)} == {OrderStatus.APPROVED}


async def outcome(world: World, package: Package) -> Any:
    """What became of the package's orders, campaigns and questions, without what names them."""
    orders = await world.all(Order, package_id=package.id)
    campaigns = [each for each in await world.all(Campaign) if package.campaign_id in (each.id, each.parent_id)]
    approvals = await world.all(Approval, package_id=package.id)
    ids = {thing.id for thing in (package, *orders, *campaigns, *approvals)}
    history = [entry for entry in await world.all(History) if entry.subject_id in ids]
    told = await world.all(Event, package_id=package.id)
    return (
        sorted((o.status, o.revision, o.canceled_at, o.canceled_by_id, o.cancel_comment) for o in orders),
        sorted((c.status, c.revision) for c in campaigns),
        sorted((a.status, a.revision) for a in approvals),
        sorted((h.subject, h.action, h.revision, h.comment, str(h.before), str(h.after))
               for h in history if h.action in ("CANCEL", "WITHDRAW")),
        sorted(event.kind for event in told),
    )


class TestMeanwhile:
    @pytest.fixture
    async def package(self, world: World, small: World, stores: list[Entity]) -> Package:
        """It is cancelled, its orders wait for a decision still."""
        package = await asked(
            world, stores[:4], reminders=[{"anchor": "SUBMISSION", "hours": 1}], on_no_decision="APPROVE",
            approval_delay_hours=2,
        )
        return await small.do(small.owner, cancel(package))

    async def test_nobody_decides_changes_or_cancels_an_order(self, small: World, package: Package) -> None:
        order = (await small.all(Order))[0]
        approval = await small.read(Approval, order_id=order.id)
        for act in (
            lambda work: Orders(work).cancel(order.id, order.revision),
            lambda work: Orders(work).update(order.id, order.revision, {"comment": "More"}),
            lambda work: Approvals(work).decide(approval.id, order.revision, Decision.APPROVE),
        ):
            [problem] = await small.refused(small.owner, act)
            assert problem.code == "PACKAGE_CANCELED" and order.code in problem.message

    async def test_nothing_falls_due(self, small: World, package: Package) -> None:
        before = await small.events()
        done = await small.advance(NOW + timedelta(hours=3))
        assert set(done) <= {"remind"} and await small.events() == before
        assert await statuses(small, package) == [OrderStatus.ORDERED] * 4
        assert ReminderStatus.SENT not in {reminder.status for reminder in await small.all(Reminder)}

    async def test_approved_orders_do_not_become_available(
        self, world: World, small: World, stores: list[Entity]
    ) -> None:
        package = await subscribed(world, stores)
        await small.do(small.owner, cancel(package))
        assert await small.advance(NOW + 11 * DAY) == {}  # which is past the registration deadline
        assert await statuses(small, package) == [OrderStatus.APPROVED] * STORES

    async def test_the_package_is_not_taken_up_again(self, small: World, package: Package) -> None:
        [problem] = await small.refused(small.owner, reinitialize(package, LiveOrders.KEEP))
        assert problem.code == "BEING_CANCELED" and "4 of its orders" in problem.message
        await run(small)
        assert (await small.do(small.owner, reinitialize(package))).cycle == 2

    async def test_a_campaign_is_not_kept_by_orders_that_are_about_to_end(
        self, world: World, small: World, stores: list[Entity]
    ) -> None:
        first = await with_children(world, stores)
        second = await world.do(world.owner, create(
            campaign_id=first.campaign_id, start=NOW, end=NOW + DAY, registration_deadline=NOW,
            entity_ids=[world.oslo.id],
        ))
        second = await world.do(world.owner, submit(second))
        await small.do(small.owner, cancel(first))
        await small.do(small.owner, cancel(second))
        assert (await world.read(Campaign, id=first.campaign_id)).status is CampaignStatus.CANCELED
        await run(small)
        assert {each.status for each in await world.all(Campaign, parent_id=first.campaign_id)} == {
            CampaignStatus.CANCELED
        }

    async def test_a_campaign_that_finishes_leaves_them_to_be_cancelled(
        self, world: World, small: World, stores: list[Entity]
    ) -> None:
        first = await subscribed(world, stores)
        await world.advance(NOW + 11 * DAY)
        second = await world.do(world.owner, create(
            campaign_id=first.campaign_id, start=NOW, end=NOW + DAY, registration_deadline=NOW,
            entity_ids=[world.oslo.id],
        ))
        await world.do(world.owner, submit(second))
        campaign = await world.read(Campaign, id=first.campaign_id)
        await world.do(world.owner, start_campaign(campaign))
        await small.do(small.owner, cancel(first))
        await world.do(world.owner, finish_campaign(await world.read(Campaign, id=first.campaign_id)))
        await run(small)
        assert await statuses(small, first) == [OrderStatus.CANCELED] * STORES
