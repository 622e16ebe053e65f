"""A campaign package: a campaign offered to local entities in the catalogue [4]."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from server.domain import lifecycles
from server.domain.base import Base, Identified, Versioned
from server.domain.campaign import CHILD_EDITABLE, LOCKABLE
from server.domain.lifecycles import Action, PackageStatus


class ApprovalMode(StrEnum):
    """Whether reviewers decide each order, or publication subscribes the whole audience [6.5]."""

    MANUAL = "MANUAL"
    AUTOMATIC = "AUTOMATIC"


class NoDecision(StrEnum):
    """What happens when an approval's deadline passes undecided [5.3]."""

    NOTHING = "NOTHING"
    REJECT = "REJECT"
    APPROVE = "APPROVE"


def default_locks() -> list[Any]:
    return [field for field in LOCKABLE if field not in CHILD_EDITABLE]


class DeadlineNotice(StrEnum):
    """Which of the two messages about the registration deadline have been written (N11)."""

    NONE = "NONE"
    NEAR = "NEAR"
    REACHED = "REACHED"


class Package(Versioned, Base):
    """A package. `locked_fields` lists what entities may not change in child campaigns [9.8].
    `offered_to_all`: submitted without an audience by a type for which none means everyone [3].

    `approval_delay_hours` or `approval_deadline` say by when reviewers decide [5.3]; `reminders` is a list of
    {"anchor": "SUBMISSION" | "DEADLINE", "hours": n} or {"at": ISO moment} [5.4]. The same delay and reminders hold for
    the approvals of its orders.
    """

    __tablename__ = "package"
    __table_args__ = (
        Index("ix_package_status", "status", "id"),
        Index("ix_package_created_at", "created_at", "id"),
        Index("ix_package_label", "label", "id"),
        Index("ix_package_start", "status", "start"),
        Index("ix_package_end", "status", "end"),
        Index("ix_package_deadline_notice", "deadline_notice", "status"),
    )

    code: Mapped[str] = mapped_column(unique=True)
    label: Mapped[str]
    template_id: Mapped[UUID | None] = mapped_column(ForeignKey("package_template.id"))
    folder: Mapped[str] = mapped_column(default="")
    nature: Mapped[str] = mapped_column(default="")
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("operator.id"), index=True)
    submitter_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator.id"))
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaign.id"), index=True)
    type: Mapped[str] = mapped_column(index=True)
    start: Mapped[datetime | None]
    end: Mapped[datetime | None]
    registration_deadline: Mapped[datetime | None]
    personalization_deadline: Mapped[datetime | None]
    campaign_available_at: Mapped[datetime | None]
    approval_mode: Mapped[ApprovalMode] = mapped_column(default=ApprovalMode.MANUAL)
    start_targeting_with_approval: Mapped[bool] = mapped_column(default=False)
    notify_on_publication: Mapped[bool] = mapped_column(default=True)
    message: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    approval_delay_hours: Mapped[int] = mapped_column(default=72)
    approval_deadline: Mapped[datetime | None]
    reminders: Mapped[list[Any]] = mapped_column(default=list)
    on_no_decision: Mapped[NoDecision] = mapped_column(default=NoDecision.NOTHING)
    offered_to_all: Mapped[bool] = mapped_column(default=False)
    locked_fields: Mapped[list[Any]] = mapped_column(default=default_locks)
    status: Mapped[PackageStatus] = mapped_column(default=PackageStatus.BEING_EDITED)
    cycle: Mapped[int] = mapped_column(default=1)
    published_at: Mapped[datetime | None]
    canceled_at: Mapped[datetime | None]
    cancel_comment: Mapped[str] = mapped_column(default="")
    deadline_notice: Mapped[DeadlineNotice] = mapped_column(default=DeadlineNotice.NONE)

    @property
    def effective_registration_deadline(self) -> datetime | None:
        """The last moment to order, inclusive: the registration deadline or else the end [4.3]."""
        return self.registration_deadline or self.end

    def actions(self) -> tuple[Action, ...]:
        return lifecycles.actions(lifecycles.PACKAGE, self.status)

    def apply(self, action: Action) -> None:
        """The only writer of `status`; refuses what the lifecycle does not list [4.4]."""
        self.status = lifecycles.move(lifecycles.PACKAGE, self.status, action, f"package {self.label} ({self.code})")


class PackageTemplate(Versioned, Base):
    """A preset of a package's other fields; `preset` maps field names of createPackage to values [4.1]."""

    __tablename__ = "package_template"

    code: Mapped[str] = mapped_column(unique=True)
    label: Mapped[str]
    preset: Mapped[dict[str, Any]] = mapped_column(default=dict)


class PackageEntity(Base):
    """One entity of a package's audience."""

    __tablename__ = "package_entity"
    __table_args__ = (Index("ix_package_entity_entity_id", "entity_id", "package_id"),)

    package_id: Mapped[UUID] = mapped_column(ForeignKey("package.id"), primary_key=True)
    entity_id: Mapped[UUID] = mapped_column(ForeignKey("entity.id"), primary_key=True)
    added_at: Mapped[datetime]


class PackageReviewer(Identified, Base):
    """A reviewer of the package: an operator or a group; the main one first [5.5]."""

    __tablename__ = "package_reviewer"

    package_id: Mapped[UUID] = mapped_column(ForeignKey("package.id"), index=True)
    position: Mapped[int]
    operator_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator.id"))
    group_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator_group.id"))
