"""Which of the changed objects each viewer sees, for many viewers in one statement with everybody's own predicate."""

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, and_, literal_column, or_, select, true
from sqlalchemy.orm import aliased

from server.changes import Subject
from server.domain.approval import Approval, ApprovalStatus
from server.domain.network import Operator, Right
from server.domain.notification import Notification
from server.domain.order import Order
from server.domain.package import Package
from server.reads.ids import one_of
from server.reads.rights import waiting_for
from server.reads.visibility import (
    Caller,
    Visible,
    visible_approvals,
    visible_notifications,
    visible_orders,
    visible_packages,
)

FOLLOWED: dict[str, tuple[Any, Any, Callable[[Caller], Visible]]] = {
    Subject.PACKAGE: (Package.id, Package.id, visible_packages),
    Subject.ORDER: (Order.id, Order.package_id, visible_orders),
    Subject.APPROVAL: (Approval.id, Approval.package_id, visible_approvals),
    Subject.NOTIFICATION: (Notification.id, Notification.package_id, visible_notifications),
    Subject.FAN_OUT: (Package.id, Package.id, visible_packages),
}
"""The id of each subject's objects, their package, and who sees them."""


def seen_by(subject: str, viewers: Collection[Any], ids: Collection[UUID], *, mine: bool) -> Select[Any]:
    """Pairs of viewer and object, with the object's package; `mine`: only approvals that wait for the viewer, or for
    nobody any more."""
    viewer = aliased(Operator, name="viewer")
    its_id: Any = literal_column("viewer.id", Uuid())  # by its name: subqueries of any depth may refer to it
    key, package, visible = FOLLOWED[subject]
    callers = [Caller(its_id, right) for right in Right]
    seen = or_(*(
        and_(viewer.right == each.right, visible(each), _concerns(each) if mine else true()) for each in callers
    ))
    return (
        select(viewer.id, key, package).select_from(viewer).join(key.class_, true())
        .where(one_of(viewer.id, viewers), one_of(key, ids), seen)
    )


def _concerns(caller: Caller) -> Visible:
    return or_(Approval.status != ApprovalStatus.PENDING, waiting_for(caller))
