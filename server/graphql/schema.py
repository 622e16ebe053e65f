"""The schema: Strawberry builds it, then rows are wired in and every root field is put behind the login."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_nullable_type,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import StrawberryObjectDefinition

import server.graphql.types  # noqa: F401  # registers the object types
from server.graphql.fields import TYPES, MappedField, ResultField, pick
from server.graphql.following import resolve_change
from server.graphql.queries import Query
from server.graphql.reading import resolve_listing
from server.graphql.relay import READABLE
from server.graphql.scalars import SCALARS
from server.reads.selection import Row

PUBLIC = frozenset({"server", "login"})
"""The root fields that need no login."""


def make_schema(
    mutation: type | None = None, subscription: type | None = None, extensions: Sequence[Any] = ()
) -> strawberry.Schema:
    nodes = [TYPES[name] for name, readable in READABLE.items() if readable.is_node]
    schema = strawberry.Schema(
        Query, mutation, subscription, types=nodes, extensions=extensions,
        config=StrawberryConfig(scalar_map=SCALARS, sort_schema=True),
    )
    for type_ in schema._schema.type_map.values():
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            type_.resolve_type = _type_of_row
        elif isinstance(type_, GraphQLEnumType):
            _give_members(type_)
        elif isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            type_.is_type_of = None
            for field in type_.fields.values():
                _wire(field, is_root=type_ is schema._schema.query_type)
    for field in schema._schema.subscription_type.fields.values() if schema._schema.subscription_type else ():
        field.resolve = resolve_change
    for field in _root_fields(schema):
        _require_login(field)
    for field in schema._schema.mutation_type.fields.values() if schema._schema.mutation_type else ():
        field.type = get_nullable_type(field.type)  # one that failed is null, and what the others did is told
    return schema


def _wire(field: GraphQLField, *, is_root: bool) -> None:
    definition = field.extensions.get("strawberry-definition")
    if isinstance(definition, MappedField):
        field.resolve = resolve_listing if is_root else pick
    elif isinstance(definition, ResultField):
        field.resolve = definition.pick


def _give_members(type_: GraphQLEnumType) -> None:
    """Sorting the schema makes plain enum types, which hand out texts: give resolvers members again."""
    if definition := type_.extensions.get("strawberry-definition"):
        for value in type_.values.values():
            value.value = definition.wrapped_cls(value.value)


def _type_of_row(row: Any, _info: Any, _type: Any) -> str:
    if isinstance(row, Row):
        return row.resource
    definition: StrawberryObjectDefinition = type(row).__strawberry_definition__
    return definition.name


def _root_fields(schema: strawberry.Schema) -> Iterator[GraphQLField]:
    for root in (schema._schema.query_type, schema._schema.mutation_type, schema._schema.subscription_type):
        for name, field in (root.fields if root else {}).items():
            if name not in PUBLIC:
                yield field


def _require_login(field: GraphQLField) -> None:
    """The one place where a login is demanded: `caller` raises Unauthenticated without one."""
    field.resolve = _behind_login(field.resolve) if field.resolve else None
    field.subscribe = _behind_login(field.subscribe) if field.subscribe else None


def _behind_login(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(source: Any, info: Any, **arguments: Any) -> Any:
        _ = info.context.caller
        return resolve(source, info, **arguments)

    return guarded
