"""Campaigns, their forms, and where the fields of a child campaign come from [8.1, 9.3, 9.10]."""

from collections.abc import Iterator
from typing import Any

import strawberry
from sqlalchemy import select

from server.domain import lifecycles
from server.domain.campaign import LOCKABLE, Campaign, FormVersion, Origin
from server.domain.lifecycles import Action, CampaignStatus
from server.domain.order import Order
from server.domain.package import Package
from server.domain.permissions import can_edit_campaign, operator_actions
from server.graphql.fields import column, computed, connection, to_one
from server.graphql.filters import Condition, Filter, Period, filter_input, given
from server.graphql.relay import Node, readable
from server.graphql.types.campaign_types import CampaignTypeType, FormType, form_of, type_of
from server.graphql.types.money import Money, money
from server.reads.resource import Reader
from server.reads.visibility import visible_campaigns, visible_form_versions

CURRENT_FORM = (
    select(FormVersion.fields)
    .where(FormVersion.campaign_id == Campaign.id, FormVersion.version == Campaign.form_version)
    .correlate(Campaign).scalar_subquery()
)
LOCKS = (
    select(Package.locked_fields).join(Order, Order.package_id == Package.id).where(Order.campaign_id == Campaign.id)
    .correlate(Campaign).order_by(Order.id).limit(1).scalar_subquery()
)


@strawberry.type(description="What one message of a channel costs.")
class UnitCost:
    channel: str = strawberry.field(description="The channel, such as email.")
    cost: Money = strawberry.field(description="The cost of one message.")


@strawberry.type(description="Where a field of a child campaign gets its value.")
class FieldOrigin:
    field: str = strawberry.field(description="The field.")
    origin: Origin = strawberry.field(description="Inherited, overridden or locked.")


def _unit_costs(row: Any, _reader: Reader) -> list[UnitCost]:
    costs = ((channel, money(amount, row.currency)) for channel, amount in sorted(row.unit_costs.items()))
    return [UnitCost(channel=channel, cost=cost) for channel, cost in costs if cost is not None]


def _origins(row: Any, _reader: Reader) -> list[FieldOrigin]:
    """Nothing for campaigns without a parent [9.10]."""
    if row.parent_id is None:
        return []
    locked = frozenset(row.locks or ())
    child = Campaign(overrides=row.overrides)
    return [FieldOrigin(field=field, origin=child.origin(field, locked)) for field in LOCKABLE]


@filter_input("CampaignFilter", "Which campaigns to list.")
class CampaignFilter(Filter):
    text: str | None = given("Part of the label or code.")
    status: list[CampaignStatus] | None = given("In one of these statuses.")
    type: list[str] | None = given("Of one of these campaign types, by name.")
    is_template: bool | None = given("Templates, or campaigns that are none.")
    entity: list[strawberry.ID] | None = given("Child campaigns of one of these entities.")
    parent: list[strawberry.ID] | None = given("Children of one of these campaigns.")
    start: Period | None = given("Starting then.")
    end: Period | None = given("Ending then.")

    def where(self, reader: Reader) -> Iterator[Condition]:
        yield from self.matches(Campaign.label, Campaign.code)
        yield from self.among("status", Campaign.status)
        yield from self.among("type", Campaign.type)
        yield from self.equals("is_template", Campaign.is_template)
        yield from self.linked("entity", "Entity", Campaign.entity_id, reader)
        yield from self.linked("parent", "Campaign", Campaign.parent_id, reader)
        yield from self.during("start", Campaign.start)
        yield from self.during("end", Campaign.end)


@readable(
    "Campaign", Campaign, visible_campaigns,
    "A marketing operation: a template, a reference campaign that packages offer, or an entity's child campaign.",
    sorts={"CREATED_AT": ("creation", (Campaign.created_at,)), "LABEL": ("label", (Campaign.label,)),
           "START": ("start, undated last", (Campaign.start,)), "STATUS": ("status", (Campaign.status,))},
    default="CREATED_AT_DESC",
)
class CampaignNode(Node):
    code = column(Campaign.code, "Human code: OPn, or OUx_OPn for a child campaign.")
    label = column(Campaign.label, "Name.")
    type = column(Campaign.type, "Name of its campaign type.")
    campaign_type = computed(
        CampaignTypeType | None, "Its campaign type; null when that is no longer installed.",
        {"type": Campaign.type}, lambda row, reader: type_of(row.type, reader.types),
    )
    status = column(Campaign.status, "Where it stands in its life.")
    allowed_actions = computed(
        list[Action], "What the lifecycle allows from its status, whoever asks.", {"status": Campaign.status},
        lambda row, _: operator_actions(lifecycles.CAMPAIGN, row.status),
    )
    viewer_can_edit = computed(
        bool, "Whether you may change it; which fields of a child campaign, its package's locks say.",
        {"status": Campaign.status, "parent_id": Campaign.parent_id},
        lambda row, reader: can_edit_campaign(reader.caller.right, row.status, child=row.parent_id is not None),
    )
    is_template = column(Campaign.is_template, "Whether campaigns are made from it.")
    template = to_one("Campaign", Campaign.template_id, "The template it was made from.")
    parent = to_one("Campaign", Campaign.parent_id, "Of a child campaign: the reference campaign.")
    entity = to_one("Entity", Campaign.entity_id, "Of a child campaign: the entity that runs it.")
    owner = to_one("Operator", Campaign.owner_id, "Who is responsible for it.")
    nature = column(Campaign.nature, "Nature of the operation, in the organisation's words.")
    main_channel = column(Campaign.main_channel, "The channel it mostly uses, such as email.")
    program = column(Campaign.program, "The marketing program it belongs to.")
    description = column(Campaign.description, "Description as safe HTML.")
    start = column(Campaign.start, "When it starts.")
    end = column(Campaign.end, "When it ends.")
    targeting = column(Campaign.targeting, "Whom it targets: a filter over contacts as typed data.")
    typology = column(Campaign.typology, "The typology rules it obeys.")
    personalization = column(Campaign.personalization, "Personalization fields.")
    content = column(Campaign.content, "Subject and templates of the message.")
    default_values = column(Campaign.default_values, "Defaults of order parameters.")
    budget = computed(
        Money | None, "Its budget.", {"budget": Campaign.budget, "currency": Campaign.currency},
        lambda row, _: money(row.budget, row.currency),
    )
    unit_costs = computed(
        list[UnitCost], "Costs per channel.", {"unit_costs": Campaign.unit_costs, "currency": Campaign.currency},
        _unit_costs,
    )
    currency = column(Campaign.currency, "ISO 4217 code of its currency.")
    interface = column(Campaign.interface, "How entities localise it.")
    form_version = column(Campaign.form_version, "The newest version of its form; 0 before the first.")
    form = computed(
        FormType | None, "Its form in the newest version; null before the first.",
        {"form_version": Campaign.form_version, "form_fields": CURRENT_FORM},
        lambda row, _: form_of(row.form_version, row.form_fields),
    )
    form_versions = connection("FormVersion", FormVersion.campaign_id, "All versions of its form.")
    max_documents = column(Campaign.max_documents, "How many documents an order may carry.")
    max_reviewers = column(Campaign.max_reviewers, "How many reviewers an orderer may name.")
    field_origins = computed(
        list[FieldOrigin], "Of a child campaign: where each field gets its value; empty otherwise.",
        {"parent_id": Campaign.parent_id, "overrides": Campaign.overrides, "locks": LOCKS}, _origins,
    )
    data_distribution = to_one(
        "DataDistribution", Campaign.data_distribution_id, "The rule that spreads its contacts over entities."
    )
    target_deadline_hours = column(Campaign.target_deadline_hours, "How long entities have to confirm their lists.")
    on_no_response = column(
        Campaign.on_no_response, "What happens to entities that do not answer; null: what the approval mode says."
    )
    go_on_when_all_answered = column(
        Campaign.go_on_when_all_answered, "Whether it goes on as soon as all entities have answered."
    )
    children = connection("Campaign", Campaign.parent_id, "The linked campaigns that entities run as its children.")
    packages = connection("Package", Package.campaign_id, "The packages that offer it.")
    orders = connection("Order", Order.campaign_id, "The orders that led to it or take part in it.")


@readable(
    "FormVersion", FormVersion, visible_form_versions, "One version of a campaign's form; it never changes.",
    sorts={"VERSION": ("version", (FormVersion.version,))}, default="VERSION_DESC",
)
class FormVersionType:
    version = column(FormVersion.version, "Its number, from 1.")
    created_at = column(FormVersion.created_at, "When it was published.")
    created_by = to_one("Operator", FormVersion.created_by_id, "Who published it.")
    form = computed(
        FormType, "The form.", {"version": FormVersion.version, "fields": FormVersion.fields},
        lambda row, _: form_of(row.version, row.fields),
    )
