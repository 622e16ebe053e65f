"""Payloads of mutations and events, written without the executor: plain fields, and objects that programs read."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import FieldNode, GraphQLField, GraphQLObjectType, get_named_type

from server.graphql.fast import OPERATIONS, OUTLINES, recent
from server.graphql.fields import ResultField
from server.graphql.objects import Selected
from server.graphql.planner import Origin, definition_of
from server.graphql.selected import Execution, Nodes, fields_under, switches_of
from server.graphql.writing import writer_of
from server.reads.prepared import CannotPrepareError

Write = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Payload:
    """What a document selects of one payload: `selected` is what it selects of the payload's object."""

    selected: Selected
    fields: Mapping[str, Write]
    """What makes the value of each field, by response key."""

    def json(self, payload: Any) -> bytes:
        """The payload, whose object is given as JSON by response key."""
        return orjson.dumps({key: write(payload) for key, write in self.fields.items()})


class Payloads:
    """The payloads of the documents that were used last."""

    def __init__(self) -> None:
        self._known: OrderedDict[object, _Known] = OrderedDict()

    def under(self, execution: Execution, type_: Any, nodes: Nodes) -> Payload | None:
        """The payload of a root field of that type; None when only the executor can write it."""
        known = recent(self._known, tuple(map(id, nodes)), OPERATIONS, lambda: _Known.of(execution, nodes))
        flags = tuple(execution.variables.coerced.get(name) for name in known.switches)
        return recent(known.payloads, flags, OUTLINES, lambda: _payload(execution, get_named_type(type_), nodes))


@dataclass(frozen=True, slots=True)
class _Known:
    """The nodes themselves, so that no others get their ids, and the payloads by the values of their switches."""

    nodes: Sequence[FieldNode]
    switches: tuple[str, ...]
    payloads: "OrderedDict[object, Payload | None]" = field(default_factory=OrderedDict)

    @classmethod
    def of(cls, execution: Execution, nodes: Nodes) -> "_Known":
        return cls(nodes, switches_of(*nodes, *execution.fragments.values()))


def _payload(execution: Execution, type_: Any, nodes: Nodes) -> Payload | None:
    fields = fields_under(execution, type_.name, nodes)
    target = next(each for each in type_.fields.values() if isinstance(definition_of(each), ResultField))
    objects = {key: same for key, same in fields.items() if type_.fields.get(same[0].name.value) is target}
    try:
        writes = {
            key: _object(target, key) if key in objects else _plain(execution, type_, same)
            for key, same in fields.items()
        }
    except CannotPrepareError:
        return None
    return Payload(Selected(get_named_type(target.type).name, objects), writes)


def _object(field: GraphQLField, key: str) -> Write:
    attribute = definition_of(field).python_name

    def written(payload: Any) -> Any:
        objects: Mapping[str, str | None] | None = getattr(payload, attribute)
        text = objects[key] if objects else None
        return None if text is None else orjson.Fragment(text)

    return written


def _plain(execution: Execution, type_: GraphQLObjectType, nodes: Nodes) -> Write:
    name = nodes[0].name.value
    if name == "__typename":
        return lambda _payload: type_.name
    field = type_.fields[name]
    definition = definition_of(field)
    if definition.base_resolver is not None:
        raise CannotPrepareError
    write, attribute = writer_of(Origin(field, nodes), execution).write, definition.python_name
    return lambda payload: write(getattr(payload, attribute))
