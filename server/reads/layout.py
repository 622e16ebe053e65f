"""What the rows of a level hold: columns, rows that are joined for them, and the texts that SQL makes of both."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import JSON, FromClause, Text, cast

from server.reads.resource import Expression, Reader, Resource, sql
from server.reads.spelling import Sql, joined
from server.reads.statements import Columns, Link, Links, visible_rows


@dataclass(frozen=True, slots=True)
class Made:
    """A text that Python makes of a row: an expression."""

    code: str


Cells = Callable[[str, str], Sql]
"""What stands in a statement for the column that a link has under a name."""

PARENT = "parent of a page"

Cell = Callable[[Cells], Sql]


@dataclass(frozen=True, slots=True)
class Spelled:
    """A text that SQL makes, once it is known where the columns of its statement stand. A strict one is null when
    something is null in it that may not be; others never are."""

    make: Cell
    is_strict: bool = False


Piece = str | Spelled | Made
"""A part of the JSON of an answer: constant, or made by SQL, or by Python."""


@dataclass
class Linked:
    """Rows to be joined beside the rows of a level: `by` is the name of the column that holds their id."""

    resource: Resource
    by: str
    of: str
    columns: dict[str, Sql] = field(default_factory=dict)


class Layout:
    """The columns of a level's rows, in the order in which they were first asked for; a link says whose they are: the
    row's own, or those of a row joined beside it."""

    def __init__(self, resource: Resource, reader: Reader) -> None:
        self.resource = resource
        self._reader = reader
        self._links: dict[str, Linked] = {"": Linked(resource, "", "")}
        self._places: dict[object, int] = {}
        self._columns: list[Cell] = []
        self._cells: dict[tuple[str, str], str] = {}

    def sql(self, expression: Expression) -> Sql:
        return sql(expression, self._reader)

    def cell(self, name: str, expression: Expression, link: str = "") -> Cell:
        """A column where it is needed in a text."""
        self._links[link].columns.setdefault(name, self.sql(expression))
        self._cells.setdefault((link, name), f"c{len(self._cells)}")
        return lambda cells: cells(link, name)

    def place(self, name: str, expression: Expression, link: str = "") -> int:
        """Where a column stands in a row. JSON comes as text on every connection."""
        cell, is_json = self.cell(name, expression, link), isinstance(self.sql(expression).type, JSON)
        return self._place((link, name), (lambda cells: cast(cell(cells), Text)) if is_json else cell)

    def key(self, link: str = "") -> int:
        return self.place("id", self._links[link].resource.key, link)

    def key_cell(self, link: str) -> Cell:
        return self.cell("id", self._links[link].resource.key, link)

    def text(self, parts: Sequence[str | Spelled]) -> int:
        """Where a text stands in a row."""
        return self._place(tuple(parts), joined_pieces(parts).make)

    def join(self, resource: Resource, name: str, expression: Expression, of: str) -> str:
        """Joins the row whose id a column holds; the link's name."""
        self._links[of].columns.setdefault(name, self.sql(expression))
        link = f"{of}.{name}.{len(self._links)}"
        self._links[link] = Linked(resource, name, of)
        self.key_cell(link)
        return link

    def _place(self, name: object, column: Cell) -> int:
        if name not in self._places:
            self._places[name] = len(self._columns)
            self._columns.append(column)
        return self._places[name]

    def selected(self) -> tuple[Columns, Links]:
        """The columns in their order, and what has to be joined for them."""
        cells, links = self._linked()
        return {f"c{place}": column(cells) for place, column in enumerate(self._columns)}, links

    def for_texts(self) -> tuple[Columns, Links]:
        """The columns that its texts need, for a subquery from which they are made, and what has to be joined."""
        cells, links = self._linked()
        return {column: cells(*name) for name, column in self._cells.items()}, links

    def cells_of(self, found: FromClause, parent: Sql | None) -> Cells:
        """Where they, and what the subquery has beside them, stand in it, and the id of its PARENT."""
        return lambda link, name: (
            parent if name is PARENT and parent is not None else found.c[self._cells.get((link, name), name)]
        )

    def own_cells(self, _link: str, name: str) -> Sql:
        """The row's own columns where its table stands."""
        return self._links[""].columns[name]

    def _linked(self) -> tuple[Cells, Links]:
        rows = {
            name: visible_rows(link.resource, link.columns, self._reader, narrowed=True).subquery()
            for name, link in self._links.items() if name
        }

        def cell(link: str, name: str) -> Sql:
            return rows[link].c[name] if link else self._links[""].columns[name]

        return cell, [Link(each, cell(self._links[name].of, self._links[name].by)) for name, each in rows.items()]


def joined_pieces(parts: Sequence[str | Spelled]) -> Spelled:
    """One text of several."""
    return Spelled(
        lambda cells: joined([part if isinstance(part, str) else part.make(cells) for part in parts]),
        any(isinstance(part, Spelled) and part.is_strict for part in parts),
    )


def members(values: Mapping[str, Sequence[Piece]]) -> list[Piece]:
    """A JSON object of the pieces of its values."""
    pieces: list[Piece] = []
    for number, (key, value) in enumerate(values.items()):
        pieces += [f'{"," if number else "{"}"{key}":', *value]
    return [*pieces, "}"] if pieces else ["{}"]
