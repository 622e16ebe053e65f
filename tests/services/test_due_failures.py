"""What time does when something fails or ends halfway: the rest is done, and nothing twice [4.4, 10.1]."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from server.domain.approval import Reminder, ReminderStatus
from server.domain.campaign import Campaign
from server.domain.lifecycles import CampaignStatus, OrderStatus
from server.domain.order import Order
from server.domain.package import ApprovalMode, NoDecision
from server.domain.record import Event, EventKind, History, SubjectKind, TypeJob
from server.jobs.tables import jobs_table
from server.services.campaigns import Campaigns
from server.services.packages import Packages
from tests.builders import DAY, NOW, a_campaign, an_order, given
from tests.plugins.every_hook import EveryHook
from tests.services.conftest import World
from tests.services.moments import AT_DATE, HOUR, LATE, REMINDERS, TICK, status_of


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
