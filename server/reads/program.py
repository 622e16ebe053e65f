"""A selection as a program: SQL text and row functions made once, run for every reading of the same shape."""

from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Dialect, FromClause, Select, func

from server.reads import statements
from server.reads.assembly import Assembly, Code, Layout, WriterOf
from server.reads.levels import Child, CountLevel, PageLevel, Reading, RowLevel, cut
from server.reads.prepared import PARENTS, Prepared, prepare, python_of
from server.reads.resource import Reader, sql
from server.reads.selection import Counts, Edges, Info, Many, Nodes, One, PagePart, Part, Selection

NESTED_ROWS = 200
"""Up to about so many rows a list is read in one statement with what it hangs on."""
Condition = ColumnElement[bool]


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
            return write(*cut(many, rows), False, reading, ())

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
