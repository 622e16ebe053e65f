"""Installed campaign types, their rules, and forms as typed fields and as JSON Schema [3.1, 9.4]."""

from typing import Any

import strawberry

from server.campaign_type import FieldKind, LastTab, Need
from server.domain import form
from server.graphql.fields import resolver
from server.graphql.scalars import JSON
from server.plugins import InstalledType
from server.reads.forms import OrderForm


@strawberry.type(name="Choice", description="One option of a field.")
class ChoiceType:
    value: str = strawberry.field(description="What is stored.")
    label: str = strawberry.field(description="What people read.")


@strawberry.type(name="FormField", description="One field of a form.")
class FormFieldType:
    name: str = strawberry.field(description="The key of its value in the parameters of an order.")
    label: str = strawberry.field(description="What people read.")
    kind: FieldKind = strawberry.field(description="What it holds.")
    required: bool = strawberry.field(description="Whether an order cannot be submitted without it.")
    default: JSON | None = strawberry.field(description="Its value unless another is given.")
    minimum: float | None = strawberry.field(description="Smallest number.")
    maximum: float | None = strawberry.field(description="Largest number.")
    min_length: int | None = strawberry.field(description="Fewest characters, or options of a multiple choice.")
    max_length: int | None = strawberry.field(description="Most characters, or options of a multiple choice.")
    pattern: str | None = strawberry.field(description="Regular expression that a text must match.")
    choices: list[ChoiceType] = strawberry.field(description="Options of a choice or multiple choice.")
    help: str = strawberry.field(description="Explanation for the person who fills it in.")
    editable: bool = strawberry.field(description="Whether the entity may change it; otherwise it keeps its default.")


@strawberry.type(name="Form", description="A form: typed fields, and the same as JSON Schema for a form renderer.")
class FormType:
    version: int = strawberry.field(description="Version of the campaign's form; 0 where the campaign has none.")
    fields: list[FormFieldType] = strawberry.field(description="The fields in their order.")

    @resolver("JSON Schema (draft 2020-12) of an object with all values.")
    def schema(self) -> JSON:
        return form.json_schema(self.fields)  # type: ignore[arg-type, return-value]  # `self` is an OrderForm

    @resolver("UI hints beside the schema, as @rjsf reads them.")
    def ui_schema(self) -> JSON:
        return form.ui_schema(self.fields)  # type: ignore[arg-type, return-value]  # `self` is an OrderForm


def form_of(version: int, stored: Any) -> OrderForm | None:
    """The form in a stored version; None when there is no such version."""
    return None if stored is None else OrderForm(version, form.of_stored(stored))


@strawberry.type(name="PackageRules", description="What packages of a type need; clients build screens from it.")
class PackageRulesType:
    audience: Need = strawberry.field(description="The list of local entities; an empty optional one means everyone.")
    registration_deadline: Need = strawberry.field(description="The last moment to order.")
    personalization_deadline: Need = strawberry.field(description="Until when entities should deliver their documents.")
    availability: Need = strawberry.field(description="The earliest creation of child campaigns.")
    designed_for: int | None = strawberry.field(description="For about so many entities; null: any number.")
    subscribes: bool = strawberry.field(description="Whether publication in automatic mode orders for every entity.")
    orderable: bool = strawberry.field(description="Whether entities order themselves; otherwise orders come by lists.")
    several_orders: bool = strawberry.field(description="Whether an entity may hold several live orders.")
    schedule_per_order: bool = strawberry.field(description="Whether every order brings its own start and end.")
    last_tab: LastTab = strawberry.field(description="What the last tab of a package shows.")


@strawberry.type(name="CampaignType", description="An installed way in which local entities take part in a campaign.")
class CampaignTypeType:
    installed: strawberry.Private[InstalledType]

    @resolver("Its constant name, stored with packages.")
    def name(self) -> str:
        return self.installed.name

    @resolver("What people read.")
    def label(self) -> str:
        return self.installed.label

    @resolver("Version of the distribution that provides it.")
    def version(self) -> str:
        return self.installed.version

    @resolver("The distribution that provides it.")
    def distribution(self) -> str:
        return self.installed.distribution

    @resolver("Number of the plugin contract that it was written for.")
    def contract(self) -> int:
        return self.installed.contract

    @resolver("Code of the campaign template that it ships.")
    def template(self) -> str:
        return self.installed.template

    @resolver("What its packages need and how they are ordered.")
    def rules(self) -> PackageRulesType:
        return self.installed.rules  # type: ignore[return-value]  # PackageRules has the same attributes

    @resolver("The form that new campaigns of the type start with; a campaign may change its own.")
    def preset_form(self) -> FormType:
        return OrderForm(0, self.installed.preset.fields)  # type: ignore[return-value]  # it has the same attributes


def type_of(name: str, types: Any) -> CampaignTypeType | None:
    """The installed type; None when it is not installed any more [3.2]."""
    installed = types.get(name)
    return None if installed is None else CampaignTypeType(installed=installed)
