"""Notifications of people and webhooks, what became of each, and who wants what [7]."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from server.domain.base import Base, Identified, Versioned
from server.domain.network import Right
from server.domain.record import EventKind

_UNREAD = text("read_at IS NULL")
_FAILED_ONCE = text("last_error <> ''")
_OF_PACKAGE_REVIEWERS = frozenset({
    EventKind.PACKAGE_SUBMITTED, EventKind.PACKAGE_APPROVAL_REMINDER, EventKind.PACKAGE_REJECTED,
})


def kinds_for(right: Right) -> tuple[EventKind, ...]:
    """What somebody with this right can be told of: packages before their publication are not for local entities."""
    return tuple(kind for kind in EventKind if right != Right.LOCAL or kind not in _OF_PACKAGE_REVIEWERS)


class Notification(Identified, Base):
    """What one person is told about one event: a row of the in-app inbox, once however many groups reach them.

    `entity_id` is the entity for whose sake they are told; when there are several, the first one by code. The text is
    made from the templates when it is read or sent; the subject is kept as it was."""

    __tablename__ = "notification"
    __table_args__ = (
        Index("uq_notification_event_operator", "event_id", "operator_id", unique=True),
        Index("ix_notification_operator_id", "operator_id", "at", "id"),
        Index("ix_notification_unread", "operator_id", "at", "id", sqlite_where=_UNREAD, postgresql_where=_UNREAD),
    )

    event_id: Mapped[UUID] = mapped_column(ForeignKey("event.id"))
    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operator.id"))
    kind: Mapped[EventKind]
    subject: Mapped[str]
    at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    package_id: Mapped[UUID | None] = mapped_column(ForeignKey("package.id"))
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("order.id"))
    approval_id: Mapped[UUID | None] = mapped_column(ForeignKey("approval.id"))
    campaign_id: Mapped[UUID | None] = mapped_column(ForeignKey("campaign.id"))
    entity_id: Mapped[UUID | None] = mapped_column(ForeignKey("entity.id"))


class DispatchStatus(StrEnum):
    """PENDING: to be sent, or to be tried again at `due_at`; FAILED: given up, for good."""

    PENDING = "PENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


class Dispatch(Identified, Base):
    """One message on its way through one channel: a notification to a person, or an event to a webhook. Its id is the
    message's own (Message-ID, webhook-id), the same at every attempt. `claimed_by`: the process that has it in hand,
    until `due_at` then."""

    __tablename__ = "dispatch"
    __table_args__ = (
        Index("uq_dispatch_notification_channel", "notification_id", "channel", unique=True),
        Index("uq_dispatch_webhook_event", "webhook_id", "event_id", unique=True),
        Index("ix_dispatch_due", "status", "due_at", "id"),
        Index("ix_dispatch_webhook_id", "webhook_id", "id"),
        Index("ix_dispatch_failed", "id", sqlite_where=_FAILED_ONCE, postgresql_where=_FAILED_ONCE),
    )

    channel: Mapped[str]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("event.id"), index=True)
    notification_id: Mapped[UUID | None] = mapped_column(ForeignKey("notification.id"))
    webhook_id: Mapped[UUID | None] = mapped_column(ForeignKey("webhook.id"))
    status: Mapped[DispatchStatus] = mapped_column(default=DispatchStatus.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    claimed_by: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(default="")


class DispatchAttempt(Identified, Base):
    """One attempt of a webhook, and every failed one of any channel: the delivery log. `answer` is the status or reply
    code of the other side, null when there was none."""

    __tablename__ = "dispatch_attempt"

    dispatch_id: Mapped[UUID] = mapped_column(ForeignKey("dispatch.id"), index=True)
    at: Mapped[datetime]
    milliseconds: Mapped[int]
    answer: Mapped[int | None]
    error: Mapped[str] = mapped_column(default="")


class Webhook(Versioned, Base):
    """A subscription of another system: events that pass `filter` ({"kinds": [], "types": [], "entity_ids": []}, where
    an empty list or none means all) are posted to `url`, signed with `secret`; none before `paused_until`, as the
    endpoint has asked."""

    __tablename__ = "webhook"

    label: Mapped[str]
    url: Mapped[str]
    secret: Mapped[str]
    filter: Mapped[dict[str, Any]] = mapped_column(default=dict)
    active: Mapped[bool] = mapped_column(default=True)
    paused_until: Mapped[datetime | None]
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator.id"))


class MessageTemplate(Versioned, Base):
    """An installation's own text of one kind of message in one language, in place of the one that ships."""

    __tablename__ = "message_template"
    __table_args__ = (Index("uq_message_template_kind_locale", "kind", "locale", unique=True),)

    kind: Mapped[EventKind]
    locale: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    html: Mapped[str]

    @property
    def code(self) -> str:
        """How the history names it."""
        return f"{self.kind}/{self.locale}"


class Preference(Base):
    """Whether an operator wants a kind of message through a channel; without a row they do."""

    __tablename__ = "preference"

    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operator.id"), primary_key=True)
    kind: Mapped[EventKind] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    wanted: Mapped[bool]


class CalendarFeed(Identified, Base):
    """An operator's deadlines as iCalendar under a URL with a token; only its sha256 is stored. A new one or
    `revoked_at` ends it."""

    __tablename__ = "calendar_feed"

    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operator.id"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
