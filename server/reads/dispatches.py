"""Which messages are in trouble: in the words of their index, so that they are found among millions that are not."""

from sqlalchemy import ColumnElement, and_, literal_column, or_

from server.domain.notification import Dispatch, DispatchStatus

in_trouble: ColumnElement[bool] = and_(
    Dispatch.last_error != literal_column("''"), Dispatch.status.in_((DispatchStatus.PENDING, DispatchStatus.FAILED))
)
"""Failed for good, or tried again after a failure."""
stuck = and_(in_trouble, or_(Dispatch.status == DispatchStatus.FAILED, Dispatch.claimed_by.is_(None)))
"""Those of them that nobody has in hand."""
