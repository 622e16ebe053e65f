"""Mutations are answered alike with and without the executor: what was done is asked for again by its key, what was
refused is refused again."""

import json
import re
from random import Random
from typing import Any

import pytest
import strawberry
from graphql import (
    ExecutionResult,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    execute,
)
from sqlalchemy import update
from strawberry.types.arguments import convert_argument

from server.database import Database
from server.domain.lifecycles import OrderStatus
from server.domain.network import Operator
from server.domain.order import Order
from server.domain.package import Package
from server.graphql.answers import answer_of
from server.graphql.converting import converter_of
from server.graphql.documents import Documents
from server.graphql.limits.guard import Limits
from server.graphql.mutation import Mutation
from server.graphql.mutation_path import MutationPath
from server.graphql.mutations.orders import ORDER, OrderInput
from server.graphql.mutations.running import change
from server.graphql.planner import definition_of
from server.graphql.schema import make_schema
from tests.builders import a_package, an_approval, an_entity, an_order, given, offered
from tests.graphql.api import global_id
from tests.graphql.asking import Asker
from tests.graphql.stage import CAMPAIGN, CENTRAL, LOCAL, LYON, PARIS, STAGE

PACKAGE = a_package(CAMPAIGN, CENTRAL)
DRAFT = an_order(PACKAGE, PARIS, OrderStatus.DRAFT, label="Easter")
ORDERED = an_order(PACKAGE, LYON)
QUESTION = an_approval(ORDERED)
NOBODYS = an_order(PACKAGE, an_entity("Rome"))


async def _stumble(_work: Any, _input: Any) -> Any:
    raise ZeroDivisionError("secret")


async def _nothing(_work: Any, _input: Any) -> None:
    return None


@strawberry.type(name="Mutation")
class Odd(Mutation):
    """The mutations of the server, one with a bug and one that changes no object."""

    stumble = change("Stumble", ORDER, OrderInput, "Has a bug.", _stumble)
    nothing = change("Nothing", ORDER, OrderInput, "Does nothing.", _nothing)


SCHEMA = make_schema(Odd)
PATH = MutationPath(SCHEMA)
DOCUMENTS = Documents(SCHEMA._schema, Limits())


class Both:
    """Asks the path first, then the executor."""

    def __init__(self, ask: Asker) -> None:
        self._ask = ask

    async def path(self, viewer: Operator | None, text: str, **variables: Any) -> ExecutionResult | None:
        document = DOCUMENTS.of(text)
        return await PATH.run(document, document.operation(None).node, variables, self._ask.context(viewer))

    async def __call__(self, viewer: Operator, text: str, **variables: Any) -> Any:
        """The answer that both give, byte by byte but for the references of bugs."""
        result = await self.path(viewer, text, **variables)
        assert result is not None
        executed: Any = await execute(  # type: ignore[misc]  # it is awaitable: resolvers are
            SCHEMA._schema, DOCUMENTS.of(text).ast, variable_values=variables,
            context_value=self._ask.context(viewer), executor_class=SCHEMA.execution_context_class,
        )
        answers = [re.sub(rb"[0-9a-f]{12}\b", b"reference", answer_of(each).body) for each in (result, executed)]
        assert json.dumps(json.loads(answers[0])) == json.dumps(json.loads(answers[1]))
        return json.loads(answers[0])


@pytest.fixture
async def both(database: Database, ask: Asker) -> Both:
    await given(database, STAGE, PACKAGE, offered(PACKAGE, PARIS, LYON), DRAFT, ORDERED, QUESTION)
    return Both(ask)


def an_input(order: Order, **fields: Any) -> dict[str, Any]:
    return {"id": global_id(order), "revision": 1, **fields}


EVERYTHING = """__typename o: order { ...Part approvals(first: $first) { totalCount nodes { status deadline } } }
  order { __typename parameters @include(if: $with) entity { ... on Entity @skip(if: $with) { label } code } isLate }
  ... on SubmitOrderPayload { problems { code message path } } p: problems { __typename code }"""
SUBMIT = f"""mutation ($input: OrderInput!, $with: Boolean! = true, $first: Int) {{
  submitOrder(input: $input) {{ {EVERYTHING} }} }}
fragment Part on Order {{ id status submittedAt package {{ label }} }}"""


@pytest.mark.parametrize("with_", [True, False])
async def test_what_was_done_is_answered_as_it_was_selected(both: Both, with_: bool) -> None:
    asked = an_input(DRAFT, idempotencyKey="once")
    answer = await both(CENTRAL, SUBMIT, **{"input": asked, "with": with_, "first": 3})
    assert answer["data"]["submitOrder"]["o"]["status"] == "ORDERED"
    assert ("parameters" in answer["data"]["submitOrder"]["order"]) is with_


async def test_what_was_refused_has_its_problems(both: Both) -> None:
    answer = await both(CENTRAL, SUBMIT, input=an_input(ORDERED), first=1)
    assert (answer["data"]["submitOrder"]["order"], answer["data"]["submitOrder"]["p"][0]["__typename"]) == (
        None, "Problem"
    )


@pytest.mark.parametrize(("viewer", "selection"), [
    (CENTRAL, "order { label } impact { orders items { kind code } }"),
    (LOCAL, "impact { __typename } problems { code }"),
], ids=["who may", "who may not"])
async def test_a_dry_run_says_what_it_would_change(both: Both, viewer: Operator, selection: str) -> None:  # [10.3]
    text = f"mutation ($i: CancelOrderInput!) {{ cancelOrder(input: $i) {{ {selection} }} }}"
    await both(viewer, text, i=an_input(DRAFT, dryRun=True, comment="why"))


@pytest.mark.parametrize(("fields", "status", "selection"), [
    ({"dryRun": True}, "APPROVED", "impact { orders messages items { kind change } }"),
    ({"decision": "REJECT"}, None, "impact { orders }"),
    ({"revision": 9, "dryRun": True}, None, "impact { orders }"),
    ({"idempotencyKey": "once"}, "APPROVED", "__typename"),
], ids=["rehearsed", "refused", "rehearsed and refused", "done"])
async def test_decisions(both: Both, fields: dict[str, Any], status: str | None, selection: str) -> None:
    text = f"""mutation ($i: DecideApprovalInput!) {{ decideApproval(input: $i) {{
      approval {{ status decidedAt order {{ status }} }} {selection} problems {{ code message path }} }} }}"""
    asked = {"approvalId": global_id(QUESTION), "revision": 1, "decision": "APPROVE"}
    payload = (await both(CENTRAL, text, i=asked | fields))["data"]["decideApproval"]
    assert (payload["approval"] and payload["approval"]["status"], not payload["problems"]) == (status, bool(status))
    assert not payload.get("impact") or payload["impact"]["orders"] == 2  # approved, and available at once


@pytest.mark.parametrize("text", [
    "mutation ($i: UpdateOrderInput!) { updateOrder(input: $i) { order { label } problems { code } } }",
    "mutation ($i: UpdateOrderInput!) { a: updateOrder(input: $i) { order { label } } ...M } "
    "fragment M on Mutation { b: updateOrder(input: $i) { order { code } } }",
], ids=["one", "several, one after the other"])
async def test_fields_of_an_input_are_left_out_null_or_given(both: Both, text: str) -> None:
    for key, fields in (("1", {"label": "New"}), ("2", {"assigneeId": None}), ("3", {"parameters": {"a": [1, None]}})):
        await both(CENTRAL, text, i=an_input(DRAFT, idempotencyKey=key, **fields) | {"revision": int(key)})


ERRORS = {
    "not found": (LOCAL, "submitOrder", an_input(NOBODYS), "NOT_FOUND"),
    "not allowed": (LOCAL, "cancelPackage", an_input(PACKAGE), "NOT_ALLOWED"),  # type: ignore[arg-type]
    "no id": (CENTRAL, "submitOrder", {"id": "?", "revision": 1}, "BAD_USER_INPUT"),
    "a bug": (CENTRAL, "stumble", an_input(DRAFT), "INTERNAL"),
}


@pytest.mark.parametrize("name", ERRORS)
async def test_errors_stand_at_their_field_and_the_others_are_done(both: Both, name: str) -> None:
    viewer, mutation, given_input, code = ERRORS[name]
    asked = ", ".join(f"{key}: {json.dumps(value)}" for key, value in given_input.items())
    answer = await both(
        viewer, f"mutation {{ x: {mutation}(input: {{{asked}}}) {{ problems {{ code }} }} "
        f'nothing(input: {{id: "{global_id(DRAFT)}", revision: 1}}) {{ order {{ id }} }} }}',
    )
    [error] = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["x"], code)
    assert answer["data"] == {"x": None, "nothing": {"order": None}}


async def test_what_no_program_can_write_is_written_by_the_executor(both: Both, database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(update(Package).values(locked_fields=[None]))
    text = """mutation ($i: UpdateOrderInput!) { updateOrder(input: $i) {
      order { label package { code lockedFields } } problems { code } } }"""
    answer = await both(CENTRAL, text, i=an_input(DRAFT, label="New", idempotencyKey="1"))
    [error] = answer["errors"]
    assert error["path"] == ["updateOrder", "order", "package", "lockedFields", 0]


LEFT = """mutation ($i: OrderInput!) { submitOrder(input: $i) {
  order { approvals(first: 1, after: "?") { totalCount } } } }"""


@pytest.mark.parametrize(("viewer", "text", "variables"), [
    (None, SUBMIT, {"input": an_input(DRAFT)}),
    (CENTRAL, SUBMIT, {"input": {"id": 1}}),
    (CENTRAL, LEFT, {"i": an_input(DRAFT)}),
    (CENTRAL, "mutation { logout { problems { code } } }", {}),
    (CENTRAL, "{ viewer { login } }", {}),
], ids=["a stranger", "a bad variable", "a bad cursor", "not made by change", "a query"])
async def test_what_is_unusual_is_left_to_the_executor_before_anything_is_done(
    both: Both, database: Database, viewer: Operator | None, text: str, variables: dict[str, Any]
) -> None:
    assert await both.path(viewer, text, **variables) is None
    async with database.reading() as session:
        assert (await session.get_one(Order, DRAFT.id)).status is OrderStatus.DRAFT


def any_value(type_: Any, chance: Random, depth: int = 0) -> Any:
    """A coerced value of a GraphQL input type."""
    if isinstance(type_, GraphQLNonNull):
        return any_value(type_.of_type, chance, depth)
    if chance.random() < 0.2 * depth:
        return None
    if isinstance(type_, GraphQLList):
        return [any_value(type_.of_type, chance, depth) for _ in range(chance.randint(0, 2))]
    if isinstance(type_, GraphQLEnumType):
        return chance.choice([each.value for each in type_.values.values()])
    if isinstance(type_, GraphQLInputObjectType):
        required = {name for name, field in type_.fields.items() if isinstance(field.type, GraphQLNonNull)}
        chosen = [name for name in type_.fields if name in required or chance.random() < 0.6]
        return {name: any_value(type_.fields[name].type, chance, depth + 1) for name in chosen}
    return chance.choice(["a text", 1, True])


@pytest.mark.parametrize("mutation", sorted(
    name for name, field in SCHEMA._schema.mutation_type.fields.items() if field.args  # type: ignore[union-attr]
))
def test_inputs_are_those_that_strawberry_makes(mutation: str) -> None:
    field: Any = SCHEMA._schema.mutation_type.fields[mutation]  # type: ignore[union-attr]
    [argument] = definition_of(field).arguments
    registry = SCHEMA.schema_converter.scalar_registry
    for number in range(20):
        value = any_value(field.args["input"].type, Random(number))
        made = converter_of(argument.type, SCHEMA)(value)
        assert made == convert_argument(value, argument.type, registry, SCHEMA.config)
