"""Packages, campaigns and time itself at the same moment as everything else: no move is lost, none waits for ever."""

import asyncio
from dataclasses import replace

from structlog.testing import capture_logs

from server.domain.approval import Approval, ApprovalStatus
from server.domain.campaign import Campaign
from server.domain.lifecycles import CampaignStatus, OrderStatus, PackageStatus
from server.domain.order import Order
from server.domain.package import ApprovalMode, NoDecision, Package
from server.domain.record import EventKind, History
from server.services.availability import make_available_if_due
from server.services.loading import load_order
from server.services.work import Work
from tests.builders import DAY, NOW
from tests.services.acts import cancel, create, finish_campaign, start_campaign, submit
from tests.services.conftest import World
from tests.services.interleaving import DONE, Act, at_once, held
from tests.services.order_stories import AVAILABLE_AT, acts, an_order_that_is, deciding, ordering

ROUNDS = 20


def making_available(order: Order) -> Act:
    async def act(work: Work) -> bool:
        return await make_available_if_due(work, *await load_order(work, order.id))

    return act


class TestPackages:
    async def test_a_package_is_cancelled_before_an_order_is_submitted(self, world: World, other: World) -> None:
        draft = await world.draft(await world.published())
        package = await world.read(Package, id=draft.package_id)
        problem = await held(
            (world, world.owner, cancel(package)),
            (other, world.paris_manager, acts(draft)["submit"]),
        )
        assert problem is not None and problem.code == "ILLEGAL_TRANSITION"
        assert "is CANCELED" in problem.message

    async def test_a_package_is_cancelled_before_an_order_is_made(self, world: World, other: World) -> None:
        package = await world.published()
        problem = await held(
            (world, world.owner, cancel(package)),
            (other, world.colleague, ordering(package, world.paris)),
        )
        assert problem is not None and problem.code == "NOT_OPEN"
        assert "is CANCELED" in problem.message

    async def test_an_order_is_submitted_before_its_package_is_cancelled(self, world: World, other: World) -> None:
        """[10.1] And is cancelled with it."""
        draft = await world.draft(await world.published())
        package = await world.read(Package, id=draft.package_id)
        problem = await held(
            (world, world.paris_manager, acts(draft)["submit"]),
            (other, world.owner, cancel(package)),
        )
        assert problem is None
        assert (await world.read(Order, id=draft.id)).status == OrderStatus.CANCELED
        assert (await world.read(Approval, order_id=draft.id)).status == ApprovalStatus.WITHDRAWN

    async def test_whichever_comes_first_nothing_is_left_open(self, world: World, other: World) -> None:
        for _ in range(ROUNDS // 4):
            package = await world.published()
            draft = await world.draft(package)
            outcome = await at_once(
                (world, world.paris_manager, acts(draft)["submit"]),
                (other, world.owner, cancel(package)),
            )
            assert outcome in ([DONE, DONE], ["ILLEGAL_TRANSITION", DONE])
            assert (await world.read(Order, id=draft.id)).status == OrderStatus.CANCELED
            assert ApprovalStatus.PENDING not in {row.status for row in await world.all(Approval, order_id=draft.id)}

    async def test_two_packages_of_one_campaign_are_cancelled(self, world: World, other: World) -> None:
        """[10.1] Each with its child campaigns."""
        for _ in range(ROUNDS // 4):
            first = await world.published("by_campaign")
            second = await world.do(world.owner, create(
                campaign_id=first.campaign_id, label="Other", start=NOW - DAY, end=NOW + 30 * DAY,
                registration_deadline=NOW + 10 * DAY, entity_ids=[world.paris.id],
            ))
            await world.do(world.owner, submit(second))
            await world.decide(world.colleague, await world.read(Package, id=second.id))
            for package in (first, second):
                order = await world.ordered(package)
                await world.decide(world.order_reviewer, order)
            packages = [await world.read(Package, id=package.id) for package in (first, second)]
            outcome = await at_once(
                (world, world.owner, cancel(packages[0])), (other, world.owner, cancel(packages[1]))
            )
            assert outcome == [DONE, DONE]
        assert {campaign.status for campaign in await world.all(Campaign, entity_id=world.paris.id)} == {
            CampaignStatus.CANCELED
        }

    async def test_a_campaign_starts_while_its_package_is_cancelled(self, world: World, other: World) -> None:
        for _ in range(ROUNDS // 4):
            package = await world.published("by_campaign")
            order = await world.ordered(package)
            await world.decide(world.order_reviewer, order)
            reference = await world.read(Campaign, id=package.campaign_id)
            outcome = await at_once(
                (world, world.owner, start_campaign(reference)),
                (other, world.owner, cancel(package)),
            )
            assert outcome in ([DONE, DONE], ["STALE_REVISION", DONE])
            assert (await world.read(Campaign, id=reference.id)).status == CampaignStatus.CANCELED

    async def test_a_campaign_finishes_while_an_order_with_its_child_is_cancelled(
        self, world: World, other: World
    ) -> None:
        """[9.9]"""
        for _ in range(ROUNDS // 4):
            package = await world.published("by_campaign")
            order = await world.ordered(package)
            await world.decide(world.order_reviewer, order)
            order = await world.read(Order, id=order.id)
            reference = await world.read(Campaign, id=package.campaign_id)
            await world.do(world.owner, start_campaign(reference))
            child = await world.read(Campaign, id=order.campaign_id)
            await world.do(world.paris_manager, start_campaign(child))
            reference = await world.read(Campaign, id=reference.id)
            outcome = await at_once(
                (world, world.owner, finish_campaign(reference)),
                (other, world.paris_manager, acts(order)["cancel"]),
            )
            assert outcome in ([DONE, DONE], ["STALE_REVISION", DONE])
            ends = ((await world.read(Order, id=order.id)).status, (await world.read(Campaign, id=child.id)).status)
            assert ends in (
                (OrderStatus.CANCELED, CampaignStatus.CANCELED), (OrderStatus.FINISHED, CampaignStatus.FINISHED)
            )


class TestTime:
    async def test_two_loops_do_everything_once(self, world: World, other: World) -> None:
        packages = [
            await world.published(start=NOW + DAY, approval_mode=ApprovalMode.AUTOMATIC) for _ in range(8)
        ]
        await world.submitted(reminders=[{"anchor": "SUBMISSION", "hours": 24}])
        with capture_logs() as logs:
            done = await asyncio.gather(*(door.advance(NOW + DAY) for door in (world, other)))
        assert sum(counts.get("publish", 0) for counts in done) == 8
        assert {(await world.read(Package, id=package.id)).status for package in packages} == {PackageStatus.PUBLISHED}
        events = await world.events()
        assert (len(await world.all(Order)), events.count(EventKind.PACKAGE_SUBSCRIBED)) == (16, 8)
        assert events.count(EventKind.PACKAGE_APPROVAL_REMINDER) == 1
        assert len(await world.all(History, action="PUBLISH")) == 8
        assert [entry for entry in logs if entry["event"] == "due_move_failed"] == []

    async def test_two_loops_make_one_child_campaign(self, world: World, other: World) -> None:
        """[9.7]"""
        await an_order_that_is(world, OrderStatus.APPROVED)
        done = await asyncio.gather(*(door.advance(AVAILABLE_AT) for door in (world, other, world)))
        assert sum(counts.get("make_available", 0) for counts in done) == 1
        assert len(await world.all(Campaign, entity_id=world.paris.id)) == 1

    async def test_a_package_is_cancelled_before_its_orders_become_available(self, world: World, other: World) -> None:
        order = await an_order_that_is(world, OrderStatus.APPROVED)
        package = await world.read(Package, id=order.package_id)
        later = replace(other, now=AVAILABLE_AT)
        assert await held((world, world.owner, cancel(package)), (later, world.admin, making_available(order))) is None
        assert (await world.read(Order, id=order.id)).status == OrderStatus.CANCELED
        assert await world.all(Campaign, entity_id=world.paris.id) == []

    async def test_an_order_becomes_available_before_its_package_is_cancelled(self, world: World, other: World) -> None:
        order = await an_order_that_is(world, OrderStatus.APPROVED)
        package = await world.read(Package, id=order.package_id)
        later = replace(world, now=AVAILABLE_AT)
        problem = await held(
            (later, world.admin, making_available(order)),
            (other, world.owner, cancel(package)),
        )
        assert problem is None
        assert (await world.read(Order, id=order.id)).status == OrderStatus.CANCELED
        assert (await world.read(Campaign, entity_id=world.paris.id)).status == CampaignStatus.CANCELED

    async def test_whatever_operators_do_meanwhile_time_gets_on_without_a_deadlock(
        self, world: World, other: World
    ) -> None:
        for _ in range(ROUNDS // 4):
            package = await world.published("by_campaign", campaign_available_at=AVAILABLE_AT,
                                            on_no_decision=NoDecision.APPROVE)
            order = await world.ordered(package)
            asked = await world.read(Approval, order_id=order.id)
            lyon = await world.do(world.regional, ordering(package, world.lyon, parameters={"headline": "Spring"}))
            with capture_logs() as logs:
                *_, outcome = await asyncio.gather(
                    other.advance(AVAILABLE_AT), replace(other).advance(AVAILABLE_AT), at_once(
                        (world, world.owner, cancel(package)),
                        (world, world.order_reviewer, deciding(asked, order)),
                        (world, world.paris_manager, acts(order)["edit"]),
                        (world, world.regional, acts(lyon)["submit"]),
                    ),
                )
            assert "CONFLICT" not in outcome
            assert [entry for entry in logs if entry["event"] == "due_move_failed"] == []
            orders = await world.all(Order, package_id=package.id)
            assert {order.status for order in orders} <= {OrderStatus.CANCELED, OrderStatus.EXPIRED}
