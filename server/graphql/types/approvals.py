"""Approvals and their reminders [5]."""

from collections.abc import Iterator
from typing import Annotated, Any

import strawberry
from sqlalchemy import case, literal, select, true

from server.domain.approval import Approval, ApprovalStatus, ApprovalSubject, Reminder
from server.domain.permissions import Decision, can_decide
from server.graphql.enums import describe
from server.graphql.fields import TYPES, column, computed, few, one_of_kinds, to_one
from server.graphql.filters import Condition, Filter, Period, filter_input, given
from server.graphql.relay import Node, readable
from server.graphql.types.orders import OrderType
from server.graphql.types.packages import PackageType
from server.reads import rights
from server.reads.resource import Reader
from server.reads.reviewers import Reviewer
from server.reads.visibility import Caller, Visible, visible_approvals

describe(Decision, "DecisionRight", "Whether you may decide an approval, and in what capacity.", {
    "NO": "You may not, or it is decided already.",
    "REVIEWER": "You are expected to decide.",
    "OVERRIDE": "You may decide instead of those who are expected to; it is recorded as an override.",
})

TYPES["ApprovalSubject"] = Annotated[
    PackageType | OrderType,
    strawberry.union("ApprovalSubject", description="What is decided: a package or an order (or its target list)."),
]


def _late(reader: Reader) -> Any:
    return (Approval.status == ApprovalStatus.PENDING) & (Approval.deadline < reader.now)


def _late_first(reader: Reader) -> Any:
    return case((_late(reader), literal(0)), else_=literal(1))


def _decision(row: Any, reader: Reader) -> Decision:
    return can_decide(
        row.subject, row.status, reader.caller.right, named=row.named, reviewer=row.is_reviewer, owner=row.is_owner
    )


@filter_input("ApprovalFilter", "Which approvals to list.")
class ApprovalFilter(Filter):
    status: list[ApprovalStatus] | None = given("In one of these statuses.")
    subject: list[ApprovalSubject] | None = given("About these kinds of subject.")
    entity: list[strawberry.ID] | None = given("About orders of one of these entities.")
    package: list[strawberry.ID] | None = given("About one of these packages, their orders or target lists.")
    late: bool | None = given("Open past their deadline, or not.")
    deadline: Period | None = given("Due then.")

    def order(self, name: str) -> str:
        """Open approvals that are late are those with the earliest deadlines."""
        return name.replace("LATE", "DEADLINE") if self.only_open else name

    @property
    def only_open(self) -> bool:
        return bool(self.status) and set(self.status or ()) == {ApprovalStatus.PENDING}

    def where(self, reader: Reader) -> Iterator[Condition]:
        yield from self.among("status", Approval.status)
        yield from self.among("subject", Approval.subject)
        yield from self.linked("entity", "Entity", Approval.entity_id, reader)
        yield from self.linked("package", "Package", Approval.package_id, reader)
        yield from self.holds("late", lambda: _late(reader))
        yield from self.during("deadline", Approval.deadline)


@filter_input("InboxFilter", "Which approvals to list; those that wait for you unless you say otherwise.")
class InboxFilter(ApprovalFilter):
    waiting_for_me: bool = given("Only those that you are expected to decide; false: all that you may see.", True)

    @property
    def only_open(self) -> bool:
        return self.waiting_for_me or super().only_open

    def where(self, reader: Reader) -> Iterator[Condition]:
        yield from super().where(reader)
        if self.waiting_for_me:
            yield rights.waiting_for(reader.caller)


@readable(
    "Approval", Approval, visible_approvals, "A question put to reviewers about a package, an order or a target list.",
    sorts={"LATE": ("lateness: open ones past their deadline first, then deadline", (_late_first, Approval.deadline)),
           "DEADLINE": ("deadline", (Approval.deadline,)), "REQUESTED_AT": ("request", (Approval.requested_at,))},
    default="LATE_ASC",
)
class ApprovalType(Node):
    kind = column(Approval.subject, "What kind of subject it is about.")
    subject = one_of_kinds(
        "ApprovalSubject",
        (("Package", "asked_package_id", case((Approval.subject == ApprovalSubject.PACKAGE, Approval.package_id))),
         ("Order", "order_id", Approval.order_id)),
        "What is decided.",
    )
    package = to_one("Package", Approval.package_id, "The package: the subject, or that of the order.")
    order = to_one("Order", Approval.order_id, "The order, when it is about one or its target list.")
    entity = to_one("Entity", Approval.entity_id, "The entity of the order.")
    subject_revision = column(Approval.subject_revision, "The revision of the subject that is asked about.")
    requested_at = column(Approval.requested_at, "When it was asked.")
    requested_by = to_one("Operator", Approval.requested_by_id, "Who asked; null: the server.")
    deadline = column(Approval.deadline, "By when it should be decided.")
    on_no_decision = column(Approval.on_no_decision, "What happens when nobody decides in time.")
    status = column(Approval.status, "Whether and how it was decided.")
    is_late = computed(
        bool, "Whether it is open past its deadline.", {"status": Approval.status, "deadline": Approval.deadline},
        lambda row, reader: row.status is ApprovalStatus.PENDING and row.deadline < reader.now,
    )
    comment = column(Approval.comment, "Why it was decided so.")
    decided_at = column(Approval.decided_at, "When it was decided.")
    decided_by = to_one("Operator", Approval.decided_by_id, "Who decided it.")
    override = column(Approval.override, "Whether it was decided by somebody who was not a reviewer.")
    viewer_decision = computed(Decision, "In what capacity you may decide.", rights.DECIDING, _decision)
    viewer_can_approve = computed(
        bool, "Whether you may decide it.", rights.DECIDING,
        lambda row, reader: _decision(row, reader) is not Decision.NO,
    )
    reviewers = few("Reviewer", Reviewer.subject_id, "Who is asked; nobody named: the rule of its kind says who may.")
    reminders = few("Reminder", Reminder.approval_id, "When its reviewers are reminded.")


def visible_reminders(caller: Caller) -> Visible:
    if not caller.is_local:
        return true()
    return Reminder.approval_id.in_(select(Approval.id).where(visible_approvals(caller)))


@readable(
    "Reminder", Reminder, visible_reminders, "One reminder of an approval: sent once, while it is open.",
    sorts={"DUE_AT": ("time", (Reminder.due_at,))}, default="DUE_AT_ASC",
)
class ReminderType:
    anchor = column(Reminder.anchor, "What its time is counted from.")
    due_at = column(Reminder.due_at, "When it is due.")
    status = column(Reminder.status, "What became of it.")
