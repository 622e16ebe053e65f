"""SQL that makes rows from numbers, the same on both databases: keys and moments that can be worked out anywhere."""

from enum import IntEnum
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, String, Uuid, cast, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

PREFIX = "0190aaaa000{}70008000"
"""The first digits of a UUIDv7; the last twelve are the number."""


class Kind(IntEnum):
    """Which table's numbers a key is of; people and places have several ranges."""

    REGION = 1
    STORE = 2
    CAMPAIGN = 3
    PACKAGE = 4
    ORDER = 5
    APPROVAL = 6
    CONTACT = 7
    CENTRAL = 8
    MANAGER = 9
    CLERK = 10
    LOGIN = 11
    REVIEWER = 12
    FORM = 13


def key(kind: Kind, number: int) -> UUID:
    """The id of the row with that number."""
    return UUID(f"{PREFIX.format(f'{kind:x}')}{number:012x}")


class Key(FunctionElement[UUID]):
    """Key(kind, number): the same as `key`, in SQL."""

    type = Uuid()
    inherit_cache = False

    def __init__(self, kind: Kind, number: Any) -> None:
        self.prefix = PREFIX.format(f"{kind:x}")
        super().__init__(number)


@compiles(Key, "sqlite")
def _key_on_sqlite(element: Key, compiler: SQLCompiler, **options: Any) -> str:
    return f"'{element.prefix}' || printf('%012x', {compiler.process(element.clauses, **options)})"


@compiles(Key, "postgresql")
def _key_on_postgresql(element: Key, compiler: SQLCompiler, **options: Any) -> str:
    return f"('{element.prefix}' || lpad(to_hex({compiler.process(element.clauses, **options)}), 12, '0'))::uuid"


class At(FunctionElement[Any]):
    """At(seconds): that many seconds after 1970, as the columns hold moments."""

    type = DateTime(timezone=True)
    inherit_cache = True


@compiles(At, "sqlite")
def _at_on_sqlite(element: At, compiler: SQLCompiler, **options: Any) -> str:
    seconds = compiler.process(element.clauses, **options)
    return f"strftime('%Y-%m-%dT%H:%M:%S+00:00', {seconds}, 'unixepoch')"


@compiles(At, "postgresql")
def _at_on_postgresql(element: At, compiler: SQLCompiler, **options: Any) -> str:
    return f"to_timestamp({compiler.process(element.clauses, **options)})"


def numbers(count: int, first: int = 0) -> Any:
    """The column `n` of a table of `count` numbers."""
    counting = select(literal(first).label("n")).cte("numbers", recursive=True)
    counting = counting.union_all(select(counting.c.n + 1).where(counting.c.n < first + count - 1))
    return counting.c.n


def code(prefix: str, number: Any) -> Any:
    """A human code; those count from one."""
    return literal(prefix).concat(cast(number + 1, String))
