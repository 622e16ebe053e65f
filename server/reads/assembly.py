"""Writes the Python that turns rows into the objects of an answer: one expression per object, no loop over fields."""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any

import orjson
from sqlalchemy import JSON, BigInteger, Boolean, ColumnElement, Dialect, Integer, String
from sqlalchemy import Enum as SqlEnum
from sqlalchemy.orm import InstrumentedAttribute

from server.domain.base import Moment
from server.reads.keyset import Keyset, encoded, never_is_null
from server.reads.prepared import CannotPrepareError, python_of
from server.reads.resource import Column, Computed, Expression, GlobalId, Needs, Reader, Resource, TypeName, sql
from server.reads.selection import Leaf, One, Selection
from server.reads.statements import Columns, Link, Links, visible_rows


class SurpriseError(Exception):
    """A value that the answer cannot hold; the ordinary executor will say what is wrong with it."""


class Form(StrEnum):
    """How a value looks in an answer: the same as in the database, or written in a way of its own."""

    TEXT = "text"
    INTEGER = "integer"
    FLAG = "flag"
    MOMENT = "moment"
    JSON = "json"
    ENUM = "enum"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Writer:
    """How a leaf is written. `write` takes what Python makes of the value, and is for FORM.ENUM given its members."""

    form: Form
    nullable: bool
    write: Callable[[Any], Any]


WriterOf = Callable[[Any], Writer]
"""From the origin of a leaf; CannotPrepareError when it cannot be written without the ordinary executor."""


@dataclass
class Code:
    """A function being written: the names that its text uses beside its arguments."""

    names: dict[str, Any] = field(default_factory=dict)

    def name(self, value: Any) -> str:
        """A name for a value in the text."""
        name = f"v{len(self.names)}"
        self.names[name] = value
        return name

    def function(self, arguments: str, body: str) -> Callable[..., Any]:
        """The function of a body that is one expression."""
        scope = dict(self.names)
        exec(f"def made({arguments}):\n return {body}\n", scope)  # noqa: S102  # text of our own: names and numbers only
        return scope["made"]  # type: ignore[no-any-return]


@dataclass
class Linked:
    """Rows to be joined beside the rows of a level: `by` is the name of the column that holds their id."""

    resource: Resource
    by: str
    of: str
    columns: dict[str, ColumnElement[Any]] = field(default_factory=dict)


Nested = Callable[[ColumnElement[Any]], ColumnElement[Any]]
"""A column that is a list of rows of its own, made for the column that holds the id of what it hangs on."""


class Layout:
    """The columns of a level's rows, in the order in which they were first asked for; `link` says whose they are: the
    row's own, or those of a row joined beside it."""

    def __init__(self, resource: Resource, reader: Reader) -> None:
        self.resource = resource
        self._reader = reader
        self._links: dict[str, Linked] = {"": Linked(resource, "", "")}
        self._places: dict[tuple[str, str], int] = {}
        self._nested: dict[tuple[str, str], Nested] = {}

    def sql(self, expression: Expression) -> ColumnElement[Any]:
        return sql(expression, self._reader)

    def place(self, name: str, expression: Expression, link: str = "") -> int:
        """Where a column stands in a row."""
        self._links[link].columns.setdefault(name, self.sql(expression))
        return self._place(link, name)

    def key(self, link: str = "") -> int:
        return self.place("id", self._links[link].resource.key, link)

    def join(self, resource: Resource, name: str, expression: Expression, of: str) -> str:
        """Joins the row whose id a column holds; the link's name."""
        self._links[of].columns.setdefault(name, self.sql(expression))
        joined = f"{of}.{name}.{len(self._links)}"
        self._links[joined] = Linked(resource, name, of)
        self.key(joined)
        return joined

    def nest(self, make: Nested, link: str) -> int:
        """Where a list of rows stands in a row."""
        self.key(link)
        name = f"nested {len(self._nested)}"
        self._nested[link, name] = make
        return self._place(link, name)

    def _place(self, link: str, name: str) -> int:
        return self._places.setdefault((link, name), len(self._places))

    def selected(self) -> tuple[Columns, Links]:
        """The columns in their order, and what has to be joined for them."""
        rows = {
            name: visible_rows(link.resource, link.columns, self._reader).subquery()
            for name, link in self._links.items() if name
        }

        def element(link: str, name: str) -> ColumnElement[Any]:
            if make := self._nested.get((link, name)):
                return make(element(link, "id"))
            return rows[link].c[name] if link else self._links[""].columns[name]

        links = [Link(each, element(self._links[name].of, self._links[name].by)) for name, each in rows.items()]
        return {f"c{place}": element(*column) for column, place in self._places.items()}, links


class Assembly:
    """Expressions over `r`, a row of one layout, within a `reading`. `below` gives the expression of what hangs on an
    object: a list, or counts, of the object that is the row itself or joined to it."""

    def __init__(
        self, layout: Layout, code: Code, dialect: Dialect, writer_of: WriterOf, below: Callable[[Any, str], str]
    ) -> None:
        self._layout = layout
        self._code = code
        self._dialect = dialect
        self._writer_of = writer_of
        self._below = below

    def an_object(self, selection: Selection, link: str = "") -> str:
        """The object of a row, or of what is linked to it."""
        pairs = (f"{key!r}: {self._value(selection, asked, link)}" for key, asked in selection.fields.items())
        return "{" + ", ".join(pairs) + "}"

    def cursor(self, keyset: Keyset) -> str:
        *terms, _key = keyset.terms
        places = [self._layout.place(_name(term) or f"sort_{number}", term) for number, term in enumerate(terms)]
        values = [self._python(place, term) for place, term in zip(places, terms, strict=True)]
        key = self._layout.key()
        return f"{self._code.name(encoded)}(({', '.join([repr(keyset.name), *values, self._hexadecimal(key)])}))"

    def _value(self, selection: Selection, asked: Any, link: str) -> str:
        match asked:
            case Leaf(field=TypeName()):
                return repr(selection.resource.name)
            case Leaf(field=GlobalId(encode=encode)):
                return f"{self._code.name(encode)}({self._hexadecimal(self._layout.key(link))})"
            case Leaf(field=Column() as column, origin=origin):
                return self._column(column, self._writer_of(origin), link)
            case Leaf(field=Computed() as computed, origin=origin):
                return self._computed(computed, self._writer_of(origin), link)
            case Leaf():
                raise CannotPrepareError
            case One():
                return self._one(asked, link)
        return self._below(asked, link)

    def _one(self, asked: One, link: str) -> str:
        """The first of the choices that is there: a chain of conditions."""
        text = "None"
        choices = list(zip(asked.field.choices, asked.selections, strict=True))
        for (_type, name, expression), selection in reversed(choices):
            joined = self._layout.join(selection.resource, name, expression, link)
            key = self._layout.key(joined)
            text = f"({self.an_object(selection, joined)} if r[{key}] is not None else {text})"
        return text

    def _column(self, column: Column, writer: Writer, link: str) -> str:
        place = self._layout.place(column.name, column.expression, link)
        type_ = self._layout.sql(column.expression).type
        never_null = never_is_null(column.expression)
        raw = f"r[{place}]"
        if not writer.nullable and not never_null:
            raw = f"{self._code.name(_there)}({raw})"
        return self._written(raw, type_, writer, nullable=not never_null)

    def _written(self, raw: str, type_: Any, writer: Writer, *, nullable: bool) -> str:
        match writer.form:
            case Form.TEXT if isinstance(type_, String) and not isinstance(type_, SqlEnum):
                return raw
            case Form.INTEGER if isinstance(type_, Integer) and not isinstance(type_, BigInteger):
                return raw
            case Form.FLAG if isinstance(type_, Boolean):
                return f"{self._code.name(_FLAGS)}[{raw}]" if self._sqlite else raw
            case Form.MOMENT if isinstance(type_, Moment):
                return f"{self._code.name(_moment)}({raw})" if self._sqlite else raw
            case Form.JSON if isinstance(type_, JSON):
                return f"{self._code.name(_json if nullable else orjson.Fragment)}({raw})"
            case Form.ENUM if isinstance(type_, SqlEnum):
                return f"{self._code.name(self._members(type_, writer))}[{raw}]"
        return f"{self._code.name(self._slowly(type_, writer))}({raw})"

    def _members(self, type_: Any, writer: Writer) -> Mapping[Any, Any]:
        """What stands for each stored text of an enum."""
        stored = type_.dialect_impl(self._dialect).bind_processor(self._dialect)
        members: Sequence[Enum] = list(type_.enum_class)
        return {None: None} | {stored(member) if stored else member.value: writer.write(member) for member in members}

    def _slowly(self, type_: Any, writer: Writer) -> Callable[[Any], Any]:
        convert = python_of(type_, self._dialect)
        return (lambda raw: writer.write(convert(raw))) if convert else writer.write

    def _computed(self, computed: Computed, writer: Writer, link: str) -> str:
        record = self._record(computed.needs, link)
        return f"{self._code.name(writer.write)}({self._code.name(computed.value)}({record}, reading.reader))"

    def _record(self, needs: Needs, link: str) -> str:
        kind = namedtuple("Record", needs)  # type: ignore[misc]
        values = []
        for name, expression in needs.items():
            place = self._layout.place(name, expression, link)
            values.append(self._python(place, self._layout.sql(expression)))
        return f"{self._code.name(kind)}({', '.join(values)})"

    def _python(self, place: int, expression: ColumnElement[Any]) -> str:
        """The value as Python has it elsewhere."""
        convert = python_of(expression.type, self._dialect)
        return f"{self._code.name(convert)}(r[{place}])" if convert else f"r[{place}]"

    def _hexadecimal(self, place: int) -> str:
        """An id as cursors and global ids have it."""
        return f"r[{place}]" if self._sqlite else f"r[{place}].hex"

    @property
    def _sqlite(self) -> bool:
        return self._dialect.name == "sqlite"


def _name(term: ColumnElement[Any]) -> str | None:
    """The name that a column has where its own field asks for it."""
    return term.key if isinstance(term, InstrumentedAttribute) else None


_FLAGS = {None: None, 0: False, 1: True}


def _there(value: Any) -> Any:
    if value is None:
        raise SurpriseError
    return value


def _moment(stored: str | None) -> str | None:
    """A moment as SQLite holds it, in UTC without saying so, as answers have it."""
    if stored is None:
        return None
    fraction = "" if stored.endswith(".000000") else stored[19:]
    return f"{stored[:10]}T{stored[11:19]}{fraction}+00:00"


def _json(stored: str | None) -> Any:
    return None if stored is None else orjson.Fragment(stored)

