"""A campaign, its template, its form versions and what a child takes from its parent [8.1, 9.3, 9.8, 9.10]."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.campaign_type import Interface
from server.domain import lifecycles
from server.domain.base import Base, Identified, Versioned
from server.domain.lifecycles import Action, CampaignStatus

CHILD_EDITABLE = ("targeting", "typology", "personalization")
"""What the entity may change in its child campaign; everything else is locked by default [9.8]."""

LOCKABLE = (
    "label", "nature", "main_channel", "program", "description", "start", "end", "content", "default_values",
    "budget", *CHILD_EDITABLE,
)
"""The fields that a package can lock in child campaigns."""


class NoResponse(StrEnum):
    """What happens at the deadline to an entity that did not answer [9.15]."""

    EXCLUDE_ALL = "EXCLUDE_ALL"
    KEEP_PRESELECTED = "KEEP_PRESELECTED"


class Origin(StrEnum):
    """Where a child's field gets its value [9.10]."""

    INHERITED = "INHERITED"
    OVERRIDDEN = "OVERRIDDEN"
    LOCKED = "LOCKED"


class Campaign(Versioned, Base):
    """A marketing operation. Templates are what campaigns are made from; children have a parent and an entity.

    `type` is the entry-point name of the campaign type. `unit_costs` maps a channel to minor units of `currency`.
    `overrides` lists the fields that the entity of a child has changed.
    """

    __tablename__ = "campaign"
    __table_args__ = (Index("ix_campaign_end", "status", "end"),)

    code: Mapped[str] = mapped_column(unique=True)
    label: Mapped[str]
    type: Mapped[str] = mapped_column(index=True)
    status: Mapped[CampaignStatus] = mapped_column(default=CampaignStatus.BEING_EDITED)
    is_template: Mapped[bool] = mapped_column(default=False)
    template_id: Mapped[UUID | None] = mapped_column(ForeignKey("campaign.id"))
    entity_id: Mapped[UUID | None] = mapped_column(ForeignKey("entity.id"), index=True)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("campaign.id"), index=True)
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator.id"))
    nature: Mapped[str] = mapped_column(default="")
    main_channel: Mapped[str] = mapped_column(default="email")
    program: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    start: Mapped[datetime | None]
    end: Mapped[datetime | None]
    targeting: Mapped[dict[str, Any]] = mapped_column(default=dict)
    typology: Mapped[dict[str, Any]] = mapped_column(default=dict)
    personalization: Mapped[dict[str, Any]] = mapped_column(default=dict)
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)
    default_values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    budget: Mapped[int | None] = mapped_column(BigInteger)
    unit_costs: Mapped[dict[str, Any]] = mapped_column(default=dict)
    currency: Mapped[str] = mapped_column(default="EUR")
    interface: Mapped[Interface] = mapped_column(default=Interface.BY_FORM)
    form_version: Mapped[int] = mapped_column(default=0)
    max_documents: Mapped[int] = mapped_column(default=5)
    max_reviewers: Mapped[int] = mapped_column(default=3)
    overrides: Mapped[list[Any]] = mapped_column(default=list)
    data_distribution_id: Mapped[UUID | None] = mapped_column(ForeignKey("data_distribution.id"))
    target_deadline_hours: Mapped[int] = mapped_column(default=72)
    on_no_response: Mapped[NoResponse | None]
    go_on_when_all_answered: Mapped[bool] = mapped_column(default=False)

    def actions(self) -> tuple[Action, ...]:
        return lifecycles.actions(lifecycles.CAMPAIGN, self.status)

    def apply(self, action: Action) -> None:
        """The only writer of `status`; refuses what the lifecycle does not list."""
        self.status = lifecycles.move(lifecycles.CAMPAIGN, self.status, action, f"campaign {self.label} ({self.code})")

    def origin(self, field: str, locked: frozenset[str]) -> Origin:
        """Where a child's `field` gets its value, given what the package locks [9.10]."""
        if field in locked:
            return Origin.LOCKED
        return Origin.OVERRIDDEN if field in self.overrides else Origin.INHERITED


class FormVersion(Identified, Base):
    """One version of a campaign's form (by form) or predefined criteria (by campaign); never changed [9.3].

    `fields` holds what `server.domain.form` reads and writes: a list of field objects.
    """

    __tablename__ = "form_version"
    __table_args__ = (UniqueConstraint("campaign_id", "version"),)

    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaign.id"))
    version: Mapped[int]
    fields: Mapped[list[Any]]
    created_at: Mapped[datetime]
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("operator.id"))
