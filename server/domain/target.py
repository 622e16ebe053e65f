"""Contacts, data distributions and the target lists that entities trim and confirm [9.11-9.19]."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from server.domain.base import Base, Identified, Versioned


class Contact(Identified, Base):
    """A recipient. `attributes` holds what the network imports beyond the columns."""

    __tablename__ = "contact"
    __table_args__ = (
        UniqueConstraint("email", "entity_id"),
        Index("ix_contact_entity_id", "entity_id", "id"),
    )

    entity_id: Mapped[UUID] = mapped_column(ForeignKey("entity.id"))
    email: Mapped[str]
    first_name: Mapped[str] = mapped_column(default="")
    last_name: Mapped[str] = mapped_column(default="")
    city: Mapped[str] = mapped_column(default="")
    postal_code: Mapped[str] = mapped_column(default="")
    country: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="")
    birth_year: Mapped[int | None]
    score: Mapped[int] = mapped_column(default=0)
    opted_out: Mapped[bool] = mapped_column(default=False)
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Assignment(StrEnum):
    LOCAL_ENTITY = "LOCAL_ENTITY"
    GROUP_OR_OPERATOR = "GROUP_OR_OPERATOR"


class SizeKind(StrEnum):
    """FIXED: that many contacts of a value (0: all); PERCENTAGE: of the value's contacts, rounded down (0: all)."""

    FIXED = "FIXED"
    PERCENTAGE = "PERCENTAGE"


class Ranking(StrEnum):
    """Which contacts of a value are taken first."""

    SORT = "SORT"
    RANDOM = "RANDOM"
    SORT_THEN_RANDOM = "SORT_THEN_RANDOM"


class DataDistribution(Versioned, Base):
    """A rule that spreads contacts over entities by the value of a field, with a size per value [9.12].

    `field`, `sort_field` and `grouping_field` are contact fields: entity, city, postalCode, country, language, score,
    birthYear, or attributes.<name>.
    """

    __tablename__ = "data_distribution"

    code: Mapped[str] = mapped_column(unique=True)
    label: Mapped[str]
    dimension: Mapped[str] = mapped_column(default="contact")
    assignment: Mapped[Assignment] = mapped_column(default=Assignment.LOCAL_ENTITY)
    field: Mapped[str]
    size_kind: Mapped[SizeKind] = mapped_column(default=SizeKind.FIXED)
    ranking: Mapped[Ranking] = mapped_column(default=Ranking.SORT)
    sort_field: Mapped[str] = mapped_column(default="score")
    descending: Mapped[bool] = mapped_column(default=True)
    seed: Mapped[int] = mapped_column(default=1)
    preselect: Mapped[bool] = mapped_column(default=True)
    grouping_field: Mapped[str] = mapped_column(default="")


class DistributionRow(Identified, Base):
    """One row of the breakdown: a value of the field, its size, and who gets its contacts."""

    __tablename__ = "distribution_row"
    __table_args__ = (UniqueConstraint("distribution_id", "value"),)

    distribution_id: Mapped[UUID] = mapped_column(ForeignKey("data_distribution.id"))
    position: Mapped[int]
    value: Mapped[str]
    size: Mapped[int] = mapped_column(default=0)
    label: Mapped[str] = mapped_column(default="")
    entity_id: Mapped[UUID | None] = mapped_column(ForeignKey("entity.id"))
    operator_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator.id"))
    group_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator_group.id"))


_GROUPED = text("grouping <> ''")


class Target(Base):
    """One contact on one order's target list, at its place in the ranking (1 is the best).

    `kept` starts as the pre-selection; the entity removes and restores, it never adds [9.14]. No foreign keys: rows
    come in millions from statements that join orders and contacts, and checking keys took two thirds of the time.
    """

    __tablename__ = "target"
    __table_args__ = (
        Index("ix_target_position", "order_id", "position"),
        Index(
            "ix_target_grouping", "order_id", "grouping", "position",
            sqlite_where=_GROUPED, postgresql_where=_GROUPED,
        ),
    )

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    contact_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int]
    value: Mapped[str]
    grouping: Mapped[str] = mapped_column(default="")
    kept: Mapped[bool]
    reason: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[UUID | None]
