"""No input that fits the schema is a bug: odd values end as problems, not as internal errors."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLList, GraphQLNonNull, Undefined, get_nullable_type
from sqlalchemy import select

from server.app import create_app
from server.database import Database
from server.domain.base import new_id
from server.domain.lifecycles import OrderStatus, PackageStatus
from server.domain.network import Right
from server.domain.notification import Dispatch, DispatchStatus, MessageTemplate, Webhook
from server.graphql.mutation import Mutation
from server.graphql.mutations.problems import camel
from server.graphql.schema import make_schema
from server.identity.logins import Logins
from server.identity.passwords import hash_password
from server.plugins import CampaignTypes
from server.services.templates import ensure_templates
from server.settings import Settings
from tests.builders import (
    NOW,
    NUMBERS,
    STAMPS,
    a_campaign,
    a_contact,
    a_distribution,
    a_document,
    a_group,
    a_notification,
    a_package,
    a_package_template,
    an_approval,
    an_entity,
    an_operator,
    an_order,
    given,
    offered,
)
from tests.graphql.api import Api, global_id

SCHEMA = make_schema(Mutation)._schema
MUTATIONS = sorted(
    name for name, field in SCHEMA.mutation_type.fields.items()
    if "input" in field.args and name not in ("login", "changePassword", "uploadDocument")
)
PASSWORD = "correct horse battery"
ODD: dict[str, list[Any]] = {
    "String": ["", " ", "x" * 100_000, "<script>", "é\U0001f600"],
    "Int": [0, -1, 2**31 - 1, -(2**31)],
    "Float": [0, -1e308, 1e308],
    "Boolean": [True, False],
    "DateOrDateTime": ["0001-01-01", "9999-12-31", "2026-03-02T09:00:00+14:00", "0001-01-01T00:00:00+14:00"],
    "DateTime": ["0001-01-01T00:00:00+14:00"],
    "WholeNumber": [0, -1, 2**53 - 1],
    "JSON": [None, 5, "x", [], {}, [{}], {"": ""}, {"a": {"b": {"c": []}}}, {"filter": {"field": 5}}, {"filter": []},
             {"field": "city", "operator": "EQ", "value": []}, {"and": [{"not": {}}]}, 2**70, {"x" * 9999: 1}],
}
"""Values that fit a scalar and nothing else."""


@pytest.fixture
async def api(settings: Settings, database: Database) -> AsyncIterator[Api]:
    transport = httpx.ASGITransport(create_app(settings, lambda: NOW))
    async with httpx.AsyncClient(transport=transport, base_url="http://samverkan") as client:
        yield Api(client, Logins(database, settings), PASSWORD)


async def some_of_everything(database: Database) -> dict[str, Any]:
    """A new object of every type, by the type's name."""
    operator = an_operator(Right.ADMIN)
    entity, elsewhere, group = an_entity(), an_entity(), a_group()
    campaign, distribution, template = a_campaign(), a_distribution(), a_package_template()
    package, published = a_package(campaign, operator, PackageStatus.BEING_EDITED), a_package(campaign, operator)
    order, ordered = an_order(published, entity, OrderStatus.DRAFT), an_order(published, elsewhere)
    approval, document, contact = an_approval(ordered), a_document(order), a_contact(entity)
    told, event = a_notification(operator)
    webhook = Webhook(id=new_id(), label="Shop", url="https://erp.example.org/", secret="", **STAMPS)
    wording = MessageTemplate(
        id=new_id(), kind=event.kind, locale=f"sv-{next(NUMBERS)}", subject="", text="", html="", **STAMPS
    )
    mail = Dispatch(
        id=new_id(), channel="email", event_id=event.id, notification_id=told.id, status=DispatchStatus.FAILED,
        attempts=3, created_at=NOW, due_at=NOW, last_error="550 no such person",
    )
    rows = [
        operator, entity, group, campaign, distribution, template, package, order, contact, approval, document, told,
        webhook, wording, mail,
    ]
    await given(database, published, elsewhere, ordered, event, *rows, offered(published, entity, elsewhere))
    return {type(row).__name__: row for row in rows}


def variants(kind: Any, things: dict[str, Any], of: str) -> Iterator[Any]:
    """Values of an input type: an ordinary one first, then odd ones."""
    kind = get_nullable_type(kind)
    if isinstance(kind, GraphQLList):
        yield from ([each] for each in variants(kind.of_type, things, of))
        yield from ([], [next(variants(kind.of_type, things, of))] * 3)
    elif isinstance(kind, GraphQLInputObjectType):
        yield from inputs(kind, things)
    elif isinstance(kind, GraphQLEnumType):
        yield from kind.values
    elif kind.name == "ID":
        yield from (global_id(things[of]), "", "UGFja2FnZTox")
    else:
        yield from {"String": ["a text"], "Int": [1]}.get(kind.name, [])
        yield from ODD[kind.name]


def inputs(kind: GraphQLInputObjectType, things: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An ordinary input, one with a wrong id in each place, then the n-th odd values of all other fields together:
    every refusal names all its problems, so nothing hides behind another field."""
    fields = {name: field for name, field in kind.fields.items() if name != "idempotencyKey"}
    definition = kind.extensions["strawberry-definition"]
    of = {camel(field.python_name): field.metadata.get("of", "") for field in definition.fields}
    values = {name: list(variants(field.type, things, of[name])) for name, field in fields.items()}
    plain = {name: values[name][0] for name, field in fields.items()
             if isinstance(field.type, GraphQLNonNull) and field.default_value is Undefined}
    if "template" in plain:
        plain["template"] = "opCollaborativeByForm"
    yield plain
    for name in of.keys() & fields.keys():
        if of[name]:
            yield from (plain | {name: value} for value in values[name])
    free = [name for name in fields if not of[name] and name not in ("revision", "template")]
    yield plain | {name: None for name in free if not isinstance(fields[name].type, GraphQLNonNull)}
    for number in range(max((len(values[name]) for name in free), default=0)):
        yield plain | {name: values[name][number % len(values[name])] for name in free}


async def revision(database: Database, things: dict[str, Any], kind: GraphQLInputObjectType) -> int:
    """The revision that the object of the input has now."""
    definition = kind.extensions["strawberry-definition"]
    [of] = [field.metadata["of"] for field in definition.fields if field.python_name == "id"]
    model = type(things[of])
    async with database.reading() as session:
        return await session.scalar(select(model.revision).where(model.id == things[of].id)) or 1


async def test_an_odd_input_is_never_a_bug(api: Api, database: Database, types: CampaignTypes) -> None:
    admin = an_operator(Right.ADMIN, password_hash=hash_password(PASSWORD))
    await given(database, admin)
    async with database.transaction() as session:
        await ensure_templates(session, types, NOW)
    bugs = []
    for mutation in MUTATIONS:
        kind = get_nullable_type(SCHEMA.mutation_type.fields[mutation].args["input"].type)
        query = f"mutation ($input: {kind.name}!) {{ {mutation}(input: $input) {{ problems {{ code }} }} }}"
        things = await some_of_everything(database)
        for value in inputs(kind, things):
            if value.get("revision") == 1 and value.get("id"):
                value["revision"] = await revision(database, things, kind)
            errors = (await api.ask(admin, query, input=value)).get("errors", [])
            codes = {error["extensions"]["code"] for error in errors}
            bugs += [(mutation, codes, value)] if codes & {"INTERNAL", "UNAUTHENTICATED"} else []
    assert bugs == []
