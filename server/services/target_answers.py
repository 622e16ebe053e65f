"""Closing the question about a target list: by the entity's answer, or by its silence [9.13, 9.15]."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select, update

from server.domain.approval import Approval, ApprovalStatus, ApprovalSubject
from server.domain.base import Json
from server.domain.campaign import Campaign, NoResponse
from server.domain.lifecycles import Action, OrderStatus
from server.domain.order import Order
from server.domain.package import ApprovalMode, Package
from server.domain.record import EventKind, SubjectKind
from server.domain.target import Target
from server.errors import Problem, refuse
from server.reads.approved_targets import unanswered
from server.reads.ids import one_of
from server.reads.rights import names_caller
from server.services.approving import decider_of
from server.services.asking import ask_order_approvals
from server.services.availability import make_available_if_due
from server.services.bulk import emit_all, record_all
from server.services.loading import load_approval
from server.services.target_approvals import on_no_response
from server.services.work import Work

NO_ANSWER = "no answer by the deadline"
SILENCE = {OrderStatus.DRAFT: Action.EXPIRE, OrderStatus.ORDERED: Action.REJECT}
"""What becomes of an order in manual mode when all its contacts are excluded; ORDERED: its list was re-opened."""


async def close_unanswered(work: Work, approval: Approval) -> None:
    """What silence means when the deadline has passed [9.15]; does nothing before, or when it was answered."""
    package, order, approval = await load_approval(work, approval.id)
    if order is not None and approval.status is ApprovalStatus.PENDING and approval.deadline < work.now:
        await answer_for_silent(work, package, [(order, approval)])


async def answer_for_silent(work: Work, package: Package, asked: Sequence[tuple[Order, Approval]]) -> None:
    """Answers in place of entities of a package whose deadline has passed.

    KEEP_PRESELECTED: the list counts as confirmed as it stands, contacts that were removed stay removed.
    EXCLUDE_ALL: every contact is excluded, and nothing was approved. In manual mode the order was never accepted, so it
    expires; if it was accepted before its list was re-opened, it is rejected. In automatic mode the entity takes part
    unless it withdraws, and silence is no withdrawal [9.13]: the order stays approved, without contacts.
    """
    campaign = await work.session.get_one(Campaign, package.campaign_id)
    keeps = on_no_response(package, campaign) is NoResponse.KEEP_PRESELECTED
    orders, approvals = [order for order, _ in asked], [approval for _, approval in asked]
    for order, approval in asked:
        await _answer(work, order, approval, ApprovalStatus.APPROVED if keeps else ApprovalStatus.REJECTED, NO_ANSWER)
    decision = Action.APPROVE if keeps else Action.REJECT
    await record_all(work, SubjectKind.APPROVAL, approvals, decision, comment=NO_ANSWER)
    if not keeps:
        await _exclude_all(work, orders)
    if keeps or package.approval_mode is ApprovalMode.AUTOMATIC:
        await accept(work, package, orders, NO_ANSWER)
    else:
        await _drop(work, orders)


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


async def confirm(work: Work, package: Package, order: Order, approval: Approval, comment: str = "") -> None:
    """Closes the question with the caller's yes."""
    await _answer(work, order, approval, ApprovalStatus.APPROVED, comment)
    await record_all(work, SubjectKind.APPROVAL, [approval], Action.APPROVE, comment=comment)
    await accept(work, package, [order], comment)


async def accept(work: Work, package: Package, orders: Sequence[Order], comment: str = "") -> None:
    """The lists are final. In manual mode an order goes to its reviewers, in automatic mode it takes part [9.13]."""
    manual = package.approval_mode is ApprovalMode.MANUAL
    for order in orders:
        order.confirmed_at, order.confirmed_by_id = work.now, work.caller.id
        if manual:
            order.apply(Action.EDIT if order.status is OrderStatus.ORDERED else Action.SUBMIT)
            order.submitted_at, order.submitted_by_id = work.now, work.caller.id
    await record_all(
        work, SubjectKind.ORDER, orders, "CONFIRM", comment=comment,
        after=lambda order: {"approved_contacts": order.approved_contacts},
    )
    for order in orders:
        work.impact.add("ORDER", order.code, order.label, order.status)
    if manual:
        await ask_order_approvals(work, package, orders)
    else:
        await make_available_if_due(work, package, *orders)


async def _answer(work: Work, order: Order, approval: Approval, status: ApprovalStatus, comment: str) -> None:
    """The caller's answer, or the server's in its place."""
    approval.override = await _is_override(work, approval)
    approval.status, approval.comment, approval.subject_revision = status, comment, order.revision
    approval.decided_at, approval.decided_by_id = work.now, work.caller.id


async def _exclude_all(work: Work, orders: Sequence[Order]) -> None:
    await work.session.execute(
        update(Target).where(one_of(Target.order_id, [order.id for order in orders]), Target.kept)
        .values(kept=False, reason=NO_ANSWER, decided_at=work.now, decided_by_id=work.caller.id)
        .execution_options(synchronize_session=False)
    )
    for order in orders:
        order.approved_contacts = 0


async def _drop(work: Work, orders: Sequence[Order]) -> None:
    dropped: dict[Action, list[Order]] = defaultdict(list)
    for order in orders:
        dropped[SILENCE.get(order.status, Action.REJECT)].append(order)
    told = [_rejected(order) for order in orders if SILENCE.get(order.status) is Action.REJECT]
    for action, alike in dropped.items():
        for order in alike:
            if order.status in SILENCE:
                order.apply(action)
            work.impact.add("ORDER", order.code, order.label, order.status)
        await record_all(work, SubjectKind.ORDER, alike, action, comment=NO_ANSWER)
    await emit_all(work, EventKind.ORDER_REJECTED, told)


def _rejected(order: Order) -> Json:
    return {
        "package_id": order.package_id, "order_id": order.id, "entity_id": order.entity_id,
        "payload": {"comment": NO_ANSWER},
    }


async def _is_override(work: Work, approval: Approval) -> bool:
    """Whether the caller is neither of the entity nor asked [2.2]; the server is nobody's substitute."""
    if work.caller.is_local or work.caller.id is None:
        return False
    asked = select(names_caller(approval.id, work.caller))
    return not await work.session.scalar(asked)
