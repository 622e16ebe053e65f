"""Entities trim and confirm their lists [9.13, 9.14, 9.15]."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import event, select

from server.domain.approval import ApprovalStatus
from server.domain.lifecycles import OrderStatus
from server.domain.network import Entity, Operator
from server.domain.record import History
from server.domain.target import Target
from server.errors import NotFound, Refused
from server.services.orders import Orders
from server.services.targets import Targets
from tests.builders import DAY, NOW, new_id
from tests.services.conftest import World
from tests.services.lists import emails, listed, order_of, people, spread, targets
from tests.services.trimming import AFTER, AUTOMATIC, DEADLINE, WHOLE_LIST, confirm, paris_list, question, remove


async def test_an_entity_removes_and_restores_contacts(world: World) -> None:  # [9.14]
    order, paris = await paris_list(world)
    assert await remove(world, order, paris[:3], reason="Moved away") == 3
    assert await remove(world, order, paris[:1], keep=True) == 1
    assert await listed(world, world.paris, kept=True) == emails([paris[0], *paris[3:]])
    assert (await order_of(world, world.paris)).approved_contacts == 3
    assert (await order_of(world, world.oslo)).approved_contacts == 2


async def test_removing_twice_changes_nothing_the_second_time(world: World) -> None:
    order, paris = await paris_list(world)
    await remove(world, order, paris[:2])
    assert await remove(world, order, paris[:3]) == 1
    assert (await order_of(world, world.paris)).approved_contacts == 2
    revision = (await order_of(world, world.paris)).revision
    assert await remove(world, order, paris[:3]) == 0
    assert (await order_of(world, world.paris)).revision == revision


async def test_a_reason_stays_with_the_contact_and_in_the_history(world: World) -> None:  # [9.14, 12.1]
    order, paris = await paris_list(world)
    await remove(world, order, paris[:1], reason="Moved away")
    [target] = [target for target in await targets(world) if not target.kept]
    assert (target.contact_id, target.reason, target.decided_by_id, target.decided_at) == (
        paris[0].id, "Moved away", world.paris_manager.id, NOW,
    )
    entry = await world.read(History, subject_id=order.id, action="REMOVE_CONTACTS")
    assert (entry.comment, entry.actor_id, entry.entity_id) == ("Moved away", world.paris_manager.id, world.paris.id)
    assert (entry.before, entry.after) == (
        {"approved_contacts": 5}, {"approved_contacts": 4, "contacts": 1, "contact_ids": [str(paris[0].id)]},
    )


async def test_all_contacts_that_match_a_filter_are_removed_at_once(world: World) -> None:  # [9.14]
    order, paris = await paris_list(world)
    low = {"field": "score", "operator": "LE", "value": 997}
    assert await remove(world, order, filter=low) == 2
    assert await listed(world, world.paris, kept=True) == emails(paris[:3])
    entry = await world.read(History, subject_id=order.id, action="REMOVE_CONTACTS")
    assert entry.after == {"approved_contacts": 3, "contacts": 2, "filter": low}
    assert await remove(world, order, filter=WHOLE_LIST, keep=True) == 2
    assert len(await listed(world, world.oslo, kept=True)) == 2


async def test_nothing_can_be_added(world: World) -> None:  # [9.14]
    order, paris = await paris_list(world)
    oslo = [target.contact_id for target in await targets(world) if target.order_id != order.id]
    ids = [paris[0].id, oslo[0], new_id()]  # on another list, and nowhere: both look the same
    problems = await world.refused(world.paris_manager, lambda w: Targets(w).decide(order.id, True, ids, None, ""))
    assert [(problem.code, problem.path) for problem in problems] == [
        ("NOT_ON_LIST", ("contact_ids", "1")), ("NOT_ON_LIST", ("contact_ids", "2")),
    ]
    assert problems[0].message == problems[1].message


@pytest.mark.parametrize(("given", "codes"), [
    ({}, {"ONE_OF"}),
    ({"contact_ids": [], "filter": WHOLE_LIST}, {"ONE_OF"}),
    ({"contact_ids": [new_id()] * 1001, "reason": "x" * 501}, {"TOO_MANY", "TOO_LONG"}),
    ({"filter": {"field": "shoeSize", "operator": "EQ", "value": 1}}, {"UNKNOWN_FIELD"}),
])
async def test_an_unclear_wish_is_refused(world: World, given: dict[str, Any], codes: set[str]) -> None:
    order, _paris = await paris_list(world)
    problems = await world.refused(world.paris_manager, lambda w: Targets(w).decide(order.id, False, **given))
    assert {problem.code for problem in problems} == codes


async def test_a_list_belongs_to_its_entity(world: World) -> None:  # [2.3]
    order, paris = await paris_list(world)
    with pytest.raises(NotFound):
        await remove(world, order, paris[:1], who=world.oslo_manager)
    with pytest.raises(NotFound):
        await confirm(world, order, who=world.oslo_manager)
    assert await remove(world, order, paris[:1], who=world.regional) == 1  # Paris stands below North
    assert await remove(world, order, paris[1:2], who=world.owner) == 1
    actors = {entry.actor_id for entry in await world.all(History, action="REMOVE_CONTACTS")}
    assert actors == {world.regional.id, world.owner.id}


async def test_a_confirmed_list_goes_to_the_reviewers_in_manual_mode(world: World) -> None:  # [9.13]
    order, paris = await paris_list(world)
    await remove(world, order, paris[:1])
    confirmed = await confirm(world, order)
    assert (confirmed.status, confirmed.confirmed_at, confirmed.confirmed_by_id) == (
        OrderStatus.ORDERED, NOW, world.paris_manager.id,
    )
    answer = await question(world, order)
    assert (answer.status, answer.decided_by_id, answer.decided_at, answer.override) == (
        ApprovalStatus.APPROVED, world.paris_manager.id, NOW, False,
    )
    await world.decide(world.order_reviewer, confirmed)
    taking_part = await order_of(world, world.paris)
    assert (taking_part.status, taking_part.approved_contacts) == (OrderStatus.AVAILABLE, 4)


async def test_approving_a_target_is_confirming_it_and_keeps_the_comment(world: World) -> None:  # [9.13]
    order, _paris = await paris_list(world)
    await world.decide(world.paris_manager, order, comment="Looks good")
    assert (await order_of(world, world.paris)).status is OrderStatus.ORDERED
    assert (await question(world, order)).comment == "Looks good"


async def test_a_confirmed_list_takes_part_in_automatic_mode(world: World) -> None:  # [9.13]
    order, paris = await paris_list(world, AUTOMATIC)
    await remove(world, order, paris[:1])
    assert (await order_of(world, world.paris)).status is OrderStatus.APPROVED  # removing needs no approval
    confirmed = await confirm(world, order)
    assert (confirmed.status, confirmed.campaign_id is None) == (OrderStatus.AVAILABLE, False)


async def test_an_order_without_an_answer_does_not_take_part_yet(world: World) -> None:  # [9.13]
    await paris_list(world, AUTOMATIC)
    await world.advance(NOW + DAY)
    assert (await order_of(world, world.paris)).status is OrderStatus.APPROVED


async def test_a_second_confirmation_hears_who_confirmed_and_when(world: World) -> None:  # [5.2]
    order, paris = await paris_list(world)
    await confirm(world, order)
    [problem] = await world.refused(world.regional, lambda w: Targets(w).confirm(order.id, order.revision))
    assert problem.code == "ALREADY_DECIDED"
    assert f"was confirmed by {world.paris_manager.name} at 2026-03-02 09:00:00 UTC" in problem.message
    [problem] = await world.refused(
        world.paris_manager, lambda w: Targets(w).decide(order.id, False, [paris[0].id], None, "")
    )
    assert problem.code == "ALREADY_DECIDED"


async def test_an_operator_out_of_sight_stays_unnamed(world: World) -> None:  # [2.3]
    order, _paris = await paris_list(world)
    await confirm(world, order, who=world.owner)
    [problem] = await world.refused(world.paris_manager, lambda w: Targets(w).confirm(order.id, order.revision))
    assert "was confirmed by another operator at" in problem.message


async def test_a_confirmation_for_the_entity_is_an_override(world: World) -> None:  # [2.2]
    order, _paris = await paris_list(world)
    await confirm(world, order, who=world.owner)
    assert (await question(world, order)).override


async def test_what_is_confirmed_is_what_was_read(world: World) -> None:  # [5.7]
    order, paris = await paris_list(world)
    await remove(world, order, paris[:1], who=world.regional)
    [problem] = await world.refused(world.paris_manager, lambda w: Targets(w).confirm(order.id, order.revision))
    assert (problem.code, problem.path) == ("STALE_REVISION", ("revision",))


async def test_the_deadline_is_the_last_moment(world: World) -> None:  # [9.15, 4.3]
    order, paris = await paris_list(world)
    assert await remove(world, order, paris[:1], at=DEADLINE) == 1
    for act in (
        lambda w: Targets(w).decide(order.id, False, [paris[1].id], None, ""),
        lambda w: Targets(w).confirm(order.id, order.revision),
    ):
        [problem] = await world.refused(world.paris_manager, act, at=AFTER)
        assert problem.code == "DEADLINE_PASSED"


async def test_an_entity_without_a_list_has_nothing_to_decide(world: World) -> None:
    order = await world.draft(await world.published("simple"))
    [problem] = await world.refused(world.paris_manager, lambda w: Targets(w).confirm(order.id, order.revision))
    assert problem.code == "NO_TARGET_LIST"


async def test_a_withdrawn_question_is_not_answered(world: World) -> None:  # [6.6]
    order, _paris = await paris_list(world)
    await world.do(world.paris_manager, lambda w: Orders(w).cancel(order.id, order.revision, "Closed for works"))
    [problem] = await world.refused(world.paris_manager, lambda w: Targets(w).confirm(order.id, order.revision))
    assert problem.code == "WITHDRAWN"


async def test_a_filter_sees_only_the_list(world: World) -> None:  # [2.3]
    order, _paris = await paris_list(world)
    oslo = {"field": "entity", "operator": "EQ", "value": "OSLO"}
    assert await remove(world, order, filter=oslo) == 0
    async with world.database.reading() as session:
        assert not list(await session.scalars(select(Target).where(Target.kept.is_(False))))


async def test_a_long_list_takes_no_more_statements_than_a_short_one(world: World) -> None:
    rows = [("PARIS", 0, world.paris), ("OSLO", 0, world.oslo)]
    await spread(world, rows, people(world.paris, 2) + people(world.oslo, 200))
    short = await statements_of(world, world.paris, world.paris_manager)
    assert await statements_of(world, world.oslo, world.oslo_manager) == short > 0


async def statements_of(world: World, entity: Entity, who: Operator) -> int:
    """How many statements it takes to remove the entity's whole list."""
    order, engine, seen = await order_of(world, entity), world.database.engine.sync_engine, []

    def count(*arguments: Any) -> None:
        seen.append(arguments)

    event.listen(engine, "before_cursor_execute", count)
    await remove(world, order, filter=WHOLE_LIST, who=who)
    event.remove(engine, "before_cursor_execute", count)
    return len(seen)


async def test_two_who_confirm_at_once_confirm_it_once(world: World) -> None:  # [5.2]
    order, _paris = await paris_list(world)
    answers = await asyncio.gather(*(
        world.do(who, lambda w: Targets(w).confirm(order.id, order.revision))
        for who in (world.paris_manager, world.regional)
    ), return_exceptions=True)
    [refused] = [answer for answer in answers if isinstance(answer, Refused)]
    assert [problem.code for problem in refused.problems] == ["ALREADY_DECIDED"]


async def test_two_who_trim_at_once_lose_nothing(world: World) -> None:
    order, paris = await paris_list(world)
    changed = await asyncio.gather(
        remove(world, order, paris[:3]), remove(world, order, paris[1:4], who=world.regional)
    )
    assert sum(changed) == 4
    assert (await order_of(world, world.paris)).approved_contacts == 1
