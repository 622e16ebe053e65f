"""The reviewers of packages, orders and approvals as one list, whichever table they stand in."""

from uuid import UUID

from sqlalchemy import or_, select, true, union_all
from sqlalchemy.orm import Mapped

from server.domain.approval import ApprovalReviewer
from server.domain.base import Base
from server.domain.network import Operator, OperatorGroup
from server.domain.order import OrderReviewer
from server.domain.package import PackageReviewer
from server.reads.visibility import Caller, Visible, visible_groups, visible_operators

_OWNERS = (
    (PackageReviewer, PackageReviewer.package_id), (OrderReviewer, OrderReviewer.order_id),
    (ApprovalReviewer, ApprovalReviewer.approval_id),
)
_ROWS = union_all(*(
    select(table.id, owner.label("subject_id"), table.position, table.operator_id, table.group_id)
    for table, owner in _OWNERS
)).subquery("reviewer")


class Reviewer(Base):
    """One reviewer of the package, order or approval `subject_id`; for reading only."""

    __table__ = _ROWS
    __mapper_args__ = {"primary_key": [_ROWS.c.id]}

    id: Mapped[UUID]
    subject_id: Mapped[UUID]
    position: Mapped[int]
    operator_id: Mapped[UUID | None]
    group_id: Mapped[UUID | None]


def visible_reviewers(caller: Caller) -> Visible:
    """Local: those that are an operator or group that they see."""
    if not caller.is_local:
        return true()
    return or_(
        Reviewer.operator_id.in_(select(Operator.id).where(visible_operators(caller))),
        Reviewer.group_id.in_(select(OperatorGroup.id).where(visible_groups(caller))),
    )
