"""Mutations of campaigns, their forms, and data distributions [8.1, 9]."""

from typing import Any

import strawberry

from server.campaign_type import FieldKind, Interface
from server.domain.campaign import NoResponse
from server.domain.target import Assignment, Ranking, SizeKind
from server.graphql.mutations.inputs import Input, Part, Rehearsable, Revised, an_id, optional, optional_id
from server.graphql.mutations.packages import COMMENT
from server.graphql.mutations.running import change
from server.graphql.scalars import JSON, DateOrDateTime, WholeNumber
from server.services.campaigns import Campaigns
from server.services.distributions import DataDistributions

CAMPAIGN = ("campaign", "Campaign", "The campaign as it is now; null when the mutation was refused.")
DISTRIBUTION = (
    "dataDistribution", "DataDistribution", "The data distribution as it is now; null when the mutation was refused."
)


@strawberry.input(description="One option of a choice.")
class ChoiceInput(Part):
    value: str = strawberry.field(description="What is stored.")
    label: str = strawberry.field(description="What people read.")


@strawberry.input(description="One field of a form.")
class FormFieldInput(Part):
    name: str = strawberry.field(description="Name by which values are stored: a letter, then letters, digits or _.")
    label: str = strawberry.field(description="What people read.")
    kind: FieldKind | None = optional("What it holds; TEXT by default.")
    required: bool | None = optional("Whether an order cannot be submitted without it.")
    default: JSON | None = optional("Its value when none is given.")
    minimum: float | None = optional("Smallest number.")
    maximum: float | None = optional("Largest number.")
    min_length: int | None = optional("Shortest text in characters, or fewest options of a multiple choice.")
    max_length: int | None = optional("Longest text in characters, or most options of a multiple choice.")
    pattern: str | None = optional("Regular expression that the whole text fits.")
    choices: list[ChoiceInput] | None = optional("The options of a choice.")
    help: str | None = optional("What people should know when they fill it in.")
    editable: bool | None = optional("Whether the entity may change it; true by default.")

    def fields(self, *without: str) -> dict[str, Any]:
        """A null says the same as leaving it out."""
        return {name: value for name, value in super().fields(*without).items() if value is not None}


@strawberry.input
class CampaignFields(Part):
    """The fields of a campaign."""

    nature: str | None = optional("Nature of the operation, in your own words.")
    main_channel: str | None = optional("Main channel, such as email.")
    program: str | None = optional("Program that it belongs to.")
    description: str | None = optional("Description, as HTML; scripts and the like are removed.")
    start: DateOrDateTime | None = optional("When it starts.")
    end: DateOrDateTime | None = optional("When it ends.")
    targeting: JSON | None = optional('Whom it targets: {"filter": …}, a filter over contacts as data.')
    typology: JSON | None = optional("The rules that its deliveries obey.")
    personalization: JSON | None = optional("Values of personalization fields by name.")
    content: JSON | None = optional("Subject, HTML and text of its messages.")
    form: list[FormFieldInput] | None = optional(
        "The fields of its form or its predefined criteria, all of them; makes a new version."
    )
    default_values: JSON | None = optional("The form's default values in this campaign, by field name.")
    interface: Interface | None = optional("How entities localise it.")
    budget: WholeNumber | None = optional("Budget in minor units of the currency.")
    unit_costs: JSON | None = optional("Cost of one message in minor units, by channel.")
    currency: str | None = optional("ISO 4217 code.")
    max_documents: int | None = optional("Most documents of an order; 0: none are accepted.")
    max_reviewers: int | None = optional("Most reviewers that an order may name; 0: none.")
    data_distribution_id: strawberry.ID | None = optional_id(
        "DataDistribution", "How contacts are spread over entities, for campaigns by target approval."
    )
    target_deadline_hours: int | None = optional("How long entities have to confirm their list; 72 by default.")
    on_no_response: NoResponse | None = optional("What happens to the list of an entity that does not answer.")
    go_on_when_all_answered: bool | None = optional("Whether it goes on as soon as all entities have answered.")


@strawberry.input(description="A new campaign from a template.")
class CreateCampaignInput(Input, CampaignFields):
    template: str = strawberry.field(description="Code of the campaign template, such as opCollaborativeByForm.")
    label: str | None = optional("Name; that of the template by default.")


@strawberry.input(description="Changes of a campaign; what is left out stays as it is.")
class UpdateCampaignInput(Revised, CampaignFields):
    id: strawberry.ID = an_id("Campaign", "The campaign.")
    label: str | None = optional("Name.")


@strawberry.input(description="A campaign in the revision that was read.")
class CampaignInput(Rehearsable):
    id: strawberry.ID = an_id("Campaign", "The campaign.")


@strawberry.input(description="A campaign to be cancelled, and why.")
class CancelCampaignInput(CampaignInput):
    comment: str = strawberry.field(default="", description=COMMENT)


@strawberry.input(description="A campaign or campaign template to be copied.")
class DuplicateCampaignInput(Input):
    id: strawberry.ID = an_id("Campaign", "What to copy.")
    label: str = strawberry.field(description="Name of the copy.")
    as_template: bool = strawberry.field(default=False, description="Whether the copy is a template.")
    code: str = strawberry.field(default="", description="Code of the copy, for templates only.")


@strawberry.input(description="One row of the breakdown: a value, how many of its contacts, and who gets them.")
class DistributionRowInput(Part):
    value: str = strawberry.field(description="The value of the distribution field.")
    size: int | None = optional("How many contacts, or per cent of the value's contacts; 0: all.")
    label: str | None = optional("What people read.")
    entity_id: strawberry.ID | None = optional_id("Entity", "The local entity.")
    operator_id: strawberry.ID | None = optional_id("Operator", "The operator, for GROUP_OR_OPERATOR.")
    group_id: strawberry.ID | None = optional_id("OperatorGroup", "The group, for GROUP_OR_OPERATOR.")


@strawberry.input
class DistributionFields(Part):
    """The fields of a data distribution that have a default."""

    assignment: Assignment | None = optional("To whom the contacts go; LOCAL_ENTITY by default.")
    size_kind: SizeKind | None = optional("What the sizes of the rows count; FIXED by default.")
    ranking: Ranking | None = optional("Which contacts of a value come first; SORT by default.")
    sort_field: str | None = optional("The contact field to sort by; score by default.")
    descending: bool | None = optional("Whether large values come first; true by default.")
    seed: WholeNumber | None = optional("Seed of the random order, so that it can be repeated.")
    preselect: bool | None = optional("Whether contacts take part until the entity removes them; true by default.")
    grouping_field: str | None = optional("The contact field by which entities group their list.")
    rows: list[DistributionRowInput] | None = optional("The breakdown, all of its rows; a value stands in one row.")


@strawberry.input(description="A new data distribution.")
class CreateDataDistributionInput(Input, DistributionFields):
    label: str = strawberry.field(description="Name.")
    code: str | None = optional("Unique code; DISTn by default.")
    field: str = strawberry.field(description="The contact field whose value decides, such as entity or postalCode.")


@strawberry.input(description="Changes of a data distribution; what is left out stays as it is.")
class UpdateDataDistributionInput(Revised, DistributionFields):
    id: strawberry.ID = an_id("DataDistribution", "The data distribution.")
    label: str | None = optional("Name.")
    code: str | None = optional("Unique code.")
    field: str | None = optional("The contact field whose value decides.")


@strawberry.type
class CampaignMutations:
    create_campaign = change(
        "CreateCampaign", CAMPAIGN, CreateCampaignInput, "Makes a campaign from a campaign template.",
        lambda work, it: Campaigns(work).create(it.template, it.fields("template")),
    )
    update_campaign = change(
        "UpdateCampaign", CAMPAIGN, UpdateCampaignInput,
        "Changes a campaign; an entity changes in its child campaign what the package does not lock.",
        lambda work, it: Campaigns(work).update(*it.read(), it.fields()), warns=True,
    )
    start_campaign = change(
        "StartCampaign", CAMPAIGN, CampaignInput,
        "Starts a campaign: opens its children, and by target approval distributes the contacts.",
        lambda work, it: Campaigns(work).start(*it.read()),
        alone=True,
    )
    finish_campaign = change(
        "FinishCampaign", CAMPAIGN, CampaignInput,
        "Finishes a running campaign, its running children and their orders.",
        lambda work, it: Campaigns(work).finish(*it.read()),
        alone=True,
    )
    cancel_campaign = change(
        "CancelCampaign", CAMPAIGN, CancelCampaignInput,
        "Cancels a campaign and its children. A campaign on offer is cancelled with its package.",
        lambda work, it: Campaigns(work).cancel(*it.read(), it.comment),
        alone=True,
    )
    duplicate_campaign = change(
        "DuplicateCampaign", CAMPAIGN, DuplicateCampaignInput, "Copies a campaign or a campaign template.",
        lambda work, it: Campaigns(work).duplicate(
            it.decoded("id"), it.label, as_template=it.as_template, code=it.code
        ),
    )
    create_data_distribution = change(
        "CreateDataDistribution", DISTRIBUTION, CreateDataDistributionInput,
        "Makes a rule that spreads contacts over entities.",
        lambda work, it: DataDistributions(work).create(it.fields()),
    )
    update_data_distribution = change(
        "UpdateDataDistribution", DISTRIBUTION, UpdateDataDistributionInput, "Changes a data distribution.",
        lambda work, it: DataDistributions(work).update(*it.read(), it.fields()),
    )
