"""Statements whose SQL is written once: what changes from one reading to the next are values.

A statement is built for a stand-in: a reader whose id and moment are CALLER and NOW. Wherever the stand-in's values are
bound, the real ones are put in when it runs, and so are the ids of parents and the values that arguments gave.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import JSON, BindParameter, ColumnElement, Dialect, Select
from sqlalchemy.types import TypeEngine

from server.domain.base import Moment
from server.reads.ids import bound
from server.reads.resource import Reader
from server.reads.visibility import Caller

CALLER = UUID("00000000-0000-4000-8000-5a3b1ec0ffee")
NOW = datetime(1, 2, 3, 4, 5, 6, 789, UTC)
PARENTS: BindParameter[Any] = bound([CALLER])
"""The ids of parents in a statement that is prepared."""


class CannotPrepareError(Exception):
    """The statement depends on something that is no plain value."""


def stand_in(reader: Reader) -> Reader:
    """The reader that statements are built for."""
    return replace(reader, caller=Caller(CALLER, reader.caller.right), now=NOW)


@dataclass(frozen=True, slots=True)
class Values:
    """What one reading brings: who reads and when, and the values of each list's conditions."""

    caller: UUID
    now: datetime
    conditions: Sequence[Sequence[Any]]


Argument = Callable[[Values, Any], Any]
"""From the values and the parents to what the driver is given."""


@dataclass(frozen=True, slots=True)
class Prepared:
    text: str
    arguments: Sequence[Argument]

    def bound(self, values: Values, parents: Any) -> list[Any]:
        return [argument(values, parents) for argument in self.arguments]


def shape_of(conditions: Sequence[ColumnElement[bool]]) -> tuple[object, Sequence[BindParameter[Any]]]:
    """What the SQL of conditions depends on, and their parameters, in the same order for every equal shape;
    CannotPrepareError when SQLAlchemy cannot tell."""
    shapes: list[object] = []
    parameters: list[BindParameter[Any]] = []
    for condition in conditions:
        key = condition._generate_cache_key()
        if key is None:
            raise CannotPrepareError
        shapes.append(key.key)
        parameters += key.bindparams
    lengths = tuple(len(parameter.value or ()) for parameter in parameters if parameter.expanding)
    return (tuple(shapes), lengths), parameters


def prepare(
    statement: Select[Any], dialect: Dialect, lists: Sequence[Sequence[BindParameter[Any]]],
    expected: Sequence[ColumnElement[bool]] = (),
) -> Prepared:
    """Writes the SQL. The values of the parameters in `lists` are taken from the reading; CannotPrepareError when those
    of the `expected` conditions do not stand in the statement as they are, but as copies with values of their own."""
    compiled: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    present = {id(parameter) for parameter in compiled.binds.values()}
    if any(id(parameter) not in present for parameter in shape_of(expected)[1]):
        raise CannotPrepareError
    expanded = getattr(compiled._post_compile_expanded_state, "parameter_expansion", {})
    members = {name: (whole, place) for whole, names in expanded.items() for place, name in enumerate(names)}
    places = {id(each): (number, at) for number, list_ in enumerate(lists) for at, each in enumerate(list_)}
    arguments: list[Argument] = []
    for name in compiled.positiontup:
        whole, member = members.get(name, (name, None))
        parameter = compiled.binds[whole]
        convert = parameter.type._cached_bind_processor(dialect) or _as_it_is
        if parameter is PARENTS:
            arguments.append(_parents_as_json if dialect.name == "sqlite" else _parents)
        elif id(parameter) in places:
            arguments.append(_from_list(*places[id(parameter)], member, convert))
        else:
            arguments.append(_fixed(parameter.value if member is None else parameter.value[member], convert))
    return Prepared(compiled.string, arguments)


def python_of(type_: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """What makes Python's value of a driver's value; None when they are the same."""
    if dialect.name == "postgresql":
        if isinstance(type_, JSON):
            return _loaded  # SQLAlchemy has its connections do this
        if isinstance(type_, Moment):
            return None  # the driver gives UTC
    return type_._cached_result_processor(dialect, None)


def _loaded(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def _fixed(value: Any, convert: Callable[[Any], Any]) -> Argument:
    if value is CALLER:
        return lambda values, _: convert(values.caller)
    if value is NOW:
        return lambda values, _: convert(values.now)
    if value in (CALLER, NOW):
        raise CannotPrepareError
    converted = convert(value)
    return lambda _values, _parents: converted


def _from_list(number: int, at: int, member: int | None, convert: Callable[[Any], Any]) -> Argument:
    def argument(values: Values, _parents: Any) -> Any:
        value = values.conditions[number][at]
        if member is not None:
            value = value[member]
        return convert(values.caller if value is CALLER else values.now if value is NOW else value)

    return argument


def _parents(_values: Values, parents: Any) -> Any:
    return parents


def _parents_as_json(_values: Values, parents: Any) -> str:
    return '["' + '","'.join(parents) + '"]' if parents else "[]"


def _as_it_is(value: Any) -> Any:
    return value

