"""A selection as a program: SQL text and row functions made once, run for every reading of the same shape."""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Dialect, FromClause, Select, select
from sqlalchemy.dialects.postgresql import array

from server.reads import statements
from server.reads.assembly import Assembly, Code, WriterOf
from server.reads.layout import Cell, Cells, Layout, Made, Piece, Spelled, joined_pieces
from server.reads.levels import Child, CountLevel, PageLevel, RowLevel, TextsLevel
from server.reads.pages import NotSpelledError, RowsInSql, RowsOfLevel, in_sql, page_of_pieces
from server.reads.prepared import PARENTS, Prepared, prepare, python_of
from server.reads.resource import Reader, sql
from server.reads.selection import MAX_ROWS, Counts, Many, Selection

Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Enclosing:
    """The statement in which something is read: the tables whose rows it reads, and how many rows there may be."""

    tables: tuple[FromClause, ...]
    rows: int = 1


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
        layout, children, write, nested = self._written(many, Enclosing(_tables(many), number * many.size))
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

    def texts(self, lists: Mapping[str, Many]) -> "TextsLevel | None":
        """The pages of all lists that hang on nothing and that SQL can make as a whole, in one statement. SQLite gives
        rows faster than it joins them."""
        templates: dict[str, Sequence[str | None]] = {}
        pages: list[ColumnElement[Any]] = []
        nested: list[Condition] = []
        for name, many in lists.items():
            if self._is_postgresql and self._can_nest(many, Enclosing(())):
                with suppress(NotSpelledError):
                    page, templates[name] = self._text_apart(many, nested)
                    pages.append(page)
        return TextsLevel(templates, self._prepared(select(*pages), nested)) if pages else None

    def rows(self, selection: Selection) -> "RowLevel":
        """Objects by their ids."""
        layout, code = Layout(selection.resource, self._reader), Code()
        children: list[Child] = []
        nested: list[Condition] = []
        assembly = self._assembly(
            layout, code, children, nested, Enclosing((selection.resource.model.__table__,))
        )
        text = assembly.text(["", Made("''"), *assembly.an_object(selection)])  # joined, so that none is null
        body = f"{{r[{layout.key()}]: {text} for r in rows}}"
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
        assembly = self._assembly(layout, code, children, nested, here)
        text = assembly.text(page_of_pieces(many, assembly, RowsOfLevel(many, assembly)))
        return layout, children, code.function("rows, total, more, around, reading, below", text), nested

    def _assembly(
        self, layout: Layout, code: Code, children: list[Child] | None, nested: list[Condition], here: Enclosing
    ) -> Assembly:
        """Without `children`, of what one statement reads."""
        def below(asked: Many | Counts, link: str) -> Sequence[Piece]:
            if isinstance(asked, Many) and self._can_nest(asked, here):
                with suppress(NotSpelledError):
                    return [self._text_of(asked, layout.key_cell(link), nested, here)]
            if children is None:
                raise NotSpelledError
            place = layout.key(link)
            level = self.page(asked, number=here.rows) if isinstance(asked, Many) else self.counts(asked)
            children.append(Child(place, level))
            return [Made(f"below[{len(children) - 1}][r[{place}]]")]

        return Assembly(layout, code, self._dialect, self._writer_of, below)

    def _text_of(self, many: Many, parent: Cell, nested: list[Condition], here: Enclosing) -> Spelled:
        """A list as a text within the statement of what it hangs on; NotSpelledError when SQL cannot make all of it."""
        layout, rows, pieces = self._in_sql(many, nested, here.rows)
        page = joined_pieces(pieces)
        return Spelled(lambda cells: self._aggregated(many, parent(cells), layout, rows, page.make), page.is_strict)

    def _text_apart(
        self, many: Many, nested: list[Condition]
    ) -> tuple[ColumnElement[Any], Sequence[str | None]]:
        """The texts of a list that hangs on nothing, and what they fill in."""
        layout, rows, pieces = self._in_sql(many, nested, 1)
        if all(isinstance(piece, str) for piece in pieces):
            raise NotSpelledError

        def texts(cells: Cells) -> ColumnElement[Any]:
            return array([piece.make(cells) for piece in pieces if isinstance(piece, Spelled)])

        page = self._aggregated(many, None, layout, rows, texts)
        return page, [piece if isinstance(piece, str) else None for piece in pieces]

    def _in_sql(
        self, many: Many, nested: list[Condition], number: int
    ) -> tuple[Layout, RowsInSql, Sequence[str | Spelled]]:
        """The pieces of a page of which there may be so many; NotSpelledError when SQL cannot make all of them."""
        layout = Layout(many.resource, self._reader)
        layout.key_cell("")  # a subquery must have a column
        inner: list[Condition] = []
        assembly = self._assembly(layout, Code(), None, inner, Enclosing((), number * many.size))
        rows = RowsInSql(many, assembly, layout, self._reader, postgresql=self._is_postgresql)
        pieces = in_sql(page_of_pieces(many, assembly, rows))
        nested += [*many.where, *many.within, *many.outside, *inner]
        return layout, rows, pieces

    def _aggregated(
        self, many: Many, parent: ColumnElement[Any] | None, layout: Layout, rows: RowsInSql, make: Cell
    ) -> ColumnElement[Any]:
        """What is made of the rows of one page."""
        columns, links = layout.for_texts()
        found = statements.page_beside(many, columns, self._reader, parent, links, numbered=rows.numbered)
        return select(make(layout.cells_of(found, parent))).select_from(found).scalar_subquery()

    def _can_nest(self, many: Many, here: Enclosing) -> bool:
        """Whether a list may be read within a statement. A table that stands there already would be taken for that one,
        and rows within rows are not counted when they are read. One that hangs on something is read with all others of
        its kind when more than its rows is asked."""
        alone = many.link is None or not (many.wants_total or many.outside)
        fits = here.rows * many.size <= MAX_ROWS and not set(here.tables) & set(_tables(many))
        return alone and fits and many.wants_rows and not many.backward

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
