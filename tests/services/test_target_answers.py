"""Lists that nobody answered, and answers that administrators correct or reopen [9.15, 9.17]."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import update

from server.domain.approval import Approval, ApprovalStatus, ApprovalSubject
from server.domain.lifecycles import OrderStatus
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import EventKind, History
from server.errors import NotAllowed, NotFound
from server.reads.approved_targets import complement
from server.services.approvals import Decision
from server.services.target_answers import all_answered
from server.services.targets import Targets, close_unanswered
from tests.builders import DAY, NOW
from tests.services.conftest import World
from tests.services.lists import listed, order_of, targets
from tests.services.trimming import AFTER, AUTOMATIC, DEADLINE, MANUAL, confirm, paris_list, question, remove

EXCLUDE, KEEP = {"on_no_response": "EXCLUDE_ALL"}, {"on_no_response": "KEEP_PRESELECTED"}


@pytest.mark.parametrize(("mode", "campaign", "status", "answer", "kept"), [
    (MANUAL, {}, OrderStatus.EXPIRED, ApprovalStatus.REJECTED, 0),  # EXCLUDE_ALL is the default
    (MANUAL, KEEP, OrderStatus.ORDERED, ApprovalStatus.APPROVED, 4),
    (AUTOMATIC, {}, OrderStatus.AVAILABLE, ApprovalStatus.APPROVED, 4),  # KEEP_PRESELECTED is the default
    (AUTOMATIC, EXCLUDE, OrderStatus.AVAILABLE, ApprovalStatus.REJECTED, 0),  # silence is no withdrawal
])
async def test_silence_means(
    world: World, mode: dict[str, str], campaign: dict[str, str], status: OrderStatus, answer: ApprovalStatus, kept: int
) -> None:  # [9.15]
    order, paris = await paris_list(world, mode, campaign=campaign)
    await remove(world, order, paris[:1], reason="Moved away")  # but never confirmed
    await world.advance(DEADLINE)
    assert (await question(world, order)).status is ApprovalStatus.PENDING
    await world.advance(AFTER)
    closed, decided = await order_of(world, world.paris), await question(world, order)
    assert (closed.status, closed.approved_contacts) == (status, kept)
    assert (decided.status, decided.decided_by_id, decided.comment) == (answer, None, "no answer by the deadline")
    assert len(await listed(world, world.paris, kept=True)) == kept
    removed = [target for target in await targets(world) if target.order_id == order.id and not target.kept]
    assert sorted(target.reason for target in removed) == ["Moved away"] + ["no answer by the deadline"] * (4 - kept)


@pytest.mark.parametrize(("moment", "status"), [(DEADLINE, OrderStatus.DRAFT), (AFTER, OrderStatus.EXPIRED)])
async def test_an_alarm_that_rings_early_or_twice_does_no_harm(
    world: World, moment: datetime, status: OrderStatus
) -> None:  # [9.15]
    order, _paris = await paris_list(world)
    asked = await question(world, order)
    for _ in range(2):
        await world.do(world.admin, lambda w: close_unanswered(w, asked), at=moment)
    assert (await order_of(world, world.paris)).status is status


async def test_an_answer_in_time_stands_after_the_deadline(world: World) -> None:  # [9.15]
    order, _paris = await paris_list(world)
    await confirm(world, order)
    await world.advance(AFTER)
    assert (await order_of(world, world.paris)).status is OrderStatus.ORDERED


async def test_a_campaign_can_go_on_when_all_have_answered(world: World) -> None:  # [9.15]
    order, _paris = await paris_list(world)
    package = await world.read(Package)
    assert not await world.do(world.owner, lambda w: all_answered(w, package))
    await confirm(world, order)
    assert not await world.do(world.owner, lambda w: all_answered(w, package))
    await confirm(world, await order_of(world, world.oslo), who=world.oslo_manager)
    assert await world.do(world.owner, lambda w: all_answered(w, package))


async def test_the_complement_is_what_nobody_approved(world: World) -> None:  # [9.16]
    order, paris = await paris_list(world, AUTOMATIC)
    await remove(world, order, paris[:2])
    await confirm(world, order)
    package = await world.read(Package)
    async with world.database.reading() as session:
        left = set(await session.scalars(complement(package)))
    oslo = {target.contact_id for target in await targets(world) if target.order_id != order.id}
    assert left == {contact.id for contact in paris[:2]} | oslo  # removed by Paris, and not answered by Oslo


async def test_an_administrator_flips_a_contact_after_the_confirmation(world: World) -> None:  # [9.17]
    order, paris = await paris_list(world)
    await confirm(world, order)
    assert await remove(world, order, paris[:1], who=world.admin, reason="Asked us to") == 1
    assert (await order_of(world, world.paris)).approved_contacts == 4
    entry = await world.read(History, subject_id=order.id, action="REMOVE_CONTACTS")
    assert (entry.actor_id, entry.comment) == (world.admin.id, "Asked us to")


async def test_a_closed_order_is_beyond_correction(world: World) -> None:  # [9.17]
    order, paris = await paris_list(world)
    await world.advance(AFTER)
    [problem] = await world.refused(world.admin, lambda w: Targets(w).decide(order.id, True, [paris[0].id], None, ""))
    assert problem.code == "ALREADY_DECIDED"
    assert "was rejected by the server at" in problem.message


async def available_at(world: World, moment: datetime) -> None:
    """Gives the package an availability date, as types other than ours may have."""
    async with world.database.transaction() as session:
        await session.execute(update(Package).values(campaign_available_at=moment))


async def reopen(world: World, order: Order, *, at: Any = None) -> Order:
    return await world.do(world.admin, lambda w: Targets(w).reopen(order.id, "Please look again"), at=at)


async def test_an_administrator_reopens_an_answer(world: World) -> None:  # [9.17]
    order, paris = await paris_list(world)
    await confirm(world, order)
    reopened = await reopen(world, order, at=NOW + DAY)
    assert (reopened.status, reopened.confirmed_at) == (OrderStatus.ORDERED, None)
    again = await question(world, order, status=ApprovalStatus.PENDING)
    assert again.deadline == NOW + 4 * DAY
    withdrawn = await world.read(Approval, order_id=order.id, subject=ApprovalSubject.ORDER)
    assert withdrawn.status is ApprovalStatus.WITHDRAWN
    assert (await world.events())[-1] is EventKind.TARGET_APPROVAL_ASKED
    assert (await world.read(History, subject_id=order.id, action="REOPEN")).comment == "Please look again"
    await remove(world, order, paris[:1], at=NOW + DAY)
    assert (await confirm(world, order, at=NOW + DAY)).status is OrderStatus.ORDERED
    asked = await world.read(Approval, order_id=order.id, status=ApprovalStatus.PENDING)
    assert (asked.subject, asked.subject_revision) == (
        ApprovalSubject.ORDER, (await order_of(world, world.paris)).revision,
    )


async def test_a_rejected_list_can_be_trimmed_once_it_is_reopened(world: World) -> None:  # [6.2, 9.17]
    order, _paris = await paris_list(world)
    confirmed = await confirm(world, order)
    await world.decide(world.order_reviewer, confirmed, Decision.REJECT, "Leave the first one out")
    assert (await reopen(world, order)).status is OrderStatus.REJECTED
    assert (await confirm(world, order)).status is OrderStatus.ORDERED


async def test_an_approved_order_needs_approval_again_once_it_is_reopened(world: World) -> None:  # [6.2, 9.17]
    order, _paris = await paris_list(world)
    await available_at(world, NOW + 5 * DAY)
    await world.decide(world.order_reviewer, await confirm(world, order))
    reopened = await reopen(world, order)
    assert (reopened.status, reopened.approved_at) == (OrderStatus.ORDERED, None)


async def test_an_approved_order_stays_approved_in_automatic_mode(world: World) -> None:  # [6.2, 9.17]
    order, _paris = await paris_list(world, AUTOMATIC)
    await available_at(world, NOW + 5 * DAY)
    await confirm(world, order)
    assert (await reopen(world, order)).status is OrderStatus.APPROVED
    await world.advance(NOW + 5 * DAY)  # silence confirms the list, and availability is reached
    assert (await order_of(world, world.paris)).status is OrderStatus.AVAILABLE


async def test_contacts_that_have_joined_the_campaign_are_not_asked_about_again(world: World) -> None:  # [9.17]
    order, _paris = await paris_list(world, AUTOMATIC)
    await confirm(world, order)
    [problem] = await world.refused(world.admin, lambda w: Targets(w).reopen(order.id))
    assert problem.code == "NOT_REOPENABLE"
    assert "is AVAILABLE; an answer is re-opened while ORDERED, APPROVED, REJECTED" in problem.message


async def test_silence_after_reopening_rejects_the_order(world: World) -> None:  # [9.15, 9.17]
    order, _paris = await paris_list(world)
    await confirm(world, order)
    await reopen(world, order, at=NOW + DAY)
    await world.advance(AFTER + DAY)
    closed = await order_of(world, world.paris)
    assert (closed.status, closed.approved_contacts) == (OrderStatus.REJECTED, 0)


async def test_an_open_question_is_not_reopened(world: World) -> None:
    order, _paris = await paris_list(world)
    [problem] = await world.refused(world.admin, lambda w: Targets(w).reopen(order.id))
    assert problem.code == "STILL_OPEN"


async def test_reopening_is_for_administrators(world: World) -> None:  # [9.17]
    order, _paris = await paris_list(world)
    for who in (world.owner, world.paris_manager):
        with pytest.raises(NotAllowed):
            await world.do(who, lambda w: Targets(w).reopen(order.id))
    with pytest.raises(NotFound):
        await world.do(world.oslo_manager, lambda w: Targets(w).reopen(order.id))
