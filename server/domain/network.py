"""The network: entities in a tree, operators with one right each, and operator groups [2.1, 2.2]."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from server.domain.base import Base, Identified, Versioned


class EntityKind(StrEnum):
    CENTRAL = "CENTRAL"
    LOCAL = "LOCAL"


class Right(StrEnum):
    CENTRAL = "CENTRAL"
    LOCAL = "LOCAL"
    ADMIN = "ADMIN"


class Entity(Versioned, Base):
    """An organizational entity; `time_zone` is an IANA name, `locale` a BCP 47 tag."""

    __tablename__ = "entity"

    kind: Mapped[EntityKind]
    code: Mapped[str] = mapped_column(unique=True)
    label: Mapped[str]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("entity.id"), index=True)
    email: Mapped[str] = mapped_column(default="")
    phone: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    locale: Mapped[str] = mapped_column(default="en")
    time_zone: Mapped[str] = mapped_column(default="UTC")
    notification_group_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator_group.id"))
    order_reviewers_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator_group.id"))
    campaign_reviewers_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator_group.id"))
    active: Mapped[bool] = mapped_column(default=True)


class EntityClosure(Base):
    """Every entity with each of its ancestors and itself (depth 0): scope is one lookup, whatever the tree's depth."""

    __tablename__ = "entity_closure"
    __table_args__ = (Index("ix_entity_closure_entity_id", "entity_id", "ancestor_id"),)

    ancestor_id: Mapped[UUID] = mapped_column(ForeignKey("entity.id"), primary_key=True)
    entity_id: Mapped[UUID] = mapped_column(ForeignKey("entity.id"), primary_key=True)
    depth: Mapped[int]


class Operator(Versioned, Base):
    """A person with an account. `password_hash` is argon2; empty means that no password can log in."""

    __tablename__ = "operator"
    __table_args__ = (Index("ix_operator_right", "right"),)

    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    email: Mapped[str] = mapped_column(default="")
    right: Mapped[Right]
    locale: Mapped[str] = mapped_column(default="en")
    active: Mapped[bool] = mapped_column(default=True)
    password_hash: Mapped[str] = mapped_column(default="")


class OperatorEntity(Base):
    """An operator is linked to one or more entities."""

    __tablename__ = "operator_entity"
    __table_args__ = (Index("ix_operator_entity_entity_id", "entity_id"),)

    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operator.id"), primary_key=True)
    entity_id: Mapped[UUID] = mapped_column(ForeignKey("entity.id"), primary_key=True)


class OperatorGroup(Versioned, Base):
    """A named set of operators; reviewers and notification receivers are groups or operators."""

    __tablename__ = "operator_group"

    code: Mapped[str] = mapped_column(unique=True)
    label: Mapped[str]


class GroupMember(Base):
    __tablename__ = "group_member"
    __table_args__ = (Index("ix_group_member_operator_id", "operator_id"),)

    group_id: Mapped[UUID] = mapped_column(ForeignKey("operator_group.id"), primary_key=True)
    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operator.id"), primary_key=True)


class Login(Identified, Base):
    """A token that was given out: only its sha256 is stored; `revoked_at` ends it before `expires_at`."""

    __tablename__ = "login"

    token_hash: Mapped[str] = mapped_column(unique=True)
    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operator.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class FailedLogin(Base):
    """Failed logins per key (a login name or an address), to slow down the next attempt."""

    __tablename__ = "failed_login"

    key: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime]
