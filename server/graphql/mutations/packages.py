"""Mutations of packages and their templates [4, 10]."""

import strawberry

from server.domain.approval import ReminderAnchor
from server.domain.package import ApprovalMode, NoDecision
from server.graphql.enums import describe
from server.graphql.mutations.inputs import (
    Input,
    Part,
    Rehearsable,
    ReviewerInput,
    Revised,
    an_id,
    optional,
    optional_id,
)
from server.graphql.mutations.running import change
from server.graphql.scalars import DateOrDateTime
from server.services.audience import Audience
from server.services.packages import LiveOrders, Packages
from server.services.templates import PackageTemplates

PACKAGE = ("package", "Package", "The package as it is now; null when the mutation was refused.")
TEMPLATE = ("packageTemplate", "PackageTemplate", "The template as it is now; null when the mutation was refused.")
COMMENT = "Why; the people concerned read it."

describe(LiveOrders, "LiveOrders", "What happens to live orders when their package moves on without them.", {
    "CANCEL": "They are cancelled, and their entities are told.",
    "KEEP": "They go on in the cycle that they belong to.",
})


@strawberry.input(description="A reminder of an approval: hours from its submission or to its deadline, or a date.")
class ReminderInput(Part):
    anchor: ReminderAnchor | None = optional("What the time is counted from; left out when `at` is given.")
    hours: int | None = optional("Hours after the submission, or before the deadline.")
    at: DateOrDateTime | None = optional("A date of its own.")


@strawberry.input
class PackageFields(Part):
    """What a package and a template of packages have in common."""

    folder: str | None = optional("Folder in the catalogue.")
    nature: str | None = optional("Nature of the operation, in your own words.")
    message: str | None = optional("Message to the local entities.")
    description: str | None = optional("Description, as HTML; scripts and the like are removed.")
    approval_mode: ApprovalMode | None = optional("Whether reviewers decide each order.")
    start_targeting_with_approval: bool | None = optional("Whether targeting starts when an order becomes available.")
    notify_on_publication: bool | None = optional("Whether entities are told of the publication.")
    approval_delay_hours: int | None = optional("How long reviewers have, in hours from the submission; 72 by default.")
    reminders: list[ReminderInput] | None = optional("When reviewers are reminded.")
    on_no_decision: NoDecision | None = optional("What happens when reviewers do not decide in time.")
    locked_fields: list[str] | None = optional("What entities cannot change in their child campaigns.")


@strawberry.input
class OwnFields(PackageFields):
    """The fields that only a package has."""

    start: DateOrDateTime | None = optional("From when it is in the catalogue and open for ordering.")
    end: DateOrDateTime | None = optional("Until when it is in the catalogue.")
    registration_deadline: DateOrDateTime | None = optional("The last moment to order; the end when there is none.")
    personalization_deadline: DateOrDateTime | None = optional("By when entities should deliver their documents.")
    campaign_available_at: DateOrDateTime | None = optional("The earliest creation of child campaigns.")
    approval_deadline: DateOrDateTime | None = optional("By when reviewers decide, instead of a delay.")
    owner_id: strawberry.ID | None = optional_id("Operator", "Who is responsible; the creator by default.")
    reviewers: list[ReviewerInput] | None = optional(
        "Who approves it, the main reviewer first; nobody: any central operator."
    )
    entity_ids: list[strawberry.ID] | None = optional_id("Entity", "The local entities that it is offered to, all.")


@strawberry.input(description="A new package of a reference campaign.")
class CreatePackageInput(Input, OwnFields):
    campaign_id: strawberry.ID = an_id("Campaign", "The reference campaign; it also decides the campaign type.")
    template: str | None = optional(
        "Code of the package template that presets the other fields; mutualizedEmpty by default."
    )
    label: str | None = optional("Name; that of the campaign by default.")


@strawberry.input(description="Changes of a package; what is left out stays as it is.")
class UpdatePackageInput(Revised, OwnFields):
    id: strawberry.ID = an_id("Package", "The package.")
    label: str | None = optional("Name.")


@strawberry.input(description="A package in the revision that was read.")
class PackageInput(Rehearsable):
    id: strawberry.ID = an_id("Package", "The package.")


@strawberry.input(description="A package, and why.")
class CommentedPackageInput(PackageInput):
    comment: str = strawberry.field(default="", description=COMMENT)


@strawberry.input(description="A package to be opened for its next cycle.")
class ReinitializePackageInput(CommentedPackageInput):
    live_orders: LiveOrders | None = strawberry.field(
        default=None, description="What happens to its live orders; needed when there are any."
    )


@strawberry.input(description="Entities to offer a package to.")
class AddToAudienceInput(PackageInput):
    entity_ids: list[strawberry.ID] = an_id("Entity", "The entities to add.")


@strawberry.input(description="Entities to take out of the audience of a package.")
class RemoveFromAudienceInput(ReinitializePackageInput):
    entity_ids: list[strawberry.ID] = an_id("Entity", "The entities to remove.")


@strawberry.input(description="The values that a package template presets.")
class PresetInput(PackageFields):
    """Only the fields in common."""


@strawberry.input(description="A new package template.")
class CreatePackageTemplateInput(Input):
    code: str = strawberry.field(description="Unique code.")
    label: str = strawberry.field(description="Name.")
    preset: PresetInput | None = optional("The values that it presets.")


@strawberry.input(description="Changes of a package template; what is left out stays as it is.")
class UpdatePackageTemplateInput(Revised):
    id: strawberry.ID = an_id("PackageTemplate", "The template.")
    code: str | None = optional("Unique code.")
    label: str | None = optional("Name.")
    preset: PresetInput | None = optional("The values that it presets, all of them.")


@strawberry.input(description="A package template to be copied.")
class DuplicatePackageTemplateInput(Input):
    id: strawberry.ID = an_id("PackageTemplate", "The template to copy.")
    code: str = strawberry.field(description="Unique code of the copy.")
    label: str = strawberry.field(description="Name of the copy.")


@strawberry.type
class PackageMutations:
    create_package = change(
        "CreatePackage", PACKAGE, CreatePackageInput, "Makes a package, to be edited and then submitted.",
        lambda work, it: Packages(work).create(it.fields()),
    )
    update_package = change(
        "UpdatePackage", PACKAGE, UpdatePackageInput,
        "Changes a package, as far as its status allows; a rejected one is taken up again.",
        lambda work, it: Packages(work).update(*it.read(), it.fields()),
    )
    submit_package = change(
        "SubmitPackage", PACKAGE, PackageInput, "Asks the reviewers to approve a package that is complete.",
        lambda work, it: Packages(work).submit(*it.read()),
    )
    withdraw_package = change(
        "WithdrawPackage", PACKAGE, CommentedPackageInput, "Takes a submitted package back to edit it.",
        lambda work, it: Packages(work).withdraw(*it.read(), it.comment),
    )
    cancel_package = change(
        "CancelPackage", PACKAGE, CommentedPackageInput,
        "Cancels a package with its live orders, its reference campaign and the child campaigns; every entity that it "
        "concerns is told once.",
        lambda work, it: Packages(work).cancel(*it.read(), it.comment),
        alone=True,
    )
    reinitialize_package = change(
        "ReinitializePackage", PACKAGE, ReinitializePackageInput, "Opens the next cycle of a package, to be edited.",
        lambda work, it: Packages(work).reinitialize(*it.read(), it.live_orders, it.comment),
        alone=True,
    )
    add_to_audience = change(
        "AddToAudience", PACKAGE, AddToAudienceInput,
        "Offers a package to more entities. On a published one they are told, and in automatic mode subscribed.",
        lambda work, it: Audience(work).add(*it.read(), it.decoded("entity_ids")),
        alone=True,
    )
    remove_from_audience = change(
        "RemoveFromAudience", PACKAGE, RemoveFromAudienceInput, "Takes entities out of the audience of a package.",
        lambda work, it: Audience(work).remove(*it.read(), it.decoded("entity_ids"), it.live_orders, it.comment),
        alone=True,
    )
    create_package_template = change(
        "CreatePackageTemplate", TEMPLATE, CreatePackageTemplateInput, "Makes a template of packages.",
        lambda work, it: PackageTemplates(work).create(it.fields()),
    )
    update_package_template = change(
        "UpdatePackageTemplate", TEMPLATE, UpdatePackageTemplateInput, "Changes a template of packages.",
        lambda work, it: PackageTemplates(work).update(*it.read(), it.fields()),
    )
    duplicate_package_template = change(
        "DuplicatePackageTemplate", TEMPLATE, DuplicatePackageTemplateInput, "Copies a template of packages.",
        lambda work, it: PackageTemplates(work).duplicate(it.decoded("id"), it.code, it.label),
    )
