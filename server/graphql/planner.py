"""From the selection of a GraphQL document to a selection of `server.reads`: what is asked for, no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from graphql import FieldNode, GraphQLField, get_argument_values
from strawberry import UNSET

from server.errors import InvalidArgument
from server.graphql.converting import converters_of
from server.graphql.fields import SHORT_LIST, TYPES
from server.graphql.relay import READABLE
from server.graphql.selected import Execution, Nodes, fields_under
from server.reads import selection
from server.reads.keyset import Keyset, keyset, name_of
from server.reads.resource import Batch, Column, Computed, GlobalId, Reader, Tally, ToMany, ToOne, TypeName
from server.reads.selection import Asked, Counts, Edges, Info, Leaf, Many, One, PagePart, Part, Selection
from server.reads.visibility import Visible

LARGEST_PAGE = 100
SHORT_LIST_WEIGHT = 2
"""Lists that are not paged are short in practice; the rows that are really read are counted as well."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something that is asked for stands: what a later step must know to write its value or read it again."""

    field: GraphQLField
    nodes: Nodes


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows of which order the arguments of a connection choose."""

    keyset: Keyset
    size: int
    backward: bool
    after: Sequence[Any] | None
    before: Sequence[Any] | None
    where: Sequence[Visible]


class Planner:
    """Plans one root field."""

    def __init__(self, execution: Execution, reader: Reader) -> None:
        self.execution = execution
        self.reader = reader

    def selection(self, type_name: str, nodes: Nodes) -> Selection:
        """What the nodes ask of objects of this concrete type."""
        selection = Selection(READABLE[type_name].resource)
        for key, same in fields_under(self.execution, type_name, nodes).items():
            selection.fields[key] = self._asked(type_name, same)
        return selection

    def arguments(self, field: GraphQLField, node: FieldNode) -> dict[str, Any]:
        """The arguments of a mapped field as Python values, defaults included."""
        schema: Any = self.execution.schema._strawberry_schema  # type: ignore[attr-defined]
        given = get_argument_values(field, node, self.execution.variables)
        converters = converters_of(definition_of(field), schema)
        return {python: convert(given[name]) for name, python, convert in converters if name in given}

    def window(self, target: str, field: GraphQLField, nodes: Nodes, known: Keyset | None = None) -> Window:
        """The arguments of a connection; InvalidArgument when they do not fit. `known` is the keyset of the same order
        if that is at hand."""
        given = self.arguments(field, nodes[0])
        readable = READABLE[target]
        wanted = given.get("filter") or _no_filter(definition_of(field).filter)
        name = given["order_by"].name
        ordering = readable.orderings[wanted.order(name) if wanted else name]
        same = known is not None and known.name == name_of(readable.resource, ordering)
        order = known if known and same else keyset(readable.resource, ordering, self.reader)
        size, backward = _size(given)
        return Window(
            order, size, backward, _position(order, "after", given), _position(order, "before", given),
            list(wanted.where(self.reader)) if wanted else [],
        )

    def many(self, target: str, link: ToMany | None, field: GraphQLField, nodes: Nodes) -> Many:
        """One page of a connection."""
        window = self.window(target, field, nodes)
        views: list[Selection] = []
        parts: dict[str, Part] = {}
        for key, same in fields_under(self.execution, f"{target}Connection", nodes).items():
            match same[0].name.value:
                case "nodes":
                    parts[key] = selection.Nodes(len(views))
                    views.append(self.selection(target, same))
                case "edges":
                    parts[key] = self._edges(target, views, same)
                case "pageInfo":
                    below = fields_under(self.execution, "PageInfo", same)
                    parts[key] = Info({inner: nodes[0].name.value for inner, nodes in below.items()})
                case other:
                    parts[key] = PagePart(other)
        return Many(
            READABLE[target].resource, window.keyset, window.size, link, window.where, views, parts, window.backward,
            window.after, window.before, origin=Origin(field, nodes),
        )

    def _edges(self, target: str, views: list[Selection], nodes: Nodes) -> Edges:
        cells: dict[str, int | str | None] = {}
        for key, same in fields_under(self.execution, f"{target}Edge", nodes).items():
            match same[0].name.value:
                case "node":
                    cells[key] = len(views)
                    views.append(self.selection(target, same))
                case "cursor":
                    cells[key] = None
                case _:
                    cells[key] = f"{target}Edge"
        return Edges(cells)

    def _asked(self, type_name: str, nodes: Nodes) -> Asked:
        if (name := nodes[0].name.value) == "__typename":
            return Leaf(TypeName())
        type_: Any = self.execution.schema.get_type(type_name)
        field: GraphQLField = type_.fields[name]
        definition = definition_of(field)
        match definition.spec:
            case Column() | Computed() | Batch() | GlobalId() as leaf:
                return Leaf(leaf, Origin(field, nodes))
            case ToOne(choices) as link:
                return One(link, [self.selection(choice[0], nodes) for choice in choices])
            case ToMany() as link if definition.filter:
                return self._connection(link, field, nodes)
            case ToMany() as link:
                return self._short_list(link, nodes)
            case Tally() as counted:
                return Counts(counted, READABLE[definition.target].resource, origin=Origin(field, nodes))
        raise TypeError(f"{field} is not a mapped field")

    def _connection(self, link: ToMany, field: GraphQLField, nodes: Nodes) -> Many | Leaf:
        try:
            return self.many(link.resource, link, field, nodes)
        except InvalidArgument as error:
            return self.unfit(error)

    def unfit(self, error: InvalidArgument) -> Leaf:
        """What stands for a list with arguments that do not fit: the error, at each object that would have it."""
        return Leaf(Computed({}, lambda _record, _reader: InvalidArgument(str(error))))

    def _short_list(self, link: ToMany, nodes: Nodes) -> Many:
        readable = READABLE[link.resource]
        order = readable.orderings[TYPES[f"{link.resource}Sort"].default]
        view = self.selection(link.resource, nodes)
        return Many(
            readable.resource, keyset(readable.resource, order, self.reader), SHORT_LIST, link, views=[view],
            weight=SHORT_LIST_WEIGHT,
        )


def definition_of(field: GraphQLField) -> Any:
    """Strawberry's definition of a field."""
    return field.extensions["strawberry-definition"]


@cache
def _no_filter(name: str) -> Any:
    """The filter that holds when none is given; None when it would let everything through."""
    made = TYPES[name]() if name in TYPES else None
    return made if made is not None and any(value is not UNSET for value in vars(made).values()) else None


def _size(given: dict[str, Any]) -> tuple[int, bool]:
    """How many rows, and whether from the end."""
    sizes = [(name, given[name]) for name in ("first", "last") if given.get(name) is not None]
    if len(sizes) != 1:
        raise InvalidArgument(f"Give exactly one of first and last, from 0 to {LARGEST_PAGE}.")
    [(name, size)] = sizes
    if not 0 <= size <= LARGEST_PAGE:
        raise InvalidArgument(f"{name}: {size} is not a page size; give 0 to {LARGEST_PAGE}.")
    return size, name == "last"


def _position(order: Keyset, name: str, given: dict[str, Any]) -> Sequence[Any] | None:
    return None if given.get(name) is None else order.position(name, given[name])
