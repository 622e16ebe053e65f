"""Filters select the same contacts on both databases [8.2]."""

from typing import Any

import pytest
from sqlalchemy import select

from server.database import Database
from server.domain.target import Contact
from server.errors import Refused
from server.reads.contact_fields import condition, sort_keys, text_of
from tests.builders import a_contact, an_entity, given

PARIS, LYON = an_entity("Paris", code="PARIS"), an_entity("Lyon", code="LYON")
PEOPLE = [
    a_contact(PARIS, first_name="anna", city="Paris", birth_year=1980, score=10, attributes={"level": 3, "vip": True}),
    a_contact(PARIS, first_name="Bert", city="50% Off_Town", birth_year=None, score=20, attributes={"level": "12"}),
    a_contact(LYON, first_name="Åsa", city="", birth_year=1995, score=30, opted_out=True, attributes={"vip": False}),
    a_contact(LYON, first_name="Zoë", city="PARIS nord", birth_year=2001, score=-5, attributes={"level": "gold"}),
]


@pytest.fixture
async def people(database: Database) -> Database:
    await given(database, PARIS, LYON, PEOPLE)
    return database


async def names(database: Database, stored: dict[str, Any], **parameters: Any) -> set[str]:
    async with database.reading() as session:
        found = await session.scalars(select(Contact.first_name).where(condition(stored, parameters)))
        return set(found)


@pytest.mark.parametrize(("field", "operator", "value", "selected"), [
    ("entity", "EQ", "PARIS", {"anna", "Bert"}),
    ("entity", "IN", ["LYON", "OSLO"], {"Åsa", "Zoë"}),
    ("entity", "NE", "PARIS", {"Åsa", "Zoë"}),
    ("entity", "STARTS_WITH", "PA", {"anna", "Bert"}),
    ("city", "EQ", "Paris", {"anna"}),  # as it is written
    ("city", "CONTAINS", "pariS", {"anna", "Zoë"}),  # in either case
    ("city", "STARTS_WITH", "50%", {"Bert"}),
    ("city", "STARTS_WITH", "5_%", set()),  # no wildcards
    ("city", "CONTAINS", "f_t", {"Bert"}),
    ("city", "ENDS_WITH", "NORD", {"Zoë"}),
    ("city", "IS_EMPTY", None, {"Åsa"}),
    ("city", "IS_NOT_EMPTY", None, {"anna", "Bert", "Zoë"}),
    ("firstName", "CONTAINS", "Å", {"Åsa"}),
    ("firstName", "GT", "Z", {"anna", "Åsa", "Zoë"}),  # by code point
    ("firstName", "LE", "Zoë", {"Bert", "Zoë"}),
    ("firstName", "NOT_IN", ["anna", "Bert"], {"Åsa", "Zoë"}),
    ("birthYear", "LT", 1996, {"anna", "Åsa"}),  # Bert's is not known
    ("birthYear", "NE", 1980, {"Bert", "Åsa", "Zoë"}),
    ("birthYear", "NOT_IN", [1980, 1995], {"Bert", "Zoë"}),
    ("birthYear", "IS_EMPTY", None, {"Bert"}),
    ("score", "GE", 9.5, {"anna", "Bert", "Åsa"}),
    ("score", "IN", [-5, 20], {"Bert", "Zoë"}),
    ("optedOut", "EQ", True, {"Åsa"}),
    ("optedOut", "NE", True, {"anna", "Bert", "Zoë"}),
    ("attributes.level", "GT", 2, {"anna", "Bert"}),  # numbers, however they are stored
    ("attributes.level", "EQ", "12", {"Bert"}),
    ("attributes.level", "EQ", "3", {"anna"}),
    ("attributes.level", "CONTAINS", "OL", {"Zoë"}),
    ("attributes.level", "IN", [3, 12], {"anna", "Bert"}),
    ("attributes.level", "IS_EMPTY", None, {"Åsa"}),
    ("attributes.vip", "EQ", True, {"anna"}),
    ("attributes.vip", "EQ", False, {"Åsa"}),
    ("attributes.vip", "NE", True, {"Bert", "Åsa", "Zoë"}),  # what is missing is empty
    ("attributes.shoe size", "EQ", "", {"anna", "Bert", "Åsa", "Zoë"}),
])
async def test_a_condition_selects(
    people: Database, field: str, operator: str, value: Any, selected: set[str]
) -> None:
    assert await names(people, {"field": field, "operator": operator, "value": value}) == selected


YOUNG = {"field": "birthYear", "operator": "GE", "value": 1990}
IN_PARIS = {"field": "city", "operator": "CONTAINS", "value": "paris"}


@pytest.mark.parametrize(("stored", "selected"), [
    ({"and": [YOUNG, IN_PARIS]}, {"Zoë"}),
    ({"or": [YOUNG, IN_PARIS]}, {"anna", "Åsa", "Zoë"}),
    ({"not": YOUNG}, {"anna", "Bert"}),  # whoever has no year is not young
    ({"and": []}, {"anna", "Bert", "Åsa", "Zoë"}),
    ({"or": []}, set()),
])
async def test_conditions_combine(people: Database, stored: dict[str, Any], selected: set[str]) -> None:
    assert await names(people, stored) == selected


FROM_ORDER = {"field": "score", "operator": "GE", "value": {"parameter": "minimum"}}


async def test_a_value_comes_from_the_order(people: Database) -> None:
    assert await names(people, FROM_ORDER, minimum=20) == {"Bert", "Åsa"}


async def test_a_parameter_without_a_value_selects_nobody_negated_or_not(people: Database) -> None:
    assert await names(people, FROM_ORDER) == set()
    assert await names(people, {"not": FROM_ORDER}, minimum=None) == set()


async def test_a_parameter_of_the_wrong_kind_is_refused_at_its_name() -> None:
    with pytest.raises(Refused) as refusal:
        condition(FROM_ORDER, {"minimum": "many"})
    assert refusal.value.problems[0].path == ("parameters", "minimum")


async def test_an_invalid_filter_never_becomes_sql() -> None:
    with pytest.raises(Refused):
        condition({"field": "1=1; --", "operator": "EQ", "value": "x"}, {})


async def test_a_hostile_text_is_only_a_text(people: Database) -> None:
    assert await names(people, {"field": "city", "operator": "EQ", "value": "' OR 1=1 --"}) == set()


@pytest.mark.parametrize(("field", "ascending"), [
    ("birthYear", ["anna", "Åsa", "Zoë", "Bert"]),  # unknown comes last
    ("firstName", ["Bert", "Zoë", "anna", "Åsa"]),  # by code point
    ("city", ["Bert", "Zoë", "anna", "Åsa"]),
    ("attributes.level", ["anna", "Bert", "Zoë", "Åsa"]),  # 3 before 12 before texts, missing last
])
async def test_contacts_are_sorted_by(people: Database, field: str, ascending: list[str]) -> None:
    keys = [key.asc().nulls_last() for key in sort_keys(field)]
    async with people.reading() as session:
        assert list(await session.scalars(select(Contact.first_name).order_by(*keys))) == ascending


@pytest.mark.parametrize(("field", "texts"), [
    ("entity", ["LYON", "LYON", "PARIS", "PARIS"]),
    ("birthYear", ["", "1980", "1995", "2001"]),
    ("optedOut", ["false", "false", "false", "true"]),
    ("attributes.vip", ["", "", "false", "true"]),
    ("attributes.level", ["", "12", "3", "gold"]),
])
async def test_a_field_as_text(people: Database, field: str, texts: list[str]) -> None:
    async with people.reading() as session:
        assert sorted(await session.scalars(select(text_of(field)).select_from(Contact))) == texts
