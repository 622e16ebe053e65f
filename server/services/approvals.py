"""Decisions: taken on the approval, on the revision that was read, once [5.2, 5.5, 5.7]."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select

from server.domain.approval import (
    Approval,
    ApprovalStatus,
    ApprovalSubject,
    Reminder,
    ReminderAnchor,
    ReminderStatus,
)
from server.domain.dates import moment_of
from server.domain.lifecycles import Action
from server.domain.order import Order
from server.domain.package import Package
from server.domain.permissions import Decision as Capacity
from server.domain.permissions import can_decide
from server.domain.record import EventKind, SubjectKind
from server.errors import NotAllowed, refuse, refuse_any
from server.reads.rights import names_caller, names_reviewers
from server.services.approving import decider_of
from server.services.availability import make_available_if_due
from server.services.loading import check_revision, load_approval
from server.services.orders import Orders
from server.services.package_fields import check_complete
from server.services.publishing import publish_if_due
from server.services.targets import Targets
from server.services.work import Work


class Decision(StrEnum):
    APPROVE = "APPROVE"
    REJECT = "REJECT"


class Approvals:
    """The questions that wait for reviewers."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def decide(self, approval_id: UUID, revision: int, decision: Decision, comment: str = "") -> Approval:
        """Approves or rejects the subject in the `revision` that the reviewer read. The first decision is final; a
        later one gets ALREADY_DECIDED with who and when. A rejection needs a comment."""
        package, order, approval = await load_approval(self.work, approval_id)
        self.work.types.require(package.type)
        await self._check_open(approval)
        capacity = await self.capacity(package, approval)
        if capacity is Capacity.NO:
            raise NotAllowed("You are not among those who may decide this.")
        subject = order or package
        await check_revision(self.work, subject, revision, f"{subject.label} ({subject.code})")
        if decision is Decision.REJECT and not comment.strip():
            raise refuse("COMMENT_REQUIRED", "A rejection needs a comment that says why.", "comment")
        if approval.subject is ApprovalSubject.TARGET and order is not None:
            return await self._decide_target(order, approval, decision, comment, capacity)
        await self._close(approval, decision, comment, capacity)
        if order is None:
            await self._decide_package(package, decision, comment)
        else:
            await self._decide_order(package, order, decision, comment)
        return approval

    async def move_deadline(self, approval_id: UUID, deadline: date | datetime, comment: str = "") -> Approval:
        """Gives reviewers another deadline; their reminders move with it [9.17]. For administrators."""
        package, _order, approval = await load_approval(self.work, approval_id)
        self.work.require_admin("move the deadline of an approval")
        self.work.types.require(package.type)
        await self._check_open(approval)
        moment = moment_of("deadline", deadline, self.work.settings.zone)
        if moment is None or moment <= self.work.now:
            raise refuse("IN_THE_PAST", "The new deadline must lie in the future.", "deadline")
        moved, approval.deadline = moment - approval.deadline, moment
        await self.work.record(
            SubjectKind.APPROVAL, approval, "MOVE_DEADLINE", comment=comment, entity_id=approval.entity_id
        )
        await self._move_reminders(approval, moved)
        return approval

    async def capacity(self, package: Package, approval: Approval) -> Capacity:
        """Whether the caller may decide, as reviewer or as an override; groups are expanded now [5.1, 5.5, 5.6]. When
        the server decides, it does what the package's policy says in the reviewers' place [5.3]."""
        caller = self.work.caller
        if caller.id is None:
            return Capacity.REVIEWER
        named, reviewer = (await self.work.session.execute(
            select(names_reviewers(approval.id), names_caller(approval.id, caller))
        )).one()
        return can_decide(
            approval.subject, approval.status, caller.right, named=named, reviewer=reviewer,
            owner=package.owner_id == caller.id,
        )

    async def _check_open(self, approval: Approval) -> None:
        if approval.status is ApprovalStatus.PENDING:
            return
        if approval.status is ApprovalStatus.WITHDRAWN:
            raise refuse("WITHDRAWN", "The question was taken back; nobody decides it any more.", "id")
        who, when = await decider_of(self.work, approval), f"{approval.decided_at:%Y-%m-%d %H:%M:%S} UTC"
        raise refuse("ALREADY_DECIDED", f"{approval.status} by {who} at {when} already.", "id")

    async def _close(self, approval: Approval, decision: Decision, comment: str, capacity: Capacity) -> None:
        approval.status = ApprovalStatus.APPROVED if decision is Decision.APPROVE else ApprovalStatus.REJECTED
        approval.comment, approval.override = comment, capacity is Capacity.OVERRIDE
        approval.decided_at, approval.decided_by_id = self.work.now, self.work.caller.id
        await self.work.record(
            SubjectKind.APPROVAL, approval, decision, comment=comment, entity_id=approval.entity_id
        )

    async def _decide_package(self, package: Package, decision: Decision, comment: str) -> None:
        work = self.work
        package.apply(Action(decision))
        if decision is Decision.APPROVE:
            refuse_any(await check_complete(work, package))
        await work.record(SubjectKind.PACKAGE, package, decision, comment=comment)
        work.impact.add("PACKAGE", package.code, package.label, package.status)
        if decision is Decision.REJECT:
            work.emit(EventKind.PACKAGE_REJECTED, package_id=package.id, payload={"comment": comment})
            work.impact.add("MESSAGE", package.code, package.label, EventKind.PACKAGE_REJECTED)
        else:
            await publish_if_due(work, package)

    async def _decide_order(self, package: Package, order: Order, decision: Decision, comment: str) -> None:
        work = self.work
        order.apply(Action(decision))
        if decision is Decision.APPROVE:
            order.approved_at = work.now
        await work.record(SubjectKind.ORDER, order, decision, comment=comment, entity_id=order.entity_id)
        work.impact.add("ORDER", order.code, order.label, order.status)
        if decision is Decision.REJECT:
            work.emit(
                EventKind.ORDER_REJECTED, package_id=package.id, order_id=order.id, entity_id=order.entity_id,
                payload={"comment": comment},
            )
            work.impact.add("MESSAGE", order.code, order.label, EventKind.ORDER_REJECTED)
        else:
            await make_available_if_due(work, package, order)

    async def _decide_target(
        self, order: Order, approval: Approval, decision: Decision, comment: str, capacity: Capacity
    ) -> Approval:
        """To approve a target is to confirm it; to reject it is to leave the campaign [9.13]."""
        if decision is Decision.APPROVE:
            await Targets(self.work).confirm(order.id, order.revision, comment)
        else:
            await self._close(approval, decision, comment, capacity)
            await Orders(self.work).cancel(order.id, order.revision, comment)
        await self.work.session.refresh(approval)
        return approval

    async def _move_reminders(self, approval: Approval, moved: timedelta) -> None:
        """Reminders that count from the deadline move with it, unless they were sent: none is sent twice."""
        for reminder in await self.work.session.scalars(select(Reminder).where(
            Reminder.approval_id == approval.id, Reminder.anchor == ReminderAnchor.DEADLINE,
            Reminder.status != ReminderStatus.SENT,
        )):
            reminder.due_at += moved
            to_come = reminder.due_at > self.work.now
            reminder.status = ReminderStatus.SCHEDULED if to_come else ReminderStatus.SKIPPED
