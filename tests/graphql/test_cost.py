"""The cost of an operation: the rows that it can bring, before anything is read."""

from inspect import isawaitable
from typing import Any

import pytest
from graphql import OperationDefinitionNode, execute, parse

from server.domain.network import Operator
from server.graphql.limits.cost import price_of
from server.graphql.limits.guard import fragments_of
from server.graphql.mutation import Mutation
from server.graphql.schema import make_schema
from tests.graphql.asking import SCHEMA as ASKED
from tests.graphql.asking import Asker, parsed
from tests.graphql.documents_of_the_schema import everything, root_lists
from tests.graphql.stage import CENTRAL

SCHEMA = make_schema(Mutation)._schema


def cost(query: str, **variables: Any) -> int:
    """The cost of the first operation."""
    document = parse(query)
    operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    return price_of(SCHEMA, fragments_of(document), operation).of(variables)


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("{ server { name } }", 1),
        ("{ viewer { name login } }", 1),
        ("{ a: server { name } b: server { name } }", 2),
        ("{ packages(first: 10) { totalCount pageInfo { hasNextPage } } }", 2),
        ("{ packages(first: 10) { nodes { code } } }", 2 + 10),
        ("{ packages(last: 10) { edges { cursor node { code } } } }", 2 + 10),
        ("{ packages(first: 10) { nodes { code } edges { node { code } } } }", 2 + 20),
        ("{ packages(first: 10) { nodes { campaign { code owner { name } } } } }", 2 + 10),  # links come with their row
        ("{ packages(first: 10) { nodes { orders(first: 5) { nodes { code } } } } }", 2 + 10 * (1 + 1 + 5)),
        ("{ packages(first: 10) { nodes { orders(first: 5) { totalCount } } } }", 2 + 10 * (1 + 1)),
        ("{ approvals(first: 10) { nodes { reviewers { operator { name } } } } }", 2 + 10 * (1 + 2)),  # a short list
        ('{ node(id: "x") { id } }', 1),
        ('{ nodes(ids: ["x", "y", "z"]) { id } }', 1 + 3),
        ("mutation { logout { problems { code } } }", 10 + 2),
        ("mutation { a: logout { __typename } b: logout { __typename } }", 20),
        ("{ __schema { types { name } } }", 101),
        ("{ packages(first: 1000) { nodes { code } } }", 2 + 100),  # it is refused at its field, which is no reason
        ("{ packages(first: -5) { nodes { code } } }", 2),
        ("{ packages { nodes { code } } }", 2),
    ],
)
def test_pages_multiply_what_is_below_them(query: str, rows: int) -> None:
    assert cost(query) == rows


@pytest.mark.parametrize(
    ("given", "rows"),
    [({"n": 7}, 9), ({"n": 7.0}, 9), ({"n": None}, 2), ({"n": 1000}, 102), ({"n": "7"}, 2), ({"n": []}, 2), ({}, 5)],
)
def test_a_page_size_may_be_a_variable(given: dict[str, Any], rows: int) -> None:
    assert cost("query ($n: Int = 3) { packages(first: $n) { nodes { code } } }", **given) == rows


def test_either_of_two_sizes_counts() -> None:
    query = "query ($f: Int, $l: Int) { packages(first: $f, last: $l) { nodes { code } } }"
    assert [cost(query, f=10), cost(query, l=20), cost(query, f=None, l=30), cost(query)] == [12, 22, 32, 2]


@pytest.mark.parametrize(("given", "rows"), [({"ids": ["a", "b"]}, 3), ({"ids": "a"}, 2), ({"ids": []}, 1)])
def test_ids_may_be_a_variable(given: dict[str, Any], rows: int) -> None:
    assert cost("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", **given) == rows


@pytest.mark.parametrize(
    ("directive", "given", "rows"),
    [
        ("@include(if: $b)", {"b": True}, 12), ("@include(if: $b)", {"b": False}, 0), ("@include(if: $b)", {}, 12),
        ("@skip(if: $b)", {"b": True}, 0), ("@skip(if: $b)", {"b": False}, 12), ("@include(if: false)", {}, 0),
        ("@skip(if: true)", {}, 0), ("@skip(if: false) @include(if: $b)", {"b": False}, 0),
    ],
)
def test_what_is_left_out_costs_nothing(directive: str, given: dict[str, Any], rows: int) -> None:
    assert cost(f"query ($b: Boolean!) {{ packages(first: 10) {directive} {{ nodes {{ code }} }} }}", **given) == rows


def test_a_fragment_costs_what_it_holds_wherever_it_is_spread() -> None:
    query = """query ($n: Int!) { packages(first: 10) { nodes { ...Orders } }
        campaigns(first: 2) { nodes { packages(first: 3) { ...Page } } } }
        fragment Page on PackageConnection { nodes { ...Orders } }
        fragment Orders on Package { orders(first: $n) { nodes { code } } }"""
    orders = 1 + 1 + 5  # a package, its page of orders, five orders
    assert cost(query, n=5) == 2 + 10 * orders + 2 + 2 * (1 + 1 + 3 * orders)


def test_of_several_types_the_dearest_counts() -> None:
    query = """{ node(id: "x") { id ... on Package { orders(first: 10) { nodes { code } } }
        ...C ... on Node { ... on Order { approvals(first: 3) { nodes { id } } } } } }
        fragment C on Campaign { orders(first: 20) { nodes { code } } }"""
    assert cost(query) == 1 + (1 + 20) + (1 + 3)


@pytest.mark.parametrize(("name", "listed"), list(root_lists()))
async def test_the_planner_never_finds_more(ask: Asker, given: Any, name: str, listed: str) -> None:
    await given()
    query = everything(name, listed)
    assert 100 <= await planned(ask, CENTRAL, query) <= cost(query)


async def planned(ask: Asker, operator: Operator, query: str) -> int:
    """The rows that the planner counts; when they are too many, nothing is read."""
    context = ask.context(operator)
    result = execute(
        ASKED._schema, parsed(query), context_value=context, executor_class=ASKED.execution_context_class
    )
    assert isawaitable(result)
    await result
    return context.planned_rows
