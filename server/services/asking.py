"""Putting many orders before their reviewers at once, as `approving` does with one [5.3, 5.4, 5.6]."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, union

from server.domain.alarms import just_after
from server.domain.approval import Approval, ApprovalReviewer, ApprovalStatus, ApprovalSubject, Reminder, ReminderStatus
from server.domain.base import Json, new_id
from server.domain.network import Entity
from server.domain.order import Order, OrderReviewer
from server.domain.package import NoDecision, Package
from server.domain.record import EventKind, SubjectKind
from server.domain.reminders import reminder_times
from server.reads.ids import one_of
from server.services.alarms import set_alarm
from server.services.approving import ask_order_approval, asked_about, pending, question_about
from server.services.bulk import add, emit_all, record_new
from server.services.reviewers import Reviewer
from server.services.work import Work


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be asked about one order, of whom, and by whom: `work` is theirs."""

    work: Work
    package: Package
    order: Order
    reviewers: Sequence[Reviewer]


async def ask_order_approvals(work: Work, package: Package, orders: Sequence[Order]) -> None:
    """Opens the question about each order, or moves it on to the new revision. Orders of target lists name no reviewers
    of their own as a rule; those that do, or are asked about already, are dealt with one by one."""
    special = await _special(work, orders) if len(orders) > 1 else {order.id for order in orders}
    for order in orders:
        if order.id in special:
            question = await pending(work, order_id=order.id, subject=ApprovalSubject.ORDER)
            await ask_order_approval(work, package, order, question)
    plain_ones = [order for order in orders if order.id not in special]
    entities = {order.id: await work.session.get_one(Entity, order.entity_id) for order in plain_ones}
    await ask_all(work, [
        Question(work, package, order, asked_about(order, entities[order.id], ())) for order in plain_ones
    ])


async def ask_all(work: Work, questions: Sequence[Question]) -> None:
    """Opens the questions, of whichever packages; none of the orders may have an open one."""
    if not questions:
        return
    rows = [question_about(each.work, each.package, each.order, ApprovalSubject.ORDER) for each in questions]
    await record_new(
        work, SubjectKind.APPROVAL, Approval, rows, "ASK", [{} for _ in rows], [each.work for each in questions]
    )
    asked = list(zip(questions, rows, strict=True))
    await add(work, ApprovalReviewer, [
        {"id": new_id(), "approval_id": row["id"], "position": place, "operator_id": operator_id, "group_id": group_id}
        for question, row in asked for place, (operator_id, group_id) in enumerate(question.reviewers)
    ])
    await _remind(work, asked)
    await emit_all(work, EventKind.ORDER_SUBMITTED, [
        {
            "package_id": each.package.id, "order_id": each.order.id, "approval_id": row["id"],
            "entity_id": each.order.entity_id, "actor_id": each.work.caller.id,
        }
        for each, row in asked
    ])
    for each in questions:
        work.impact.add("MESSAGE", each.order.code, each.order.label, EventKind.ORDER_SUBMITTED)


async def _remind(work: Work, asked: Sequence[tuple[Question, Json]]) -> None:
    """Writes the reminders down, and sets the alarms for them and for the deadlines."""
    reminders = [
        {"id": new_id(), "approval_id": row["id"], "anchor": anchor, "due_at": at, "status": ReminderStatus.SCHEDULED}
        for each, row in asked
        for anchor, at in reminder_times(each.package.reminders, row["requested_at"], row["deadline"])
    ]
    await add(work, Reminder, reminders)
    decided = {row["deadline"] for _, row in asked if row["on_no_decision"] is not NoDecision.NOTHING}
    for moment in (*map(just_after, decided), *(row["due_at"] for row in reminders)):
        set_alarm(work.session, moment)


async def _special(work: Work, orders: Sequence[Order]) -> set[UUID]:
    ids = [order.id for order in orders]
    naming = select(OrderReviewer.order_id).where(one_of(OrderReviewer.order_id, ids))
    asked = select(Approval.order_id).where(
        one_of(Approval.order_id, ids), Approval.subject == ApprovalSubject.ORDER,
        Approval.status == ApprovalStatus.PENDING,
    )
    return set(await work.session.scalars(union(naming, asked)))
