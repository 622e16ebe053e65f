"""Arguments and input objects from coerced values: what Strawberry's `convert_argument` gives, worked out once."""

from collections.abc import Callable, Sequence
from dataclasses import MISSING
from functools import cache, cached_property
from typing import Any

from strawberry import UNSET
from strawberry.relay import GlobalID
from strawberry.scalars import is_scalar
from strawberry.types.arguments import convert_argument
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional, has_object_definition
from strawberry.types.enum import StrawberryEnumDefinition

Convert = Callable[[Any], Any]


class Objects:
    """Makes the objects of one input type."""

    def __init__(self, type_: Any, schema: Any) -> None:
        self._type, self._schema, self._definition = type_, schema, type_.__strawberry_definition__

    def __call__(self, value: Any) -> Any:
        if value is None or value is UNSET:
            return value
        fields, absent = self._fields
        given = {python_name: convert(value[name]) for name, python_name, convert in fields if name in value}
        return self._type(**absent | given)

    @cached_property
    def _fields(self) -> tuple[list[tuple[str, str, Convert]], dict[str, None]]:
        """The names of every field and what converts its values; those that are null when they are left out."""
        name_of = self._schema.config.name_converter.from_field
        return [
            (name_of(field), field.python_name, converter_of(field.resolve_type(type_definition=self._definition),
                                                             self._schema))
            for field in self._definition.fields
        ], {
            field.python_name: None for field in self._definition.fields
            if field.default_value is MISSING and field.default_factory is MISSING
        }


@cache
def converter_of(type_: Any, schema: Any) -> Convert:
    """What converts the values of a type of a Strawberry schema."""
    if isinstance(type_, StrawberryOptional) and not isinstance(type_, StrawberryMaybe):
        return converter_of(type_.of_type, schema)
    if isinstance(type_, StrawberryList):
        return _list(converter_of(type_.of_type, schema))
    registry, config = schema.schema_converter.scalar_registry, schema.config
    if isinstance(type_, StrawberryEnumDefinition) or (is_scalar(type_, registry) and type_ is not GlobalID):
        return _as_it_is
    if has_object_definition(type_) and type_.__strawberry_definition__.from_input is None:
        return Objects(type_, schema)
    return lambda value: convert_argument(value, type_, registry, config)


@cache
def converters_of(field: Any, schema: Any) -> Sequence[tuple[str, str, Convert]]:
    """Of every argument of a field its name, that in Python, and what converts its values."""
    name_of = schema.config.name_converter.from_argument
    return [(name_of(each), each.python_name, converter_of(each.type, schema)) for each in field.arguments]


def _list(convert: Convert) -> Convert:
    return lambda values: values if values is None or values is UNSET else [convert(value) for value in values]


def _as_it_is(value: Any) -> Any:
    return value
