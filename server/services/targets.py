"""What entities do with their target lists: remove, restore, confirm; and what administrators correct [9.14-9.17]."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, select, update

from server.domain.approval import ApprovalStatus, ApprovalSubject
from server.domain.campaign import Campaign
from server.domain.filter import check_filter
from server.domain.lifecycles import LIVE_ORDERS, Action, OrderStatus
from server.domain.network import Entity
from server.domain.order import Order
from server.domain.package import ApprovalMode, Package
from server.domain.record import SubjectKind
from server.domain.target import Contact, Target
from server.errors import Problem, refuse, refuse_any
from server.reads.contact_fields import condition
from server.services.approving import pending, withdraw_approval
from server.services.loading import check_revision, load_order
from server.services.order_checks import check_standing
from server.services.target_answers import check_open, close_unanswered, confirm, question_of
from server.services.target_approvals import Question, ask_target_approvals
from server.services.work import Work

__all__ = ["Targets", "close_unanswered"]

MAX_CONTACTS = 1_000
MAX_REASON = 500
REOPENABLE = (OrderStatus.ORDERED, OrderStatus.APPROVED, OrderStatus.REJECTED)
"""Before its answer an order has nothing to re-open, and once available its contacts have joined the campaign."""


class Targets:
    """The lists of an entity's operators; central and administrators may act for them, which the history shows."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def decide(
        self, order_id: UUID, keep: bool, contact_ids: Sequence[UUID] | None = None,
        filter: Mapping[str, Any] | None = None, reason: str = "",
    ) -> int:
        """Restores or removes the contacts of the list that are named or that match the filter, and says how many
        changed. Nothing is added to a list. Open until the list is confirmed or its deadline passes; administrators
        correct it as long as the order is live [9.14, 9.17]. A reason may be given; it stays with each contact."""
        _package, order = await load_order(self.work, order_id)
        question = await question_of(self.work, order)
        corrects = self.work.caller.is_admin and order.status in LIVE_ORDERS
        closed = [] if corrects else await check_open(self.work, order, question)
        refuse_any(_check_given(contact_ids, filter, reason) + closed)
        if contact_ids is not None:
            chosen: ColumnElement[bool] = Target.contact_id.in_(await self._changing(order, keep, contact_ids))
        else:
            chosen = and_(Target.kept != keep, _matches(order, filter or {}))
        written: Any = await self.work.session.execute(
            update(Target).where(Target.order_id == order.id, chosen)
            .values(kept=keep, reason=reason, decided_at=self.work.now, decided_by_id=self.work.caller.id)
            .execution_options(synchronize_session=False)
        )
        changed: int = written.rowcount
        if changed:
            order.approved_contacts = (order.approved_contacts or 0) + (changed if keep else -changed)
            await self.work.record(
                SubjectKind.ORDER, order, "RESTORE_CONTACTS" if keep else "REMOVE_CONTACTS", comment=reason,
                entity_id=order.entity_id,
                after={"contacts": changed}
                | ({"filter": filter} if contact_ids is None else {"contact_ids": contact_ids}),
            )
        return changed

    async def confirm(self, order_id: UUID, revision: int, comment: str = "") -> Order:
        """Makes the list final. In manual mode the order goes to its reviewers, in automatic mode it takes part [9.13].
        A second confirmation gets ALREADY_DECIDED with who and when."""
        work = self.work
        package, order = await load_order(work, order_id)
        work.types.require(package.type)
        question = await question_of(work, order)
        refuse_any(await check_open(work, order, question))
        await check_revision(work, order, revision, f"order {order.label} ({order.code})")
        await confirm(work, package, order, question, comment)
        return order

    async def reopen(self, order_id: UUID, comment: str = "") -> Order:
        """Asks the entity again, with a new deadline [9.17]; for administrators. An open question about the order is
        taken back, an approved order in manual mode needs approval again [6.2]. Until the new answer a submitted order
        stays ORDERED, since nothing leads back to a draft."""
        work = self.work
        package, order = await load_order(work, order_id)
        work.require_admin("re-open an answer")
        work.types.require(package.type)
        await self._require_reopenable(package, order)
        if question := await pending(work, order_id=order.id, subject=ApprovalSubject.ORDER):
            await withdraw_approval(work, question, comment)
        if order.status is OrderStatus.APPROVED:
            manual = package.approval_mode is ApprovalMode.MANUAL
            order.apply(Action.EDIT if manual else Action.EDIT_UNAPPROVED)
            order.approved_at = None if manual else order.approved_at
        order.confirmed_at = order.confirmed_by_id = None
        await work.record(SubjectKind.ORDER, order, "REOPEN", comment=comment, entity_id=order.entity_id)
        campaign = await work.session.get_one(Campaign, package.campaign_id)
        entity = await work.session.get_one(Entity, order.entity_id)
        await ask_target_approvals(work, package, campaign, [Question(
            order.id, order.code, order.label, order.revision, order.entity_id,
            entity.campaign_reviewers_id or entity.notification_group_id, order.targeted_contacts or 0,
        )], comment)
        return order

    async def _changing(self, order: Order, keep: bool, contact_ids: Sequence[UUID]) -> list[UUID]:
        """Those of the named contacts that change; all of them must stand on the list."""
        rows = await self.work.session.execute(
            select(Target.contact_id, Target.kept)
            .where(Target.order_id == order.id, Target.contact_id.in_(contact_ids))
        )
        listed = {row.contact_id: row.kept for row in rows}
        refuse_any(
            Problem("NOT_ON_LIST", "There is no such contact on the list.", ("contact_ids", str(position)))
            for position, contact_id in enumerate(contact_ids) if contact_id not in listed
        )
        return [contact_id for contact_id, kept in listed.items() if kept != keep]

    async def _require_reopenable(self, package: Package, order: Order) -> None:
        named = f"Order {order.label} ({order.code})"
        question = await question_of(self.work, order)
        if question.status is ApprovalStatus.PENDING:
            raise refuse("STILL_OPEN", f"{named} waits for its answer: move its deadline instead.", "id")
        if order.status not in REOPENABLE:
            allowed = ", ".join(REOPENABLE)
            raise refuse("NOT_REOPENABLE", f"{named} is {order.status}; an answer is re-opened while {allowed}.", "id")
        if order.cycle != package.cycle:
            message = f"{named} belongs to cycle {order.cycle}; the package is in {package.cycle}."
            raise refuse("EARLIER_CYCLE", message, "id")
        refuse_any(await check_standing(self.work, package, order))


def _matches(order: Order, filter: Mapping[str, Any]) -> ColumnElement[bool]:
    return exists().where(Contact.id == Target.contact_id, condition(filter, order.parameters))


def _check_given(
    contact_ids: Sequence[UUID] | None, filter: Mapping[str, Any] | None, reason: str
) -> list[Problem]:
    problems = []
    if (contact_ids is None) == (filter is None):
        message = 'Name either contacts or a filter; the filter {"and": []} takes the whole list.'
        problems.append(Problem("ONE_OF", message, ("contact_ids",)))
    if contact_ids is not None and len(contact_ids) > MAX_CONTACTS:
        message = f"Name at most {MAX_CONTACTS} contacts at once, not {len(contact_ids)}, or use a filter."
        problems.append(Problem("TOO_MANY", message, ("contact_ids",)))
    if filter is not None:
        problems += [problem.at("filter") for problem in check_filter(filter)]
    if len(reason) > MAX_REASON:
        problems.append(Problem("TOO_LONG", f"A reason has at most {MAX_REASON} characters.", ("reason",)))
    return problems
