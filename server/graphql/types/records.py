"""History: who changed what, when, and why [12.1]."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import case, false, or_
from strawberry.utils.str_converters import to_camel_case

from server.domain.record import History, SubjectKind
from server.graphql.fields import column, computed, one_of_kinds, to_one
from server.graphql.filters import Condition, Filter, Period, filter_input, given, seen
from server.graphql.ids import decode, encode
from server.graphql.relay import READABLE, Node, readable
from server.graphql.scalars import JSON
from server.reads.resource import Reader
from server.reads.visibility import visible_history

SUBJECTS = {
    SubjectKind.PACKAGE: "Package", SubjectKind.ORDER: "Order", SubjectKind.CAMPAIGN: "Campaign",
    SubjectKind.APPROVAL: "Approval", SubjectKind.DATA_DISTRIBUTION: "DataDistribution", SubjectKind.ENTITY: "Entity",
    SubjectKind.OPERATOR: "Operator", SubjectKind.GROUP: "OperatorGroup", SubjectKind.CONTACT: "Contact",
    SubjectKind.TEMPLATE: "PackageTemplate", SubjectKind.WEBHOOK: "Webhook",
    SubjectKind.MESSAGE_TEMPLATE: "MessageTemplate",
}


NAMES_PEOPLE = frozenset({"reviewers"})
"""What names people whom a local operator may not know."""


def _shown(kind: SubjectKind, values: dict[str, Any], reader: Reader) -> dict[str, Any]:
    """Changed fields in the names of the schema. Links to other objects become global ids; a local operator is not
    told of them, since they may be out of scope [2.3]."""
    table: Any = READABLE[SUBJECTS[kind]].resource.model.__table__
    targets = {key.parent.name: key.column.table for key in table.foreign_keys}
    shown: dict[str, Any] = {}
    for name, value in values.items():
        linked = next((each for each in READABLE if READABLE[each].resource.model.__table__ is targets.get(name)), None)
        if reader.caller.is_local and (linked or name in NAMES_PEOPLE):
            continue
        shown[to_camel_case(name)] = encode(linked, UUID(value)) if linked and value else value
    return shown


def _choice(kind: SubjectKind) -> tuple[str, str, Any]:
    return SUBJECTS[kind], f"{kind.value.lower()}_subject_id", case((History.subject == kind, History.subject_id))


@filter_input("HistoryFilter", "Which history entries to list.")
class HistoryFilter(Filter):
    kind: list[SubjectKind] | None = given("About these kinds of subject.")
    subject: list[strawberry.ID] | None = given("About one of these objects.")
    actor: list[strawberry.ID] | None = given("By one of these operators.")
    entity: list[strawberry.ID] | None = given("Concerning one of these entities.")
    action: list[str] | None = given("With one of these actions, such as SUBMIT.")
    at: Period | None = given("Written then.")

    def where(self, reader: Reader) -> Iterator[Condition]:
        yield from self.among("kind", History.subject)
        yield from self.among("action", History.action)
        yield from self.linked("actor", "Operator", History.actor_id, reader)
        yield from self.linked("entity", "Entity", History.entity_id, reader)
        yield from self.during("at", History.at)
        if chosen := self.listed("subject"):
            kinds = {decode("filter.subject", each)[0] for each in chosen}
            subjects = (seen("subject", kind, [each for each in chosen if decode("", each)[0] == kind], reader)
                        for kind in sorted(kinds & READABLE.keys()))
            yield or_(false(), *(History.subject_id.in_(ids) for ids in subjects))


@readable(
    "History", History, visible_history, "One change: who, when, what, before and after, and why. It never changes.",
    sorts={"AT": ("time", (History.at,))}, default="AT_DESC",
)
class HistoryType(Node):
    at = column(History.at, "When.")
    actor = to_one("Operator", History.actor_id, "Who; null: the server itself.")
    kind = column(History.subject, "What kind of object was changed.")
    subject = one_of_kinds("Node", [_choice(kind) for kind in SubjectKind], "What was changed, as it is now.")
    subject_code = column(History.subject_code, "Code or login of what was changed, as it was then.")
    entity = to_one("Entity", History.entity_id, "The entity that it concerns.")
    revision = column(History.revision, "The object's revision after the change.")
    action = column(History.action, "What was done, such as SUBMIT.")
    before = computed(
        JSON, "What the changed fields held before.", {"kind": History.subject, "before": History.before},
        lambda row, reader: _shown(row.kind, row.before, reader),
    )
    after = computed(
        JSON, "What they hold after.", {"kind": History.subject, "after": History.after},
        lambda row, reader: _shown(row.kind, row.after, reader),
    )
    comment = column(History.comment, "Why.")
