"""Runs a selection for the ordinary executor: one statement per level, each with the reader's visibility [2.3]."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select
from sqlalchemy.ext.asyncio import AsyncSession

from server.domain.global_ids import encode
from server.observability.records import read_rows
from server.reads import statements
from server.reads.ids import bound
from server.reads.resource import Batch, Column, Computed, Expression, GlobalId, Reader, TypeName, sql
from server.reads.selection import (
    Counts,
    Edges,
    Info,
    Leaf,
    Many,
    Nodes,
    One,
    PageInfo,
    PagePart,
    Part,
    Row,
    Selection,
    check_cost,
)

Parents = Sequence[UUID | None]
ROOT: Parents = (None,)


class Loading:
    """Reads for one reader in one session. Statements follow each other: a session never serves two at once."""

    def __init__(self, session: AsyncSession, reader: Reader) -> None:
        self.session = session
        self.reader = reader
        self.read = 0

    async def by_ids(self, selection: Selection, ids: set[UUID]) -> dict[UUID, Row]:
        """The visible ones of the rows with these ids."""
        if not ids:
            return {}
        columns = self._columns([selection])
        statement = statements.rows_with(selection.resource, columns, self.reader, bound(ids))
        records = await self._records(statement)
        [rows] = await self._rows([selection], records)
        return {record.id: row for record, row in zip(records, rows, strict=True)}

    async def page(self, many: Many) -> object:
        """A list that hangs on nothing."""
        return (await self._pages(many, ROOT))[None]

    async def counts(self, counts: Counts) -> object:
        return (await self._counts(counts, ROOT))[None]

    async def _rows(self, views: Sequence[Selection], records: Sequence[Any]) -> list[list[Row]]:
        """For every view, a row per record."""
        found = []
        for view in views:
            rows = [Row(view.resource.name) for _ in records]
            for key, asked in view.fields.items():
                for row, value in zip(rows, await self._values(asked, records), strict=True):
                    row[key] = value
            found.append(rows)
        return found

    async def _values(self, asked: Leaf | One | Counts | Many, records: Sequence[Any]) -> list[Any]:
        match asked:
            case Leaf():
                return await self._leaves(asked, records)
            case One():
                return await self._ones(asked, records)
            case Many():
                pages = await self._pages(asked, [record.id for record in records])
                return [pages[record.id] for record in records]
            case Counts():
                counts = await self._counts(asked, [record.id for record in records])
                return [counts[record.id] for record in records]

    async def _leaves(self, asked: Leaf, records: Sequence[Any]) -> list[Any]:
        match asked.field:
            case Column(name=name):
                return [getattr(record, name) for record in records]
            case Computed(value=value):
                return [value(record, self.reader) for record in records]
            case GlobalId(type_name=type_name):
                return [encode(type_name, record.id) for record in records]
            case TypeName():
                return [None for _ in records]  # the executor knows it
            case Batch(load=load):
                found = await load(self.session, self.reader, [record.id for record in records])
                return [found.get(record.id) for record in records]

    async def _ones(self, asked: One, records: Sequence[Any]) -> list[Any]:
        values: list[Any] = [None] * len(records)
        for (_resource, name, _), selection in zip(asked.field.choices, asked.selections, strict=True):
            ids = [getattr(record, name) for record in records]
            found = await self.by_ids(selection, set(ids) - {None})
            values = [found.get(id) if value is None else value for id, value in zip(ids, values, strict=True)]
        return values

    async def _pages(self, many: Many, parents: Parents) -> dict[UUID | None, object]:
        by_parent: dict[UUID | None, list[Any]] = defaultdict(list)
        distinct = list(dict.fromkeys(parents))
        if many.wants_rows and distinct:
            for record in await self._records(self._page_statement(many, distinct)):
                by_parent[distinct[record.place]].append(record)
        kept = {parent: records[:many.size][::-1 if many.backward else 1] for parent, records in by_parent.items()}
        everything = [record for records in kept.values() for record in records]
        views = [iter(rows) for rows in await self._rows(many.views, everything)]
        around = await self._around(many, distinct)
        totals = await self._totals(many, distinct)
        pages: dict[UUID | None, object] = {}
        for parent in (*kept, *(parent for parent in distinct if parent not in kept)):
            records = kept.get(parent, [])
            rows = [[next(view) for _ in records] for view in views]
            cursors = self._cursors(many, records)
            beyond = len(by_parent[parent]) > many.size, parent in around
            before, after = beyond if many.backward else beyond[::-1]
            info = PageInfo(after, before, *((cursors[0], cursors[-1]) if cursors else (None, None)))
            pages[parent] = rows[0] if many.parts is None else {
                key: _part(part, rows, cursors, totals.get(parent, 0), info) for key, part in many.parts.items()
            }
        return pages

    def _cursors(self, many: Many, records: Sequence[Any]) -> list[str]:
        if not many.wants_cursors:
            return [""] * len(records)
        names = [f"sort_{place}" for place in range(len(many.keyset.terms))]
        return [many.keyset.cursor([getattr(record, name) for name in names]) for record in records]

    def _page_statement(self, many: Many, parents: Parents) -> Select[Any]:
        """The first `size` rows of each parent, and one more when it matters whether there are more."""
        columns = self._columns(many.views)
        if many.wants_cursors:
            columns |= {f"sort_{place}": term for place, term in enumerate(many.keyset.terms)}
        return statements.page(
            many, columns, self.reader, _ids(parents), many.limit, postgresql=self._postgresql
        )

    async def _around(self, many: Many, parents: Parents) -> set[UUID | None]:
        if not many.outside or not parents:
            return set()
        return set((await self.session.scalars(statements.around(many, self.reader, _ids(parents)))).all())

    async def _totals(self, many: Many, parents: Parents) -> Mapping[UUID | None, int]:
        if not many.wants_total or not parents:
            return {}
        records = await self._records(statements.totals(many, self.reader, _ids(parents)))
        return {record.parent: record.total for record in records}

    async def _counts(self, counts: Counts, parents: Parents) -> dict[UUID | None, list[object]]:
        by_parent: dict[UUID | None, list[object]] = {parent: [] for parent in parents}
        for record in await self._records(statements.counts(counts, self.reader, _ids(parents))):
            by_parent[record.parent].append(counts.field.value(record))
        return by_parent

    def _columns(self, views: Sequence[Selection]) -> dict[str, ColumnElement[Any]]:
        """Only what the views need."""
        wanted: dict[str, Expression] = {}
        for view in views:
            wanted["id"] = view.resource.key
            for asked in view.fields.values():
                wanted |= _needs(asked)
        return {name: sql(expression, self.reader) for name, expression in wanted.items()}

    @property
    def _postgresql(self) -> bool:
        return self.session.get_bind().dialect.name == "postgresql"

    async def _records(self, statement: Select[Any]) -> Sequence[Any]:
        records: Sequence[Any] = (await self.session.execute(statement)).all()
        self.read += len(records)
        read_rows(len(records))
        check_cost(self.read)
        return records


def _needs(asked: Leaf | One | Counts | Many) -> Mapping[str, Expression]:
    match asked:
        case Leaf(field=Column(name=name, expression=expression)):
            return {name: expression}
        case Leaf(field=Computed(needs=needs)):
            return needs
        case One():
            return {name: expression for _resource, name, expression in asked.field.choices}
    return {}


def _ids(parents: Parents) -> ColumnElement[Any] | None:
    return None if parents == ROOT or parents == list(ROOT) else bound(parents)


def _part(part: Part, views: list[list[Row]], cursors: list[str], total: int, info: PageInfo) -> object:
    match part:
        case Nodes(view):
            return views[view]
        case Info():
            return info
        case Edges(cells):
            return [
                {key: views[view][place] if isinstance(view, int) else cursors[place] for key, view in cells.items()}
                for place in range(len(cursors))
            ]
        case PagePart.TOTAL:
            return total
        case PagePart.TYPE:
            return None  # the executor knows it
