"""Whatever becomes due rings: after any act an alarm is set for the second in which something is next to be done
[4.4, 5.3, 5.4, 6.2, 7], by the same commit."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from server.domain.approval import Approval, ApprovalStatus, Reminder
from server.domain.campaign import Campaign
from server.domain.lifecycles import OrderStatus
from server.domain.order import Order
from server.domain.package import NoDecision, Package
from server.jobs.enqueue import JobKind
from server.jobs.tables import jobs_table
from server.reads.due import DueRows
from server.services.alarms import rung_at
from server.services.approvals import Approvals
from server.services.orders import Orders
from server.services.packages import LiveOrders
from server.services.targets import Targets
from server.services.work import Work
from tests.builders import DAY, NOW, an_entity, caller_of, given
from tests.services.acts import cancel, change_campaign, offer, reinitialize, start_campaign, submit, update
from tests.services.conftest import World
from tests.services.lists import offered, order_of, people, spread, start
from tests.services.order_stories import acts, ordering

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
AUTOMATIC = {"approval_mode": "AUTOMATIC"}
EVER = NOW + 1000 * DAY
RUNG: set[str] = set()
"""Ids of alarms that have rung; no two have the same, in no test."""
Story = Callable[[World], Awaitable[object]]


async def alarms(world: World) -> list[tuple[datetime, str]]:
    """The moments for which alarms are set, each with the id of its job."""
    async with world.database.reading() as session:
        jobs = jobs_table(session.get_bind().dialect.name)
        rows = (await session.execute(
            select(jobs.c.workflow_uuid, jobs.c.inputs).where(jobs.c.name == JobKind.ADVANCE.value)
        )).all()
    given = [(orjson.loads(row.inputs)["positionalArgs"][0], row.workflow_uuid) for row in rows]
    return sorted((datetime.fromisoformat(arguments["moment"]), id) for arguments, id in given)


async def anything_due(world: World, now: datetime) -> bool:
    async with world.database.reading() as session:
        return any((await session.execute(DueRows(world.types, world.settings, now).kinds())).one())


async def let_them_ring(world: World, until: datetime = EVER) -> None:
    """Time passes, and only alarms wake the server, each once: a second before, nothing may be due yet."""
    while waiting := [(at, id) for at, id in await alarms(world) if at <= until and id not in RUNG]:
        moment, id = waiting[0]
        if moment - SECOND > world.now:
            assert not await anything_due(world, moment - SECOND), f"due before the alarm at {moment}"
        RUNG.add(id)
        world.now = max(world.now, moment)
        await world.advance(world.now)
    assert not await anything_due(world, until), "due after the last alarm"
    world.now = until


# Each story leaves something behind that becomes due later, or moves its date once it was set.

async def a_package_that_starts_later(world: World) -> None:
    await world.published(start=NOW + DAY)


async def a_package_with_odd_dates(world: World) -> None:
    odd = timedelta(microseconds=999_999)
    await world.published(start=NOW + DAY + odd, registration_deadline=NOW + 5 * DAY + odd, end=NOW + 6 * DAY + odd)


async def a_package_published_after_its_end(world: World) -> None:
    package = await world.submitted(start=NOW - DAY, registration_deadline=NOW, end=NOW + HOUR)
    await world.decide(world.colleague, package, at=NOW + DAY)


async def dates_that_are_extended(world: World) -> None:
    package = await world.published()
    await world.draft(package)
    package = await world.do(world.owner, update(package, end=NOW + 40 * DAY))
    await world.do(world.owner, update(package, registration_deadline=NOW + 35 * DAY))


async def a_deadline_that_is_extended_when_it_was_near(world: World) -> None:
    package = await world.published()
    await let_them_ring(world, NOW + 9 * DAY)
    package = await world.read(Package, id=package.id)
    await world.do(world.owner, update(package, registration_deadline=NOW + 20 * DAY))


async def drafts_and_questions_about_orders(world: World) -> None:
    package = await world.published(on_no_decision=NoDecision.REJECT, reminders=[{"anchor": "DEADLINE", "hours": 5}])
    await world.ordered(package)
    await world.do(world.owner, ordering(package, world.lyon))


async def a_question_with_a_policy(world: World) -> None:
    await world.submitted(on_no_decision=NoDecision.APPROVE, start=NOW + 2 * DAY)


async def a_question_whose_deadline_moves(world: World) -> None:
    await world.submitted(on_no_decision=NoDecision.REJECT, reminders=[
        {"anchor": "SUBMISSION", "hours": 24}, {"anchor": "DEADLINE", "hours": 12}, {"at": "2026-03-20T12:00:00+01:00"},
    ])
    asked = await world.read(Approval)
    await world.do(world.admin, lambda w: Approvals(w).move_deadline(asked.id, NOW + 6 * DAY))


async def a_question_asked_again(world: World) -> None:
    package = await world.submitted(on_no_decision=NoDecision.REJECT)
    await let_them_ring(world, NOW + 5 * DAY)
    package = await world.read(Package, id=package.id)
    edited = await world.do(world.owner, update(package, label="Another"))
    await world.do(world.owner, submit(edited))


async def subscriptions_until_the_deadline(world: World) -> None:
    await world.published("by_campaign", campaign=DEFAULTS, **AUTOMATIC)


async def subscriptions_with_an_availability_date(world: World) -> None:
    await world.published("by_campaign", campaign=DEFAULTS, campaign_available_at=NOW + 35 * DAY, **AUTOMATIC)


async def subscriptions_that_are_available_at_once(world: World) -> None:
    await world.published("by_campaign", campaign=DEFAULTS, campaign_available_at=NOW - HOUR, **AUTOMATIC)


async def an_entity_that_is_added_when_it_is_available(world: World) -> None:
    package = await world.published("by_campaign", campaign=DEFAULTS, campaign_available_at=NOW + HOUR, **AUTOMATIC)
    await let_them_ring(world, NOW + DAY)
    package = await world.read(Package, id=package.id)
    await world.do(world.owner, offer(package, world.oslo))


async def an_order_that_waits_for_availability(world: World) -> None:
    package = await world.published("by_campaign", campaign_available_at=NOW + 20 * DAY)
    await world.decide(world.order_reviewer, await world.ordered(package))


async def a_running_campaign(world: World) -> None:
    package = await world.published("by_campaign", campaign={"end": NOW + 20 * DAY}, campaign_available_at=NOW)
    await world.decide(world.order_reviewer, await world.ordered(package))
    reference = await world.do(world.owner, start_campaign(await world.read(Campaign, id=package.campaign_id)))
    child = await world.read(Campaign, parent_id=reference.id)
    await world.do(world.owner, start_campaign(child))
    child = await world.read(Campaign, id=child.id)
    await world.do(world.owner, change_campaign(child, end=NOW + 7 * DAY))


async def orders_kept_for_another_cycle(world: World) -> None:
    package = await world.published("by_campaign", campaign_available_at=NOW + 20 * DAY)
    await world.decide(world.order_reviewer, await world.ordered(package))
    await world.do(world.owner, lambda w: Orders(w).create(
        package.id, world.lyon.id, {"parameters": {"headline": "Spring in town"}}
    ))
    again = await world.do(world.owner, reinitialize(package, LiveOrders.KEEP))
    for date, days in {"end": 60, "registration_deadline": 50, "campaign_available_at": 55}.items():
        again = await world.do(world.owner, update(again, **{date: NOW + days * DAY}))


async def target_lists(world: World, **package: Any) -> None:
    await spread(
        world, [("PARIS", 0, world.paris), ("LYON", 0, world.lyon)],
        people(world.paris, 3) + people(world.lyon, 3),
        package={"reminders": [{"anchor": "SUBMISSION", "hours": 24}], **AUTOMATIC, **package},
    )


async def a_target_list_that_is_open_again(world: World) -> None:
    await target_lists(world, approval_mode="MANUAL")
    order = await order_of(world, world.paris)
    await world.do(world.paris_manager, lambda w: Targets(w).confirm(order.id, order.revision))
    await let_them_ring(world, NOW + 2 * DAY)
    await world.do(world.admin, lambda w: Targets(w).reopen(order.id))
    asked = await world.read(Approval, order_id=order.id, status=ApprovalStatus.PENDING)
    await world.do(world.admin, lambda w: Approvals(w).move_deadline(asked.id, NOW + 9 * DAY))


DEFAULTS: dict[str, Any] = {"default_values": {"headline": "Spring"}}
STORIES: list[Story] = [
    a_package_that_starts_later, a_package_with_odd_dates, a_package_published_after_its_end, dates_that_are_extended,
    a_deadline_that_is_extended_when_it_was_near, drafts_and_questions_about_orders, a_question_with_a_policy,
    a_question_whose_deadline_moves, a_question_asked_again, subscriptions_until_the_deadline,
    subscriptions_with_an_availability_date, subscriptions_that_are_available_at_once,
    an_entity_that_is_added_when_it_is_available, an_order_that_waits_for_availability, a_running_campaign,
    orders_kept_for_another_cycle, target_lists, a_target_list_that_is_open_again,
]


@pytest.mark.parametrize("story", STORIES, ids=[story.__name__ for story in STORIES])
async def test_nothing_is_ever_due_without_an_alarm(world: World, story: Story) -> None:
    await story(world)
    assert await alarms(world)
    await let_them_ring(world)


async def test_what_is_cancelled_needs_no_more_alarms(world: World) -> None:
    package = await world.published()
    before = len(await alarms(world))
    await world.do(world.owner, cancel(package))
    assert len(await alarms(world)) == before


async def test_a_change_of_other_fields_sets_none(world: World) -> None:
    package = await world.published(on_no_decision=NoDecision.REJECT)
    before = len(await alarms(world))
    await world.do(world.owner, update(package, message="Hi", description="<p>Spring</p>"))
    assert len(await alarms(world)) == before


async def test_what_is_taken_back_sets_none(world: World) -> None:
    package = await world.package()
    await world.rehearsed(world.owner, submit(package))
    await world.rehearsed(world.owner, update(package, end=NOW + 50 * DAY))
    assert await alarms(world) == []


async def test_ordering_with_default_settings_sets_none(world: World) -> None:
    """The busiest moment of the year: no policy, no reminders, no alarm."""
    package = await world.published("by_form")
    before = len(await alarms(world))
    await world.decide(world.order_reviewer, await world.ordered(package))
    assert len(await alarms(world)) == before


async def test_many_rows_with_one_moment_have_one_alarm(world: World) -> None:
    entities = [an_entity(f"Store {number}", parent=world.north) for number in range(30)]
    await given(world.database, entities)
    rows = [(entity.code, 0, entity) for entity in entities]
    await given(world.database, [people(entity, 1) for entity in entities])
    package = await offered(world, rows, package={"reminders": [{"anchor": "DEADLINE", "hours": 24}]})
    before = len(await alarms(world))
    await start(world, package)
    assert len(await world.all(Reminder)) > 30  # also the package's own
    assert len(await alarms(world)) - before == 2


async def test_two_that_fall_into_the_same_second_do_not_wait_for_each_other(world: World) -> None:
    """On SQLite they take turns anyway."""
    package = await world.published(on_no_decision=NoDecision.REJECT)
    drafts = [await world.do(world.owner, ordering(package, where)) for where in (world.paris, world.lyon)]
    if world.database.is_sqlite:
        return
    async with world.database.transaction() as first:
        await acts(drafts[0])["submit"](Work(first, caller_of(world.owner), NOW, world.types, world.settings))
        await first.run_sync(lambda session: session.dispatch.before_commit(session))  # writes what it enqueued
        await asyncio.wait_for(world.do(world.owner, acts(drafts[1])["submit"]), 30)
    assert {order.status for order in await world.all(Order)} == {OrderStatus.ORDERED}


@pytest.mark.parametrize(("clock", "now"), [
    (NOW - SECOND, NOW),  # this worker's clock is behind: the alarm is right
    (NOW + HOUR, NOW + HOUR),  # it rings late: the clock is right
])
def test_an_alarm_rings_at_its_moment_or_later(clock: datetime, now: datetime) -> None:
    assert rung_at(clock, {"moment": NOW.isoformat()}) == now
    assert rung_at(clock, {}) == clock
