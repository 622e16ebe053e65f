"""Spreading contacts over entities in SQL: how many each value of a breakdown has, and who they are by rank [9.12]."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, String, Uuid, and_, column, func, literal, select, values

from server.domain.campaign import Campaign
from server.domain.network import Entity
from server.domain.target import Contact, DataDistribution, DistributionRow, Ranking
from server.reads.contact_fields import condition, sort_keys, text_of
from server.reads.portable import shuffled

Key = tuple[ColumnElement[Any], bool]
"""What contacts are ranked by, and whether descending."""


@dataclass(frozen=True, slots=True)
class Portion:
    """How many contacts with one value of the field go to one order."""

    value: str
    order_id: UUID
    contacts: int


def matching_contacts(campaign: Campaign) -> ColumnElement[bool]:
    """The campaign's target: who fits its filter and has not opted out. There are no order parameters before there are
    lists: a filter takes the campaign's default values for them."""
    chosen = campaign.targeting.get("filter")
    wanted = [condition(chosen, campaign.default_values)] if chosen else []
    return and_(Contact.opted_out.is_(False), *wanted)


def counted_rows(distribution: DataDistribution, matching: ColumnElement[bool]) -> Select[Any]:
    """The rows of the breakdown that have contacts: value, size, entity, and how many contacts were `found`."""
    row = DistributionRow.__table__.c
    counted: Select[Any] = select(row.value, row.size, row.entity_id, func.count().label("found"))
    return (
        _with_contacts(counted.select_from(DistributionRow), row.value, distribution)
        .where(row.distribution_id == distribution.id, matching)
        .group_by(row.id, row.value, row.size, row.entity_id)
    )


def ranked_targets(
    distribution: DataDistribution, matching: ColumnElement[bool], portions: Sequence[Portion]
) -> Select[Any]:
    """The rows of the orders' lists: order, contact, position, value, grouping. A contact's place counts within its
    value, its position within the whole list; they are the same when every order has one value."""
    names = (column("value", String), column("order_id", Uuid), column("contacts", Integer))
    given = values(*names, name="portion").data([astuple(portion) for portion in portions])
    shared = given.cte("portions", nesting=True).c
    keys = _rank(distribution)
    grouping = text_of(distribution.grouping_field) if distribution.grouping_field else literal("")
    place = func.row_number().over(partition_by=shared.value, order_by=_ordered(keys)).label("place")
    single = len({portion.order_id for portion in portions}) == len(portions)
    again = [] if single else [key.label(f"key{index}") for index, (key, _descending) in enumerate(keys)]
    columns = (shared.order_id, Contact.id.label("contact_id"), shared.value, grouping.label("grouping"))
    placed = _with_contacts(
        select(*columns, shared.contacts, place, *again), shared.value, distribution
    ).where(matching).subquery().c
    position: ColumnElement[int] = placed.place
    if not single:
        ranked = [(placed[key.name], descending) for key, (_key, descending) in zip(again, keys, strict=True)]
        position = func.row_number().over(partition_by=placed.order_id, order_by=_ordered(ranked))
    return select(placed.order_id, placed.contact_id, position, placed.value, placed.grouping).where(
        placed.place <= placed.contacts
    )


def _with_contacts(statement: Select[Any], value: ColumnElement[str], distribution: DataDistribution) -> Select[Any]:
    """Contacts by the value of the field. By entity it starts from the values, since contacts are indexed by entity."""
    if distribution.field == "entity":
        home = Entity.__table__.alias("home")
        return statement.join(home, home.c.code == value).join(Contact, Contact.entity_id == home.c.id)
    return statement.join(Contact, text_of(distribution.field) == value)


def _rank(distribution: DataDistribution) -> list[Key]:
    """What contacts are ranked by; the contacts' ids break ties, so that a rank stays what it is."""
    keys: list[Key] = []
    if distribution.ranking is not Ranking.RANDOM:
        keys += [(key, distribution.descending) for key in sort_keys(distribution.sort_field)]
    if distribution.ranking is not Ranking.SORT:
        keys.append((shuffled(Contact.__table__.c.id, distribution.seed), False))
    return [*keys, (Contact.__table__.c.id, False)]


def _ordered(keys: Iterable[Key]) -> list[ColumnElement[Any]]:
    """What a contact lacks comes last, whichever the direction."""
    return [(key.desc() if descending else key.asc()).nulls_last() for key, descending in keys]
