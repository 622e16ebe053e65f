"""What a caller may see, as a predicate for every query: out of scope does not exist [2.2, 2.3].

Each `visible_*` gives a condition on the table of that name, to be put into WHERE of every statement that reads it.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Select, and_, literal_column, or_, select, true

from server.domain.approval import Approval, ApprovalSubject
from server.domain.campaign import Campaign, FormVersion
from server.domain.lifecycles import PackageStatus
from server.domain.network import Entity, EntityClosure, GroupMember, Operator, OperatorEntity, OperatorGroup, Right
from server.domain.notification import Notification
from server.domain.order import Document, Order
from server.domain.package import Package, PackageEntity
from server.domain.record import History
from server.domain.target import Contact, Target
from server.reads.ids import OneOf

Visible = ColumnElement[bool]
NOBODY: Visible = literal_column("1") == literal_column("0")
"""Not `false()`: SQLAlchemy would leave out what stands beside it, and the text of a prepared statement is one for all
values."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: an operator and the right it holds. `id` is None for the server itself, which sees everything."""

    id: UUID | None
    right: Right

    @property
    def is_central(self) -> bool:
        return self.right == Right.CENTRAL

    @property
    def is_admin(self) -> bool:
        return self.right == Right.ADMIN

    @property
    def is_local(self) -> bool:
        return self.right == Right.LOCAL


SYSTEM = Caller(None, Right.ADMIN)
"""The server acting by itself: deadlines, automatic moves."""


def scope(caller: Caller) -> Select[UUID]:
    """Ids of the entities that the operator is linked to, and of those below them in the tree."""
    return (
        select(EntityClosure.entity_id)
        .join(OperatorEntity, OperatorEntity.entity_id == EntityClosure.ancestor_id)
        .where(OperatorEntity.operator_id == caller.id)
    )


def visible_entities(caller: Caller) -> Visible:
    return Entity.id.in_(scope(caller)) if caller.is_local else true()


def visible_packages(caller: Caller) -> Visible:
    """Central and administrators: all. Local: published ones offered to their scope, and ended ones they hold an order
    of."""
    if not caller.is_local:
        return true()
    offered = select(PackageEntity.package_id).where(PackageEntity.entity_id.in_(scope(caller)))
    ordered = select(Order.package_id).where(Order.entity_id.in_(scope(caller)))
    return or_(
        and_(Package.status == PackageStatus.PUBLISHED, or_(Package.id.in_(offered), Package.offered_to_all)),
        and_(Package.status.in_((PackageStatus.PUBLISHED, PackageStatus.ENDED)), Package.id.in_(ordered)),
    )


def concerning_packages(caller: Caller) -> Visible:
    """Those that the caller sees while they are published."""
    if not caller.is_local:
        return true()
    offered = select(PackageEntity.package_id).where(PackageEntity.entity_id.in_(scope(caller)))
    ordered = select(Order.package_id).where(Order.entity_id.in_(scope(caller)))
    return or_(Package.id.in_(offered), Package.offered_to_all, Package.id.in_(ordered))


def visible_orders(caller: Caller) -> Visible:
    return Order.entity_id.in_(scope(caller)) if caller.is_local else true()


def entities_above(ids: BindParameter[Any], kind: type[Order | Approval]) -> Select[UUID, UUID]:
    """Orders, or the approvals about such, with their entities and all entities above those. With `entities_of` it says
    what `visible_orders` and `visible_approvals` say, for many local operators at once: one sees it if an entity stands
    in both."""
    return (
        select(kind.id, EntityClosure.ancestor_id).join(EntityClosure, EntityClosure.entity_id == kind.entity_id)
        .where(OneOf(kind.id, ids))
    )


def entities_of(operator_ids: BindParameter[Any]) -> Select[UUID, UUID]:
    """Operators with the entities that they are linked to."""
    return select(OperatorEntity.operator_id, OperatorEntity.entity_id).where(
        OneOf(OperatorEntity.operator_id, operator_ids)
    )


def visible_campaigns(caller: Caller) -> Visible:
    """Local: the children of their entities, and the reference campaigns of packages and orders they see."""
    if not caller.is_local:
        return true()
    offered = select(Package.campaign_id).where(visible_packages(caller))
    ordered = select(Order.campaign_id).where(visible_orders(caller), Order.campaign_id.is_not(None))
    return or_(Campaign.entity_id.in_(scope(caller)), Campaign.id.in_(offered), Campaign.id.in_(ordered))


def visible_form_versions(caller: Caller) -> Visible:
    if not caller.is_local:
        return true()
    return FormVersion.campaign_id.in_(select(Campaign.id).where(visible_campaigns(caller)))


def visible_approvals(caller: Caller) -> Visible:
    """Local: those about orders and target lists of their entities; package approvals are central's business."""
    if not caller.is_local:
        return true()
    return and_(Approval.subject != ApprovalSubject.PACKAGE, Approval.entity_id.in_(scope(caller)))


def visible_operators(caller: Caller) -> Visible:
    """Local: themselves and the operators linked to their entities."""
    if not caller.is_local:
        return true()
    linked = select(OperatorEntity.operator_id).where(OperatorEntity.entity_id.in_(scope(caller)))
    return or_(Operator.id == caller.id, Operator.id.in_(linked))


def visible_groups(caller: Caller) -> Visible:
    """Local: groups they are members of, and those that their entities name."""
    if not caller.is_local:
        return true()
    member = select(GroupMember.group_id).where(GroupMember.operator_id == caller.id)
    named = [
        select(column).where(Entity.id.in_(scope(caller)), column.is_not(None))
        for column in (Entity.notification_group_id, Entity.order_reviewers_id, Entity.campaign_reviewers_id)
    ]
    return or_(OperatorGroup.id.in_(member), *(OperatorGroup.id.in_(ids) for ids in named))


def visible_contacts(caller: Caller) -> Visible:
    """Local: the contacts of their entities, and those on their target lists."""
    if not caller.is_local:
        return true()
    listed = select(Target.contact_id).where(visible_targets(caller))
    return or_(Contact.entity_id.in_(scope(caller)), Contact.id.in_(listed))


def visible_targets(caller: Caller) -> Visible:
    if not caller.is_local:
        return true()
    return Target.order_id.in_(select(Order.id).where(visible_orders(caller)))


def visible_documents(caller: Caller) -> Visible:
    if not caller.is_local:
        return true()
    return or_(
        Document.package_id.in_(select(Package.id).where(visible_packages(caller))),
        Document.order_id.in_(select(Order.id).where(visible_orders(caller))),
    )


def visible_history(caller: Caller) -> Visible:
    return History.entity_id.in_(scope(caller)) if caller.is_local else true()


def visible_notifications(caller: Caller) -> Visible:
    """One's own, for everybody: administrators read nobody else's inbox."""
    return Notification.operator_id == caller.id


def visible_distributions(caller: Caller) -> Visible:
    """Data distributions name every entity: central's business."""
    return NOBODY if caller.is_local else true()


def visible_message_templates(caller: Caller) -> Visible:
    return NOBODY if caller.is_local else true()


def visible_webhooks(caller: Caller) -> Visible:
    """What other systems are told is the business of administrators alone."""
    return true() if caller.is_admin else NOBODY


def visible_dispatches(caller: Caller) -> Visible:
    """What became of messages, whoever they go to; not what they say."""
    return true() if caller.is_admin else NOBODY


def visible_fan_outs(caller: Caller) -> Visible:
    """How many entities there are is central's business."""
    return NOBODY if caller.is_local else true()


def visible_package_templates(caller: Caller) -> Visible:
    return NOBODY if caller.is_local else true()


__all__ = [
    "SYSTEM", "Caller", "Visible", "concerning_packages", "scope", "visible_approvals",
    "visible_campaigns", "visible_contacts", "visible_dispatches", "visible_distributions", "visible_documents",
    "visible_entities", "visible_fan_outs", "visible_form_versions", "visible_groups", "visible_history",
    "visible_message_templates", "visible_notifications", "visible_operators", "visible_orders",
    "visible_package_templates", "visible_packages", "visible_targets", "visible_webhooks",
]
