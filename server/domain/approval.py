"""An approval: a question put to reviewers about one subject, with a deadline and reminders [5]."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from server.domain.base import Base, Identified, Versioned
from server.domain.package import NoDecision


class ApprovalSubject(StrEnum):
    PACKAGE = "PACKAGE"
    ORDER = "ORDER"
    TARGET = "TARGET"


class ApprovalStatus(StrEnum):
    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"


class ReminderAnchor(StrEnum):
    """A reminder counts hours after the submission, hours before the deadline, or has a date of its own [5.4]."""

    SUBMISSION = "SUBMISSION"
    DEADLINE = "DEADLINE"
    DATE = "DATE"


class ReminderStatus(StrEnum):
    SCHEDULED = "SCHEDULED"
    SENT = "SENT"
    SKIPPED = "SKIPPED"


_PENDING = text("status = 'PENDING'")
_CLOSING = text("status = 'PENDING' AND (on_no_decision <> 'NOTHING' OR subject = 'TARGET')")


class Approval(Versioned, Base):
    """A question about a package, an order or an order's target list. `package_id` is always set, `order_id` for the
    latter two. `subject_revision` is the revision that the question is about [5.7]; `override`: decided by someone who
    was not a reviewer [5.5]."""

    __tablename__ = "approval"
    __table_args__ = (
        Index("uq_approval_pending_order", "order_id", "subject", unique=True,
              sqlite_where=_PENDING, postgresql_where=_PENDING),
        Index("ix_approval_package_id", "package_id", "status"),
        Index("ix_approval_order_id", "order_id", "status"),
        Index("ix_approval_status", "status", "deadline", "id"),
        Index("ix_approval_closing", "status", "deadline", sqlite_where=_CLOSING, postgresql_where=_CLOSING),
    )

    subject: Mapped[ApprovalSubject]
    package_id: Mapped[UUID] = mapped_column(ForeignKey("package.id"))
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("order.id"))
    entity_id: Mapped[UUID | None] = mapped_column(ForeignKey("entity.id"))
    subject_revision: Mapped[int]
    requested_at: Mapped[datetime]
    requested_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator.id"))
    deadline: Mapped[datetime]
    on_no_decision: Mapped[NoDecision] = mapped_column(default=NoDecision.NOTHING)
    status: Mapped[ApprovalStatus] = mapped_column(default=ApprovalStatus.PENDING)
    comment: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator.id"))
    override: Mapped[bool] = mapped_column(default=False)

    def is_late(self, now: datetime) -> bool:
        """Whether the deadline passed while the question is open [4.6, 5.3]."""
        return self.status == ApprovalStatus.PENDING and self.deadline < now


class ApprovalReviewer(Identified, Base):
    """Who is asked: an operator, or a group whose members are looked up when they decide [5.1]."""

    __tablename__ = "approval_reviewer"
    __table_args__ = (
        Index("ix_approval_reviewer_operator_id", "operator_id", "approval_id"),
        Index("ix_approval_reviewer_group_id", "group_id", "approval_id"),
    )

    approval_id: Mapped[UUID] = mapped_column(ForeignKey("approval.id"), index=True)
    position: Mapped[int]
    operator_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator.id"))
    group_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator_group.id"))


class Reminder(Identified, Base):
    """One reminder of an approval; sent once while it is pending, never in a burst [5.4]."""

    __tablename__ = "reminder"
    __table_args__ = (Index("ix_reminder_due", "status", "due_at"),)

    approval_id: Mapped[UUID] = mapped_column(ForeignKey("approval.id"), index=True)
    anchor: Mapped[ReminderAnchor]
    due_at: Mapped[datetime]
    status: Mapped[ReminderStatus] = mapped_column(default=ReminderStatus.SCHEDULED)
