"""Which contacts entities have approved, and the complement: those on lists that they have not [9.16, 9.18]."""

from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, not_, select

from server.domain.approval import Approval, ApprovalStatus, ApprovalSubject
from server.domain.lifecycles import OrderStatus
from server.domain.order import Order
from server.domain.package import Package
from server.domain.target import Target

APPROVED_ORDERS = (OrderStatus.APPROVED, OrderStatus.AVAILABLE, OrderStatus.FINISHED)


def is_approved() -> ColumnElement[bool]:
    """Whether a contact takes part: kept on a list that is confirmed, of an order that is approved."""
    return and_(Target.kept, Order.confirmed_at.is_not(None), Order.status.in_(APPROVED_ORDERS))


def complement(package: Package) -> Select[UUID]:
    """The contacts on the lists of the package's cycle that are not approved [9.16]."""
    return select(Target.contact_id).join(Order, Order.id == Target.order_id).where(_own(package), not_(is_approved()))


def unanswered(package: Package) -> ColumnElement[bool]:
    """Whether any list of the package's cycle waits for its entity's answer [9.15]."""
    return exists().where(
        _own(package), Approval.order_id == Order.id, Approval.subject == ApprovalSubject.TARGET,
        Approval.status == ApprovalStatus.PENDING,
    )


def _own(package: Package) -> ColumnElement[bool]:
    return and_(
        Order.package_id == package.id, Order.cycle == package.cycle, Order.targeted_contacts.is_not(None)
    )
