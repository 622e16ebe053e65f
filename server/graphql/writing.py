"""How the values of fields are written into an answer without the executor: its coercions, compiled once per field."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
)

from server.graphql.planner import Origin, definition_of
from server.graphql.selected import Execution, Nodes, fields_under
from server.reads.assembly import Form, SurpriseError, Writer, json_of
from server.reads.prepared import CannotPrepareError

Write = Callable[[Any], Any]

FORMS: Mapping[str, Form] = {
    "String": Form.TEXT, "Int": Form.INTEGER, "Boolean": Form.FLAG, "DateTime": Form.MOMENT, "JSON": Form.JSON,
}
"""The scalars that look in an answer as they do in the database."""


def writer_of(origin: Origin, execution: Execution) -> Writer:
    """The writer of a field; CannotPrepareError when its objects have fields with resolvers that take anything."""
    type_: Any = origin.field.type
    nullable = not isinstance(type_, GraphQLNonNull)
    inner = type_ if nullable else type_.of_type
    return Writer(_form(inner), nullable, _write(type_, origin.nodes, execution))


def constant(origin: Origin, execution: Execution) -> str:
    """The JSON of a root field whose resolver is given nothing, and so says the same each time; CannotPrepareError when
    it is given anything."""
    return json_of(writer_of(origin, execution).write(_getter(origin.field)(None)))


def _form(type_: Any) -> Form:
    if isinstance(type_, GraphQLEnumType):
        return Form.ENUM
    return FORMS.get(type_.name, Form.OTHER) if isinstance(type_, GraphQLScalarType) else Form.OTHER


def _write(type_: Any, nodes: Nodes, execution: Execution) -> Write:
    if isinstance(type_, GraphQLNonNull):
        return _never_null(_write(type_.of_type, nodes, execution))
    if isinstance(type_, GraphQLList):
        return _list(_write(type_.of_type, nodes, execution))
    if isinstance(type_, GraphQLScalarType | GraphQLEnumType):
        return _leaf(type_.serialize)
    if isinstance(type_, GraphQLObjectType):
        return _object(type_, nodes, execution)
    raise CannotPrepareError


def _never_null(write: Write) -> Write:
    def written(value: Any) -> Any:
        if (made := write(value)) is None:
            raise SurpriseError
        return made

    return written


def _list(write: Write) -> Write:
    return lambda values: None if values is None else [write(value) for value in values]


def _leaf(serialize: Write) -> Write:
    return lambda value: None if value is None else serialize(value)


def _object(type_: GraphQLObjectType, nodes: Nodes, execution: Execution) -> Write:
    fields: dict[str, tuple[Write, Write]] = {}
    for key, same in fields_under(execution, type_.name, nodes).items():
        name = same[0].name.value
        if name == "__typename":
            fields[key] = (_constant(type_.name), _as_it_is)
        else:
            field = type_.fields[name]
            fields[key] = (_getter(field), _write(field.type, same, execution))

    def written(value: Any) -> Any:
        return None if value is None else {key: write(get(value)) for key, (get, write) in fields.items()}

    return written


def _getter(field: GraphQLField) -> Write:
    """What a field does with its object: takes an attribute, or calls a method without arguments."""
    definition = definition_of(field)
    resolver = definition.base_resolver
    if resolver is None:
        name = definition.python_name
        return lambda value: getattr(value, name)
    if definition.is_async or definition.arguments or resolver.info_parameter or definition.extensions:
        raise CannotPrepareError
    method: Write = resolver.wrapped_func
    return method


def _constant(value: Any) -> Write:
    return lambda _: value


def _as_it_is(value: Any) -> Any:
    return value
