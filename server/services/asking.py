"""Putting many orders before their reviewers at once, as `approving` does with one [5.3, 5.4, 5.6]."""

from collections.abc import Sequence
from datetime import datetime, timedelta
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
from server.services.approving import ask_order_approval, pending
from server.services.bulk import add, emit_all, record_new
from server.services.work import Work


async def ask_order_approvals(work: Work, package: Package, orders: Sequence[Order]) -> None:
    """Opens the question about each order, or moves it on to the new revision. Orders of target lists name no reviewers
    of their own as a rule; those that do, or are asked about already, are dealt with one by one."""
    special = await _special(work, orders) if len(orders) > 1 else {order.id for order in orders}
    for order in orders:
        if order.id in special:
            question = await pending(work, order_id=order.id, subject=ApprovalSubject.ORDER)
            await ask_order_approval(work, package, order, question)
    if plain_ones := [order for order in orders if order.id not in special]:
        await _ask(work, package, plain_ones)


async def _special(work: Work, orders: Sequence[Order]) -> set[UUID]:
    ids = [order.id for order in orders]
    naming = select(OrderReviewer.order_id).where(one_of(OrderReviewer.order_id, ids))
    asked = select(Approval.order_id).where(
        one_of(Approval.order_id, ids), Approval.subject == ApprovalSubject.ORDER,
        Approval.status == ApprovalStatus.PENDING,
    )
    return set(await work.session.scalars(union(naming, asked)))


async def _ask(work: Work, package: Package, orders: Sequence[Order]) -> None:
    deadline = work.now + timedelta(hours=package.approval_delay_hours)
    times = reminder_times(package.reminders, work.now, deadline)
    asked = [(order, _approval(work, package, order, deadline)) for order in orders]
    await record_new(work, SubjectKind.APPROVAL, Approval, [row for _, row in asked], "ASK", [{} for _ in asked])
    entities = {order.id: await work.session.get_one(Entity, order.entity_id) for order in orders}
    await add(work, ApprovalReviewer, [
        {"id": new_id(), "approval_id": row["id"], "position": 0, "group_id": entities[order.id].order_reviewers_id}
        for order, row in asked if entities[order.id].order_reviewers_id
    ])
    await add(work, Reminder, [
        {"id": new_id(), "approval_id": row["id"], "anchor": anchor, "due_at": at, "status": ReminderStatus.SCHEDULED}
        for _, row in asked for anchor, at in times
    ])
    decides = [] if package.on_no_decision is NoDecision.NOTHING else [just_after(deadline)]
    for moment in (*decides, *(at for _, at in times)):
        set_alarm(work.session, moment)
    await emit_all(work, EventKind.ORDER_SUBMITTED, [
        {"package_id": package.id, "order_id": order.id, "approval_id": row["id"], "entity_id": order.entity_id}
        for order, row in asked
    ])
    for order in orders:
        work.impact.add("MESSAGE", order.code, order.label, EventKind.ORDER_SUBMITTED)


def _approval(work: Work, package: Package, order: Order, deadline: datetime) -> Json:
    return {
        "id": new_id(), "subject": ApprovalSubject.ORDER, "package_id": package.id, "order_id": order.id,
        "entity_id": order.entity_id, "subject_revision": order.revision, "requested_at": work.now,
        "requested_by_id": work.caller.id, "deadline": deadline, "on_no_decision": package.on_no_decision,
    }
