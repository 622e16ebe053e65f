"""Variables are coerced as graphql-core does it, with their types looked up once."""

from typing import Any

import pytest
from graphql import parse
from graphql.execution.values import VariableValues, get_variable_values

from server.graphql.variables import Variables
from tests.graphql.asking import SCHEMA

PLAIN = "query ($n: Int!, $ids: [ID!], $filter: OrderFilter, $flag: Boolean) { __typename }"
WITH_DEFAULTS = "query ($n: Int! = 3, $flag: Boolean = true, $text: String) { __typename }"


@pytest.mark.parametrize("given", [
    {"n": 1}, {"n": 1, "ids": None, "other": 2}, {"n": 1, "ids": "one"}, {"n": 1, "ids": ["a", 2]},
    {"n": 1, "filter": {"status": "DRAFT", "isLate": None}, "flag": False}, {"n": 1, "filter": {}},
    {}, {"n": None}, {"n": "1"}, {"n": 2**31}, {"n": 1, "ids": [None]}, {"n": 1, "filter": {"unknown": 1}},
    {"n": 1, "filter": {"status": "NONE"}}, {"n": 1, "flag": "yes"}, {"n": 1, "filter": "DRAFT"}, {"flag": None},
], ids=str)
@pytest.mark.parametrize("text", [PLAIN, WITH_DEFAULTS], ids=["plain", "with defaults"])
def test_they_are_those_of_graphql_core_or_none(text: str, given: dict[str, Any]) -> None:
    operation: Any = parse(text).definitions[0]
    expected = get_variable_values(SCHEMA._schema, operation.variable_definitions, given)
    found = Variables(SCHEMA._schema, operation).values(given)
    assert (found and found.coerced) == (expected.coerced if isinstance(expected, VariableValues) else None)
