"""Orders and documents [6]."""

from collections.abc import Iterator
from typing import Any

import strawberry
from sqlalchemy import select

from server.domain import lifecycles
from server.domain.approval import Approval, ApprovalStatus, ApprovalSubject
from server.domain.campaign import Campaign
from server.domain.lifecycles import Action, OrderStatus
from server.domain.order import Document, Order
from server.domain.package import Package
from server.domain.permissions import Decision, can_cancel_order, can_decide, can_edit_order, operator_actions
from server.domain.target import Target
from server.graphql import ids
from server.graphql.fields import batch, column, computed, connection, few, tally, to_one
from server.graphql.filters import Condition, Filter, Period, filter_input, given
from server.graphql.relay import Node, readable
from server.graphql.types.campaign_types import CampaignTypeType, FormType, type_of
from server.graphql.types.money import Money, money
from server.graphql.types.targets import GROUPINGS, TargetGroup
from server.reads import forms, rights
from server.reads.resource import Reader
from server.reads.reviewers import Reviewer
from server.reads.rights import of_package
from server.reads.visibility import visible_documents, visible_orders

TYPE = of_package(Package.type)


def of_reference(column: Any) -> Any:
    """A value of the reference campaign of an order's package."""
    reference = select(column).join(Package, Package.campaign_id == Campaign.id).where(Package.id == Order.package_id)
    return reference.correlate(Order).scalar_subquery()


COSTING = {
    "approved_contacts": Order.approved_contacts, "unit_costs": of_reference(Campaign.unit_costs),
    "main_channel": of_reference(Campaign.main_channel), "currency": of_reference(Campaign.currency),
}
CHANGING = {
    "status": Order.status, "cycle": Order.cycle, "approval_mode": of_package(Package.approval_mode),
    "registration_deadline": of_package(Package.registration_deadline), "package_end": of_package(Package.end),
    "package_cycle": of_package(Package.cycle),
}
"""What the rules on changing and cancelling must know."""


def _estimated_cost(row: Any, _reader: Reader) -> Money | None:
    unit_cost = row.unit_costs.get(row.main_channel)
    known = row.approved_contacts is not None and unit_cost is not None
    return money(row.approved_contacts * unit_cost, row.currency) if known else None


def _viewer_can_edit(row: Any, reader: Reader) -> bool:
    return can_edit_order(
        row.status, row.approval_mode, row.registration_deadline or row.package_end, reader.now,
        current_cycle=row.cycle == row.package_cycle,
    )


def _viewer_can_cancel(row: Any, reader: Reader) -> bool:
    deadline = row.registration_deadline or row.package_end
    return can_cancel_order(reader.caller.right, row.status, row.approval_mode, deadline, reader.now)


def _viewer_can_approve(row: Any, reader: Reader) -> bool:
    return any(
        question is not None and can_decide(
            subject, ApprovalStatus.PENDING, reader.caller.right, named=row.named, reviewer=row.is_reviewer,
            owner=row.owner_id == reader.caller.id,
        ) is not Decision.NO
        for subject, question in (
            (ApprovalSubject.ORDER, row.question), (ApprovalSubject.TARGET, row.target_question)
        )
    )


@filter_input("OrderFilter", "Which orders to list.")
class OrderFilter(Filter):
    text: str | None = given("Part of the label or code.")
    status: list[OrderStatus] | None = given("In one of these statuses.")
    late: bool | None = given("With an approval that is open past its deadline, or without.")
    type: list[str] | None = given("Of one of these campaign types, by name.")
    package: list[strawberry.ID] | None = given("Of one of these packages.")
    entity: list[strawberry.ID] | None = given("Of one of these entities.")
    campaign: list[strawberry.ID] | None = given("That led to, or take part in, one of these campaigns.")
    assignee: list[strawberry.ID] | None = given("Assigned to one of these operators.")
    cycle: int | None = given("Of this cycle of their package.")
    created: Period | None = given("Created then.")
    submitted: Period | None = given("Submitted then.")

    def where(self, reader: Reader) -> Iterator[Condition]:
        yield from self.matches(Order.label, Order.code)
        yield from self.among("status", Order.status)
        yield from self.holds("late", lambda: rights.order_is_late(reader))
        yield from self.among("type", TYPE)
        yield from self.linked("package", "Package", Order.package_id, reader)
        yield from self.linked("entity", "Entity", Order.entity_id, reader)
        yield from self.linked("campaign", "Campaign", Order.campaign_id, reader)
        yield from self.linked("assignee", "Operator", Order.assignee_id, reader)
        yield from self.equals("cycle", Order.cycle)
        yield from self.during("created", Order.created_at)
        yield from self.during("submitted", Order.submitted_at)


@readable(
    "Order", Order, visible_orders, "Everything about one entity's participation in one package.",
    sorts={"CREATED_AT": ("creation", (Order.created_at,)), "LABEL": ("label", (Order.label,)),
           "STATUS": ("status", (Order.status,)),
           "SUBMITTED_AT": ("submission, drafts last", (Order.submitted_at,))},
    default="CREATED_AT_DESC",
)
class OrderType(Node):
    code = column(Order.code, "Human code, ORDn.")
    label = column(Order.label, "Name; the package's unless the entity gave another.")
    comment = column(Order.comment, "Comment of the entity.")
    package = to_one("Package", Order.package_id, "What was ordered; null when you can no longer see it.")
    cycle = column(Order.cycle, "The cycle of the package that it belongs to.")
    entity = to_one("Entity", Order.entity_id, "The entity that takes part.")
    assignee = to_one("Operator", Order.assignee_id, "Who takes care of it.")
    type = column(TYPE, "Name of its campaign type.", str, "type")
    campaign_type = computed(
        CampaignTypeType | None, "Its campaign type; null when that is no longer installed.", {"type": TYPE},
        lambda row, reader: type_of(row.type, reader.types),
    )
    status = column(Order.status, "Where it stands in its life.")
    parameters = column(Order.parameters, "Its parameters, by field name of its form.")
    form_version = column(Order.form_version, "The version of the campaign's form that it was filled in with.")
    order_form = batch(
        FormType | None, "The form that it was filled in with; null when its type is no longer installed.",
        forms.of_orders,
    )
    start = column(Order.start, "When its own schedule starts, for types whose orders have one.")
    end = column(Order.end, "When its own schedule ends.")
    campaign = to_one("Campaign", Order.campaign_id, "The campaign that it led to or takes part in.")
    estimated_cost = computed(
        Money | None, "What a message to each approved contact costs on the campaign's main channel; null without a "
        "target list or a unit cost.", COSTING, _estimated_cost,
    )
    subscribed = column(Order.subscribed, "Whether publication in automatic mode made it.")
    submitted_at = column(Order.submitted_at, "When it was submitted last.")
    submitted_by = to_one("Operator", Order.submitted_by_id, "Who submitted it.")
    approved_at = column(Order.approved_at, "When it was approved.")
    available_at = column(Order.available_at, "When its campaign became available.")
    canceled_at = column(Order.canceled_at, "When it was cancelled.")
    canceled_by = to_one("Operator", Order.canceled_by_id, "Who cancelled it.")
    cancel_comment = column(Order.cancel_comment, "Why it was cancelled.")
    targeted_contacts = column(Order.targeted_contacts, "How many contacts its target list has; null without a list.")
    approved_contacts = column(Order.approved_contacts, "How many of them take part.")
    confirmed_at = column(Order.confirmed_at, "When its target list was confirmed.")
    confirmed_by = to_one("Operator", Order.confirmed_by_id, "Who confirmed its target list.")
    is_late = computed(
        bool, "Whether a question about it is open past its deadline.", {"is_late": rights.order_is_late},
        lambda row, _: row.is_late,
    )
    allowed_actions = computed(
        list[Action], "What the lifecycle allows from its status, whoever asks.", {"status": Order.status},
        lambda row, _: operator_actions(lifecycles.ORDER, row.status),
    )
    viewer_can_edit = computed(bool, "Whether you may change it.", CHANGING, _viewer_can_edit)
    viewer_can_cancel = computed(bool, "Whether you may cancel it.", CHANGING, _viewer_can_cancel)
    viewer_can_approve = computed(
        bool, "Whether you may decide its open approval, or confirm its target list.",
        {**rights.deciding(ApprovalSubject.ORDER, Approval.order_id, Order, of_package(Package.owner_id)),
         "target_question": rights.pending(ApprovalSubject.TARGET, Approval.order_id, Order)},
        _viewer_can_approve,
    )
    reviewers = few("Reviewer", Reviewer.subject_id, "The reviewers that the orderer named.")
    approvals = connection("Approval", Approval.order_id, "The questions about it and its target list.")
    documents = connection("Document", Document.order_id, "Its documents.")
    contacts = connection("Target", Target.order_id, "Its target list.")
    groupings = tally(TargetGroup, "Its target list by the grouping field: contacts and kept ones.", GROUPINGS)


@readable(
    "Document", Document, visible_documents, "A file on a package or an order.",
    sorts={"UPLOADED_AT": ("upload", (Document.uploaded_at,)), "NAME": ("name", (Document.name,))},
    default="UPLOADED_AT_ASC",
)
class DocumentType(Node):
    name = column(Document.name, "Name of the file, for showing only.")
    content_type = column(Document.content_type, "Media type.")
    size = column(Document.size, "Size in bytes.")
    sha256 = column(Document.sha256, "SHA-256 of its bytes, in hexadecimal.")
    url = computed(
        str, "Where to download it, a path on this server.", {"id": Document.id},
        lambda row, _: f"/documents/{ids.encode('Document', row.id)}",
    )
    late = column(Document.late, "Whether it came after the package's personalization deadline.")
    uploaded_at = column(Document.uploaded_at, "When it was uploaded.")
    uploaded_by = to_one("Operator", Document.uploaded_by_id, "Who uploaded it.")
    package = to_one("Package", Document.package_id, "The package that it belongs to.")
    order = to_one("Order", Document.order_id, "The order that it belongs to.")
