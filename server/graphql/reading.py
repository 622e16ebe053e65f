"""Reading at the edge: root fields of queries, and `fetch` for the objects in a mutation's payload.

A mutation uses it like this, inside its own transaction, after the service has done its work:

    @strawberry.type
    class SubmitOrderPayload:
        order: Any = result("Order", "The order as it is now.")
        problems: list[ProblemType]

    async with context.database.transaction() as session:
        order = await Orders(context.work(session)).submit(order_id, revision)
        return SubmitOrderPayload(order=await fetch(info, session, "order", "Order", order.id), problems=[])

`fetch` reads exactly what the client selected under the payload's field, with the caller's visibility.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import strawberry
from graphql import GraphQLResolveInfo
from sqlalchemy.ext.asyncio import AsyncSession

from server.graphql.context import Context
from server.graphql.planner import Planner
from server.graphql.relay import READABLE
from server.graphql.selected import Nodes, execution_of, fields_under
from server.observability.tracing import span
from server.reads.loading import Loading
from server.reads.resource import Tally
from server.reads.selection import Counts, Row, Selection, check_cost

Info = strawberry.Info[Context, None]
Fetched = dict[str, Row | None]
"""The rows of a payload's field, one for every alias of it in the document."""


async def fetch(
    info: Info, session: AsyncSession, field: str, type_name: str, id: UUID
) -> Fetched:
    """Reads an object for the payload's `field` (in dots below it, such as "results.approval") as it was selected."""
    found = await _fetched(info, session, field, type_name, {id})
    return {key: rows.get(id) for key, rows in found.items()}


async def fetch_all(
    info: Info, session: AsyncSession, field: str, type_name: str, ids: Sequence[UUID]
) -> dict[str, list[Row]]:
    """The same for a list of objects: the visible ones, in the order of the ids."""
    found = await _fetched(info, session, field, type_name, set(ids))
    return {key: [rows[id] for id in dict.fromkeys(ids) if id in rows] for key, rows in found.items()}


async def _fetched(
    info: Info, session: AsyncSession, field: str, type_name: str, ids: set[UUID]
) -> dict[str, dict[UUID, Row]]:
    await session.flush()
    nodes = _below(info._raw_info, field.split("."))
    return await fetch_rows(planner_of(info._raw_info), session, type_name, nodes, ids)


async def fetch_rows(
    planner: Planner, session: AsyncSession, type_name: str, nodes: Mapping[str, Nodes], ids: set[UUID]
) -> dict[str, dict[UUID, Row]]:
    """The visible objects as the nodes under each response key select them."""
    loading = Loading(session, planner.reader)
    fetched: dict[str, dict[UUID, Row]] = {}
    for key, same in nodes.items():
        with span("plan"):
            selection = planner.selection(type_name, same)
        check_cost(selection.cost * len(ids))
        fetched[key] = await loading.by_ids(selection, ids)
    return fetched


async def resolve_listing(_root: object, info: GraphQLResolveInfo[Any], **_arguments: Any) -> object:
    """A root connection, in a session of its own."""
    planner = planner_of(info)
    field = info.parent_type.fields[info.field_name]
    target = field.extensions["strawberry-definition"].target
    with span("plan"):
        many = planner.many(target, None, field, info.field_nodes)
    spend(info, many.cost)
    async with info.context.database.reading() as session:
        return await Loading(session, planner.reader).page(many)


async def read(info: Info, type_name: str, ids: Iterable[UUID]) -> dict[UUID, Row]:
    """The visible objects of one type with these ids, as they were selected under the current field."""
    wanted = set(ids)
    planner = planner_of(info._raw_info)
    with span("plan"):
        selection = planner.selection(type_name, info._raw_info.field_nodes)
    spend(info._raw_info, selection.cost * len(wanted))
    async with info.context.database.reading() as session:
        return await Loading(session, planner.reader).by_ids(selection, wanted)


async def count(info: Info, type_name: str, tally: Tally, filter: Any) -> object:
    """Counts of the visible rows that fit a filter, by a value."""
    planner = planner_of(info._raw_info)
    where = list(filter.where(planner.reader)) if filter else []
    async with info.context.database.reading() as session:
        return await Loading(session, planner.reader).counts(Counts(tally, READABLE[type_name].resource, where))


async def is_visible(info: Info, session: AsyncSession, type_name: str, id: UUID) -> bool:
    """Whether the caller sees the object."""
    nothing = Selection(READABLE[type_name].resource)
    return bool(await Loading(session, planner_of(info._raw_info).reader).by_ids(nothing, {id}))


def planner_of(info: GraphQLResolveInfo[Any]) -> Planner:
    context: Context = info.context
    return Planner(execution_of(info), context.reader)


def spend(info: GraphQLResolveInfo[Any], rows: int) -> None:
    """Counts what the operation's root fields ask for together, and refuses what is too much [2.3]."""
    info.context.planned_rows += rows
    check_cost(info.context.planned_rows)


def _below(info: GraphQLResolveInfo[Any], names: list[str]) -> dict[str, Nodes]:
    """The nodes of a field of the payload by response key."""
    nodes: Nodes = info.field_nodes
    type_: Any = info.return_type
    found: dict[str, Nodes] = {}
    execution = execution_of(info)
    for name in names:
        while hasattr(type_, "of_type"):
            type_ = type_.of_type
        collected = fields_under(execution, type_.name, nodes)
        found = {key: same for key, same in collected.items() if same[0].name.value == name}
        nodes = [node for same in found.values() for node in same]
        type_ = type_.fields[name].type
    return found
