"""Decisions, any number at once and by whomever: what is read is read for all of them, what is written is written for
all of them, and each is accepted or refused by itself [5.2, 5.5, 5.6]."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import select

from server.domain.approval import Approval, ApprovalSubject
from server.domain.lifecycles import Action
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import EventKind, SubjectKind
from server.errors import NotFound, SamverkanError
from server.reads.ids import OneOf, ids_named
from server.services.apart import apart, columns
from server.services.availability import Approved, make_all_available_if_due
from server.services.bulk import add_history, changed_entry, emit_all, save
from server.services.deciding_alone import decide_alone
from server.services.loading import sees_each
from server.services.ready import Ready
from server.services.verdicts import Asked, Decision, Reviewers, Verdict, check, reviewers_of
from server.services.work import Alone, Work

Outcome = Approval | SamverkanError | Alone
"""The approval as it is now, why it was not decided, or that it is to be asked for alone."""
Loaded = dict[UUID, tuple[Package, Order, Approval]]
"""By the approval's id."""
ASKED: Any = (OneOf(Approval.id, ids_named("ids")), Approval.subject == ApprovalSubject.ORDER)
PACKAGES = Ready(
    select(*columns(Package)).where(Package.id.in_(select(Approval.package_id).where(*ASKED)))
    .order_by(Package.id).with_for_update(read=True)
)
ORDERS = Ready(
    select(*columns(Order), *columns(Approval)).join_from(Order, Approval, Approval.order_id == Order.id).where(*ASKED)
    .order_by(Order.id, Approval.id).with_for_update(key_share=True)
)
"""What decisions about orders are about, made once: their packages, and each order with its approval."""


async def decide_all(work: Work, verdicts: Sequence[Verdict]) -> list[Outcome]:
    """What came of each; of several about one approval the first decides. What is not about an order is decided only
    when it comes alone, since it locks more; then what speaks against it once it has begun is raised."""
    seen = await sees_each(work, [(each.caller, each.approval_id) for each in verdicts], Approval)
    wanted = [each for each, sees in zip(verdicts, seen, strict=True) if sees]
    loaded = await _load(work, {each.approval_id for each in wanted})
    if wanted and not loaded and len(verdicts) == 1:
        return await _decide_alone(work, verdicts)
    reviewers = await reviewers_of(work, list(loaded), {each.caller for each in wanted})
    outcomes: list[Outcome] = []
    accepted: list[tuple[Asked, Order]] = []
    for verdict, sees in zip(verdicts, seen, strict=True):
        if not sees:
            outcomes.append(NotFound("There is no such approval."))
        elif verdict.approval_id not in loaded:
            outcomes.append(Alone(_decide_alone))
        else:
            package, order, approval = loaded[verdict.approval_id]
            asked = Asked(_own(work, verdict), verdict, package, order, approval)
            refused = await _refused(asked, order, reviewers)
            outcomes.append(refused or approval)
            accepted += [] if refused else [(asked, order)]
    await _write(work, accepted)
    return outcomes


async def _decide_alone(work: Work, verdicts: Sequence[Verdict]) -> list[Outcome]:
    return [await decide_alone(_own(work, each), each) for each in verdicts]


def _own(work: Work, verdict: Verdict) -> Work:
    """The work of whoever gives the verdict, which may be given again after a conflict."""
    if verdict.impact:
        verdict.impact.clear()
    return replace(work, caller=verdict.caller, impact=verdict.impact or work.impact)


async def _load(work: Work, approval_ids: Iterable[UUID]) -> Loaded:
    """Those about orders, locked in the common order: packages, then orders, each with its approval."""
    if not (ids := list(approval_ids)):
        return {}
    packages = {each.id: each for each in map(apart(Package), await PACKAGES.rows(work.session, ids=ids))}
    order_of, approval_of = apart(Order), apart(Approval, len(columns(Order)))
    pairs = [(order_of(row), approval_of(row)) for row in await ORDERS.rows(work.session, ids=ids)]
    return {approval.id: (packages[order.package_id], order, approval) for order, approval in pairs}


async def _refused(asked: Asked, order: Order, reviewers: Reviewers) -> SamverkanError | None:
    """Why it is refused. One that is not is decided then, in memory."""
    try:
        capacity = await check(asked, reviewers)
        order.apply(Action(asked.verdict.decision))
    except SamverkanError as error:
        return error
    asked.close(capacity)
    if asked.verdict.decision is Decision.APPROVE:
        order.approved_at = asked.work.now
    return None


async def _write(work: Work, accepted: Sequence[tuple[Asked, Order]]) -> None:
    if not accepted:
        return
    await add_history(work, [
        changed_entry(asked.work, subject, thing, asked.verdict.decision, asked.verdict.comment)
        for asked, order in accepted
        for subject, thing in ((SubjectKind.APPROVAL, asked.approval), (SubjectKind.ORDER, order))
    ])
    await save(work, [asked.approval for asked, _ in accepted])
    await save(work, [order for _, order in accepted])
    for asked, order in accepted:
        asked.work.impact.add("ORDER", order.code, order.label, order.status)
    await _tell_of_rejections(work, [each for each in accepted if each[0].verdict.decision is Decision.REJECT])
    await make_all_available_if_due(work, [Approved(asked.work, asked.package, order) for asked, order in accepted])


async def _tell_of_rejections(work: Work, rejected: Sequence[tuple[Asked, Order]]) -> None:
    await emit_all(work, EventKind.ORDER_REJECTED, [
        {
            "package_id": order.package_id, "order_id": order.id, "entity_id": order.entity_id,
            "actor_id": asked.work.caller.id, "payload": {"comment": asked.verdict.comment},
        }
        for asked, order in rejected
    ])
    for asked, order in rejected:
        asked.work.impact.add("MESSAGE", order.code, order.label, EventKind.ORDER_REJECTED)
