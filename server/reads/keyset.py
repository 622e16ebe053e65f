"""Keyset pages: total orders over nullable columns, and opaque cursors that are checked on the way in.

A cursor is the name of its ordering, the terms of its row and its id, with commas between them: texts with the number
of their bytes before them, so that they may hold anything, moments as answers have them. `server.reads.spelling` writes
the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, func, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from server.domain.base import text_of_moment
from server.errors import InvalidArgument
from server.reads.resource import Ordering, Reader, Resource, sql

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Where rows without a date stand."""
MISSING: dict[type, object] = {datetime: NEVER, str: "", int: 0, bool: False}
LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Keyset:
    """The SQL of an ordering: its terms, never null, and the key at the end."""

    name: str
    terms: tuple[ColumnElement[Any], ...]
    descending: bool

    @cached_property
    def kinds(self) -> Sequence[type]:
        """Python's types of the terms."""
        return [term.type.python_type for term in self.terms]

    def order_by(self, *, backward: bool) -> list[ColumnElement[Any]]:
        descending = self.descending != backward
        return [term.desc() if descending else term.asc() for term in self.terms]

    def bound(self, position: Sequence[Any]) -> Sequence[BindParameter[Any]]:
        """A position as values of a statement."""
        return [BindParameter(None, value, term.type, unique=True)
                for value, term in zip(position, self.terms, strict=True)]

    def beyond(
        self, position: Sequence[ColumnElement[Any]], *, backward: bool, inclusive: bool = False
    ) -> ColumnElement[bool]:
        """Rows that come after a position, or with `backward` before it."""
        here, there = tuple_(*self.terms), tuple_(*position)
        if self.descending != backward:
            return here <= there if inclusive else here < there
        return here >= there if inclusive else here > there

    def cursor(self, position: Sequence[Any]) -> str:
        return ",".join((self.name, *map(_text, position)))

    def position(self, argument: str, cursor: str) -> list[Any]:
        """The position that a cursor of this very order stands for; InvalidArgument for anything else."""
        try:
            name, _, rest = cursor.encode().partition(b",")
            values = []
            for kind in self.kinds:
                value, rest = _first(rest, kind)
                values.append(value)
            if name.decode() == self.name and self.cursor(values) == cursor:
                return values
        except (ValueError, KeyError):
            pass
        raise InvalidArgument(
            f"{argument}: this is not a cursor of this list in this order; give one that the same list has returned."
        )


def keyset(resource: Resource, ordering: Ordering, reader: Reader) -> Keyset:
    terms = (*(_never_null(term, reader) for term in ordering.terms), sql(resource.key, reader))
    return Keyset(name_of(resource, ordering), terms, ordering.descending)


def name_of(resource: Resource, ordering: Ordering) -> str:
    """The name of an ordering in cursors."""
    return f"{resource.name}.{ordering.name}"


def _never_null(expression: Any, reader: Reader) -> ColumnElement[Any]:
    term = sql(expression, reader)
    if never_is_null(expression):
        return term
    return func.coalesce(term, literal(MISSING[term.type.python_type], term.type))


def never_is_null(expression: Any) -> bool:
    """Whether it is a column that the database keeps from being null."""
    return isinstance(expression, InstrumentedAttribute) and not expression.property.columns[0].nullable


def _text(value: Any) -> str:
    """One term in a cursor."""
    match value:
        case UUID():
            return value.hex
        case datetime():
            return text_of_moment(value)
        case Enum():
            return value.name
        case str():
            return f"{len(value.encode())}:{value}"
    return str(value)


def _first(rest: bytes, kind: type) -> tuple[Any, bytes]:
    """The first term of what is left of a cursor, and what follows it; ValueError or KeyError when it cannot be one."""
    if kind is str:
        length, _, rest = rest.partition(b":")
        end = int(length)
        text, rest = rest[:end], rest[end + 1:]
        if b"\0" in text:
            raise ValueError(text)
        return text.decode(), rest
    text, _, rest = rest.partition(b",")
    return _value(text.decode(), kind), rest


def _value(text: str, kind: Any) -> Any:
    """A term as its column holds it."""
    if kind is UUID:
        return UUID(text)
    if kind is datetime:
        return _moment(text)
    if issubclass(kind, Enum):
        return kind[text]
    number = int(text)
    if abs(number) > LARGEST:
        raise ValueError(text)
    return number


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() != timedelta(0) or moment.year == 1:
        raise ValueError(text)
    return moment
