"""Introspection: who may read the schema, and that the quick answer is the executor's to the letter."""

import json
from typing import Any

import httpx
import pytest
from graphql import execute_sync, get_introspection_query, parse

from server.app import create_app
from server.database import Database
from server.domain.network import Right
from server.graphql.documents import Documents
from server.graphql.limits.guard import Limits
from server.graphql.limits.introspection import Introspection, TooLargeError
from server.graphql.mutation import Mutation
from server.graphql.operations import readable_by_old_clients
from server.graphql.schema import make_schema
from server.identity.logins import Logins
from server.identity.passwords import hash_password
from server.settings import Introspection as Policy
from server.settings import Settings
from tests.builders import NOW, an_operator, given
from tests.graphql.hostile.corpus import hostile

SCHEMA = make_schema(Mutation)._schema
readable_by_old_clients(SCHEMA)
DOCUMENTS, QUICK = Documents(SCHEMA, Limits()), Introspection(SCHEMA)
PASSWORD = "correct horse battery"
TYPES = "{ __schema { queryType { name } } }"


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (get_introspection_query(), {}),
        (get_introspection_query(specified_by_url=True, directive_is_repeatable=True, schema_description=True,
                                 input_value_deprecation=True), {}),
        ("{ __schema { description __typename mutationType { name } subscriptionType { name } } __typename }", {}),
        ("query ($n: String!) { a: __type(name: $n) { ...T } b: __type(name: \"Nothing\") { ...T } } "
         "fragment T on __Type { __typename kind name ofType { name } fields { name type { ...U } } } "
         "fragment U on __Type { k: kind ofType { ...V } } fragment V on __Type { name }", {"n": "Order"}),
        ("query ($old: Boolean) { __schema { types { fields(includeDeprecated: $old) { name isDeprecated "
         "args(includeDeprecated: $old) { name defaultValue } } } } }", {"old": False}),
        ("query ($no: Boolean!) { __schema { types @skip(if: $no) { name } directives @include(if: $no) { name "
         "locations args { name } } } }", {"no": True}),
        ("{ __type(name: \"Node\") { possibleTypes { name } } n: __type(name: \"Package\") { interfaces { name } "
         "enumValues { name } } __type(name: \"Node\") { kind } }", {}),
        ("{ __type(name: \"Action\") { enumValues(includeDeprecated: true) { name description } isOneOf "
         "specifiedByURL inputFields { name } } }", {}),
    ],
)
def test_the_quick_answer_is_that_of_the_executor(query: str, variables: dict[str, Any]) -> None:
    document = DOCUMENTS.of(query)
    quick = QUICK.answer(document, document.operation(None).node, variables)
    assert json.dumps(quick) == json.dumps(execute_sync(SCHEMA, parse(query), variable_values=variables).data)


def test_variables_that_do_not_fit_are_the_executors_to_refuse() -> None:
    document = DOCUMENTS.of("query ($n: String!) { __type(name: $n) { name } }")
    assert QUICK.answer(document, document.operation(None).node, {}) is None


def test_a_short_document_cannot_ask_for_a_huge_answer() -> None:
    document = DOCUMENTS.of(hostile()["introspection of names under aliases"]["query"])
    with pytest.raises(TooLargeError):
        QUICK.answer(document, document.operation(None).node, {})


@pytest.mark.parametrize(
    ("policy", "stranger", "operator"),
    [(Policy.EVERYONE, True, True), (Policy.OPERATORS, False, True), (Policy.OFF, False, False)],
)
async def test_the_setting_says_who_may_read_the_schema(
    settings: Settings, database: Database, policy: Policy, stranger: bool, operator: bool
) -> None:
    await given(database, an_operator(Right.LOCAL, login="anna", password_hash=hash_password(PASSWORD)))
    token = (await Logins(database, settings).log_in("anna", PASSWORD, "", NOW)).token
    app = create_app(settings.model_copy(update={"introspection": policy}), lambda: NOW)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://samverkan") as client:
        for headers, told in (({}, stranger), ({"authorization": f"Bearer {token}"}, operator)):
            answer = (await client.post("/graphql", json={"query": TYPES}, headers=headers)).json()
            assert answer == {"data": {"__schema": {"queryType": {"name": "Query"}}}} if told else (
                answer["errors"][0]["extensions"]["code"] == "INTROSPECTION_DISABLED"
            )
        assert (await client.post("/graphql", json={"query": "{ __typename }"})).json() == {
            "data": {"__typename": "Query"}
        }


async def test_the_schema_is_asked_for_by_itself(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"introspection": Policy.EVERYONE}), lambda: NOW)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://samverkan") as client:
        answer = await client.post("/graphql", json={"query": "{ server { name } __schema { queryType { name } } }"})
    assert answer.json()["errors"][0]["extensions"]["code"] == "INTROSPECTION_DISABLED"


@pytest.mark.parametrize("query", ["{ server { name } }", "{ packages(first: 5) { nodes { id } } }", "{ __typename }"])
async def test_the_cost_is_told_on_request(settings: Settings, query: str) -> None:
    transport = httpx.ASGITransport(create_app(settings, lambda: NOW))
    async with httpx.AsyncClient(transport=transport, base_url="http://samverkan") as client:
        plain = await client.post("/graphql", json={"query": query})
        told = await client.post("/graphql", json={"query": query, "extensions": {"cost": True}})
    cost = told.json().pop("extensions")["cost"]
    assert "extensions" not in plain.json()
    assert cost == {"requested": 7 if "packages" in query else 1, "limit": settings.max_cost}
    assert told.json() == plain.json() | {"extensions": {"cost": cost}}


async def test_what_costs_too_much_is_refused_with_its_cost(settings: Settings) -> None:
    query = "query ($n: Int) { packages(first: $n) { nodes { orders(first: $n) { nodes { " \
            "approvals(first: $n) { nodes { id } } } } } } }"
    transport = httpx.ASGITransport(create_app(settings, lambda: NOW))
    async with httpx.AsyncClient(transport=transport, base_url="http://samverkan") as client:
        response = await client.post("/graphql", json={"query": query, "variables": {"n": 100}})
    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["extensions"] == {"code": "COST_LIMIT_EXCEEDED", "cost": 1_020_202, "limit": 50_000}
