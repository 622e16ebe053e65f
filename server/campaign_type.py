"""THE plugin contract: all that a campaign type may import from the server.

Plugins decide, the server acts. Every hook is synchronous and pure: frozen snapshots in, plain values out. A hook is
called inside a transaction that it cannot see, so it cannot half-commit; a hook that raises undoes the whole operation.
New effects, new hooks with a default and new snapshot fields keep the contract number; anything else changes it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from server.errors import Problem

__all__ = [
    "CONTRACT", "CampaignSnapshot", "CampaignType", "Choice", "CreateChildCampaign", "DataDistributionSnapshot",
    "Effect", "EntitySnapshot", "Field", "FieldKind", "Interface", "LastTab", "Need", "Notify", "OpenTargetLists",
    "OrderSnapshot", "PackageRules", "PackageSnapshot", "Problem", "Receivers", "RunJob", "TakePart", "TemplatePreset",
]

CONTRACT = 1
"""The contract number of this server; a plugin declares the one it was written for."""


class FieldKind(StrEnum):
    """What a field of an order holds, and so how a form draws it [9.2]."""

    TEXT = "TEXT"
    LONG_TEXT = "LONG_TEXT"
    RICH_TEXT = "RICH_TEXT"
    NUMBER = "NUMBER"
    INTEGER = "INTEGER"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    CHOICE = "CHOICE"
    MULTIPLE_CHOICE = "MULTIPLE_CHOICE"
    IMAGE = "IMAGE"
    EMAIL = "EMAIL"
    URL = "URL"


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a CHOICE or MULTIPLE_CHOICE field."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """One order parameter, with everything that JSON Schema can say about it.

    `minimum` and `maximum` bound numbers; `min_length` and `max_length` bound texts in characters and multiple choices
    in options. A field that is not `editable` is shown to the entity but keeps its default.
    """

    name: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = False
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    choices: tuple[Choice, ...] = ()
    help: str = ""
    editable: bool = True


class Need(StrEnum):
    """Whether a package of the type has a thing: it must, it may, or it has none."""

    REQUIRED = "REQUIRED"
    OPTIONAL = "OPTIONAL"
    ABSENT = "ABSENT"


class LastTab(StrEnum):
    """What the last tab of a package shows [3]."""

    ORDERS = "ORDERS"
    APPROVED_TARGETS = "APPROVED_TARGETS"


@dataclass(frozen=True, slots=True)
class PackageRules:
    """What packages of the type need, and how they are ordered [3].

    An OPTIONAL audience that is left empty means every local entity. `subscribes`: in automatic mode, publication
    orders for every entity of the audience [6.5]. `orderable`: entities create orders themselves; otherwise orders come
    only from the server (target lists). `several_orders`: an entity may hold several live orders of one package [6.3].
    `schedule_per_order`: every order brings its own start and end, for types whose entities choose when to run.
    """

    audience: Need = Need.REQUIRED
    registration_deadline: Need = Need.REQUIRED
    personalization_deadline: Need = Need.OPTIONAL
    availability: Need = Need.ABSENT
    designed_for: int | None = None
    subscribes: bool = True
    orderable: bool = True
    several_orders: bool = False
    schedule_per_order: bool = False
    last_tab: LastTab = LastTab.ORDERS


@dataclass(frozen=True, slots=True)
class TemplatePreset:
    """The campaign template that the type ships: what campaigns made from it start with [6.1]."""

    label: str = ""
    nature: str = ""
    max_documents: int = 5
    max_reviewers: int = 3
    fields: tuple[Field, ...] = ()


class Interface(StrEnum):
    """How an entity localises a campaign by form [9.2]."""

    PRE_SET = "PRE_SET"
    BY_BRIEF = "BY_BRIEF"
    BY_FORM = "BY_FORM"
    BY_EXTERNAL_FORM = "BY_EXTERNAL_FORM"


@dataclass(frozen=True, slots=True)
class DataDistributionSnapshot:
    """The data distribution of a campaign: code, label and assignment (LOCAL_ENTITY or GROUP_OR_OPERATOR) [9.12]."""

    code: str
    label: str
    assignment: str


@dataclass(frozen=True, slots=True)
class CampaignSnapshot:
    """The reference campaign as it stands; `fields` is its form in version `form_version` (0: none yet) [9.3]."""

    id: UUID
    code: str
    label: str
    status: str
    start: datetime | None
    end: datetime | None
    interface: Interface
    fields: tuple[Field, ...]
    form_version: int
    data_distribution: DataDistributionSnapshot | None


@dataclass(frozen=True, slots=True)
class PackageSnapshot:
    """A package with its reference campaign; `audience_size` counts the local entities it is offered to."""

    id: UUID
    code: str
    label: str
    status: str
    cycle: int
    approval_mode: str
    start: datetime | None
    end: datetime | None
    registration_deadline: datetime | None
    personalization_deadline: datetime | None
    campaign_available_at: datetime | None
    audience_size: int
    campaign: CampaignSnapshot


@dataclass(frozen=True, slots=True)
class EntitySnapshot:
    """The entity that orders."""

    id: UUID
    code: str
    label: str
    locale: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class OrderSnapshot:
    """One order: `parameters` maps field names to values that already fit the type's fields.

    `contacts` counts the contacts kept on its target list, None where the type has no list.
    """

    id: UUID
    code: str
    label: str
    comment: str
    status: str
    revision: int
    entity: EntitySnapshot
    parameters: Mapping[str, Any]
    contacts: int | None


class Receivers(StrEnum):
    """Whom a Notify effect reaches."""

    ENTITY = "ENTITY"
    OWNER = "OWNER"
    REVIEWERS = "REVIEWERS"


@dataclass(frozen=True, slots=True)
class TakePart:
    """The entity takes part in the one reference campaign: the order links to it [9.5]."""


@dataclass(frozen=True, slots=True)
class CreateChildCampaign:
    """A child campaign for the order's entity, once per order [9.7]; `label` defaults to the order's."""

    label: str | None = None


@dataclass(frozen=True, slots=True)
class OpenTargetLists:
    """Spread the campaign's contacts with its data distribution: an order and a target list per entity [9.11]."""


@dataclass(frozen=True, slots=True)
class Notify:
    """An event for the receivers with a short text, delivered like every other message [7]."""

    receivers: Receivers
    text: str


@dataclass(frozen=True, slots=True)
class RunJob:
    """A job of the plugin's own, run after the commit by `CampaignType.run_job`: at least once, with retries."""

    name: str
    arguments: Mapping[str, Any]


Effect = TakePart | CreateChildCampaign | OpenTargetLists | Notify | RunJob


class CampaignType(ABC):
    """One way in which local entities take part in a campaign.

    The entry-point name in group `samverkan.campaign_types` is the type's name; it is stored with packages and must
    never change. The class is instantiated once, without arguments.
    """

    contract: ClassVar[int]
    """The contract number that the type was written for."""
    label: ClassVar[str]
    """What operators read, for example "By form"."""
    template: ClassVar[str]
    """Code of the campaign template that the type ships, for example "opCollaborativeByForm"."""
    package: ClassVar[PackageRules] = PackageRules()
    preset: ClassVar[TemplatePreset] = TemplatePreset()

    @abstractmethod
    def fields(self, package: PackageSnapshot) -> Sequence[Field]:
        """The order parameters; the server serves them as JSON Schema and validates values against them [6.7]."""

    @abstractmethod
    def after_approval(self, package: PackageSnapshot, order: OrderSnapshot) -> Iterable[Effect]:
        """What happens when an order becomes AVAILABLE [6.2]; called once per order."""

    def check_package(self, package: PackageSnapshot) -> Iterable[Problem]:
        """Problems that keep a package from being submitted or approved, beyond its `PackageRules` [4.5]."""
        return ()

    def check_order(self, package: PackageSnapshot, order: OrderSnapshot) -> Iterable[Problem]:
        """Problems that keep an order from being submitted; paths start at "parameters" for its values [6.7]."""
        return ()

    def after_publication(self, package: PackageSnapshot) -> Iterable[Effect]:
        """What happens when a package is published; only Notify(OWNER) and RunJob make sense here."""
        return ()

    def after_start(self, package: PackageSnapshot) -> Iterable[Effect]:
        """What happens when the reference campaign starts [9.11]; OpenTargetLists belongs here."""
        return ()

    def after_cancellation(self, package: PackageSnapshot, order: OrderSnapshot) -> Iterable[Effect]:
        """What happens when an approved order is cancelled; its child campaign is cancelled by the server [6.6]."""
        return ()

    def run_job(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Does one RunJob outside any transaction; raise to have it tried again. Must bear being run twice, and at the
        same time once it has taken longer than the setting type_job_seconds, which counts as failed. Two of a type run
        at once in the whole installation, and four of all types."""
        raise LookupError(f"{type(self).__name__} has no job {name!r}")
