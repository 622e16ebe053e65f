"""Writes what turns rows into the JSON of an answer: SQL spells what it can of every object in columns of text, and one
Python expression joins them with the rest."""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from itertools import groupby
from typing import Any

import orjson
from sqlalchemy import JSON, BigInteger, Boolean, Dialect, Integer, String, case
from sqlalchemy import Enum as SqlEnum
from sqlalchemy.orm import InstrumentedAttribute

from server.domain.base import Moment
from server.reads.keyset import Keyset, never_is_null
from server.reads.layout import Cells, Layout, Made, Piece, Spelled, joined_pieces, members
from server.reads.prepared import CannotPrepareError, python_of
from server.reads.resource import Column, Computed, GlobalId, Needs, TypeName
from server.reads.selection import Leaf, One, Selection
from server.reads.spelling import NULL, Spelling, Sql, nullable


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
        """The function of a body that is one expression; SurpriseError where a text is null that may not be."""
        scope = dict(self.names) | {"SurpriseError": SurpriseError}
        text = f"def made({arguments}):\n try:\n  return {body}\n except TypeError:\n  raise SurpriseError from None\n"
        exec(text, scope)  # noqa: S102  # text of our own: names, numbers and constants only
        return scope["made"]  # type: ignore[no-any-return]


class Assembly:
    """Pieces made of `r`, a row of one layout, within a `reading`. `below` gives the pieces of what hangs on an object:
    a list, or counts, of the object that is the row itself or joined to it."""

    def __init__(
        self, layout: Layout, code: Code, dialect: Dialect, writer_of: WriterOf,
        below: Callable[[Any, str], Sequence[Piece]],
    ) -> None:
        self._layout = layout
        self._code = code
        self._dialect = dialect
        self._writer_of = writer_of
        self._below = below
        self._spelling = Spelling(dialect)
        self._cursor: Spelled | None = None

    def an_object(self, selection: Selection, link: str = "") -> list[Piece]:
        """The object of a row, or of what is linked to it."""
        return members({key: self._value(selection, asked, link) for key, asked in selection.fields.items()})

    def cursor(self, keyset: Keyset) -> Spelled:
        if self._cursor is None:
            cells = [self._layout.cell(_name(term) or f"sort_{n}", term) for n, term in enumerate(keyset.terms)]
            self._cursor = Spelled(
                lambda found: self._spelling.cursor(keyset.name, [cell(found) for cell in cells])
            )
        return self._cursor

    def text(self, pieces: Sequence[Piece]) -> str:
        """An expression for the text of pieces: a column for every run of what SQL makes, and what lies between."""
        parts: list[str] = []
        for _, run in groupby(pieces, lambda piece: isinstance(piece, Made)):
            together = list(run)
            parts += [piece.code for piece in together if isinstance(piece, Made)] or [self._run(together)]
        return parts[0] if len(parts) == 1 else f"''.join(({', '.join(parts)}))"

    def _run(self, run: list[Any]) -> str:
        if all(isinstance(piece, str) for piece in run):
            return repr("".join(run))
        return f"r[{self._layout.text(run)}]"

    def _value(self, selection: Selection, asked: Any, link: str) -> Sequence[Piece]:
        match asked:
            case Leaf(field=TypeName()):
                return [f'"{selection.resource.name}"']
            case Leaf(field=GlobalId(type_name=name)):
                key = self._layout.key_cell(link)
                return [f'"{name}:', Spelled(lambda cells: self._spelling.key(key(cells))), '"']
            case Leaf(field=Column() as column, origin=origin):
                return [self._column(column, self._writer_of(origin), link)]
            case Leaf(field=Computed() as computed, origin=origin):
                return [self._computed(computed, self._writer_of(origin), link)]
            case Leaf():
                raise CannotPrepareError
            case One():
                return [self._one(asked, link)]
        return self._below(asked, link)

    def _one(self, asked: One, link: str) -> Piece:
        """The first of the choices that is there."""
        choices = []
        for (_type, name, expression), selection in zip(asked.field.choices, asked.selections, strict=True):
            joined = self._layout.join(selection.resource, name, expression, link)
            choices.append((joined, self.an_object(selection, joined)))
        if any(isinstance(piece, Made) for _, pieces in choices for piece in pieces):
            return self._chosen(choices)
        cases = [
            (self._layout.key_cell(joined), joined_pieces(pieces))  # type: ignore[arg-type]  # nothing is made by Python
            for joined, pieces in choices
        ]
        return Spelled(
            lambda cells: case(*((key(cells).is_not(None), text.make(cells)) for key, text in cases), else_=NULL),
            any(text.is_strict for _, text in cases),
        )

    def _chosen(self, choices: Sequence[tuple[str, list[Piece]]]) -> Made:
        """The same in Python: a chain of conditions."""
        text = "'null'"
        for joined, pieces in reversed(choices):
            text = f"({self.text(pieces)} if r[{self._layout.key(joined)}] is not None else {text})"
        return Made(text)

    def _column(self, column: Column, writer: Writer, link: str) -> Piece:
        type_ = self._layout.sql(column.expression).type
        spell = self._spell(type_, writer)
        never_null = never_is_null(column.expression)
        if spell is None:
            return self._slowly(column, type_, writer, link)
        cell = self._layout.cell(column.name, column.expression, link)
        if never_null:
            return Spelled(lambda cells: spell(cell(cells)))

        def spelled(cells: Cells) -> Sql:
            value = cell(cells)
            return nullable(value, spell(value), allowed=writer.nullable)

        return Spelled(spelled, is_strict=not writer.nullable)

    def _spell(self, type_: Any, writer: Writer) -> Callable[[Sql], Sql] | None:
        """How SQL spells a value; None when it cannot."""
        match writer.form:
            case Form.TEXT if isinstance(type_, String) and not isinstance(type_, SqlEnum):
                return self._spelling.text
            case Form.INTEGER if isinstance(type_, Integer) and not isinstance(type_, BigInteger):
                return self._spelling.plain
            case Form.FLAG if isinstance(type_, Boolean):
                return self._spelling.flag
            case Form.MOMENT if isinstance(type_, Moment):
                return self._spelling.moment
            case Form.JSON if isinstance(type_, JSON):
                return self._spelling.plain
            case Form.ENUM if isinstance(type_, SqlEnum):
                names = self._members(type_, writer)
                return lambda value: self._spelling.member(value, names)
        return None

    def _members(self, type_: Any, writer: Writer) -> Mapping[str, str]:
        """The name in answers of what is stored of an enum."""
        stored = type_.dialect_impl(self._dialect).bind_processor(self._dialect)
        members: Sequence[Enum] = list(type_.enum_class)
        return {stored(member) if stored else member.value: writer.write(member) for member in members}

    def _slowly(self, column: Column, type_: Any, writer: Writer, link: str) -> Made:
        convert, place = python_of(type_, self._dialect), self._layout.place(column.name, column.expression, link)
        value = f"{self._code.name(convert)}(r[{place}])" if convert else f"r[{place}]"
        return self._written(value, writer)

    def _computed(self, computed: Computed, writer: Writer, link: str) -> Made:
        record = self._record(computed.needs, link)
        return self._written(f"{self._code.name(computed.value)}({record}, reading.reader)", writer)

    def _written(self, value: str, writer: Writer) -> Made:
        return Made(f"{self._code.name(json_of)}({self._code.name(writer.write)}({value}))")

    def _record(self, needs: Needs, link: str) -> str:
        kind = namedtuple("Record", needs)  # type: ignore[misc]
        values = []
        for name, expression in needs.items():
            place = self._layout.place(name, expression, link)
            convert = python_of(self._layout.sql(expression).type, self._dialect)
            values.append(f"{self._code.name(convert)}(r[{place}])" if convert else f"r[{place}]")
        return f"{self._code.name(kind)}({', '.join(values)})"


def _name(term: Sql) -> str | None:
    """The name that a column has where its own field asks for it."""
    return term.key if isinstance(term, InstrumentedAttribute) else None


def json_of(value: Any) -> str:
    """What Python made, as text."""
    return orjson.dumps(value).decode()
