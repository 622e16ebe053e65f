"""Objects of payloads and events are read by programs: in a snapshot, or within the transaction that changed them."""

from typing import Any

import orjson
from graphql import parse
from graphql.execution.values import VariableValues

from server.database import Database
from server.domain.network import Operator, Right
from server.domain.order import Order
from server.graphql.limits.guard import fragments_of
from server.graphql.mutation import Mutation
from server.graphql.payloads import Payload, Payloads
from server.graphql.schema import make_schema
from server.graphql.selected import Execution, fields_of
from tests.builders import a_package, an_entity, an_operator, an_order, given, linked
from tests.graphql.asking import Asker
from tests.graphql.stage import CAMPAIGN, CENTRAL, PARIS, REGION

SCHEMA = make_schema(Mutation)
SUBMIT = """mutation ($input: OrderInput!, $with: Boolean = true, $first: Int = 1) { submitOrder(input: $input) {
  order { code label entity @include(if: $with) { label } parameters }
  again: order { name: label approvals(first: $first) { totalCount } }
} }"""


def payload_of(payloads: Payloads, text: str, **variables: Any) -> tuple[Execution, Payload]:
    document: Any = parse(text)
    execution = Execution(SCHEMA._schema, fragments_of(document), VariableValues({}, variables))
    [[*nodes]] = fields_of(execution, "Mutation", document.definitions[0].selection_set).values()
    type_: Any = execution.schema.mutation_type
    payload = payloads.under(execution, type_.fields["submitOrder"].type, nodes)
    assert payload is not None
    return execution, payload


async def given_an_order(database: Database) -> Order:
    package = a_package(CAMPAIGN, CENTRAL)
    order = an_order(package, PARIS, label="Easter", parameters={"guests": 3, "names": ["Ä"]})
    await given(database, CENTRAL, REGION, PARIS, CAMPAIGN, package, order)
    return order


def written(found: Any, order: Order) -> Any:
    """What was read, as an answer has it."""
    return {key: orjson.loads(rows[order.id]) for key, rows in found.items()}


async def test_they_are_read_after_a_commit_and_as_selected(database: Database, ask: Asker) -> None:
    order, payloads = await given_an_order(database), Payloads()
    for with_entity in (True, False):
        execution, payload = payload_of(payloads, SUBMIT, **{"with": with_entity, "first": 1})
        reader = payload.selected.reader(execution, ask.context(CENTRAL))
        assert reader is not None
        assert written(await reader.after([order.id]), order) == {
            "order": {"code": order.code, "label": "Easter", "parameters": order.parameters}
            | ({"entity": {"label": "Paris"}} if with_entity else {}),
            "again": {"name": "Easter", "approvals": {"totalCount": 0}},
        }


async def test_within_a_transaction_they_are_what_it_has_flushed(database: Database, ask: Asker) -> None:
    order = await given_an_order(database)
    execution, payload = payload_of(Payloads(), SUBMIT, **{"with": True, "first": 1})
    reader = payload.selected.reader(execution, ask.context(CENTRAL))
    assert reader is not None
    async with database.transaction() as session:
        mine = await session.get_one(Order, order.id)
        mine.label, mine.parameters = "Renamed", {"guests": 4}
        await session.flush()
        found = written(await reader.within(session, [order.id]), order)
        before = written(await reader.after([order.id]), order)
    assert (found["order"]["label"], found["order"]["parameters"]) == ("Renamed", {"guests": 4})
    assert before["order"]["label"] == "Easter"


async def test_those_out_of_scope_are_missing(database: Database, ask: Asker) -> None:  # [2.3]
    order, local, lyon = await given_an_order(database), an_operator(Right.LOCAL), an_entity("Lyon")
    await given(database, local, lyon, linked(local, lyon))
    execution, payload = payload_of(Payloads(), SUBMIT, **{"with": True, "first": 1})

    async def found(viewer: Operator) -> list[bool]:
        reader = payload.selected.reader(execution, ask.context(viewer))
        assert reader is not None
        return [order.id in rows for rows in (await reader.after([order.id])).values()]

    assert (await found(CENTRAL), await found(local)) == ([True, True], [False, False])


async def test_what_only_the_executor_can_say_is_left_to_it(database: Database, ask: Asker) -> None:
    execution, payload = payload_of(Payloads(), SUBMIT, **{"with": True, "first": 1_000})
    assert payload.selected.reader(execution, ask.context(CENTRAL)) is None  # an error at the list of approvals
