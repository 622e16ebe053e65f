"""Contacts, target lists and data distributions [9.11-9.18]."""

from collections.abc import Iterator

import strawberry
from sqlalchemy import ColumnElement, case, func, or_, select

from server.domain.network import Entity
from server.domain.target import Contact, DataDistribution, DistributionRow, Target
from server.errors import InvalidArgument, Refused
from server.graphql.fields import column, connection, to_one
from server.graphql.filters import Condition, Filter, filter_input, given
from server.graphql.relay import Node, readable
from server.graphql.scalars import JSON
from server.reads.contact_fields import condition
from server.reads.resource import Reader, Tally, ToMany
from server.reads.visibility import (
    Caller,
    Visible,
    visible_contacts,
    visible_distributions,
    visible_targets,
)

CONTACT_FILTER = (
    'A condition {"field", "operator", "value"} over contacts, or {"and": [...]}, {"or": [...]}, {"not": {...}}.'
)


@strawberry.type(description="Contacts of a target list that share a value of the grouping field.")
class TargetGroup:
    grouping: str = strawberry.field(description="The value.")
    contacts: int = strawberry.field(description="How many contacts have it.")
    kept: int = strawberry.field(description="How many of them are kept.")


GROUPINGS = Tally(
    ToMany("Target", Target.order_id), Target.grouping,
    lambda record: TargetGroup(grouping=record.value, contacts=record.number, kept=record.kept),
    {"kept": func.sum(case((Target.kept, 1), else_=0))},
)


def contact_condition(chosen: object) -> ColumnElement[bool]:
    """A filter over contacts as a condition; its faults are an argument's."""
    try:
        return condition(chosen, {})  # type: ignore[arg-type]  # it refuses what is not a filter
    except Refused as refused:
        raise InvalidArgument(f"filter.contact: {refused}") from refused


@filter_input("ContactFilter", "Which contacts to list.")
class ContactFilter(Filter):
    text: str | None = given("Part of the e-mail address, first or last name.")
    entity: list[strawberry.ID] | None = given("Belonging to one of these entities.")
    opted_out: bool | None = given("Those that want no messages, or the others.")
    contact: JSON | None = given(CONTACT_FILTER)

    def where(self, reader: Reader) -> Iterator[Condition]:
        yield from self.matches(Contact.email, Contact.first_name, Contact.last_name)
        yield from self.linked("entity", "Entity", Contact.entity_id, reader)
        yield from self.equals("opted_out", Contact.opted_out)
        if self.contact:
            yield contact_condition(self.contact)


@readable(
    "Contact", Contact, visible_contacts, "A recipient.",
    sorts={"EMAIL": ("e-mail address", (Contact.email,)), "LAST_NAME": ("last name", (Contact.last_name,)),
           "IMPORTED": ("order of import", ())},
    default="IMPORTED_ASC",
)
class ContactType(Node):
    entity = to_one("Entity", Contact.entity_id, "The entity that the contact belongs to.")
    email = column(Contact.email, "E-mail address.")
    first_name = column(Contact.first_name, "First name.")
    last_name = column(Contact.last_name, "Last name.")
    city = column(Contact.city, "City.")
    postal_code = column(Contact.postal_code, "Postal code.")
    country = column(Contact.country, "Country.")
    language = column(Contact.language, "Language.")
    birth_year = column(Contact.birth_year, "Year of birth.")
    score = column(Contact.score, "Score; the higher, the better.")
    opted_out = column(Contact.opted_out, "Whether the contact wants no messages.")
    attributes = column(Contact.attributes, "Whatever else was imported.")


@filter_input("TargetFilter", "Which contacts of a target list to list.")
class TargetFilter(Filter):
    kept: bool | None = given("Kept ones, or removed ones.")
    text: str | None = given("Part of the e-mail address, first or last name.")
    grouping: list[str] | None = given("With one of these values of the grouping field.")
    contact: JSON | None = given(CONTACT_FILTER)

    def where(self, reader: Reader) -> Iterator[Condition]:
        yield from self.equals("kept", Target.kept)
        yield from self.among("grouping", Target.grouping)
        chosen = [*self.matches(Contact.email, Contact.first_name, Contact.last_name)]
        if self.contact:
            chosen.append(contact_condition(self.contact))
        if chosen:
            yield select(Contact.id).where(Contact.id == Target.contact_id, *chosen).correlate(Target).exists()


@readable(
    "Target", Target, visible_targets, "One contact on the target list of an order.", key=Target.contact_id,
    sorts={"POSITION": ("rank, the best first", (Target.position,)),
           "GROUPING": ("grouping, then rank", (Target.grouping, Target.position))},
    default="POSITION_ASC",
)
class TargetType:
    contact = to_one("Contact", Target.contact_id, "The contact.")
    position = column(Target.position, "Rank; 1 is the best.")
    value = column(Target.value, "The contact's value of the distribution field.")
    grouping = column(Target.grouping, "The contact's value of the grouping field.")
    kept = column(Target.kept, "Whether the contact takes part.")
    reason = column(Target.reason, "Why it was removed or restored.")
    decided_at = column(Target.decided_at, "When the entity removed or restored it.")
    decided_by = to_one("Operator", Target.decided_by_id, "Who removed or restored it.")


@filter_input("DataDistributionFilter", "Which data distributions to list.")
class DataDistributionFilter(Filter):
    text: str | None = given("Part of the label or code.")

    def where(self, reader: Reader) -> Iterator[Condition]:
        yield from self.matches(DataDistribution.label, DataDistribution.code)


@readable(
    "DataDistribution", DataDistribution, visible_distributions,
    "A rule that spreads contacts over entities by the value of a field, with a size per value.",
    sorts={"LABEL": ("label", (DataDistribution.label,)), "CREATED_AT": ("creation", (DataDistribution.created_at,))},
    default="LABEL_ASC",
)
class DataDistributionType(Node):
    code = column(DataDistribution.code, "Human code, DISTn.")
    label = column(DataDistribution.label, "Name.")
    dimension = column(DataDistribution.dimension, "What is spread; contact.")
    assignment = column(DataDistribution.assignment, "Whom it assigns contacts to.")
    field = column(DataDistribution.field, "The contact field whose values are spread.")
    size_kind = column(DataDistribution.size_kind, "How the sizes of its rows are meant.")
    ranking = column(DataDistribution.ranking, "Which contacts of a value are taken first.")
    sort_field = column(DataDistribution.sort_field, "The contact field that ranks.")
    descending = column(DataDistribution.descending, "Whether large values of the sort field are the best.")
    seed = column(DataDistribution.seed, "The seed of the random order.")
    preselect = column(DataDistribution.preselect, "Whether contacts are kept before the entity has looked.")
    grouping_field = column(DataDistribution.grouping_field, "The contact field that groups lists for the entity.")
    rows = connection("DistributionRow", DistributionRow.distribution_id, "Its breakdown.")


def visible_rows(caller: Caller) -> Visible:
    shown = select(DataDistribution.id).where(visible_distributions(caller))
    return DistributionRow.distribution_id.in_(shown)


@filter_input("DistributionRowFilter", "Which rows of a breakdown to list.")
class DistributionRowFilter(Filter):
    text: str | None = given("Part of the value, the label, or the label or code of the entity.")

    def where(self, reader: Reader) -> Iterator[Condition]:
        of_entity = [select(Entity.id).where(match) for match in self.matches(Entity.label, Entity.code)]
        for match in self.matches(DistributionRow.value, DistributionRow.label):
            yield or_(match, *(DistributionRow.entity_id.in_(ids) for ids in of_entity))


@readable(
    "DistributionRow", DistributionRow, visible_rows, "One row of a breakdown: a value, its size, and who gets it.",
    sorts={"POSITION": ("position", (DistributionRow.position,)), "VALUE": ("value", (DistributionRow.value,))},
    default="POSITION_ASC",
)
class DistributionRowType:
    value = column(DistributionRow.value, "The value of the field.")
    size = column(DistributionRow.size, "How many contacts, or what percentage; 0 means all.")
    label = column(DistributionRow.label, "Name of the row.")
    entity = to_one("Entity", DistributionRow.entity_id, "The entity that gets the contacts.")
    operator = to_one("Operator", DistributionRow.operator_id, "The operator that gets the contacts.")
    group = to_one("OperatorGroup", DistributionRow.group_id, "The group that gets the contacts.")
