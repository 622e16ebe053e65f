"""A selection as a program: SQL text and row functions made once, run for every reading of the same shape.

A program is a tree of levels. Each level is a generator as `server.direct` follows them: it yields its statements, is
sent the rows, runs the levels below with the keys that it found, and returns what the answer holds.
"""

from collections import namedtuple
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Dialect, FromClause, Select, func

from server.reads import statements
from server.reads.assembly import Assembly, Code, Layout, SurpriseError, Writer, WriterOf
from server.reads.prepared import PARENTS, Prepared, Values, prepare, python_of
from server.reads.resource import Reader, Tally, sql
from server.reads.selection import (
    MAX_ROWS,
    Counts,
    Edges,
    Info,
    Many,
    Nodes,
    One,
    PagePart,
    Part,
    Selection,
)

Key = Any
"""The id of a row as the driver has it: a UUID, or its hexadecimal digits on SQLite."""
Steps = Generator[tuple[str, list[Any]], Sequence[Any], Any]
NESTED_ROWS = 200
"""Up to about so many rows a list is read in one statement with what it hangs on."""
Condition = ColumnElement[bool]


class Reading:
    """One run of a program."""

    def __init__(self, reader: Reader, values: Values) -> None:
        self.reader = reader
        self.values = values
        self.read = 0

    def rows(self, prepared: Prepared, parents: Any) -> Steps:
        rows = yield prepared.text, prepared.bound(self.values, parents)
        self.count(rows)
        return rows

    def count(self, rows: Sequence[Any]) -> None:
        self.read += len(rows)
        if self.read > MAX_ROWS:
            raise SurpriseError


@dataclass(frozen=True, slots=True)
class Child:
    """What hangs on the objects of a level: for the keys at `place` of its rows, a value each."""

    place: int
    level: "PageLevel | CountLevel"


def below(children: Sequence[Child], rows: Sequence[Any], reading: Reading) -> Steps:
    """The values of every child by key."""
    found = []
    for child in children:
        place = child.place
        keys = list(dict.fromkeys([row[place] for row in rows]))
        found.append((yield from child.level.run([key for key in keys if key is not None], reading)))
    return found


@dataclass(frozen=True, slots=True)
class Enclosing:
    """The statement in which something is read: its tables, and about how many rows it has."""

    tables: tuple[FromClause, ...]
    rows: int = 1

    def within(self, many: Many) -> "Enclosing":
        """The same for a list in it."""
        return Enclosing((*self.tables, *_tables(many)), self.rows * many.size)


class Compiler:
    """Makes programs for one kind of database. `lists` are the parameters of every list whose
    arguments change."""

    def __init__(
        self, reader: Reader, dialect: Dialect, writer_of: WriterOf, lists: Sequence[Sequence[BindParameter[Any]]]
    ) -> None:
        self._reader = reader
        self._dialect = dialect
        self._writer_of = writer_of
        self._is_postgresql = dialect.name == "postgresql"
        self._lists = lists

    def page(self, many: Many, parents: ColumnElement[Any] | None = PARENTS, number: int = 1) -> "PageLevel":
        """The pages of a list, one for each of about so many parents; without any, the list that hangs on nothing."""
        layout, children, write, nested = self._written(many, Enclosing((), number).within(many))
        prepared = totals = around = None
        if many.wants_rows:
            columns, links = layout.selected()
            found = statements.page(
                many, columns, self._reader, parents, many.limit, links, postgresql=self._is_postgresql
            )
            prepared = self._prepared(found, [*many.where, *many.within, *nested])
        if many.wants_total:
            totals = self._prepared(statements.totals(many, self._reader, parents), many.where)
        if many.outside:
            around = self._prepared(statements.around(many, self._reader, parents), [*many.where, *many.outside])
        return PageLevel(many, write, children, prepared, totals, around)

    def rows(self, selection: Selection) -> "RowLevel":
        """Objects by their ids."""
        layout, code = Layout(selection.resource, self._reader), Code()
        children: list[Child] = []
        nested: list[Condition] = []
        assembly = self._assembly(
            layout, code, children, nested, Enclosing((selection.resource.model.__table__,))
        )
        body = f"{{r[{layout.key()}]: {assembly.an_object(selection)} for r in rows}}"
        write = code.function("rows, reading, below", body)
        columns, links = layout.selected()
        found = statements.rows_with(selection.resource, columns, self._reader, PARENTS, links)
        return RowLevel(self._dialect, write, children, self._prepared(found, nested))

    def _written(
        self, many: Many, here: Enclosing
    ) -> tuple[Layout, list[Child], Callable[..., Any], list[Condition]]:
        """The layout of a list's rows, what hangs on them, what makes a page of them, and the conditions of the lists
        that are read with them."""
        layout, code = Layout(many.resource, self._reader), Code()
        children: list[Child] = []
        nested: list[Condition] = []
        text = page_text(many, self._assembly(layout, code, children, nested, here))
        return layout, children, code.function("rows, total, more, around, reading, below", text), nested

    def _assembly(
        self, layout: Layout, code: Code, children: list[Child], nested: list[Condition], here: Enclosing
    ) -> Assembly:
        def below(asked: Many | Counts, link: str) -> str:
            if isinstance(asked, Many) and self._can_nest(asked, here):
                place, page = self._nest(asked, layout, link, nested, here)
                return f"{code.name(page)}(r[{place}], reading)"
            place = layout.key(link)
            level = self.page(asked, number=here.rows) if isinstance(asked, Many) else self.counts(asked)
            children.append(Child(place, level))
            return f"below[{len(children) - 1}][r[{place}]]"

        return Assembly(layout, code, self._dialect, self._writer_of, below)

    def _nest(
        self, many: Many, outer: Layout, link: str, nested: list[Condition], here: Enclosing
    ) -> tuple[int, Callable[..., Any]]:
        """A list as a column of what it hangs on: its place there, and what makes a page of it."""
        layout, _, write, inner = self._written(many, here.within(many))
        nested += [*many.where, *many.within, *inner]

        def rows_of(key: ColumnElement[Any]) -> ColumnElement[Any]:
            columns, links = layout.selected()
            row = {"row": func.row(*columns.values())}
            return func.array(statements.page_of(many, row, self._reader, key, many.limit, links).scalar_subquery())

        def page(rows: list[Any], reading: Reading) -> Any:
            reading.count(rows)
            return write(*_cut(many, rows), False, reading, ())

        return outer.nest(rows_of, link), page

    def _can_nest(self, many: Many, here: Enclosing) -> bool:
        """Whether a list is read within the statement of what it hangs on: PostgreSQL gives rows in rows. A table that
        stands in the statement already would be taken for that one; many rows in rows cost more than a statement."""
        inner = here.within(many)
        return (
            self._is_postgresql and many.link is not None and many.wants_rows and not many.wants_total
            and not many.outside and inner.rows <= NESTED_ROWS and not set(here.tables) & set(_tables(many))
            and all(self._all_nest(view, inner) for view in many.views)
        )

    def _all_nest(self, selection: Selection, here: Enclosing) -> bool:
        for asked in selection.fields.values():
            match asked:
                case Counts():
                    return False
                case Many() if not self._can_nest(asked, here):
                    return False
                case One(selections=selections) if not all(self._all_nest(each, here) for each in selections):
                    return False
        return True

    def counts(self, counted: Counts, parents: ColumnElement[Any] | None = PARENTS) -> "CountLevel":
        tally = counted.field
        sums = {name: sql(expression, self._reader) for name, expression in tally.sums.items()}
        convert = python_of(tally.by.type, self._dialect)
        record = namedtuple("Record", ["value", "number", *sums])  # type: ignore[misc]
        statement = statements.counts(counted, self._reader, parents)
        return CountLevel(
            tally, record, convert, self._writer_of(counted.origin), self._prepared(statement, counted.where)
        )

    def _prepared(self, statement: Select[Any], expected: Sequence[ColumnElement[bool]] = ()) -> Prepared:
        return prepare(statement, self._dialect, self._lists, expected)


def _tables(many: Many) -> tuple[FromClause, ...]:
    """What the statement of a list names in its FROM."""
    through = many.link is not None and many.link.through is not None and many.link.parent.parent.selectable
    return (many.resource.model.__table__, *([through] if through is not False else []))


def _cut(many: Many, rows: list[Any]) -> tuple[list[Any], int, bool]:
    """The rows of a page in their order, no total, and whether there are more."""
    more = len(rows) > many.size
    del rows[many.size:]
    if many.backward:
        rows.reverse()
    return rows, 0, more


def page_text(many: Many, assembly: Assembly) -> str:
    """The text of the value of one page: `rows` are its rows, `more` and `around` whether there is more that way."""
    if many.parts is None:
        return f"[{assembly.an_object(many.views[0])} for r in rows]"
    pairs = (f"{key!r}: {_part(part, many, assembly)}" for key, part in many.parts.items())
    return "{" + ", ".join(pairs) + "}"


def _part(part: Part, many: Many, assembly: Assembly) -> str:
    match part:
        case Nodes(view):
            return f"[{assembly.an_object(many.views[view])} for r in rows]"
        case Edges(cells):
            pairs = ", ".join(f"{key!r}: {_cell(cell, many, assembly)}" for key, cell in cells.items())
            return f"[{{{pairs}}} for r in rows]"
        case Info(fields):
            return "{" + ", ".join(f"{key!r}: {_info(name, many, assembly)}" for key, name in fields.items()) + "}"
        case PagePart.TOTAL:
            return "total"
        case PagePart.TYPE:
            return repr(f"{many.resource.name}Connection")


def _cell(cell: int | str | None, many: Many, assembly: Assembly) -> str:
    if isinstance(cell, int):
        return assembly.an_object(many.views[cell])
    return assembly.cursor(many.keyset) if cell is None else repr(cell)


def _info(name: str, many: Many, assembly: Assembly) -> str:
    ahead, behind = ("around", "more") if many.backward else ("more", "around")
    match name:
        case "hasNextPage":
            return ahead
        case "hasPreviousPage":
            return behind
        case "startCursor":
            return f"(({assembly.cursor(many.keyset)}) if (r := rows[0] if rows else None) is not None else None)"
        case "endCursor":
            return f"(({assembly.cursor(many.keyset)}) if (r := rows[-1] if rows else None) is not None else None)"
    return repr("PageInfo")


@dataclass(frozen=True, slots=True)
class PageLevel:
    """Pages of a list."""

    many: Many
    write: Callable[..., Any]
    children: Sequence[Child]
    prepared: Prepared | None
    totals: Prepared | None
    around: Prepared | None

    @property
    def statements(self) -> int:
        """How many it takes at least, those of its children counted once."""
        return len(self.children) + sum(each is not None for each in (self.prepared, self.totals, self.around))

    def run(self, keys: Sequence[Key] | None, reading: Reading) -> Steps:
        """A page for every key; without keys the page under None."""
        parents: Sequence[Key] = [None] if keys is None else keys
        if not parents:
            return {}
        pages = yield from self._pages(parents, keys, reading)
        more = [_cut(self.many, page)[2] for page in pages]
        found = yield from below(self.children, [row for page in pages for row in page], reading)
        around = yield from self._around(keys, reading)
        totals = yield from self._totals(keys, reading)
        return {
            key: self.write(page, totals.get(key, 0), beyond, key in around, reading, found)
            for key, page, beyond in zip(parents, pages, more, strict=True)
        }

    def _pages(self, parents: Sequence[Key], keys: Sequence[Key] | None, reading: Reading) -> Steps:
        pages: list[list[Any]] = [[] for _ in parents]
        if self.prepared is not None:
            rows = yield from reading.rows(self.prepared, keys)
            for row in rows:
                pages[row[-1]].append(row)
        return pages

    def _around(self, keys: Sequence[Key] | None, reading: Reading) -> Steps:
        if self.around is None:
            return ()
        rows = yield from reading.rows(self.around, keys)
        return {row[0] for row in rows}

    def _totals(self, keys: Sequence[Key] | None, reading: Reading) -> Steps:
        if self.totals is None:
            return {}
        rows = yield from reading.rows(self.totals, keys)
        return {row[0]: row[1] for row in rows}


@dataclass(frozen=True, slots=True)
class RowLevel:
    """Objects by their keys; those that the reader may not see are missing."""

    dialect: Dialect
    write: Callable[..., Any]
    children: Sequence[Child]
    prepared: Prepared

    @property
    def statements(self) -> int:
        return 1 + len(self.children)

    def run(self, keys: Sequence[Key], reading: Reading) -> Steps:
        rows = yield from reading.rows(self.prepared, keys)
        found = yield from below(self.children, rows, reading)
        return self.write(rows, reading, found)


@dataclass(frozen=True, slots=True)
class CountLevel:
    """Counts of rows by a value."""

    tally: Tally
    record: Any
    convert: Callable[[Any], Any] | None
    writer: Writer
    prepared: Prepared

    def run(self, keys: Sequence[Key] | None, reading: Reading) -> Steps:
        """A list for every key; without keys the list under None."""
        counted: dict[Key, list[Any]] = {key: [] for key in ([None] if keys is None else keys)}
        if not counted:
            return counted
        rows = yield from reading.rows(self.prepared, keys)
        for parent, value, *numbers in rows:
            read = self.record(self.convert(value) if self.convert else value, *numbers)
            counted[parent].append(self.tally.value(read))
        return {key: self.writer.write(values) for key, values in counted.items()}


def key_of(id: UUID, dialect: Dialect) -> Key:
    """A row's id as the driver has it."""
    return id.hex if dialect.name == "sqlite" else id
