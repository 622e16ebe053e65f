"""What time does, once, one object at a time, after an outage too [4.4, 5.3, 5.4, 6.2, 7]."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from server.domain.approval import Approval, ApprovalStatus, Reminder
from server.domain.campaign import Campaign
from server.domain.lifecycles import CampaignStatus, OrderStatus, PackageStatus
from server.domain.order import Order
from server.domain.package import ApprovalMode, NoDecision, Package
from server.domain.record import Event, EventKind, History
from server.services.approvals import Approvals, Decision
from server.services.campaigns import Campaigns
from server.services.due import Due
from tests.builders import DAY, NOW
from tests.services.conftest import World
from tests.services.moments import HOUR, LATE, REMINDERS, TICK, status_of


class TestPackages:
    """[4.3, 4.4] All bounds are inclusive."""

    async def test_an_approved_package_is_published_at_its_start(self, world: World) -> None:
        package = await world.published(start=NOW + DAY)
        statuses = []
        for at in (NOW + DAY - TICK, NOW + DAY):
            await world.advance(at)
            statuses.append(await status_of(world, package))
        assert statuses == [PackageStatus.APPROVED, PackageStatus.PUBLISHED]

    async def test_it_ends_after_its_end(self, world: World) -> None:
        package = await world.published()
        statuses = []
        for at in (NOW + 30 * DAY, NOW + 30 * DAY + TICK):
            await world.advance(at)
            statuses.append(await status_of(world, package))
        assert statuses == [PackageStatus.PUBLISHED, PackageStatus.ENDED]

    async def test_the_server_is_the_actor(self, world: World) -> None:
        """[12.1]"""
        package = await world.published()
        await world.advance(NOW + 31 * DAY)
        *_, entry = await world.all(History, subject_id=package.id)
        assert (entry.action, entry.actor_id, entry.after) == ("END", None, {"status": "ENDED"})

    async def test_a_running_campaign_finishes_after_its_end_and_its_orders_with_it(self, world: World) -> None:
        """[6.2]"""
        package = await world.published(campaign={"end": NOW + 5 * DAY})
        order = await world.ordered(package)
        await world.decide(world.order_reviewer, order)
        reference = await world.read(Campaign, id=package.campaign_id)
        await world.do(world.owner, lambda w: Campaigns(w).start(reference.id, reference.revision))
        statuses = []
        for at in (NOW + 5 * DAY, NOW + 5 * DAY + TICK):
            await world.advance(at)
            campaign = await world.read(Campaign, id=package.campaign_id)
            statuses.append((campaign.status, (await world.read(Order, id=order.id)).status))
        assert statuses == [
            (CampaignStatus.IN_PROGRESS, OrderStatus.AVAILABLE), (CampaignStatus.FINISHED, OrderStatus.FINISHED)
        ]

    async def test_a_child_that_was_not_started_keeps_its_order_when_the_parent_finishes(self, world: World) -> None:
        """[6.2, 9.9]"""
        package = await world.published("by_campaign", campaign={"end": NOW + 5 * DAY})
        order = await world.ordered(package)
        await world.decide(world.order_reviewer, order)
        reference = await world.read(Campaign, id=package.campaign_id)
        await world.do(world.owner, lambda w: Campaigns(w).start(reference.id, reference.revision))
        await world.advance(NOW + 6 * DAY)
        assert (await world.read(Order, id=order.id)).status == OrderStatus.AVAILABLE
        assert (await world.read(Campaign, parent_id=reference.id)).status == CampaignStatus.READY

    async def test_an_order_approved_after_its_campaign_finished_is_finished_with_it(self, world: World) -> None:
        package = await world.published()
        order = await world.ordered(package)
        reference = await world.read(Campaign, id=package.campaign_id)
        started = await world.do(world.owner, lambda w: Campaigns(w).start(reference.id, reference.revision))
        await world.do(world.owner, lambda w: Campaigns(w).finish(reference.id, started.revision))
        await world.decide(world.order_reviewer, order)
        assert (await world.read(Order, id=order.id)).status == OrderStatus.FINISHED
        actions = [entry.action for entry in await world.all(History, subject_id=order.id)]
        assert actions[-3:] == ["APPROVE", "MAKE_AVAILABLE", "FINISH"]


class TestNoDecision:
    """[5.3] What the package's policy says when the deadline of a question has passed."""

    @pytest.mark.parametrize(("policy", "status", "package_status"), [
        (NoDecision.NOTHING, ApprovalStatus.PENDING, PackageStatus.PENDING_APPROVAL),
        (NoDecision.REJECT, ApprovalStatus.REJECTED, PackageStatus.REJECTED),
        (NoDecision.APPROVE, ApprovalStatus.APPROVED, PackageStatus.PUBLISHED),
    ])
    async def test_about_a_package(
        self, world: World, policy: NoDecision, status: ApprovalStatus, package_status: PackageStatus
    ) -> None:
        package = await world.submitted(on_no_decision=policy)
        await world.advance(LATE - TICK)
        assert await status_of(world, package) == PackageStatus.PENDING_APPROVAL
        await world.advance(LATE)
        assert (await world.read(Approval), await status_of(world, package))[1] == package_status
        assert (await world.read(Approval)).status == status

    @pytest.mark.parametrize(("policy", "order_status"), [
        (NoDecision.NOTHING, OrderStatus.ORDERED),
        (NoDecision.REJECT, OrderStatus.REJECTED),
        (NoDecision.APPROVE, OrderStatus.AVAILABLE),
    ])
    async def test_about_an_order(self, world: World, policy: NoDecision, order_status: OrderStatus) -> None:
        order = await world.ordered(await world.published(on_no_decision=policy))
        await world.advance(LATE)
        assert (await world.read(Order, id=order.id)).status == order_status

    @pytest.mark.parametrize("by_group", [True, False])
    async def test_the_server_decides_in_the_reviewers_place_and_says_why(self, world: World, by_group: bool) -> None:
        """docs/decisions/0005: no operator as actor, and no override."""
        reviewer = {"group_id": world.order_reviewers.id} if by_group else {"operator_id": world.colleague.id}
        await world.submitted(on_no_decision=NoDecision.REJECT, reviewers=[reviewer])
        await world.advance(LATE)
        decided = await world.read(Approval)
        assert (decided.decided_by_id, decided.override, decided.decided_at) == (None, False, LATE)
        assert decided.comment == "Nobody decided by the deadline; the package's policy did."

    async def test_a_later_decision_hears_that_it_was_the_server(self, world: World) -> None:
        """[5.2]"""
        package = await world.submitted(on_no_decision=NoDecision.REJECT)
        await world.advance(LATE)
        asked = await world.read(Approval)
        [problem] = await world.refused(
            world.colleague, lambda w: Approvals(w).decide(asked.id, package.revision, Decision.APPROVE)
        )
        assert (problem.code, "by the server" in problem.message) == ("ALREADY_DECIDED", True)

    async def test_a_moved_deadline_gives_more_time(self, world: World) -> None:
        package = await world.submitted(on_no_decision=NoDecision.REJECT)
        asked = await world.read(Approval)
        await world.do(world.admin, lambda w: Approvals(w).move_deadline(asked.id, NOW + 5 * DAY))
        await world.advance(LATE)
        assert await status_of(world, package) == PackageStatus.PENDING_APPROVAL


class TestOutages:
    async def test_three_days_are_made_up_for_at_once(self, world: World) -> None:
        """Publishes, ends, expires, decides; reminders are skipped."""
        soon = await world.published(start=NOW + HOUR)
        short = await world.published(start=NOW + HOUR, end=NOW + DAY, registration_deadline=NOW + DAY)
        closing = await world.published(registration_deadline=NOW + DAY)
        draft = await world.draft(closing)
        undecided = await world.submitted(on_no_decision=NoDecision.APPROVE, reminders=REMINDERS, end=NOW + 2 * DAY,
                                          registration_deadline=NOW + DAY)
        assert await world.advance(LATE) == {
            "decide_overdue": 1, "publish": 2, "end": 2, "expire_drafts": 1, "remind": 3, "tell_of_deadlines": 3,
        }
        packages = [await status_of(world, package) for package in (soon, short, closing, undecided)]
        assert packages == [PackageStatus.PUBLISHED, PackageStatus.ENDED, PackageStatus.PUBLISHED, PackageStatus.ENDED]
        assert (await world.read(Order, id=draft.id)).status == OrderStatus.EXPIRED
        assert EventKind.PACKAGE_APPROVAL_REMINDER not in await world.events()

    async def test_a_second_look_at_the_same_moment_changes_nothing(self, world: World) -> None:
        await world.submitted(on_no_decision=NoDecision.APPROVE, reminders=REMINDERS)
        await world.draft(await world.published(registration_deadline=NOW + DAY))
        await world.published("by_campaign", approval_mode=ApprovalMode.AUTOMATIC, registration_deadline=NOW + DAY,
                              campaign={"default_values": {"headline": "Spring"}})
        await world.advance(LATE)
        before = await self.everything(world)
        assert (await world.advance(LATE), await self.everything(world)) == ({}, before)

    async def everything(self, world: World) -> list[Any]:
        tables = (Package, Order, Approval, Campaign)
        rows = [(row.id, row.revision, row.status) for table in tables for row in await world.all(table)]
        reminders = [reminder.status for reminder in await world.all(Reminder)]
        return [rows, reminders, len(await world.all(History)), len(await world.all(Event))]


    async def test_alarms_that_ring_together_do_everything_once(self, world: World, other: World) -> None:
        """As after an outage, in several workers."""
        await world.submitted(on_no_decision=NoDecision.APPROVE, reminders=REMINDERS, end=NOW + 30 * DAY)
        await world.draft(await world.published(registration_deadline=NOW + DAY))
        await world.published("by_campaign", approval_mode=ApprovalMode.AUTOMATIC, registration_deadline=NOW + DAY,
                              campaign={"default_values": {"headline": "Hi"}})
        counts = [Counter(done) for done in await asyncio.gather(*(door.advance(LATE) for door in [world, other] * 3))]
        assert sum(counts, Counter()) == {
            "decide_overdue": 1, "expire_drafts": 1, "make_available": 2, "remind": 3, "tell_of_deadlines": 2,
        }
        assert not await Due(world.database, world.types, world.settings).advance(LATE)
        kinds = Counter(await world.events())
        assert (kinds[EventKind.CAMPAIGN_AVAILABLE], kinds[EventKind.PACKAGE_APPROVAL_REMINDER]) == (2, 0)
        assert kinds[EventKind.REGISTRATION_DEADLINE_REACHED] == 2
