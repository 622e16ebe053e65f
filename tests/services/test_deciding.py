"""Many decisions at once, each accepted or refused by itself [5.2, 5.3, 5.5, 5.6, 5.7, 9.7]."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from server.domain.approval import Approval, ApprovalStatus
from server.domain.campaign import Campaign
from server.domain.lifecycles import OrderStatus
from server.domain.network import Entity, Operator
from server.domain.order import Order
from server.domain.package import NoDecision, Package
from server.domain.record import Event, EventKind, History
from server.errors import CampaignTypeFailed, Refused
from server.reads.visibility import SYSTEM
from server.services.deciding import Outcome, decide_all
from server.services.verdicts import Decision, Verdict
from server.services.work import Impact, Work
from tests.builders import DAY, an_approval, an_entity, an_order, caller_of, given, reviewers
from tests.services.conftest import World
from tests.services.test_at_once import Picky
from tests.statements import sent_statements

APPROVE, REJECT = Decision.APPROVE, Decision.REJECT


async def asked(world: World, package: Package, *entities: Entity, **fields: Any) -> list[Approval]:
    """Questions about submitted orders, to the group of order reviewers."""
    orders = [an_order(package, place, **{"parameters": {"headline": "In town"}} | fields) for place in entities]
    questions = [an_approval(order) for order in orders]
    await given(world.database, orders, questions, [reviewers(each, world.order_reviewers) for each in questions])
    return questions


def verdict(who: Operator, question: Approval, decision: Decision = APPROVE, **fields: Any) -> Verdict:
    given_fields: dict[str, Any] = {"revision": 1, "comment": "because"} | fields
    return Verdict(caller_of(who), question.id, decision=decision, **given_fields)


async def decide(world: World, *verdicts: Verdict) -> list[Outcome]:
    """What comes of decisions in one transaction."""
    async with world.database.transaction() as session:
        return await decide_all(Work(session, SYSTEM, world.now, world.types, world.settings), verdicts)


def codes(outcomes: Sequence[Outcome]) -> list[str]:
    return [_code(outcome) for outcome in outcomes]


def _code(outcome: Outcome) -> str:
    if isinstance(outcome, Approval):
        return str(outcome.status)
    return outcome.problems[0].code if isinstance(outcome, Refused) else type(outcome).__name__


@pytest.fixture
async def places(world: World) -> list[Entity]:
    made = [an_entity(f"Store {number}", parent=world.north) for number in range(12)]
    await given(world.database, made)
    return made


@pytest.mark.parametrize("type", ["by_form", "by_campaign"])
async def test_they_leave_what_one_by_one_they_would_leave(world: World, type: str, places: list[Entity]) -> None:
    left = []
    for together in (True, False):
        questions = await asked(world, await world.published(type), *places[:3])
        who = (world.order_reviewer, world.colleague, world.admin)
        verdicts = [verdict(*each) for each in zip(who, questions, (APPROVE, REJECT, APPROVE), strict=True)]
        if together:
            await decide(world, *verdicts)
        else:
            for each in verdicts:
                await decide(world, each)
        left.append([await traces(world, *each) for each in zip(who, questions, strict=True)])
    assert left[0] == left[1]
    approved, rejected, overridden = left[0]
    assert (approved["order"][0], rejected["order"][0]) == (OrderStatus.AVAILABLE, OrderStatus.REJECTED)
    assert (approved["question"], overridden["question"][2]) == ((ApprovalStatus.APPROVED, "because", False), True)
    assert approved["children"] == (1 if type == "by_campaign" else 0)


async def traces(world: World, who: Operator, question: Approval) -> dict[str, Any]:
    """What a decision leaves in the tables, without what differs from one to the next; all by `who`."""
    order, now = await world.read(Order, id=question.order_id), await world.read(Approval, id=question.id)
    history = await world.all(History, subject_id=order.id) + await world.all(History, subject_id=now.id)
    events = await world.all(Event, order_id=order.id)
    children = await world.all(Campaign, entity_id=order.entity_id, id=order.campaign_id)
    made = [each for child in children for each in await world.all(History, subject_id=child.id)]
    actors = {each.actor_id for each in (*history, *made)} | {each.actor_id for each in events}
    assert actors | {now.decided_by_id} == {who.id}
    return {
        "order": (order.status, order.revision, order.approved_at, order.available_at, order.campaign_id is None),
        "question": (now.status, now.comment, now.override),
        "children": len(children),
        "history": [
            (each.subject, each.action, each.revision, each.before, {**each.after, "campaign_id": 0}, each.comment)
            for each in history
        ],
        "events": [(each.kind, each.payload, each.entity_id == order.entity_id) for each in events],
    }


async def test_one_that_is_refused_leaves_no_trace_and_the_others_go_on(world: World, places: list[Entity]) -> None:
    questions = await asked(world, await world.published(), *places[:6])
    outcomes = await decide(
        world, verdict(world.colleague, questions[0], revision=7), verdict(world.colleague, questions[1]),
        verdict(world.colleague, questions[2], REJECT, comment=" "), verdict(world.oslo_manager, questions[3]),
        verdict(world.regional, questions[4]), verdict(world.order_reviewer, questions[5], REJECT),
    )
    assert codes(outcomes) == [
        "STALE_REVISION", "APPROVED", "COMMENT_REQUIRED", "NotFound", "NotAllowed", "REJECTED",
    ]
    for untouched in (0, 2, 3, 4):
        question = questions[untouched]
        assert (await world.read(Approval, id=question.id)).status is ApprovalStatus.PENDING
        order = await world.read(Order, id=question.order_id)
        assert (order.status, order.revision) == (OrderStatus.ORDERED, 1)
        assert await world.all(History, subject_id=order.id) + await world.all(History, subject_id=question.id) == []


async def test_of_several_about_one_order_the_first_decides(world: World) -> None:  # [5.2]
    [question] = await asked(world, await world.published(), world.paris)
    first, *later = await decide(
        world, verdict(world.order_reviewer, question, REJECT), verdict(world.colleague, question),
        verdict(world.regional, question),
    )
    assert codes([first, *later]) == ["REJECTED", "ALREADY_DECIDED", "ALREADY_DECIDED"]
    assert f"REJECTED by {world.order_reviewer.name} at 2026-03-02 09:00:00 UTC" in str(later[0])


async def test_any_number_takes_as_many_statements_as_two(world: World, places: list[Entity]) -> None:
    questions = await asked(world, await world.published("by_campaign"), *places)
    numbers = []
    for part in (questions[:2], questions[2:]):
        who = [world.order_reviewer, world.colleague]
        with sent_statements() as seen:
            outcomes = await decide(world, *(verdict(who[place % 2], each) for place, each in enumerate(part)))
        assert set(codes(outcomes)) == {"APPROVED"}
        numbers.append(seen)
    assert len(numbers[0]) <= 22 and numbers[0] == numbers[1]
    assert {order.status for order in await world.all(Order)} == {OrderStatus.AVAILABLE}


async def test_each_hears_what_its_own_decision_changes(world: World) -> None:  # [10.3]
    questions = await asked(world, await world.published(), world.paris, world.lyon)
    impacts = [Impact(), Impact()]
    await decide(world, *[
        verdict(world.colleague, question, decision, impact=impact)
        for question, decision, impact in zip(questions, (APPROVE, REJECT), impacts, strict=True)
    ])
    changes = [[item.change for item in impact.items] for impact in impacts]
    assert changes == [["APPROVED", "AVAILABLE", "CAMPAIGN_AVAILABLE"], ["REJECTED", "ORDER_REJECTED"]]


async def test_what_locks_more_than_an_order_is_decided_when_it_comes_alone(world: World) -> None:
    [question] = await asked(world, await world.published(), world.paris)
    package = await world.submitted()
    about = await world.read(Approval, package_id=package.id, order_id=None)
    pair = verdict(world.colleague, question), verdict(world.colleague, about, revision=package.revision)
    assert codes(await decide(world, *pair)) == ["APPROVED", "Alone"]
    assert codes(await decide(world, pair[1])) == ["APPROVED"]


async def test_a_hook_that_fails_takes_back_the_transaction(world: World) -> None:  # [3.2]
    world = await world.with_type(Picky)
    package = await world.published("every_hook", entity_ids=[])
    questions = [
        *await asked(world, package, world.paris, parameters={"slogan": "forbidden"}),
        *await asked(world, package, world.lyon, parameters={"slogan": "Spring"}),
    ]
    with pytest.raises(CampaignTypeFailed):
        await decide(world, *(verdict(world.colleague, each) for each in questions))
    assert {each.status for each in await world.all(Approval, subject="ORDER")} == {ApprovalStatus.PENDING}
    assert codes(await decide(world, verdict(world.colleague, questions[1]))) == ["APPROVED"]


async def test_two_groups_that_meet_decide_each_question_once(
    world: World, other: World, places: list[Entity]
) -> None:  # [5.2]
    """Packages, orders and approvals are locked in one order, however the decisions came (decision 8)."""
    packages = [await world.published("by_campaign") for _ in range(2)]
    questions = [question for each in packages for question in await asked(world, each, *places[:6])]
    taken = [
        (world, [verdict(world.order_reviewer, each) for each in questions]),
        (other, [verdict(world.colleague, each) for each in reversed(questions)]),
    ]
    outcomes = await asyncio.gather(*(decide(where, *verdicts) for where, verdicts in taken))
    assert sorted(map(set, map(codes, outcomes)), key=str) == [{"ALREADY_DECIDED"}, {"APPROVED"}]
    assert len(await world.all(History, action="MAKE_AVAILABLE")) == len(questions)


async def test_policies_decide_for_many_at_once(world: World, places: list[Entity]) -> None:  # [5.3]
    package = await world.published()
    orders = [an_order(package, place) for place in places]
    policies = [NoDecision.APPROVE, NoDecision.REJECT, NoDecision.NOTHING] * 4
    questions = [
        an_approval(order, on_no_decision=policy, deadline=world.now + DAY)
        for order, policy in zip(orders, policies, strict=True)
    ]
    await given(world.database, orders, questions)
    late = replace(world, now=world.now + 2 * DAY)
    assert (await late.advance(late.now))["decide_overdue"] == 8
    statuses = [(await world.read(Approval, id=each.id)).status for each in questions]
    assert statuses == [ApprovalStatus.APPROVED, ApprovalStatus.REJECTED, ApprovalStatus.PENDING] * 4
    told = await world.all(Event, kind=EventKind.ORDER_REJECTED)
    assert [each.actor_id for each in told] == [None] * 4
