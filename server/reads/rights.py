"""What the rules of `server.domain.permissions` must know about a row, as SQL, and lists that follow from them."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, true

from server.domain.approval import Approval, ApprovalReviewer, ApprovalStatus, ApprovalSubject
from server.domain.lifecycles import STANDING_ORDERS
from server.domain.network import Entity, EntityKind, GroupMember, Right
from server.domain.order import Order
from server.domain.package import Package, PackageEntity
from server.reads.resource import Expression, Needs, Reader
from server.reads.visibility import Caller, visible_entities

Sql = ColumnElement[Any]


def of_package(column: Any) -> Any:
    """A column of an order's package."""
    return select(column).where(Package.id == Order.package_id).correlate(Order).scalar_subquery()


def owns_package(reader: Reader) -> Sql:
    """Whether the reader owns the package of an approval."""
    return _owner() == reader.caller.id


def _owner() -> Sql:
    return select(Package.owner_id).where(Package.id == Approval.package_id).correlate(Approval).scalar_subquery()


def names_reviewers(approval_id: Any, *outer: Any) -> Sql:
    return exists().where(ApprovalReviewer.approval_id == approval_id).correlate(*outer)


def names_caller(approval_id: Any, caller: Caller, *outer: Any) -> Sql:
    """Whether the caller is asked, alone or through a group [5.1]."""
    groups = select(GroupMember.group_id).where(GroupMember.operator_id == caller.id)
    asked = or_(ApprovalReviewer.operator_id == caller.id, ApprovalReviewer.group_id.in_(groups))
    return exists().where(ApprovalReviewer.approval_id == approval_id, asked).correlate(*outer)


DECIDING: Needs = {
    "subject": Approval.subject,
    "status": Approval.status,
    "named": lambda _: names_reviewers(Approval.id, Approval),
    "is_reviewer": lambda reader: names_caller(Approval.id, reader.caller, Approval),
    "is_owner": owns_package,
}
"""What `can_decide` must know about an approval."""


def pending(subject: ApprovalSubject, link: Any, outer: Any) -> Any:
    """The id of the open question about a package or an order."""
    return select(Approval.id).where(
        link == outer.id, Approval.subject == subject, Approval.status == ApprovalStatus.PENDING
    ).correlate(outer).scalar_subquery()


def deciding(subject: ApprovalSubject, link: Any, outer: Any, owner: Expression) -> Needs:
    """What `can_decide` must know about the open question of a package or an order; `question` is null without one."""
    question = pending(subject, link, outer)
    return {
        "question": question,
        "named": lambda _: names_reviewers(question, outer),
        "is_reviewer": lambda reader: names_caller(question, reader.caller, outer),
        "owner_id": owner,
    }


def is_late(outer: Any, link: Any, reader: Reader, *subjects: ApprovalSubject) -> Sql:
    """Whether a question about it is open past its deadline [4.6, 5.3]."""
    return exists().where(
        link == outer.id, Approval.subject.in_(subjects), Approval.status == ApprovalStatus.PENDING,
        Approval.deadline < reader.now,
    ).correlate(outer)


def package_is_late(reader: Reader) -> Sql:
    return is_late(Package, Approval.package_id, reader, ApprovalSubject.PACKAGE)


def order_is_late(reader: Reader) -> Sql:
    return is_late(Order, Approval.order_id, reader, ApprovalSubject.ORDER, ApprovalSubject.TARGET)


def waiting_for(caller: Caller) -> Sql:
    """The open approvals that the caller is expected to decide: where `can_decide` answers REVIEWER [5.5, 5.6, 5.8]."""
    named, asked = names_reviewers(Approval.id, Approval), names_caller(Approval.id, caller, Approval)
    package, order, target = (Approval.subject == subject for subject in ApprovalSubject)
    own = _owner() == caller.id
    if caller.right == Right.CENTRAL:
        expected = or_(and_(package, or_(~named, asked & ~own)), and_(order, ~named | asked), target & asked)
    elif caller.right == Right.ADMIN:
        expected = or_(and_(package, asked, ~own), and_(order, or_(asked, ~named & own)), target & asked)
    else:
        expected = or_(and_(order, or_(asked, ~named & own)), target)
    return and_(Approval.status == ApprovalStatus.PENDING, expected)


def entities_in_audience(reader: Reader, *, free: bool) -> Sql:
    """Whether the reader sees an entity that the package is offered to; `free`: one without a standing order [6.3]."""
    holds = exists().where(
        Order.package_id == Package.id, Order.entity_id == Entity.id, Order.cycle == Package.cycle,
        Order.exclusive, Order.status.in_(STANDING_ORDERS),
    ).correlate(Package, Entity)
    listed = exists().where(
        PackageEntity.package_id == Package.id, PackageEntity.entity_id == Entity.id
    ).correlate(Package, Entity)
    return exists().where(
        Entity.kind == EntityKind.LOCAL, or_(Package.offered_to_all, listed), visible_entities(reader.caller),
        ~holds if free else true(),
    ).correlate(Package)
