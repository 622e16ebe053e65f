"""Reminders of open approvals: each once, never in a burst [5.4]."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from server.domain.approval import Approval, ApprovalStatus, ApprovalSubject, Reminder, ReminderStatus
from server.domain.lifecycles import PackageStatus
from server.domain.package import Package
from server.domain.record import Event, EventKind
from server.jobs.enqueue import JobKind, enqueue
from server.reads.ids import one_of
from server.services.work import Work

EVENTS = {
    ApprovalSubject.PACKAGE: EventKind.PACKAGE_APPROVAL_REMINDER,
    ApprovalSubject.ORDER: EventKind.ORDER_APPROVAL_REMINDER,
    ApprovalSubject.TARGET: EventKind.TARGET_APPROVAL_REMINDER,
}


async def send_reminders(work: Work, approval_ids: Sequence[UUID]) -> int:
    """Deals with every reminder of these approvals that is due, and says with how many. One per approval is sent;
    skipped are those that a later one overtook, that an outage made late, that were past when they were made, and those
    of questions that are closed, or will be in a moment with their package. Approvals that somebody works on now are
    left for the next time."""
    rows = (await work.session.execute(
        select(Reminder, Approval, Package.status).join(Approval, Approval.id == Reminder.approval_id)
        .join(Package, Package.id == Approval.package_id)
        .where(Reminder.status == ReminderStatus.SCHEDULED, Reminder.due_at <= work.now)
        .where(one_of(Reminder.approval_id, approval_ids))
        .order_by(Reminder.approval_id, Reminder.due_at, Reminder.id)
        .with_for_update(of=(Reminder, Approval), key_share=True, skip_locked=True)
    )).all()
    if not rows:
        return 0
    last = (list(of_one)[-1] for _, of_one in groupby(rows, key=lambda row: row[0].approval_id))
    sent = {
        reminder.id: approval for reminder, approval, package in last
        if package is not PackageStatus.CANCELED and _makes_sense(work, reminder, approval)
    }
    await _mark(work, (row.Reminder.id for row in rows), ReminderStatus.SKIPPED)
    await _mark(work, sent, ReminderStatus.SENT)
    if sent:
        await work.session.execute(insert(Event), [_event(work, approval) for approval in sent.values()])
        enqueue(work.session, JobKind.DELIVER)
    return len(rows)


def _makes_sense(work: Work, reminder: Reminder, approval: Approval) -> bool:
    grace = timedelta(minutes=work.settings.reminder_grace_minutes)
    in_time = work.now - reminder.due_at <= grace and reminder.due_at > approval.requested_at
    return in_time and approval.status is ApprovalStatus.PENDING


async def _mark(work: Work, ids: Iterable[UUID], status: ReminderStatus) -> None:
    await work.session.execute(
        update(Reminder).where(one_of(Reminder.id, ids)).values(status=status)
        .execution_options(synchronize_session=False)
    )


def _event(work: Work, approval: Approval) -> dict[str, Any]:
    return {
        "kind": EVENTS[approval.subject], "at": work.now, "package_id": approval.package_id,
        "order_id": approval.order_id, "approval_id": approval.id, "entity_id": approval.entity_id,
    }
