"""Asking reviewers, telling them of changes, and taking the question back [5.1, 5.3, 5.4]."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, update

from server.domain.approval import Approval, ApprovalReviewer, ApprovalStatus, ApprovalSubject, Reminder
from server.domain.base import Json, new_id
from server.domain.lifecycles import Action
from server.domain.network import Entity, Operator
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import EventKind, SubjectKind
from server.domain.reminders import reminder_times
from server.errors import refuse
from server.reads.visibility import visible_operators
from server.services.bulk import add_history, entry
from server.services.reviewers import Reviewer, named_reviewers
from server.services.work import Work, plain


async def ask_package_approval(work: Work, package: Package) -> Approval:
    """Opens the question to the package's reviewers: the main one and the additional ones [5.5]."""
    if package.approval_deadline and package.approval_deadline <= work.now:
        raise refuse("IN_THE_PAST", "The approval deadline has passed: give a later one.", "approval_deadline")
    approval = await _ask(work, package, None, ApprovalSubject.PACKAGE, await named_reviewers(work, package))
    work.emit(EventKind.PACKAGE_SUBMITTED, package_id=package.id, approval_id=approval.id)
    work.impact.add("MESSAGE", package.code, package.label, EventKind.PACKAGE_SUBMITTED)
    return approval


async def ask_order_approval(work: Work, package: Package, order: Order, approval: Approval | None) -> Approval:
    """Opens the question to the entity's order reviewers and those whom the orderer named; with none of them, the
    package's owner and central decide [5.6]. An open one, `approval`, moves on to the order's new revision instead."""
    if approval:
        approval.subject_revision = order.revision
        await work.record(SubjectKind.APPROVAL, approval, Action.EDIT, entity_id=approval.entity_id)
        return approval
    approval = await _ask(work, package, order, ApprovalSubject.ORDER, await order_reviewers(work, order))
    work.emit(
        EventKind.ORDER_SUBMITTED, package_id=package.id, order_id=order.id, approval_id=approval.id,
        entity_id=order.entity_id,
    )
    work.impact.add("MESSAGE", order.code, order.label, EventKind.ORDER_SUBMITTED)
    return approval


async def order_reviewers(work: Work, order: Order) -> list[Reviewer]:
    """Who is asked about an order."""
    entity = await work.session.get_one(Entity, order.entity_id)
    return asked_about(order, entity, await named_reviewers(work, order) if entity.order_reviewers_id else ())


def asked_about(order: Order, entity: Entity, named: Sequence[Reviewer]) -> list[Reviewer]:
    """The entity's group of order reviewers, and beside it those whom the orderer named, never the orderer alone. An
    entity without a group leaves the decision to the package's owner and central, whoever was named [5.6, 6.1]."""
    if entity.order_reviewers_id is None:
        return []
    asked: list[Reviewer] = [(None, entity.order_reviewers_id)]
    nobody_more = (*asked, (order.submitted_by_id, None))
    return asked + [reviewer for reviewer in named if reviewer not in nobody_more]


async def pending(work: Work, *, order_id: UUID, subject: ApprovalSubject) -> Approval | None:
    """The open question about an order or its target list."""
    found: Approval | None = await work.session.scalar(
        select(Approval).where(
            Approval.order_id == order_id, Approval.subject == subject, Approval.status == ApprovalStatus.PENDING
        )
    )
    return found


async def package_approval(work: Work, package_id: UUID) -> Approval | None:
    """The open question about a package itself."""
    found: Approval | None = await work.session.scalar(
        select(Approval).where(
            Approval.package_id == package_id, Approval.subject == ApprovalSubject.PACKAGE,
            Approval.status == ApprovalStatus.PENDING,
        )
    )
    return found


async def decider_of(work: Work, approval: Approval) -> str:
    """Who decided, as far as the caller may know [2.3, 5.2]."""
    if approval.decided_by_id is None:
        return "the server"
    seen = select(Operator.name).where(Operator.id == approval.decided_by_id, visible_operators(work.caller))
    return await work.session.scalar(seen) or "another operator"


async def change_reviewers(work: Work, approval: Approval, reviewers: Sequence[Reviewer]) -> None:
    """Puts the open question to other reviewers; those who are asked now and those who were are told (N18)."""
    rows = await work.session.execute(
        select(ApprovalReviewer.operator_id, ApprovalReviewer.group_id)
        .where(ApprovalReviewer.approval_id == approval.id).order_by(ApprovalReviewer.position)
    )
    before = [(row.operator_id, row.group_id) for row in rows]
    if before == list(reviewers):
        return
    await work.session.execute(delete(ApprovalReviewer).where(ApprovalReviewer.approval_id == approval.id))
    _add_reviewers(work, approval.id, reviewers)
    await work.record(
        SubjectKind.APPROVAL, approval, "CHANGE_REVIEWERS", entity_id=approval.entity_id,
        before={"reviewers": before}, after={"reviewers": reviewers},
    )
    work.emit(
        EventKind.REVIEWERS_CHANGED, package_id=approval.package_id, order_id=approval.order_id,
        approval_id=approval.id, entity_id=approval.entity_id, payload=plain({"before": before, "after": reviewers}),
    )


async def withdraw_approval(work: Work, approval: Approval, comment: str) -> None:
    """Takes the open question back; its reviewers are told (N18)."""
    approval.status = ApprovalStatus.WITHDRAWN
    await work.record(
        SubjectKind.APPROVAL, approval, Action.WITHDRAW, comment=comment, entity_id=approval.entity_id
    )
    work.emit(
        EventKind.APPROVAL_WITHDRAWN, package_id=approval.package_id, order_id=approval.order_id,
        approval_id=approval.id, entity_id=approval.entity_id, payload={"comment": comment},
    )


async def withdraw_all(work: Work, order_ids: Sequence[UUID]) -> None:
    """Takes back every open question about these orders; the cancellation itself is what people are told."""
    open_ones = (await work.session.execute(
        select(Approval.id, Approval.revision, Approval.entity_id)
        .where(Approval.order_id.in_(order_ids), Approval.status == ApprovalStatus.PENDING)
    )).all()
    if not open_ones:
        return
    await work.session.execute(
        update(Approval).where(Approval.id.in_([row.id for row in open_ones]))
        .values(status=ApprovalStatus.WITHDRAWN, revision=Approval.revision + 1, modified_at=work.now)
        .execution_options(synchronize_session="fetch")
    )
    await add_history(work, [
        entry(
            work, SubjectKind.APPROVAL, row.id, "", row.entity_id, row.revision + 1, Action.WITHDRAW,
            before={"status": ApprovalStatus.PENDING}, after={"status": ApprovalStatus.WITHDRAWN},
        )
        for row in open_ones
    ])


def question_about(work: Work, package: Package, order: Order | None, subject: ApprovalSubject) -> Json:
    """The columns of a new question about a package, an order or its target list."""
    deadline = work.now + timedelta(hours=package.approval_delay_hours)
    if subject is ApprovalSubject.PACKAGE and package.approval_deadline:
        deadline = package.approval_deadline
    return {
        "id": new_id(), "subject": subject, "package_id": package.id, "order_id": order.id if order else None,
        "entity_id": order.entity_id if order else None, "subject_revision": (order or package).revision,
        "requested_at": work.now, "requested_by_id": work.caller.id, "deadline": deadline,
        "on_no_decision": package.on_no_decision,
    }


async def _ask(
    work: Work, package: Package, order: Order | None, subject: ApprovalSubject, reviewers: Sequence[Reviewer]
) -> Approval:
    approval = Approval(**question_about(work, package, order, subject))
    await work.record(SubjectKind.APPROVAL, approval, "ASK", entity_id=approval.entity_id)
    _add_reviewers(work, approval.id, reviewers)
    for anchor, due_at in reminder_times(package.reminders, work.now, approval.deadline):
        work.session.add(Reminder(approval_id=approval.id, anchor=anchor, due_at=due_at))
    return approval


def _add_reviewers(work: Work, approval_id: UUID, reviewers: Sequence[Reviewer]) -> None:
    work.session.add_all(
        ApprovalReviewer(approval_id=approval_id, position=position, operator_id=operator_id, group_id=group_id)
        for position, (operator_id, group_id) in enumerate(reviewers)
    )
