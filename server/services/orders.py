"""What entities, and central for them, do with orders: make, fill in, submit, cancel, delete [6]."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from server.domain import permissions
from server.domain.approval import ApprovalSubject
from server.domain.base import Json, new_id
from server.domain.campaign import Campaign
from server.domain.lifecycles import Action, OrderStatus
from server.domain.order import Document, Order, OrderReviewer
from server.domain.package import ApprovalMode, Package
from server.domain.record import SubjectKind
from server.errors import Problem, Refused, SamverkanError, refuse, refuse_any
from server.services.approving import ask_order_approval, change_reviewers, order_reviewers, pending
from server.services.codes import next_code
from server.services.ending import cancel_orders
from server.services.loading import check_revision, load_entity, load_order, load_package
from server.services.order_checks import assign, check_ordering, check_parameters, take_newest_form
from server.services.reviewers import named_reviewers, save_reviewers
from server.services.submitting import Submission, submit_all
from server.services.work import Work


class Orders:
    """Orders, for the operators of the entity and for central on its behalf."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def create(self, package_id: UUID, entity_id: UUID, fields: Mapping[str, Any]) -> Order:
        """A draft; what is not given starts with the form's defaults. Required values may still be missing."""
        work = self.work
        package = await load_package(work, package_id, shared=True)
        entity = await load_entity(work, entity_id)
        kind = work.types.require(package.type)
        campaign = await work.session.get_one(Campaign, package.campaign_id)
        order = Order(
            id=new_id(), code="", label=package.label, comment="", package_id=package.id, cycle=package.cycle,
            entity_id=entity.id, status=OrderStatus.DRAFT, form_version=campaign.form_version,
            exclusive=not kind.rules.several_orders,
            assignee_id=work.caller.id if work.caller.is_local else None, revision=1,
        )
        problems = await check_ordering(work, package, order, entity)
        problems += await assign(work, package, order, {"parameters": {}, **fields})
        refuse_any(problems + await check_parameters(work, package, order, whole=False))
        order.code = await next_code(work.session, "ORD")
        await work.record(SubjectKind.ORDER, order, "CREATE", entity_id=order.entity_id)
        await save_reviewers(work, order, fields.get("reviewers") or [])
        return order

    async def update(self, order_id: UUID, revision: int, fields: Mapping[str, Any]) -> Order:
        """Changes an order; an approved one goes back to its reviewers in manual mode [6.2]. A draft takes on the
        form's newest version when its parameters are written, a submitted order keeps its own [9.3]."""
        package, order = await self._load(order_id, revision)
        work = self.work
        if order.status is OrderStatus.DRAFT and "parameters" in fields:
            await take_newest_form(work, package, order)
        problems = self._check_editable(package, order)
        problems += await assign(work, package, order, fields)
        whole = order.status not in (OrderStatus.DRAFT, OrderStatus.REJECTED)
        refuse_any(problems + await check_parameters(work, package, order, whole=whole))
        automatic = order.status is OrderStatus.APPROVED and package.approval_mode is ApprovalMode.AUTOMATIC
        order.apply(Action.EDIT_UNAPPROVED if automatic else Action.EDIT)
        if order.status is OrderStatus.ORDERED:
            order.approved_at = None
        before, after = await self._name_reviewers(order, fields)
        await work.record(
            SubjectKind.ORDER, order, Action.EDIT, entity_id=order.entity_id, before=before, after=after
        )
        if order.status is OrderStatus.ORDERED:
            await self._ask_again(package, order, reviewers_changed="reviewers" in fields)
        return order

    async def submit(self, order_id: UUID, revision: int) -> Order:
        """Orders what the draft says, for the reviewers to decide [6.4, 6.7]. Submitting twice says so."""
        [outcome] = await submit_all(self.work, [Submission(self.work.caller, order_id, revision)])
        if isinstance(outcome, SamverkanError):
            raise outcome
        return outcome

    async def cancel(self, order_id: UUID, revision: int, comment: str = "") -> Order:
        """Cancels a live order and its child campaign; who, when and why stay on record [6.6]."""
        package, order = await self._load(order_id, revision)
        self._require_cancelable(package, order)
        await cancel_orders(self.work, package, Order.id == order.id, comment, tell=True)
        await self.work.session.refresh(order)
        return order

    async def delete(self, order_id: UUID, revision: int) -> Sequence[Document]:
        """Deletes a draft that was never submitted; anything else is cancelled instead [6.6]. Gives the documents it
        had: their files are for the caller to remove once the transaction has committed."""
        _package, order = await self._load(order_id, revision)
        session = self.work.session
        named = f"Order {order.label} ({order.code})"
        if order.status is not OrderStatus.DRAFT or order.submitted_at is not None:
            raise refuse("ONLY_DRAFTS", f"{named} is {order.status}: only a draft is deleted, cancel it instead.", "id")
        if order.targeted_contacts is not None:
            raise refuse("ONLY_DRAFTS", f"{named} holds a target list: cancel it instead.", "id")
        gone = {field: getattr(order, field) for field in ("status", "label", "comment", "parameters")}
        await self.work.record(SubjectKind.ORDER, order, "DELETE", entity_id=order.entity_id, before=gone)
        documents = (await session.scalars(select(Document).where(Document.order_id == order.id))).all()
        for table in (Document, OrderReviewer):
            await session.execute(delete(table).where(table.order_id == order.id))
        await session.delete(order)
        await session.flush()
        return documents

    async def _load(self, order_id: UUID, revision: int, *, check: bool = True) -> tuple[Package, Order]:
        package, order = await load_order(self.work, order_id)
        self.work.types.require(package.type)
        if check:
            await check_revision(self.work, order, revision, f"order {order.label} ({order.code})")
        return package, order

    async def _name_reviewers(self, order: Order, fields: Mapping[str, Any]) -> tuple[Json, Json]:
        """Saves reviewers when given, and tells who they were and are, for the history."""
        if "reviewers" not in fields:
            return {}, {}
        before = await named_reviewers(self.work, order)
        await save_reviewers(self.work, order, fields["reviewers"] or [])
        return {"reviewers": before}, {"reviewers": await named_reviewers(self.work, order)}

    async def _ask_again(self, package: Package, order: Order, *, reviewers_changed: bool) -> None:
        question = await pending(self.work, order_id=order.id, subject=ApprovalSubject.ORDER)
        approval = await ask_order_approval(self.work, package, order, question)
        if question and reviewers_changed:
            await change_reviewers(self.work, approval, await order_reviewers(self.work, order))

    def _check_editable(self, package: Package, order: Order) -> list[Problem]:
        if permissions.can_edit_order(
            order.status, package.approval_mode, package.effective_registration_deadline, self.work.now,
            current_cycle=order.cycle == package.cycle,
        ):
            return []
        return [Problem(
            "NOT_EDITABLE",
            f"Order {order.label} ({order.code}) is {order.status} and cannot be changed any more; drafts and "
            "subscriptions change until the registration deadline, orders until their campaign is available.",
            ("id",),
        )]

    def _require_cancelable(self, package: Package, order: Order) -> None:
        if permissions.can_cancel_order(
            self.work.caller.right, order.status, package.approval_mode, package.effective_registration_deadline,
            self.work.now,
        ):
            return
        order.apply(Action.CANCEL)  # refuses when the status is the reason
        raise Refused([Problem(
            "REGISTRATION_CLOSED", "A subscription can be rejected until the registration deadline; ask central.",
            ("id",),
        )])
