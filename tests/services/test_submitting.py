"""Many orders that are submitted at once, each accepted or refused by itself [5.6, 6.3, 6.4, 6.5]."""

from collections.abc import Sequence
from typing import Any

import pytest

from server.domain.approval import Approval, ApprovalReviewer, Reminder
from server.domain.lifecycles import OrderStatus
from server.domain.network import Entity, Operator
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import EventKind, History, SubjectKind
from server.errors import Refused
from server.reads.visibility import SYSTEM
from server.services.orders import Orders
from server.services.submitting import Outcome, Submission, submit_all
from server.services.work import Work
from tests.builders import an_entity, caller_of, given, linked, offered
from tests.services.conftest import World
from tests.statements import sent_statements

BY_TYPE = pytest.mark.parametrize("type", ["simple", "by_form", "by_campaign"])


async def submit(world: World, *wanted: tuple[Operator, Order]) -> list[Outcome]:
    """What comes of orders that are submitted in one transaction."""
    asked = [Submission(caller_of(who), order.id, order.revision) for who, order in wanted]
    async with world.database.transaction() as session:
        return await submit_all(Work(session, SYSTEM, world.now, world.types, world.settings), asked)


def codes(outcomes: Sequence[Outcome]) -> list[str]:
    return [_code(outcome) for outcome in outcomes]


def _code(outcome: Outcome) -> str:
    if isinstance(outcome, Order):
        return str(outcome.status)
    return outcome.problems[0].code if isinstance(outcome, Refused) else outcome.code


async def drafts(world: World, package: Package, *entities: Entity) -> list[Order]:
    fields: dict[str, Any] = {"parameters": {"headline": "In town"}} if package.type != "simple" else {}
    return [
        await world.do(world.owner, lambda work, place=place: Orders(work).create(package.id, place.id, fields))
        for place in entities
    ]


@BY_TYPE
async def test_they_leave_what_one_by_one_they_would_leave(world: World, type: str) -> None:
    reminders = [{"anchor": "SUBMISSION", "hours": 4}]
    left = []
    for together in (True, False):
        package = await world.published(type, reminders=reminders)
        pair = list(zip((world.paris_manager, world.owner), await drafts(world, package, world.paris, world.lyon),
                        strict=True))
        if together:
            await submit(world, *pair)
        else:
            for each in pair:
                await submit(world, each)
        left.append([await traces(world, who, order) for who, order in pair])
    assert left[0] == left[1]
    [paris, lyon] = left[0]
    assert paris["order"][0] is OrderStatus.ORDERED and paris["reviewers"] and paris["reminders"] == 1
    assert not lyon["reviewers"], "an entity without a group of reviewers leaves the decision to central [5.6]"


async def traces(world: World, who: Operator, order: Order) -> dict[str, Any]:
    """What a submission leaves in the tables, without what differs from one to the next; all by `who`."""
    now = await world.read(Order, id=order.id)
    asked = await world.read(Approval, order_id=order.id)
    history = await world.all(History, subject_id=order.id) + await world.all(History, subject_id=asked.id)
    by = [each.actor_id for each in history if each.action in ("SUBMIT", "ASK")]
    assert [now.submitted_by_id, asked.requested_by_id, *by] == [who.id] * 4
    return {
        "order": (now.status, now.revision, now.submitted_at, now.form_version, now.parameters),
        "question": (asked.status, asked.subject_revision, asked.deadline, asked.on_no_decision, asked.entity_id),
        "reviewers": [each.group_id for each in await world.all(ApprovalReviewer, approval_id=asked.id)],
        "reminders": len(await world.all(Reminder, approval_id=asked.id)),
        "history": [
            (each.subject, each.action, each.revision, each.before, {**each.after, "package_id": 0, "order_id": 0})
            for each in history if each.action in ("SUBMIT", "ASK")
        ],
    }


async def test_one_that_is_refused_leaves_no_trace_and_the_others_go_on(world: World) -> None:
    package = await world.published("by_form")
    paris, lyon = await drafts(world, package, world.paris, world.lyon)
    await world.do(world.owner, lambda work: Orders(work).update(paris.id, 1, {"parameters": {"discount": 5}}))
    paris = await world.read(Order, id=paris.id)
    assert codes(await submit(world, (world.owner, paris), (world.owner, lyon))) == ["REQUIRED", "ORDERED"]
    untouched = await world.read(Order, id=paris.id)
    assert (untouched.status, untouched.revision, untouched.submitted_at) == (OrderStatus.DRAFT, 2, None)
    assert await world.all(History, subject_id=paris.id, action="SUBMIT") == []


async def test_nobody_submits_what_he_does_not_see(world: World) -> None:  # [2.3]
    paris, lyon = await drafts(world, await world.published(), world.paris, world.lyon)
    outcomes = await submit(
        world, (world.oslo_manager, paris), (world.paris_manager, lyon), (world.regional, lyon),
        (world.paris_manager, paris),
    )
    assert codes(outcomes) == ["NOT_FOUND", "NOT_FOUND", "ORDERED", "ORDERED"]


async def test_the_second_of_two_submissions_of_one_order_sees_the_first(world: World) -> None:
    [draft] = await drafts(world, await world.published(), world.paris)
    outcomes = await submit(world, *[(world.paris_manager, draft)] * 3)
    assert codes(outcomes) == ["ORDERED", "ILLEGAL_TRANSITION", "ILLEGAL_TRANSITION"]
    assert len(await world.all(Approval, order_id=draft.id)) == 1


async def test_a_stale_revision_is_refused_for_its_own_submitter_only(world: World) -> None:  # [5.7]
    paris, lyon = await drafts(world, await world.published(), world.paris, world.lyon)
    await world.do(world.owner, lambda work: Orders(work).update(paris.id, 1, {"comment": "Please"}))
    assert codes(await submit(world, (world.paris_manager, paris), (world.owner, lyon))) == [
        "STALE_REVISION", "ORDERED",
    ]


async def test_in_automatic_mode_nobody_is_asked(world: World) -> None:  # [6.5]
    package = await world.published(approval_mode="AUTOMATIC")
    for order in await world.all(Order, package_id=package.id):
        await world.do(world.owner, lambda work, order=order: Orders(work).cancel(order.id, order.revision))
    later = await drafts(world, package, world.paris, world.lyon)
    assert codes(await submit(world, *((world.owner, order) for order in later))) == ["APPROVED", "APPROVED"]
    assert await world.all(Approval, package_id=package.id, subject="ORDER") == []
    assert {order.subscribed for order in await world.all(Order, status=OrderStatus.APPROVED)} == {True}


async def test_any_number_takes_as_many_statements_as_two(world: World) -> None:
    package = await world.published("by_form")
    entities = [an_entity(f"Store {number}") for number in range(12)]
    await given(world.database, *entities, offered(package, *entities), linked(world.paris_manager, *entities))
    several = await drafts(world, package, *entities)
    numbers = []
    for part in (several[:2], several[2:]):
        with sent_statements() as seen:
            outcomes = await submit(world, *((world.paris_manager, order) for order in part))
        assert set(codes(outcomes)) == {"ORDERED"}
        numbers.append(len(seen))
    assert numbers[0] == numbers[1] <= 20
    told = [event for event in await world.events() if event is EventKind.ORDER_SUBMITTED]
    assert len(told) == len(await world.all(History, subject=SubjectKind.ORDER, action="SUBMIT")) == 12


async def test_the_same_again_and_again_costs_no_more_than_once(world: World) -> None:
    [draft] = await drafts(world, await world.published(), world.paris)
    numbers = []
    for times in (2, 40):
        with sent_statements() as seen:
            outcomes = await submit(world, *[(world.oslo_manager, draft), (world.paris_manager, draft)] * times)
        numbers.append(len(seen))
    assert codes(outcomes) == ["NOT_FOUND", "ILLEGAL_TRANSITION"] * 40
    assert numbers[1] <= numbers[0]
