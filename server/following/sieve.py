"""Which of the changed objects each viewer sees, and which are lost to whom, for many viewers in one statement with
everybody's own predicate."""

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, and_, exists, literal_column, or_, select, true
from sqlalchemy.orm import aliased

from server.changes import Subject
from server.domain.approval import Approval, ApprovalStatus
from server.domain.lifecycles import PackageStatus
from server.domain.network import Operator, Right
from server.domain.notification import Notification
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import History
from server.reads.ids import one_of
from server.reads.rights import waiting_for
from server.reads.visibility import (
    Caller,
    Visible,
    concerning_packages,
    visible_approvals,
    visible_history,
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


SHOWN = (PackageStatus.PUBLISHED, PackageStatus.ENDED)
LOST: dict[str, tuple[Any, Callable[[Caller], Visible]]] = {
    Subject.PACKAGE: (
        History.before["status"].as_string().in_(SHOWN),
        lambda caller: History.subject_id.in_(select(Package.id).where(concerning_packages(caller))),
    ),
    Subject.ORDER: (History.action == "DELETE", visible_history),
}
"""By subject: which entry of the history takes an object away, and who saw the object until then."""


def seen_by(subject: str, viewers: Collection[Any], ids: Collection[UUID], *, mine: bool) -> Select[Any]:
    """Pairs of viewer and object, with the object's package; `mine`: only approvals that wait for the viewer, or for
    nobody any more."""
    key, package, visible = FOLLOWED[subject]

    def seen(caller: Caller) -> Visible:
        return and_(visible(caller), _concerns(caller) if mine else true())

    return _pairs(viewers, key, seen).add_columns(package).where(one_of(key, ids))


def taken_away(subject: str, ids: Collection[UUID]) -> Select[Any]:
    """The newest entries of those objects that it took away, from everybody or from some."""
    later = aliased(History)
    newer = exists().where(later.subject_id == History.subject_id, later.id > History.id)
    return select(History.id).where(one_of(History.subject_id, ids), LOST[subject][0], ~newer)


def lost_by(subject: str, viewers: Collection[Any], entries: Collection[UUID]) -> Select[Any]:
    """Pairs of viewer and object, of those who saw what these entries took away."""
    return _pairs(viewers, History.subject_id, LOST[subject][1]).where(one_of(History.id, entries))


def _pairs(viewers: Collection[Any], key: Any, visible: Callable[[Caller], Visible]) -> Select[Any]:
    """Each of the viewers with the rows that are visible to it."""
    viewer = aliased(Operator, name="viewer")
    its_id: Any = literal_column("viewer.id", Uuid())  # by its name: subqueries of any depth may refer to it
    seen = or_(*(
        and_(viewer.right == right, visible(Caller(its_id, right))) for right in Right
    ))
    return (
        select(viewer.id, key).select_from(viewer).join(key.class_, true())
        .where(one_of(viewer.id, viewers), seen)
    )


def _concerns(caller: Caller) -> Visible:
    return or_(Approval.status != ApprovalStatus.PENDING, waiting_for(caller))
