"""Lists and counts whose arguments have variables: each request chooses their shape, and brings their values."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from graphql import FieldNode, GraphQLField, Node, VariableNode
from sqlalchemy import BindParameter

from server.errors import InvalidArgument
from server.graphql.planner import Origin, Planner
from server.graphql.relay import READABLE
from server.graphql.selected import Execution, Nodes
from server.graphql.types.packages import PACKAGE_COUNTS
from server.reads.prepared import shape_of
from server.reads.resource import Reader
from server.reads.selection import Counts, Leaf, Many
from server.reads.visibility import Visible

Asked = TypeVar("Asked", Many, Counts)

COUNTED = {"packageCounts": ("Package", PACKAGE_COUNTS)}
"""The root fields that count rows, which ones, and by what."""


class Recording(Planner):
    """Remembers the lists and counts whose arguments have variables."""

    def __init__(self, execution: Execution, reader: Reader) -> None:
        super().__init__(execution, reader)
        self.open: list[Many | Counts] = []

    def many(self, *arguments: Any) -> Many:
        return self._remembered(super().many(*arguments))

    def counts(self, field: GraphQLField, nodes: Nodes) -> Counts:
        """The counts of a root field."""
        type_name, tally = COUNTED[nodes[0].name.value]
        origin = Origin(field, nodes)
        return self._remembered(Counts(tally, READABLE[type_name].resource, _where(self, origin), origin))

    def _remembered(self, asked: Asked) -> Asked:
        if _has_variables(asked.origin.nodes[0]):
            self.open.append(asked)
        return asked

    def unfit(self, error: InvalidArgument) -> Leaf:
        raise error


def parameters_of(asked: Many | Counts) -> list[BindParameter[Any]]:
    """The parameters of the conditions in its statements, in the order of `chosen`."""
    parameters = shape_of(asked.where)[1]
    return [*parameters, *asked.positions] if isinstance(asked, Many) else [*parameters]


def chosen(planner: Planner, asked: Many | Counts) -> tuple[object, list[Any]]:
    """What a request chooses: the shape of the arguments, and the values of the conditions."""
    origin: Origin = asked.origin
    if isinstance(asked, Counts):
        shape, parameters = shape_of(_where(planner, origin))
        return shape, [each.value for each in parameters]
    window = planner.window(asked.resource.name, origin.field, origin.nodes, asked.keyset)
    shape, parameters = shape_of(window.where)
    given = window.after is None, window.before is None
    values = [*(each.value for each in parameters), *(window.after or ()), *(window.before or ())]
    return (window.keyset.name, window.size, window.backward, given, shape), values


def _where(planner: Planner, origin: Origin) -> Sequence[Visible]:
    wanted = planner.arguments(origin.field, origin.nodes[0]).get("filter")
    return list(wanted.where(planner.reader)) if wanted else []


def _has_variables(node: FieldNode) -> bool:
    return any(isinstance(each, VariableNode) for argument in node.arguments or () for each in _inside(argument.value))


def _inside(value: Node) -> Iterator[Node]:
    """A value of an argument and the values in it."""
    yield value
    for inner in (*getattr(value, "values", ()), *(pair.value for pair in getattr(value, "fields", ()))):
        yield from _inside(inner)
