"""`fetch`: what a mutation gives back is read as the client selected it, in the mutation's own transaction."""

from typing import Annotated, Any

import strawberry
from graphql import execute, parse

from server.database import Database
from server.domain.network import Right
from server.domain.order import Order
from server.graphql.fields import resolver, result
from server.graphql.ids import decode_as
from server.graphql.reading import Info, fetch
from server.graphql.schema import make_schema
from tests.builders import a_campaign, a_package, an_entity, an_operator, an_order, given, linked
from tests.graphql.asking import Asker

Id = Annotated[strawberry.ID, strawberry.argument(description="Id.")]


@strawberry.type(description="One result.")
class RenameResult:
    order: Any = result("Order", "The order.")


@strawberry.type(description="What came of it.")
class RenamePayload:
    order: Any = result("Order", "The order.")
    results: list[RenameResult] = strawberry.field(description="One result per order.")


@strawberry.type(description="Mutations of this test.")
class Mutation:
    @resolver("Renames an order.")
    async def rename(self, info: Info, id: Id) -> RenamePayload:
        async with info.context.database.transaction() as session:
            order = await session.get_one(Order, decode_as("Order", "id", id))
            order.label = "Renamed"
            return RenamePayload(
                order=await fetch(info, session, "order", "Order", order.id),
                results=[RenameResult(order=await fetch(info, session, "results.order", "Order", order.id))],
            )


SCHEMA = make_schema(Mutation)
RENAME = """mutation ($id: ID!) { rename(id: $id) {
  order { label entity { label } } again: order { code: label }
  results { order { package { label } orders: label } }
} }"""


async def rename(ask: Asker, operator: Any, id: str) -> Any:
    result = await execute(
        SCHEMA._schema, parse(RENAME), variable_values={"id": id}, context_value=ask.context(operator),
        executor_class=SCHEMA.execution_context_class,
    )
    assert not result.errors, result.errors
    return result.data["rename"]


async def test_a_payload_reads_what_was_selected_after_the_change(database: Database, ask: Asker) -> None:
    central, paris, campaign = an_operator(), an_entity("Paris"), a_campaign()
    package = a_package(campaign, central, label="Easter")
    order = an_order(package, paris)
    await given(database, central, paris, campaign, package, order)
    id = (await ask(central, "{ orders(first: 1) { nodes { id } } }"))["orders"]["nodes"][0]["id"]
    assert await rename(ask, central, id) == {
        "order": {"label": "Renamed", "entity": {"label": "Paris"}}, "again": {"code": "Renamed"},
        "results": [{"order": {"package": {"label": "Easter"}, "orders": "Renamed"}}],
    }


async def test_a_payload_shows_nothing_out_of_scope(database: Database, ask: Asker) -> None:  # [2.3]
    central, local = an_operator(), an_operator(Right.LOCAL)
    paris, lyon, campaign = an_entity("Paris"), an_entity("Lyon"), a_campaign()
    package = a_package(campaign, central)
    await given(
        database, central, local, paris, lyon, linked(local, lyon), campaign, package, an_order(package, paris)
    )
    id = (await ask(central, "{ orders(first: 1) { nodes { id } } }"))["orders"]["nodes"][0]["id"]
    assert await rename(ask, local, id) == {"order": None, "again": None, "results": [{"order": None}]}
