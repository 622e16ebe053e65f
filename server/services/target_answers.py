"""Closing the question about a target list: by the entity's answer, or by its silence [9.13, 9.15]."""

from sqlalchemy import select, update

from server.domain.approval import Approval, ApprovalStatus, ApprovalSubject
from server.domain.campaign import Campaign, NoResponse
from server.domain.lifecycles import Action, OrderStatus
from server.domain.order import Order
from server.domain.package import ApprovalMode, Package
from server.domain.record import EventKind, SubjectKind
from server.domain.target import Target
from server.errors import Problem, refuse
from server.reads.approved_targets import unanswered
from server.reads.rights import names_caller
from server.services.approving import ask_order_approval, decider_of, pending
from server.services.availability import make_available_if_due
from server.services.loading import load_approval
from server.services.target_approvals import on_no_response
from server.services.work import Work

NO_ANSWER = "no answer by the deadline"
SILENCE = {OrderStatus.DRAFT: Action.EXPIRE, OrderStatus.ORDERED: Action.REJECT}
"""What becomes of an order in manual mode when all its contacts are excluded; ORDERED: its list was re-opened."""


async def close_unanswered(work: Work, approval: Approval) -> None:
    """What silence means when the deadline has passed [9.15]; does nothing before, or when it was answered after all.

    KEEP_PRESELECTED: the list counts as confirmed as it stands, contacts that were removed stay removed.
    EXCLUDE_ALL: every contact is excluded, and nothing was approved. In manual mode the order was never accepted, so it
    expires; if it was accepted before its list was re-opened, it is rejected. In automatic mode the entity takes part
    unless it withdraws, and silence is no withdrawal [9.13]: the order stays approved, without contacts.
    """
    package, order, approval = await load_approval(work, approval.id)
    if order is None or approval.status is not ApprovalStatus.PENDING or approval.deadline >= work.now:
        return
    campaign = await work.session.get_one(Campaign, package.campaign_id)
    if on_no_response(package, campaign) is NoResponse.KEEP_PRESELECTED:
        await close(work, order, approval, ApprovalStatus.APPROVED, NO_ANSWER)
        await accept(work, package, order, NO_ANSWER)
        return
    await _exclude_all(work, order)
    await close(work, order, approval, ApprovalStatus.REJECTED, NO_ANSWER)
    if package.approval_mode is ApprovalMode.AUTOMATIC:
        await accept(work, package, order, NO_ANSWER)
    else:
        await _drop(work, order)


async def all_answered(work: Work, package: Package) -> bool:
    """Whether no list of the package's cycle waits for its entity any more; a campaign may then go on [9.15]."""
    return not await work.session.scalar(select(unanswered(package)))


async def question_of(work: Work, order: Order) -> Approval:
    """The last question about the order's list, locked; Refused when the order has no list."""
    found: Approval | None = await work.session.scalar(
        select(Approval).where(Approval.order_id == order.id, Approval.subject == ApprovalSubject.TARGET)
        .order_by(Approval.requested_at.desc(), Approval.id.desc()).limit(1)
        .with_for_update().execution_options(populate_existing=True)
    )
    if found is None:
        raise refuse("NO_TARGET_LIST", f"Order {order.label} ({order.code}) holds no target list.", "id")
    return found


async def check_open(work: Work, order: Order, question: Approval) -> list[Problem]:
    """Why the list cannot be changed or confirmed any more, if so [9.14]."""
    named, path = f"order {order.label} ({order.code})", ("id",)
    if question.status is ApprovalStatus.WITHDRAWN:
        return [Problem("WITHDRAWN", f"The question about the target list of {named} was taken back.", path)]
    if question.status is not ApprovalStatus.PENDING:
        verb = "confirmed" if question.status is ApprovalStatus.APPROVED else "rejected"
        who, when = await decider_of(work, question), f"{question.decided_at:%Y-%m-%d %H:%M:%S} UTC"
        message = f"The target list of {named} was {verb} by {who} at {when} already."
        return [Problem("ALREADY_DECIDED", message, path)]
    if question.deadline < work.now:
        passed = f"{question.deadline:%Y-%m-%d %H:%M} UTC"
        return [Problem("DEADLINE_PASSED", f"The deadline for the target list of {named} was {passed}.", path)]
    return []


async def close(work: Work, order: Order, approval: Approval, status: ApprovalStatus, comment: str = "") -> None:
    """Closes the question with the caller's answer, or with the server's in its place."""
    approval.override = await _is_override(work, approval)
    approval.status, approval.comment, approval.subject_revision = status, comment, order.revision
    approval.decided_at, approval.decided_by_id = work.now, work.caller.id
    decision = Action.APPROVE if status is ApprovalStatus.APPROVED else Action.REJECT
    await work.record(SubjectKind.APPROVAL, approval, decision, comment=comment, entity_id=approval.entity_id)


async def accept(work: Work, package: Package, order: Order, comment: str = "") -> None:
    """The list is final. In manual mode the order goes to its reviewers, in automatic mode it takes part [9.13]."""
    order.confirmed_at, order.confirmed_by_id = work.now, work.caller.id
    manual = package.approval_mode is ApprovalMode.MANUAL
    if manual:
        order.apply(Action.EDIT if order.status is OrderStatus.ORDERED else Action.SUBMIT)
        order.submitted_at, order.submitted_by_id = work.now, work.caller.id
    await work.record(
        SubjectKind.ORDER, order, "CONFIRM", comment=comment, entity_id=order.entity_id,
        after={"approved_contacts": order.approved_contacts},
    )
    work.impact.add("ORDER", order.code, order.label, order.status)
    if manual:
        question = await pending(work, order_id=order.id, subject=ApprovalSubject.ORDER)
        await ask_order_approval(work, package, order, question)
    else:
        await make_available_if_due(work, package, order)


async def _exclude_all(work: Work, order: Order) -> None:
    await work.session.execute(
        update(Target).where(Target.order_id == order.id, Target.kept)
        .values(kept=False, reason=NO_ANSWER, decided_at=work.now, decided_by_id=work.caller.id)
        .execution_options(synchronize_session=False)
    )
    order.approved_contacts = 0


async def _drop(work: Work, order: Order) -> None:
    if action := SILENCE.get(order.status):
        order.apply(action)
    await work.record(
        SubjectKind.ORDER, order, action or Action.REJECT, comment=NO_ANSWER, entity_id=order.entity_id
    )
    work.impact.add("ORDER", order.code, order.label, order.status)
    if action is Action.REJECT:
        work.emit(
            EventKind.ORDER_REJECTED, package_id=order.package_id, order_id=order.id, entity_id=order.entity_id,
            payload={"comment": NO_ANSWER},
        )


async def _is_override(work: Work, approval: Approval) -> bool:
    """Whether the caller is neither of the entity nor asked [2.2]; the server is nobody's substitute."""
    if work.caller.is_local or work.caller.id is None:
        return False
    asked = select(names_caller(approval.id, work.caller))
    return not await work.session.scalar(asked)
