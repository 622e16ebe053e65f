"""What time does, once, one object at a time, after an outage too [4.4, 5.3, 5.4, 6.2, 7]."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from server.campaign_type import PackageRules
from server.domain.approval import Approval, ApprovalStatus, Reminder, ReminderStatus
from server.domain.base import new_id
from server.domain.campaign import Campaign
from server.domain.later import FanOut, FanOutKind
from server.domain.lifecycles import CampaignStatus, OrderStatus, PackageStatus
from server.domain.order import Order
from server.domain.package import ApprovalMode, NoDecision, Package
from server.domain.record import Event, EventKind, History, SubjectKind, TypeJob
from server.jobs.tables import jobs_table
from server.services.approvals import Approvals, Decision
from server.services.campaigns import Campaigns
from server.services.due import Due
from server.services.packages import Packages
from tests.builders import DAY, NOW, a_campaign, an_order, given
from tests.plugins.every_hook import EveryHook
from tests.services.conftest import World

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
LATE = NOW + 3 * DAY + TICK
"""Just after the deadline of a question that was asked NOW."""


async def status_of(world: World, package: Package) -> PackageStatus:
    return (await world.read(Package, id=package.id)).status


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


REMINDERS: list[dict[str, Any]] = [
    {"anchor": "SUBMISSION", "hours": 24},
    {"anchor": "DEADLINE", "hours": 12},
    {"at": "2026-03-03T12:00:00+01:00"},
]
AFTER_SUBMISSION, AT_DATE, BEFORE_DEADLINE = NOW + DAY, NOW + DAY + 2 * HOUR, NOW + 3 * DAY - 12 * HOUR


class TestReminders:
    """[5.4]"""

    async def reminded(self, world: World, at: datetime) -> int:
        await world.advance(at)
        return (await world.events()).count(EventKind.PACKAGE_APPROVAL_REMINDER)

    async def test_each_is_sent_once_when_it_is_due(self, world: World) -> None:
        await world.submitted(reminders=REMINDERS)
        moments = [AFTER_SUBMISSION - TICK, AFTER_SUBMISSION, AFTER_SUBMISSION, AT_DATE, BEFORE_DEADLINE, LATE]
        assert [await self.reminded(world, at) for at in moments] == [0, 1, 1, 2, 3, 3]

    async def test_reviewers_of_orders_are_reminded_too(self, world: World) -> None:
        """N8 [7]."""
        order = await world.ordered(await world.published(reminders=REMINDERS[:1]))
        await world.advance(AFTER_SUBMISSION)
        event = await world.read(Event, kind=EventKind.ORDER_APPROVAL_REMINDER)
        assert (event.order_id, event.entity_id) == (order.id, world.paris.id)

    async def test_only_while_the_question_is_open(self, world: World) -> None:
        package = await world.submitted(reminders=REMINDERS[:1])
        await world.decide(world.colleague, package)
        assert await self.reminded(world, AFTER_SUBMISSION) == 0
        assert (await world.read(Reminder)).status == ReminderStatus.SKIPPED

    async def test_those_missed_in_an_outage_are_skipped(self, world: World) -> None:
        await world.submitted(reminders=REMINDERS)
        assert await self.reminded(world, BEFORE_DEADLINE) == 1
        assert [reminder.status for reminder in await world.all(Reminder)] == [
            ReminderStatus.SKIPPED, ReminderStatus.SENT, ReminderStatus.SKIPPED
        ]

    async def test_a_short_break_only_delays_them(self, world: World) -> None:
        """The setting `reminder_grace_minutes`: 60."""
        await world.submitted(reminders=REMINDERS[:1])
        assert await self.reminded(world, AFTER_SUBMISSION + HOUR) == 1

    async def test_a_longer_one_skips_them(self, world: World) -> None:
        await world.submitted(reminders=REMINDERS[:1])
        assert await self.reminded(world, AFTER_SUBMISSION + HOUR + TICK) == 0

    async def test_two_that_are_due_at_once_are_one_message(self, world: World) -> None:
        await world.submitted(reminders=[{"anchor": "SUBMISSION", "hours": 48}, {"anchor": "DEADLINE", "hours": 24}])
        assert await self.reminded(world, NOW + 2 * DAY) == 1

    async def test_one_that_was_past_when_it_was_asked_for_is_skipped(self, world: World) -> None:
        await world.submitted(reminders=[{"anchor": "DEADLINE", "hours": 72}, {"at": "2026-03-02T08:30:00+00:00"}])
        assert await self.reminded(world, NOW) == 0

    async def test_a_moved_deadline_moves_the_reminders_that_count_from_it(self, world: World) -> None:
        await world.submitted(reminders=REMINDERS)
        asked = await world.read(Approval)
        await world.do(world.admin, lambda w: Approvals(w).move_deadline(asked.id, NOW + 5 * DAY))
        due = [reminder.due_at for reminder in await world.all(Reminder)]
        assert due == [AFTER_SUBMISSION, NOW + 5 * DAY - 12 * HOUR, AT_DATE]

    async def test_but_sends_none_a_second_time(self, world: World) -> None:
        await world.submitted(reminders=REMINDERS[1:2])
        assert await self.reminded(world, BEFORE_DEADLINE) == 1
        asked, later = await world.read(Approval), NOW + 5 * DAY
        await world.do(world.admin, lambda w: Approvals(w).move_deadline(asked.id, later), at=BEFORE_DEADLINE)
        assert await self.reminded(world, later - 12 * HOUR) == 1

    async def test_a_skipped_one_gets_another_chance(self, world: World) -> None:
        await world.submitted(reminders=REMINDERS[1:2])
        assert await self.reminded(world, LATE) == 0
        asked, later = await world.read(Approval), NOW + 5 * DAY
        await world.do(world.admin, lambda w: Approvals(w).move_deadline(asked.id, later), at=LATE)
        assert await self.reminded(world, later - 12 * HOUR) == 1

    async def test_a_nearer_deadline_skips_what_would_have_been_before_now(self, world: World) -> None:
        await world.submitted(reminders=REMINDERS[1:2])
        asked = await world.read(Approval)
        await world.do(world.admin, lambda w: Approvals(w).move_deadline(asked.id, NOW + 6 * HOUR))
        assert await self.reminded(world, NOW) == 0
        assert (await world.read(Reminder)).status == ReminderStatus.SKIPPED


class TestRegistrationDeadline:
    """N11 [7]: near, and reached."""

    async def told(self, world: World, at: datetime) -> list[EventKind]:
        await world.advance(at)
        return [kind for kind in await world.events() if kind.startswith("REGISTRATION")]

    async def test_entities_hear_that_it_is_near_and_that_it_was_reached_once_each(self, world: World) -> None:
        await world.published()
        near, reached = EventKind.REGISTRATION_DEADLINE_NEAR, EventKind.REGISTRATION_DEADLINE_REACHED
        deadline = NOW + 10 * DAY
        moments = [deadline - 2 * DAY - TICK, deadline - 2 * DAY, deadline, deadline + TICK, deadline + DAY]
        assert [await self.told(world, at) for at in moments] == [
            [], [near], [near], [near, reached], [near, reached]
        ]

    async def test_those_who_are_just_being_subscribed_are_not_told_that_they_have_no_order(self, world: World) -> None:
        package = await world.published()
        await given(world.database, FanOut(
            id=new_id(), kind=FanOutKind.SUBSCRIBE, package_id=package.id, total=300, started_at=NOW,
        ))
        assert await self.told(world, NOW + 9 * DAY) == []

    async def test_after_an_outage_only_the_last_of_them(self, world: World) -> None:
        await world.published()
        assert await self.told(world, NOW + 20 * DAY) == [EventKind.REGISTRATION_DEADLINE_REACHED]

    async def test_a_type_that_is_not_ordered_has_no_such_message(self, world: World) -> None:
        class FromTheServer(EveryHook):
            package = PackageRules(orderable=False)

        world = await world.with_type(FromTheServer)
        await world.published("every_hook")
        assert await self.told(world, NOW + 20 * DAY) == []

    async def test_what_was_told_is_no_change_of_the_package(self, world: World) -> None:
        """[5.7]"""
        package = await world.published()
        await self.told(world, NOW + 9 * DAY)
        assert (await world.read(Package, id=package.id)).revision == package.revision


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


class TestFailures:
    async def test_a_type_that_fails_for_one_package_holds_up_no_other(self, world: World) -> None:
        """[3.2] And what it undid is tried again."""
        broken = {"Broken"}

        class Raising(EveryHook):
            def after_publication(self, package: Any) -> Any:
                if package.label in broken:
                    raise ValueError("no such region")
                return ()

        world = await world.with_type(Raising)
        fails = await world.published("every_hook", label="Broken", start=NOW + HOUR)
        works = await world.published("every_hook", label="Fine", start=NOW + 2 * HOUR)
        later = NOW + DAY
        assert await world.advance(later) == {"publish": 1}
        assert [await status_of(world, package) for package in (fails, works)] == ["APPROVED", "PUBLISHED"]
        assert EventKind.PACKAGE_PUBLISHED in await world.events()
        assert len(await world.all(Event, package_id=fails.id, kind=EventKind.PACKAGE_PUBLISHED)) == 0
        broken.clear()
        assert await world.advance(later) == {"publish": 1}

    async def test_what_failed_is_looked_for_again_a_minute_later(self, world: World) -> None:
        """By one alarm, however many rings have found it."""
        class Raising(EveryHook):
            def after_publication(self, package: Any) -> Any:
                raise ValueError("no such region")

        world = await world.with_type(Raising)
        for _ in range(2):
            await world.published("every_hook", start=NOW + HOUR)
        for _ in range(2):
            await world.advance(NOW + HOUR)
        async with world.database.reading() as session:
            jobs = jobs_table(session.get_bind().dialect.name).c.workflow_uuid
            again = await session.scalars(select(jobs).where(jobs.like("%again")))
            assert again.all() == ["advance:20260302T1002-again"]

    async def test_so_does_a_row_that_nobody_expected(self, world: World) -> None:
        fails = await world.published(approval_mode=ApprovalMode.AUTOMATIC, start=NOW + HOUR)
        works = await world.published(start=NOW + 2 * HOUR)
        async with world.database.transaction() as session:
            (await session.get_one(Campaign, fails.campaign_id)).default_values = ["not", "a", "mapping"]  # type: ignore
        await world.advance(NOW + DAY)
        assert [await status_of(world, package) for package in (fails, works)] == ["APPROVED", "PUBLISHED"]

    async def test_what_was_made_with_a_type_that_is_gone_waits_for_it(self, world: World) -> None:
        """[3.2]"""
        package = await world.published(start=NOW + HOUR)
        undecided = await world.submitted(on_no_decision=NoDecision.REJECT)
        assert await world.without_types().advance(LATE) == {}
        assert await world.advance(LATE) == {"decide_overdue": 1, "publish": 1}
        assert [await status_of(world, each) for each in (package, undecided)] == ["PUBLISHED", "REJECTED"]

    async def test_jobs_of_what_was_undone_are_not_run(self, world: World) -> None:
        class Raising(EveryHook):
            def after_approval(self, package: Any, order: Any) -> Any:
                yield from super().after_approval(package, order)
                raise ValueError("no such region")

        world = await world.with_type(Raising)
        package = await world.published(
            "every_hook", campaign_available_at=NOW + DAY, campaign={"default_values": {"slogan": "Hi"}},
        )
        order = await world.ordered(package, parameters={"slogan": "Hi"})
        await world.decide(world.order_reviewer, order)
        await world.advance(NOW + DAY)
        assert (await world.read(Order, id=order.id)).status == OrderStatus.APPROVED
        assert [job.name for job in await world.all(TypeJob)] == ["published"]

    async def test_a_cancelled_package_is_left_alone(self, world: World) -> None:
        package = await world.published(start=NOW + DAY)
        await world.do(world.owner, lambda w: Packages(w).cancel(package.id, package.revision, "no"))
        assert await world.advance(NOW + 40 * DAY) == {}
        subjects = {entry.action for entry in await world.all(History, subject=SubjectKind.PACKAGE)}
        assert "PUBLISH" not in subjects


class TestCost:
    async def test_looking_when_nothing_is_due_takes_one_statement(self, world: World) -> None:
        """An alarm whose date was moved rings all the same."""
        await world.draft(await world.published(on_no_decision=NoDecision.REJECT, reminders=REMINDERS))
        await world.advance(NOW + DAY + 3 * HOUR)
        seen: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            seen.append(statement)

        database = world.database
        for engine in (database.engine, database._reader) if database.is_sqlite else (database.engine,):
            event.listen(engine.sync_engine, "before_cursor_execute", note)
        assert await world.advance(NOW + DAY + 3 * HOUR) == {}
        assert len([statement for statement in seen if statement != "BEGIN"]) == 1, seen


class Crash(BaseException):
    """The process is no more."""


@contextmanager
def crash_at(commit: int) -> Iterator[None]:
    """The so manieth transaction from here ends the process."""
    left = [commit]

    def count(session: Session) -> None:
        left[0] -= not session.in_nested_transaction()
        if left[0] == 0:
            raise Crash

    event.listen(Session, "before_commit", count)
    yield
    event.remove(Session, "before_commit", count)


class TestChunks:
    """However many rows are due, a transaction moves a few, and a crash undoes no more than those."""

    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("server.services.due.CHUNK", 2)

    async def crashing(self, world: World, now: datetime, crashes: int) -> None:
        """Looks for what is due, with a crash in each of the first transactions, and then in none."""
        for commit in range(2, 2 + crashes):
            with crash_at(commit), pytest.raises(Crash):
                await world.advance(now)
        await world.advance(now)
        assert await world.advance(now) == {}

    async def test_drafts_expire(self, world: World) -> None:
        package = await world.published()
        drafts = [an_order(package, world.paris, OrderStatus.DRAFT, exclusive=False) for _ in range(7)]
        await given(world.database, drafts)
        await self.crashing(world, NOW + 10 * DAY + TICK, crashes=3)
        assert {order.status for order in await world.all(Order)} == {OrderStatus.EXPIRED}
        assert len(await world.all(History, action="EXPIRE")) == 7

    async def test_reminders_are_sent(self, world: World) -> None:
        for _ in range(5):
            await world.submitted(reminders=REMINDERS)
        await self.crashing(world, AT_DATE, crashes=3)
        assert Counter(reminder.status for reminder in await world.all(Reminder)) == {
            ReminderStatus.SENT: 5, ReminderStatus.SKIPPED: 5, ReminderStatus.SCHEDULED: 5,
        }
        assert len(await world.all(Event, kind=EventKind.PACKAGE_APPROVAL_REMINDER)) == 5

    async def test_a_campaign_finishes_after_its_children_and_orders(self, world: World) -> None:
        package = await world.published("by_campaign", campaign={"end": NOW + 5 * DAY})
        reference = await world.read(Campaign, id=package.campaign_id)
        running = {"status": CampaignStatus.IN_PROGRESS, "type": "by_campaign"}
        children = [a_campaign(parent_id=reference.id, **running) for _ in range(5)]
        orders = [
            an_order(package, world.paris, OrderStatus.AVAILABLE, exclusive=False, campaign_id=child.id)
            for child in children
        ]
        await given(world.database, children, orders)
        await world.do(world.owner, lambda w: Campaigns(w).start(reference.id, reference.revision))
        await self.crashing(world, NOW + 5 * DAY + TICK, crashes=6)
        assert {campaign.status for campaign in await world.all(Campaign, is_template=False)} == {
            CampaignStatus.FINISHED
        }
        assert {order.status for order in await world.all(Order)} == {OrderStatus.FINISHED}
        assert len(await world.all(History, action="FINISH")) == 5 + 5 + 1
