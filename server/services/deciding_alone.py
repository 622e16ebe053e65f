"""Decisions that are taken alone: about a package, which nobody else may hold meanwhile, and about a target list
[5.5, 9.13]."""

from server.domain.approval import Approval, ApprovalSubject
from server.domain.lifecycles import Action
from server.domain.order import Order
from server.domain.permissions import Decision as Capacity
from server.domain.record import EventKind, SubjectKind
from server.errors import NotFound, refuse_any
from server.services.loading import load_approval
from server.services.orders import Orders
from server.services.package_fields import check_complete
from server.services.publishing import publish_if_due
from server.services.targets import Targets
from server.services.verdicts import Asked, Decision, Verdict, check, reviewers_of
from server.services.work import Work


async def decide_alone(work: Work, verdict: Verdict) -> Approval:
    """The approval as it is then; raises what speaks against it, and the transaction is rolled back."""
    package, order, approval = await load_approval(work, verdict.approval_id)
    asked = Asked(work, verdict, package, order, approval)
    capacity = await check(asked, await reviewers_of(work, [approval.id], [work.caller]))
    match approval.subject:
        case ApprovalSubject.PACKAGE:
            await _close(asked, capacity)
            await _decide_package(asked)
        case ApprovalSubject.TARGET if order is not None:
            await _decide_target(asked, order, capacity)
        case _:
            raise NotFound("There is no such approval.")  # was asked while others were looked for
    return approval


async def _close(asked: Asked, capacity: Capacity) -> None:
    asked.close(capacity)
    verdict, approval = asked.verdict, asked.approval
    await asked.work.record(
        SubjectKind.APPROVAL, approval, verdict.decision, comment=verdict.comment, entity_id=approval.entity_id
    )


async def _decide_package(asked: Asked) -> None:
    work, package, verdict = asked.work, asked.package, asked.verdict
    package.apply(Action(verdict.decision))
    if verdict.decision is Decision.APPROVE:
        refuse_any(await check_complete(work, package))
    await work.record(SubjectKind.PACKAGE, package, verdict.decision, comment=verdict.comment)
    work.impact.add("PACKAGE", package.code, package.label, package.status)
    if verdict.decision is Decision.REJECT:
        work.emit(EventKind.PACKAGE_REJECTED, package_id=package.id, payload={"comment": verdict.comment})
        work.impact.add("MESSAGE", package.code, package.label, EventKind.PACKAGE_REJECTED)
    else:
        await publish_if_due(work, package)


async def _decide_target(asked: Asked, order: Order, capacity: Capacity) -> None:
    """To approve a target is to confirm it; to reject it is to leave the campaign [9.13]."""
    work, comment = asked.work, asked.verdict.comment
    if asked.verdict.decision is Decision.APPROVE:
        await Targets(work).confirm(order.id, order.revision, comment)
    else:
        await _close(asked, capacity)
        await Orders(work).cancel(order.id, order.revision, comment)
    await work.session.refresh(asked.approval)
