"""Packages, their templates and reviewers [4]."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from server.domain import lifecycles
from server.domain.approval import Approval, ApprovalStatus, ApprovalSubject, ReminderAnchor
from server.domain.lifecycles import Action, OrderStatus, PackageStatus
from server.domain.network import Entity
from server.domain.order import Document, Order
from server.domain.package import ApprovalMode, Package, PackageEntity, PackageTemplate
from server.domain.permissions import (
    Decision,
    can_cancel_package,
    can_decide,
    can_edit_package,
    can_order,
    operator_actions,
    registration_open,
)
from server.graphql.fields import batch, column, computed, connection, few, tally, to_one
from server.graphql.filters import Condition, Filter, Period, filter_input, given
from server.graphql.relay import Node, readable
from server.graphql.types.campaign_types import CampaignTypeType, FormType, type_of
from server.graphql.types.progress import PROGRESS
from server.reads import forms, rights
from server.reads.resource import Reader, Tally, ToMany
from server.reads.reviewers import Reviewer, visible_reviewers
from server.reads.visibility import visible_package_templates, visible_packages

AUDIENCE = aliased(PackageEntity)


@strawberry.type(description="When a reminder of an approval is sent.")
class ReminderRule:
    anchor: ReminderAnchor = strawberry.field(description="What its time is counted from.")
    hours: int | None = strawberry.field(description="Hours after the submission or before the deadline.")
    at: datetime | None = strawberry.field(description="Its date, when it has one of its own.")


@strawberry.type(description="How many orders are in a status.")
class OrderStatusCount:
    status: OrderStatus = strawberry.field(description="The status.")
    count: int = strawberry.field(description="How many orders that you may see are in it.")


@strawberry.type(description="How many packages are in a status.")
class PackageStatusCount:
    status: PackageStatus = strawberry.field(description="The status.")
    count: int = strawberry.field(description="How many packages that you may see are in it.")


ORDER_COUNTS = Tally(
    ToMany("Order", Order.package_id), Order.status,
    lambda record: OrderStatusCount(status=record.value, count=record.number),
)
PACKAGE_COUNTS = Tally(
    ToMany("Package", Package.id), Package.status,
    lambda record: PackageStatusCount(status=record.value, count=record.number),
)
REGISTRATION = {"status": Package.status, "registration_deadline": Package.registration_deadline, "end": Package.end}


def _reminder(stored: dict[str, Any]) -> ReminderRule:
    at = stored.get("at")
    return ReminderRule(
        anchor=ReminderAnchor(stored.get("anchor", ReminderAnchor.DATE)), hours=stored.get("hours"),
        at=None if at is None else datetime.fromisoformat(at),
    )


def _viewer_can_order(row: Any, reader: Reader) -> bool:
    installed = reader.types.get(row.type)
    if installed is None:
        return False
    free = row.entity_listed if installed.rules.several_orders else row.entity_free
    return can_order(
        row.status, row.registration_deadline or row.end, reader.now, orderable=installed.rules.orderable,
        entity_free=free,
    )


def _viewer_can_approve(row: Any, reader: Reader) -> bool:
    return row.question is not None and can_decide(
        ApprovalSubject.PACKAGE, ApprovalStatus.PENDING, reader.caller.right, named=row.named,
        reviewer=row.is_reviewer, owner=row.owner_id == reader.caller.id,
    ) is not Decision.NO


@filter_input("PackageFilter", "Which packages to list.")
class PackageFilter(Filter):
    text: str | None = given("Part of the label or code.")
    status: list[PackageStatus] | None = given("In one of these statuses.")
    late: bool | None = given("With an approval that is open past its deadline, or without.")
    type: list[str] | None = given("Of one of these campaign types, by name.")
    folder: list[str] | None = given("In one of these folders.")
    approval_mode: ApprovalMode | None = given("With this approval mode.")
    owner: list[strawberry.ID] | None = given("Owned by one of these operators.")
    entity: list[strawberry.ID] | None = given("Offered to one of these entities.")
    campaign: list[strawberry.ID] | None = given("Offering one of these campaigns.")
    start: Period | None = given("Starting then.")
    end: Period | None = given("Ending then.")
    registration_deadline: Period | None = given("With their registration deadline then.")

    def where(self, reader: Reader) -> Iterator[Condition]:
        yield from self.matches(Package.label, Package.code)
        yield from self.among("status", Package.status)
        yield from self.holds("late", lambda: rights.package_is_late(reader))
        yield from self.among("type", Package.type)
        yield from self.among("folder", Package.folder)
        yield from self.equals("approval_mode", Package.approval_mode)
        yield from self.linked("owner", "Operator", Package.owner_id, reader)
        yield from self.linked("campaign", "Campaign", Package.campaign_id, reader)
        yield from self.during("start", Package.start)
        yield from self.during("end", Package.end)
        yield from self.during("registration_deadline", Package.registration_deadline)
        for of_entity in self.linked("entity", "Entity", Entity.id, reader):
            named = select(PackageEntity.package_id).join(Entity, Entity.id == PackageEntity.entity_id)
            everyone = select(Entity.id).where(of_entity).exists() & Package.offered_to_all
            yield or_(Package.id.in_(named.where(of_entity)), everyone)


@readable(
    "Package", Package, visible_packages, "A campaign offered to local entities in the catalogue.",
    sorts={"CREATED_AT": ("creation", (Package.created_at,)), "LABEL": ("label", (Package.label,)),
           "START": ("start, undated last", (Package.start,)), "END": ("end, undated last", (Package.end,)),
           "REGISTRATION_DEADLINE": ("registration deadline, undated last", (Package.registration_deadline,)),
           "STATUS": ("status", (Package.status,)), "FOLDER": ("folder, then label", (Package.folder, Package.label))},
    default="CREATED_AT_DESC",
)
class PackageType(Node):
    code = column(Package.code, "Human code, CATn.")
    label = column(Package.label, "Name.")
    template = to_one("PackageTemplate", Package.template_id, "The preset it was made from.")
    folder = column(Package.folder, "Folder in the catalogue.")
    nature = column(Package.nature, "Nature of the operation, in the organisation's words.")
    owner = to_one("Operator", Package.owner_id, "Who is responsible for it.")
    submitter = to_one("Operator", Package.submitter_id, "Who submitted it last.")
    campaign = to_one("Campaign", Package.campaign_id, "The reference campaign that it offers.")
    type = column(Package.type, "Name of its campaign type.")
    campaign_type = computed(
        CampaignTypeType | None, "Its campaign type; null when that is no longer installed.", {"type": Package.type},
        lambda row, reader: type_of(row.type, reader.types),
    )
    start = column(Package.start, "From when it is in the catalogue and open for ordering.")
    end = column(Package.end, "Until when it is in the catalogue, inclusive.")
    registration_deadline = column(Package.registration_deadline, "The last moment to order; null: its end.")
    effective_registration_deadline = computed(
        datetime | None, "The last moment to order: the registration deadline, or else the end.",
        {"registration_deadline": Package.registration_deadline, "end": Package.end},
        lambda row, _: row.registration_deadline or row.end,
    )
    registration_open = computed(
        bool, "Whether it takes orders now.", REGISTRATION,
        lambda row, reader: registration_open(row.status, row.registration_deadline or row.end, reader.now),
    )
    personalization_deadline = column(
        Package.personalization_deadline, "Until when entities should deliver documents; later ones count as late."
    )
    campaign_available_at = column(
        Package.campaign_available_at, "The earliest creation of child campaigns; null: on approval."
    )
    approval_mode = column(Package.approval_mode, "Whether reviewers decide every order.")
    start_targeting_with_approval = column(
        Package.start_targeting_with_approval, "Whether targeting starts when an order becomes available."
    )
    notify_on_publication = column(Package.notify_on_publication, "Whether entities are told of the publication.")
    message = column(Package.message, "Message to the local entities.")
    description = column(Package.description, "Description as safe HTML.")
    approval_delay_hours = column(Package.approval_delay_hours, "How long reviewers have, from the submission.")
    approval_deadline = column(Package.approval_deadline, "By when reviewers decide, when it is a date.")
    reminders = computed(
        list[ReminderRule], "When reviewers are reminded.", {"reminders": Package.reminders},
        lambda row, _: [_reminder(stored) for stored in row.reminders],
    )
    on_no_decision = column(Package.on_no_decision, "What happens when reviewers do not decide in time.")
    reviewers = few("Reviewer", Reviewer.subject_id, "Who is asked to approve it, the main reviewer first.")
    offered_to_all = column(Package.offered_to_all, "Whether it is offered to every local entity.")
    locked_fields = column(Package.locked_fields, "What entities cannot change in their child campaigns.", list[str])
    status = column(Package.status, "Where it stands in its life.")
    cycle = column(Package.cycle, "Counts how often it was opened: 1, and one more with each reinitialization.")
    is_late = computed(
        bool, "Whether its approval is open past the deadline.", {"is_late": rights.package_is_late},
        lambda row, _: row.is_late,
    )
    published_at = column(Package.published_at, "When it was published.")
    canceled_at = column(Package.canceled_at, "When it was cancelled.")
    cancel_comment = column(Package.cancel_comment, "Why it was cancelled.")
    allowed_actions = computed(
        list[Action], "What the lifecycle allows from its status, whoever asks.", {"status": Package.status},
        lambda row, _: operator_actions(lifecycles.PACKAGE, row.status),
    )
    viewer_can_edit = computed(
        bool, "Whether you may change it; which fields, depends on its status.", {"status": Package.status},
        lambda row, reader: can_edit_package(reader.caller.right, row.status),
    )
    viewer_can_cancel = computed(
        bool, "Whether you may cancel it.", {"status": Package.status},
        lambda row, reader: can_cancel_package(reader.caller.right, row.status),
    )
    viewer_can_approve = computed(
        bool, "Whether you may decide its open approval.",
        rights.deciding(ApprovalSubject.PACKAGE, Approval.package_id, Package, Package.owner_id), _viewer_can_approve,
    )
    viewer_can_order = computed(
        bool, "Whether you may order it now, for at least one entity.",
        {**REGISTRATION, "type": Package.type,
         "entity_free": lambda reader: rights.entities_in_audience(reader, free=True),
         "entity_listed": lambda reader: rights.entities_in_audience(reader, free=False)},
        _viewer_can_order,
    )
    order_form = batch(
        FormType | None, "What a new order is filled in with; null when its type is no longer installed.",
        forms.of_packages,
    )
    order_counts = tally(OrderStatusCount, "How many of its orders are in each status, of all cycles.", ORDER_COUNTS)
    audience = connection(
        "Entity", AUDIENCE.package_id, "The local entities that it is offered to.",
        through=AUDIENCE.entity_id == Entity.id,
    )
    orders = connection("Order", Order.package_id, "Its orders, of all cycles.")
    approved_targets = connection(
        "Order", Order.package_id,
        "The orders that have a target list: contacts targeted and approved, by whom and when.",
        where=Order.targeted_contacts.is_not(None),
    )
    approvals = connection("Approval", Approval.package_id, "Questions about it, its orders and their target lists.")
    documents = connection("Document", Document.package_id, "Its documents.")
    progress = PROGRESS


@filter_input("PackageTemplateFilter", "Which package templates to list.")
class PackageTemplateFilter(Filter):
    text: str | None = given("Part of the label or code.")

    def where(self, reader: Reader) -> Iterator[Condition]:
        yield from self.matches(PackageTemplate.label, PackageTemplate.code)


@readable(
    "PackageTemplate", PackageTemplate, visible_package_templates, "A preset of the other fields of a package.",
    sorts={"LABEL": ("label", (PackageTemplate.label,)), "CODE": ("code", (PackageTemplate.code,))},
    default="LABEL_ASC",
)
class PackageTemplateType(Node):
    code = column(PackageTemplate.code, "Unique code.")
    label = column(PackageTemplate.label, "Name.")
    preset = column(PackageTemplate.preset, "Values by the name of the field in createPackage.")


@readable(
    "Reviewer", Reviewer, visible_reviewers, "Who is asked: an operator, or a group whose members may each decide.",
    sorts={"POSITION": ("position, the main reviewer first", (Reviewer.position,))}, default="POSITION_ASC",
)
class ReviewerType:
    main = computed(
        bool, "Whether this is the main reviewer.", {"position": Reviewer.position}, lambda row, _: row.position == 0
    )
    operator = to_one("Operator", Reviewer.operator_id, "The operator, when it is one.")
    group = to_one("OperatorGroup", Reviewer.group_id, "The group, when it is one.")
