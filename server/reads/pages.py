"""The JSON of a page, made of its rows: by Python for a level, or by SQL within the statement of what it hangs on."""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Integer, Text, case, cast, func, literal_column

from server.reads.assembly import Assembly
from server.reads.layout import PARENT, Cells, Layout, Made, Piece, Spelled, joined_pieces, members
from server.reads.resource import Reader
from server.reads.selection import Edges, Info, Many, Nodes, PagePart, Part
from server.reads.spelling import FALSE, NULL, TRUE, Sql, constant
from server.reads.statements import NTH, NUMBER, around, goes_on_beside, row_beside, total


class NotSpelledError(Exception):
    """SQL cannot make all of it."""


class Rows(Protocol):
    """How the rows of a page become text."""

    def objects(self, pieces: Sequence[Piece]) -> Piece:
        """Those of all rows, with commas between them."""
        ...

    def info(self, name: str) -> Piece: ...

    def total(self) -> Piece: ...


def page_of_pieces(many: Many, assembly: Assembly, rows: Rows) -> list[Piece]:
    """The value of one page."""
    if many.parts is None:
        return ["[", rows.objects(assembly.an_object(many.views[0])), "]"]
    return members({key: _part(part, many, assembly, rows) for key, part in many.parts.items()})


def _part(part: Part, many: Many, assembly: Assembly, rows: Rows) -> Sequence[Piece]:
    match part:
        case Nodes(view):
            return ["[", rows.objects(assembly.an_object(many.views[view])), "]"]
        case Edges(cells):
            edge = members({key: _cell(cell, many, assembly) for key, cell in cells.items()})
            return ["[", rows.objects(edge), "]"]
        case Info(fields):
            return members({
                key: ['"PageInfo"' if name == "__typename" else rows.info(name)] for key, name in fields.items()
            })
        case PagePart.TOTAL:
            return [rows.total()]
        case PagePart.TYPE:
            return [f'"{many.resource.name}Connection"']


def _cell(cell: int | str | None, many: Many, assembly: Assembly) -> Sequence[Piece]:
    if isinstance(cell, int):
        return assembly.an_object(many.views[cell])
    return [assembly.cursor(many.keyset) if cell is None else f'"{cell}"']


class RowsOfLevel:
    """`rows` in Python; `more` and `around` say whether there is more that way."""

    def __init__(self, many: Many, assembly: Assembly) -> None:
        self._many = many
        self._assembly = assembly

    def objects(self, pieces: Sequence[Piece]) -> Piece:
        return Made(f"','.join([{self._assembly.text(pieces)} for r in rows])")

    def info(self, name: str) -> Piece:
        ahead, behind = ("around", "more") if self._many.backward else ("more", "around")
        match name:
            case "hasNextPage":
                return Made(f"('true' if {ahead} else 'false')")
            case "hasPreviousPage":
                return Made(f"('true' if {behind} else 'false')")
        cursor = self._assembly.text([self._assembly.cursor(self._many.keyset)])
        place = 0 if name == "startCursor" else -1
        return Made(f"('null' if (r := rows[{place}] if rows else None) is None else {cursor})")

    def total(self) -> Piece:
        return Made("str(total)")


class RowsInSql:
    """Those of a subquery that has the columns of a layout: forward pages. Those that hang on something have no total
    and nothing before them. When more is asked than its objects, PostgreSQL numbers its rows; SQLite has that done by
    looking three times."""

    def __init__(self, many: Many, assembly: Assembly, layout: Layout, reader: Reader, *, postgresql: bool) -> None:
        self._many = many
        self._size = literal_column(str(many.size), Integer)
        self._assembly = assembly
        self._layout = layout
        self._reader = reader
        self._concatenated = func.string_agg if postgresql else func.group_concat
        self.numbered = postgresql and many.wants_info

    def objects(self, pieces: Sequence[Piece]) -> Piece:
        """Text that is null would be left out: what may be null is counted."""
        written = joined_pieces(in_sql(pieces))

        def objects(cells: Cells) -> Sql:
            text = written.make(cells)
            found: Sql = self._concatenated(text, constant(","))
            if self.numbered:
                found = self._concatenated(text, constant(",")).filter(cells("", NTH) <= self._size)
            found = func.coalesce(found, constant(""))
            return case((func.count() == func.count(text), found)) if written.is_strict else found

        return Spelled(objects, written.is_strict)

    def info(self, name: str) -> Piece:
        match name:
            case "hasNextPage":
                return Spelled(lambda cells: case((self._goes_on(cells), TRUE), else_=FALSE))
            case "hasPreviousPage" if self._many.outside:
                return Spelled(lambda _: case((around(self._many, self._reader, None).exists(), TRUE), else_=FALSE))
            case "hasPreviousPage":
                return "false"
        if not self._many.size:
            return "null"
        cursor = self._assembly.cursor(self._many.keyset)
        end = self._numbered_end if self.numbered else self._found_end
        return Spelled(lambda cells: func.coalesce(*end(cursor, cells, is_first=name == "startCursor"), NULL))

    def _goes_on(self, cells: Cells) -> Sql:
        if self.numbered:
            return func.count() > self._size
        return goes_on_beside(self._many, self._reader, cells("", PARENT))

    def _numbered_end(self, cursor: Spelled, cells: Cells, *, is_first: bool) -> list[Sql]:
        last = func.least(cells("", NUMBER), self._size)
        place = literal_column("1", Integer) if is_first else last
        return [func.max(cursor.make(cells)).filter(cells("", NTH) == place)]

    def _found_end(self, cursor: Spelled, cells: Cells, *, is_first: bool) -> list[Sql]:
        column, parent = cursor.make(self._layout.own_cells), cells("", PARENT)
        places = (0,) if is_first else (self._many.size - 1, -1)
        return [row_beside(self._many, column, self._reader, parent, place) for place in places]

    def total(self) -> Piece:
        return Spelled(lambda _: cast(total(self._many, self._reader).scalar_subquery(), Text))


def in_sql(pieces: Sequence[Piece]) -> list[str | Spelled]:
    """The same pieces; NotSpelledError when there is something among them that Python makes."""
    parts = [piece for piece in pieces if not isinstance(piece, Made)]
    if len(parts) < len(pieces):
        raise NotSpelledError
    return parts
