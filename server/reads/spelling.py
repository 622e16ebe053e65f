"""How SQL spells values as the JSON of an answer, with the same text on both databases.

A text that must not be null and is, is null as a whole: the program notices, and leaves it to the ordinary executor.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from itertools import chain
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Dialect, LargeBinary, String, Text, case, cast, func, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

Sql = ColumnElement[Any]


class Joined(FunctionElement[str]):
    """Constants and texts one after the other."""

    type = String()
    inherit_cache = True

    def __init__(self, parts: Sequence[str | Sql]) -> None:
        super().__init__(*(constant(part) if isinstance(part, str) else part for part in parts))
        self.parts = parts


@compiles(Joined)
def _joined(element: Joined, compiler: SQLCompiler, **options: Any) -> str:
    parts = (compiler.process(clause.self_group(against=operators.concat_op), **options) for clause in element.clauses)
    return "(" + " || ".join(parts) + ")"


def constant(text: str) -> Sql:
    """A text that stands in the statement and is not bound."""
    return literal_column("'" + text.replace("'", "''") + "'", String)


def joined(parts: Sequence[str | Sql]) -> Sql:
    """The same with as few pieces as will do."""
    together: list[str | Sql] = []
    for part in chain.from_iterable(each.parts if isinstance(each, Joined) else (each,) for each in parts):
        if isinstance(part, str) and together and isinstance(together[-1], str):
            together[-1] += part
        else:
            together.append(part)
    return Joined(together)


QUOTE, NULL, TRUE, FALSE = (constant(text) for text in ('"', "null", "true", "false"))


class Spelling:
    """That of one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        self._sqlite = dialect.name == "sqlite"

    def text(self, value: Sql) -> Sql:
        """A text as a JSON string; SQLite spells a null one by itself."""
        return func.json_quote(value) if self._sqlite else cast(func.to_json(value), Text)

    def plain(self, value: Sql) -> Sql:
        """A number, or stored JSON."""
        return value if self._sqlite else cast(value, Text)

    def flag(self, value: Sql) -> Sql:
        if not self._sqlite:
            return cast(value, Text)
        return case((literal_column("1"), TRUE), (literal_column("0"), FALSE), value=value)

    def moment(self, value: Sql) -> Sql:
        return joined(['"', self._instant(value), '"']) if self._sqlite else cast(func.to_json(value), Text)

    def key(self, id: Sql) -> Sql:
        """The 32 digits of a UUID."""
        return id if self._sqlite else func.encode(func.uuid_send(id), constant("hex"))

    def member(self, value: Sql, names: Mapping[str, str]) -> Sql:
        """A member of an enum, by the names of what is stored."""
        if all(stored == name for stored, name in names.items()):
            return joined(['"', value, '"'])
        return case(*((constant(stored), constant(f'"{name}"')) for stored, name in names.items()), value=value)

    def cursor(self, name: str, terms: Sequence[Sql]) -> Sql:
        """A cursor, as `server.reads.keyset` writes it, as a JSON string."""
        parts: list[str | Sql] = [name]
        for term in terms:
            parts += [",", *self._term(term)]
        if any(term.type.python_type is str for term in terms):
            return self.text(joined(parts))
        return joined(['"', *parts, '"'])

    def _term(self, term: Sql) -> Sequence[str | Sql]:
        kind = term.type.python_type
        if kind is str:
            octets = func.length(cast(term, LargeBinary)) if self._sqlite else func.octet_length(term)
            return self.plain(octets), ":", term
        if kind is datetime:
            return [self._instant(term)]
        if kind is UUID:
            return [self.key(term)]
        return [term if issubclass(kind, Enum) else self.plain(term)]

    def _instant(self, value: Sql) -> Sql:
        """As `server.domain.base.text_of_moment` has it, and SQLite stores it; connections to PostgreSQL are in UTC for
        this."""
        return value if self._sqlite else func.btrim(cast(func.to_json(value), Text), QUOTE)


def nullable(value: Sql, spelled: Sql, *, allowed: bool) -> Sql:
    """The spelling of a value that may be null."""
    return func.coalesce(spelled, NULL) if allowed else case((value.is_not(None), spelled))
