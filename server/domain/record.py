"""What is written beside a change, in the same transaction: history, events, jobs of plugins [7, 12.1]."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from server.domain.base import Base, Identified


class SubjectKind(StrEnum):
    PACKAGE = "PACKAGE"
    ORDER = "ORDER"
    CAMPAIGN = "CAMPAIGN"
    APPROVAL = "APPROVAL"
    DATA_DISTRIBUTION = "DATA_DISTRIBUTION"
    ENTITY = "ENTITY"
    OPERATOR = "OPERATOR"
    GROUP = "GROUP"
    CONTACT = "CONTACT"
    TEMPLATE = "TEMPLATE"
    WEBHOOK = "WEBHOOK"
    MESSAGE_TEMPLATE = "MESSAGE_TEMPLATE"


class History(Identified, Base):
    """Who changed what, when, and why; `before` and `after` hold only what differs. Database triggers refuse updates
    and deletes [12.1]. `entity_id` is set where a local entity may read it; `actor_id` is null for the server itself.
    `revision` is the subject's revision after the change: what differs between two revisions is found here [5.7]."""

    __tablename__ = "history"
    __table_args__ = (
        Index("ix_history_subject", "subject_id", "id"),
        Index("ix_history_entity_id", "entity_id", "id"),
        Index("ix_history_at", "at", "id"),
    )

    at: Mapped[datetime]
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator.id"))
    subject: Mapped[SubjectKind]
    subject_id: Mapped[UUID]
    subject_code: Mapped[str] = mapped_column(default="")
    entity_id: Mapped[UUID | None] = mapped_column(ForeignKey("entity.id"))
    revision: Mapped[int | None]
    action: Mapped[str]
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(default=dict)
    comment: Mapped[str] = mapped_column(default="")


class EventKind(StrEnum):
    """The table of section 7 by name; N-numbers in its order."""

    PACKAGE_SUBMITTED = "PACKAGE_SUBMITTED"  # N1
    PACKAGE_APPROVAL_REMINDER = "PACKAGE_APPROVAL_REMINDER"  # N2
    PACKAGE_REJECTED = "PACKAGE_REJECTED"  # N3
    PACKAGE_PUBLISHED = "PACKAGE_PUBLISHED"  # N5
    PACKAGE_SUBSCRIBED = "PACKAGE_SUBSCRIBED"  # N6
    ORDER_SUBMITTED = "ORDER_SUBMITTED"  # N7
    ORDER_APPROVAL_REMINDER = "ORDER_APPROVAL_REMINDER"  # N8
    ORDER_REJECTED = "ORDER_REJECTED"  # N9
    CAMPAIGN_AVAILABLE = "CAMPAIGN_AVAILABLE"  # N10
    REGISTRATION_DEADLINE_NEAR = "REGISTRATION_DEADLINE_NEAR"  # N11
    REGISTRATION_DEADLINE_REACHED = "REGISTRATION_DEADLINE_REACHED"  # N11
    PACKAGE_CANCELED = "PACKAGE_CANCELED"  # N12
    ORDER_CANCELED = "ORDER_CANCELED"  # N13
    TARGET_APPROVAL_ASKED = "TARGET_APPROVAL_ASKED"  # N14
    TARGET_APPROVAL_REMINDER = "TARGET_APPROVAL_REMINDER"  # N15
    DELIVERY_FEEDBACK = "DELIVERY_FEEDBACK"  # N16
    ENTITY_ADDED = "ENTITY_ADDED"  # N17
    REVIEWERS_CHANGED = "REVIEWERS_CHANGED"  # N18
    APPROVAL_WITHDRAWN = "APPROVAL_WITHDRAWN"  # N18
    TYPE_MESSAGE = "TYPE_MESSAGE"  # the Notify effect of a campaign type


class Event(Identified, Base):
    """An outbox row: something happened that people must hear of, written with the change itself [7].

    One row per message content, not per receiver. With `entity_id` null, package events reach the whole audience.
    `payload` holds what only the moment knows: the comment, the receivers of an approval, the entities of a cancel.
    """

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_delivered_at", "delivered_at", "id"),)

    kind: Mapped[EventKind]
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator.id"))
    package_id: Mapped[UUID | None] = mapped_column(ForeignKey("package.id"), index=True)
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("order.id"), index=True)
    approval_id: Mapped[UUID | None] = mapped_column(ForeignKey("approval.id"))
    campaign_id: Mapped[UUID | None] = mapped_column(ForeignKey("campaign.id"))
    entity_id: Mapped[UUID | None] = mapped_column(ForeignKey("entity.id"))
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    delivered_at: Mapped[datetime | None]


class TypeJob(Identified, Base):
    """A RunJob effect waiting to be done: at least once, with retries."""

    __tablename__ = "type_job"
    __table_args__ = (Index("ix_type_job_due_at", "done_at", "due_at"),)

    type: Mapped[str]
    name: Mapped[str]
    arguments: Mapped[dict[str, Any]] = mapped_column(default=dict)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(default="")
