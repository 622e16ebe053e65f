"""The variables of operations, coerced as graphql-core does it, but for what is the same for every request."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    coerce_input_value,
    get_variable_values,
    is_non_null_type,
    type_from_ast,
)
from graphql.execution.values import VariableValues


class Variables:
    """Those of one operation of a valid document: their types are looked up once."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._definitions = operation.variable_definitions or ()
        self._types: Mapping[str, Any] = {
            each.variable.name.value: type_from_ast(schema, each.type) for each in self._definitions
        }
        self._has_defaults = any(each.default_value for each in self._definitions)

    def values(self, given: dict[str, Any]) -> VariableValues | None:
        """Those of one request; None when they do not fit, and the executor is to say why."""
        if self._has_defaults:
            coerced = get_variable_values(self._schema, self._definitions, given, max_errors=1)
            return coerced if isinstance(coerced, VariableValues) else None
        values: dict[str, Any] = {}
        for name, type_ in self._types.items():
            if name in given:
                values[name] = coerce_input_value(given[name], type_)
                if values[name] is Undefined:
                    return None
            elif is_non_null_type(type_):
                return None
        return VariableValues({}, values)
