"""What goes on after a commit: work on many rows in chunks with its progress, and the log of changes that other
processes follow."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from server.domain.base import Base, Identified

_RUNNING = text("finished_at IS NULL")


class FanOutKind(StrEnum):
    """SUBSCRIBE: orders for the audience of an automatic package [6.5]; CANCEL: the end of a cancelled package's orders
    [10.1]; NOTIFY: the notifications of one event [7]."""

    SUBSCRIBE = "SUBSCRIBE"
    CANCEL = "CANCEL"
    NOTIFY = "NOTIFY"


class FanOut(Identified, Base):
    """Work on the many rows of one package, done in chunks of one transaction each: `done` of `total`. A chunk begins
    behind `cursor`, so that work that was interrupted goes on where it stopped."""

    __tablename__ = "fan_out"
    __table_args__ = (
        Index("ix_fan_out_package_id", "package_id", "id"),
        Index("ix_fan_out_running", "id", sqlite_where=_RUNNING, postgresql_where=_RUNNING),
    )

    kind: Mapped[FanOutKind]
    package_id: Mapped[UUID] = mapped_column(ForeignKey("package.id"))
    event_id: Mapped[UUID | None] = mapped_column(ForeignKey("event.id"))
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator.id"))
    total: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    cursor: Mapped[UUID | None]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Change(Base):
    """What was changed by one transaction, for those who follow changes on SQLite: ids only, and soon gone;
    server.changes writes and reads the text."""

    __tablename__ = "change"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    message: Mapped[str]
