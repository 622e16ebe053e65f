"""The schema as a whole: everything explained, everything behind the login, lists in one shape."""

from collections.abc import Iterator
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
)

from server.errors import Unauthenticated
from server.graphql.fields import MappedField
from server.graphql.mutation import Mutation
from server.graphql.relay import READABLE
from server.graphql.schema import PUBLIC, make_schema
from server.graphql.subscription import Subscription
from server.reads.resource import Column, Computed, Reader, ToOne, sql
from server.settings import Settings
from tests.builders import NOW, an_operator, caller_of

CORE = make_schema(Mutation, Subscription)._schema
OWN = [type_ for name, type_ in CORE.type_map.items() if not name.startswith("__")]


def parts(type_: Any) -> Iterator[tuple[str, str | None]]:
    """Every part of a type with its description."""
    yield type_.name, type_.description
    if isinstance(type_, GraphQLEnumType):
        for name, value in type_.values.items():
            yield f"{type_.name}.{name}", value.description
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        for name, field in type_.fields.items():
            yield f"{type_.name}.{name}", field.description
            for argument, definition in getattr(field, "args", {}).items():
                yield f"{type_.name}.{name}({argument})", definition.description


@pytest.mark.parametrize("type_", OWN, ids=lambda type_: type_.name)
def test_every_part_of_the_schema_is_explained(type_: Any) -> None:
    assert [name for name, description in parts(type_) if not (description or "").strip()] == []


def test_every_connection_is_paged_in_the_same_way() -> None:
    for type_ in OWN:
        for name, field in getattr(type_, "fields", {}).items():
            if get_named_type(field.type).name.endswith("Connection"):
                assert {"first", "last", "after", "before", "orderBy"} <= field.args.keys(), (type_.name, name)


def test_links_are_nullable_because_scope_may_hide_what_they_lead_to() -> None:
    for type_ in OWN:
        for name, field in getattr(type_, "fields", {}).items():
            definition = field.extensions.get("strawberry-definition")
            if isinstance(definition, MappedField) and isinstance(definition.spec, ToOne):
                assert not isinstance(field.type, GraphQLNonNull), (type_.name, name)


def test_root_fields_are_nullable_so_that_one_failure_does_not_take_the_others() -> None:
    loaded = {name: field for name, field in CORE.query_type.fields.items() if name != "server"}
    assert [name for name, field in loaded.items() if isinstance(field.type, GraphQLNonNull)] == []


async def test_every_root_field_needs_a_login_but_the_server_and_the_login_itself(ask: Any) -> None:
    stranger = SimpleNamespace(context=ask.context(None))
    for root in (CORE.query_type, CORE.mutation_type):
        for name, field in root.fields.items():
            if name not in PUBLIC:
                with pytest.raises(Unauthenticated):
                    field.resolve(None, stranger)
    for field in CORE.subscription_type.fields.values():
        for step in (field.subscribe, field.resolve):
            with pytest.raises(Unauthenticated):
                step(None, stranger)


async def test_a_refused_root_field_is_null_beside_its_error(ask: Any) -> None:
    result = await ask.run(None, "{ server { name } orders(first: 1) { totalCount } campaignTypes { name } }")
    assert result.data == {"server": {"name": "samverkan"}, "orders": None, "campaignTypes": None}
    assert [error.original_error.code for error in result.errors] == ["UNAUTHENTICATED"] * 2


def test_names_of_sql_values_mean_one_thing_within_a_resource(types: Any) -> None:
    """Fields of one level share a statement: one name with two meanings would mix them up."""
    operator = an_operator()
    reader = Reader(caller_of(operator), NOW, types, Settings())
    for name in READABLE:
        meanings: dict[str, str] = {}
        for field in CORE.type_map[name].fields.values():
            spec = getattr(field.extensions.get("strawberry-definition"), "spec", None)
            needs = {
                Column: lambda spec: {spec.name: spec.expression}, Computed: lambda spec: spec.needs,
                ToOne: lambda spec: {key: expression for _, key, expression in spec.choices},
            }.get(type(spec), lambda spec: {})(spec)
            for key, expression in needs.items():
                text = str(sql(expression, reader))
                assert meanings.setdefault(key, text) == text, (name, key)


async def test_what_the_server_is_needs_no_login(ask: Any) -> None:
    assert (await ask(None, "{ server { name version } }"))["server"]["name"] == "samverkan"


@pytest.mark.parametrize("type_", [type_ for type_ in OWN if isinstance(type_, GraphQLEnumType)], ids=str)
def test_enum_arguments_arrive_as_members(type_: GraphQLEnumType) -> None:
    """Services compare with `is`: a bare text would silently be another value."""
    for name in type_.values:
        assert isinstance(type_.coerce_input_value(name), Enum)


def test_lists_hold_no_null_but_nodes() -> None:
    """What is out of scope is left out of a list, except where places matter."""
    def holds_null(type_: Any) -> bool:
        type_ = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        return isinstance(type_, GraphQLList) and not isinstance(type_.of_type, GraphQLNonNull)

    found = [
        f"{type_.name}.{name}" for type_ in OWN for name, field in getattr(type_, "fields", {}).items()
        if holds_null(field.type)
    ]
    assert found == ["Query.nodes"]
