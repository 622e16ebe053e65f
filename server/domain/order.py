"""An order: everything about one entity's participation in one package [6]."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from server.domain import lifecycles
from server.domain.base import Base, Identified, Versioned
from server.domain.lifecycles import STANDING_ORDERS, Action, OrderStatus


def is_standing(name: str = "") -> str:
    """SQL for an order of which an entity holds one per cycle of a package [6.3]; `name` is that of its table in the
    statement. In these very words the index can serve: values that are bound say nothing to the planner."""
    prefix = f"{name}." if name else ""
    return f"{prefix}exclusive AND {prefix}status IN (" + ", ".join(f"'{status}'" for status in STANDING_ORDERS) + ")"


_STANDING = text(is_standing())


class Order(Versioned, Base):
    """An order. `parameters` are typed by the campaign type, in the form version that it was filled in with [9.3].

    `exclusive` is false for types that allow several orders per entity; the unique index holds the others to one
    standing order per entity and cycle of a package [6.3]. `subscribed`: made by publication in automatic mode.
    """

    __tablename__ = "order"
    __table_args__ = (
        Index(
            "uq_order_standing", "package_id", "entity_id", "cycle", unique=True,
            sqlite_where=_STANDING, postgresql_where=_STANDING,
        ),
        Index("ix_order_package_id", "package_id", "status", "id"),
        Index("ix_order_package_created_at", "package_id", "created_at", "id"),
        Index("ix_order_entity_id", "entity_id", "created_at", "id"),
        Index("ix_order_status", "status", "id"),
        Index("ix_order_created_at", "created_at", "id"),
        Index("ix_order_campaign_id", "campaign_id"),
        Index(
            "ix_order_waiting", "package_id", "status", "id",
            sqlite_where=text("status = 'APPROVED' AND subscribed = 0"),
            postgresql_where=text("status = 'APPROVED' AND NOT subscribed"),
        ),
    )

    code: Mapped[str] = mapped_column(unique=True)
    label: Mapped[str]
    comment: Mapped[str] = mapped_column(default="")
    package_id: Mapped[UUID] = mapped_column(ForeignKey("package.id"))
    cycle: Mapped[int]
    entity_id: Mapped[UUID] = mapped_column(ForeignKey("entity.id"))
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator.id"))
    status: Mapped[OrderStatus] = mapped_column(default=OrderStatus.DRAFT)
    parameters: Mapped[dict[str, Any]] = mapped_column(default=dict)
    form_version: Mapped[int] = mapped_column(default=0)
    start: Mapped[datetime | None]
    end: Mapped[datetime | None]
    campaign_id: Mapped[UUID | None] = mapped_column(ForeignKey("campaign.id"))
    exclusive: Mapped[bool] = mapped_column(default=True)
    subscribed: Mapped[bool] = mapped_column(default=False)
    submitted_at: Mapped[datetime | None]
    submitted_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator.id"))
    approved_at: Mapped[datetime | None]
    available_at: Mapped[datetime | None]
    canceled_at: Mapped[datetime | None]
    canceled_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator.id"))
    cancel_comment: Mapped[str] = mapped_column(default="")
    targeted_contacts: Mapped[int | None]
    approved_contacts: Mapped[int | None]
    confirmed_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator.id"))

    def actions(self) -> tuple[Action, ...]:
        return lifecycles.actions(lifecycles.ORDER, self.status)

    def apply(self, action: Action) -> None:
        """The only writer of `status`; refuses what the lifecycle does not list [6.2]."""
        self.status = lifecycles.move(lifecycles.ORDER, self.status, action, f"order {self.label} ({self.code})")


class OrderReviewer(Identified, Base):
    """A reviewer named by the orderer, up to the template's number [6.1]."""

    __tablename__ = "order_reviewer"

    order_id: Mapped[UUID] = mapped_column(ForeignKey("order.id"), index=True)
    position: Mapped[int]
    operator_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator.id"))
    group_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator_group.id"))


class Document(Identified, Base):
    """A file on a package or an order. `name` is for showing only; the bytes are found by `storage_key`.

    `late`: it came after the package's personalization deadline and is accepted all the same [4.3].
    """

    __tablename__ = "document"

    package_id: Mapped[UUID | None] = mapped_column(ForeignKey("package.id"), index=True)
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("order.id"), index=True)
    name: Mapped[str]
    content_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    storage_key: Mapped[str]
    late: Mapped[bool] = mapped_column(default=False)
    uploaded_at: Mapped[datetime]
    uploaded_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator.id"))


class Counter(Base):
    """The next number for each prefix of human codes: CAT, ORD, OP, DIST."""

    __tablename__ = "counter"

    prefix: Mapped[str] = mapped_column(primary_key=True)
    next: Mapped[int]


class IdempotencyKey(Base):
    """The first result of a mutation that came with a client-given key: its payload, and the sha256 of its input."""

    __tablename__ = "idempotency_key"

    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operator.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    mutation: Mapped[str]
    input_hash: Mapped[str]
    object_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
