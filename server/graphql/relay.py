"""Relay's shapes: Node, connections, pages; and `readable`, which makes a class a readable type of the schema."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import strawberry
from sqlalchemy.orm import InstrumentedAttribute

from server.domain.base import Base, Versioned
from server.domain.record import History
from server.graphql.enums import describe
from server.graphql.fields import TYPES, column, connection, later, mapped
from server.reads.resource import Expression, GlobalId, Ordering, Resource
from server.reads.visibility import Caller, Visible

T = TypeVar("T")

Sorts = Mapping[str, tuple[str, tuple[Expression, ...]]]
"""By name: what it is in words, and the SQL terms."""


@strawberry.interface(description="An object with a global id.")
class Node:
    id: strawberry.ID = strawberry.field(description="Global id, opaque.")


TYPES["Node"] = Node


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there is more before this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first edge.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last edge.")


@dataclass(frozen=True, slots=True)
class Readable:
    """What the planner must know of a type beside its fields."""

    resource: Resource
    orderings: Mapping[str, Ordering]
    is_node: bool


READABLE: dict[str, Readable] = {}


def readable(
    name: str, model: type[Base], visible: Callable[[Caller], Visible], description: str, *,
    sorts: Sorts, default: str, key: InstrumentedAttribute[Any] | None = None,
) -> Callable[[T], T]:
    """Makes a class of mapped fields the GraphQL type `name`, with its edge, connection and sort enum. Nodes get their
    id, and versioned rows what they all have: revision, stamps and history."""

    def make(cls: Any) -> Any:
        is_node = issubclass(cls, Node)
        if is_node:
            cls.id = mapped(strawberry.ID, "Global id.", GlobalId(name))
        if issubclass(model, Versioned):
            _add_versioning(cls, model)
        TYPES[name] = strawberry.type(cls, name=name, description=description)
        orderings = _orderings(sorts)
        columns: Any = model
        resource = Resource(name, model, visible, columns.id if key is None else key)
        READABLE[name] = Readable(resource, orderings, is_node)
        _make_sort(name, sorts, default)
        _make_connection(name)
        return TYPES[name]

    return make


def _add_versioning(cls: Any, model: type[Versioned]) -> None:
    cls.revision = column(model.revision, "Counts the changes; a mutation gives back the one that was read.")
    cls.created_at = column(model.created_at, "When it was created.")
    cls.modified_at = column(model.modified_at, "When it was last changed.")
    cls.history = connection("History", History.subject_id, "What was changed on it, when and by whom.")


def _orderings(sorts: Sorts) -> dict[str, Ordering]:
    both = ((f"{name}_{way}", terms, way == "DESC") for name, (_, terms) in sorts.items() for way in ("ASC", "DESC"))
    return {name: Ordering(name, terms, descending) for name, terms, descending in both}


def _make_sort(name: str, sorts: Sorts, default: str) -> None:
    words = {
        f"{sort}_{way}": f"By {what}, {'ascending' if way == 'ASC' else 'descending'}."
        for sort, (what, _) in sorts.items() for way in ("ASC", "DESC")
    }
    make: Any = StrEnum  # mypy wants to see the members
    enum = make(f"{name}Sort", {word: word for word in words})
    enum.default = default
    TYPES[f"{name}Sort"] = describe(enum, f"{name}Sort", f"The orders in which a list of {name} can be read.", words)


def _make_connection(name: str) -> None:
    node = later(name)
    edge = {
        "cursor": mapped(str, "Where this stands in the list; opaque."),
        "node": mapped(node, "The object."),
    }
    edge_type: Any = strawberry.type(
        type(f"{name}Edge", (), edge), name=f"{name}Edge", description=f"A {name} in a list, with its cursor."
    )
    page = {
        "edges": mapped(list[edge_type], "The objects of the page with their cursors."),
        "nodes": mapped(strawberry.types.base.StrawberryList(node), "The objects of the page."),
        "page_info": mapped(PageInfo, "Where the page stands in the list."),
        "total_count": mapped(int, "How many there are in the whole list; counted only when asked for."),
    }
    TYPES[f"{name}Connection"] = strawberry.type(
        type(f"{name}Connection", (), page), name=f"{name}Connection", description=f"One page of a list of {name}."
    )
