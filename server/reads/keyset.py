"""Keyset pages: total orders over nullable columns, and opaque cursors that are checked on the way in."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import BindParameter, ColumnElement, func, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from server.errors import InvalidArgument
from server.reads.resource import Ordering, Reader, Resource, sql

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Where rows without a date stand."""
MISSING: dict[type, object] = {datetime: NEVER, str: "", int: 0, bool: False}
LARGEST = 2**63 - 1
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


@dataclass(frozen=True, slots=True)
class Keyset:
    """The SQL of an ordering: its terms, never null, and the key at the end."""

    name: str
    terms: tuple[ColumnElement[Any], ...]
    descending: bool

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
        return encoded((self.name, *(value.hex if isinstance(value, UUID) else value for value in position)))

    def position(self, argument: str, cursor: str) -> list[Any]:
        """The position that a cursor of this very order stands for; InvalidArgument for anything else."""
        try:
            name, *values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            if name == self.name and len(values) == len(self.terms):
                return [_value(value, term) for value, term in zip(values, self.terms, strict=True)]
        except (ValueError, TypeError, binascii.Error):
            pass
        raise InvalidArgument(
            f"{argument}: this is not a cursor of this list in this order; give one that the same list has returned."
        )


def encoded(position: tuple[Any, ...]) -> str:
    """The cursor of an ordering's name and a row's terms, ids as hexadecimal."""
    text = binascii.b2a_base64(orjson.dumps(position), newline=False)
    return text.translate(_URL_SAFE).rstrip(b"=").decode()


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


def _value(value: Any, term: ColumnElement[Any]) -> Any:
    """One value of a cursor as its column holds it; ValueError or TypeError when it cannot be one."""
    kind = term.type.python_type
    if kind is UUID:
        return UUID(value)
    if kind is datetime:
        return _moment(value)
    if issubclass(kind, Enum):
        return kind(value)
    if type(value) is not kind or (kind is str and "\0" in value) or (kind is int and abs(value) > LARGEST):
        raise ValueError(value)
    return value


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None or moment.year == 1:
        raise ValueError(value)
    return moment
