"""What the naive server's types share: its sessions, connections as in the guide on pagination, DataLoaders."""

import base64
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import aliased
from strawberry.dataloader import DataLoader

from server.database import async_url

engine = create_async_engine(async_url(os.environ["DATABASE_URL"]), pool_size=int(os.environ["POOL"]))
sessions = async_sessionmaker(engine, expire_on_commit=False)

T = TypeVar("T")


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class Edge(Generic[T]):
    node: T
    cursor: str


@strawberry.type
class Connection(Generic[T]):
    edges: list[Edge[T]]
    page_info: PageInfo


def page(rows: Sequence[Any], first: int, of: Callable[[Any], Any], *keys: str) -> Any:
    """One row more than asked for was read, to know whether there are more."""
    edges = [
        Edge(node=of(row), cursor=base64.b64encode(":".join(str(getattr(row, key)) for key in keys).encode()).decode())
        for row in rows[:first]
    ]
    ends = (edges[0].cursor, edges[-1].cursor) if edges else (None, None)
    return Connection(edges=edges, page_info=PageInfo(
        has_next_page=len(rows) > first, has_previous_page=False, start_cursor=ends[0], end_cursor=ends[1]
    ))


def global_id(name: str, id: UUID) -> strawberry.ID:
    return strawberry.ID(f"{name}:{id.hex}")


async def rows_of(statement: Select[Any]) -> list[Any]:
    async with sessions() as session:
        return list(await session.scalars(statement))


def by_id(model: Any) -> DataLoader[UUID, Any]:
    async def load(ids: list[UUID]) -> list[Any]:
        found = {row.id: row for row in await rows_of(select(model).where(model.id.in_(ids)))}
        return [found.get(id) for id in ids]

    return DataLoader(load_fn=load)


def first_of(model: Any, parent: Any, *order: ColumnElement[Any]) -> DataLoader[tuple[UUID, int], list[Any]]:
    """The first rows of each parent, and one more; one query for all parents."""

    async def load(keys: list[tuple[UUID, int]]) -> list[list[Any]]:
        most = max(first for _, first in keys)
        place = func.row_number().over(partition_by=parent, order_by=order).label("place")
        ranked = select(model, place).where(parent.in_([id for id, _ in keys])).subquery()
        row = aliased(model, ranked)
        by_parent: dict[UUID, list[Any]] = defaultdict(list)
        for each in await rows_of(select(row).where(ranked.c.place <= most + 1).order_by(ranked.c.place)):
            by_parent[getattr(each, parent.key)].append(each)
        return [by_parent[id] for id, _ in keys]

    return DataLoader(load_fn=load)
