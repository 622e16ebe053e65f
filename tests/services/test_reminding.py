"""Reminders and notices of the registration deadline: each once, at its moment [5.4, 7]."""

from datetime import datetime

from server.campaign_type import PackageRules
from server.domain.approval import Approval, Reminder, ReminderStatus
from server.domain.base import new_id
from server.domain.later import FanOut, FanOutKind
from server.domain.package import Package
from server.domain.record import Event, EventKind
from server.services.approvals import Approvals
from tests.builders import DAY, NOW, given
from tests.plugins.every_hook import EveryHook
from tests.services.conftest import World
from tests.services.moments import AFTER_SUBMISSION, AT_DATE, BEFORE_DEADLINE, HOUR, LATE, REMINDERS, TICK


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
