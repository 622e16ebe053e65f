"""Runs a selection: one statement per level, each with the reader's visibility as a predicate [2.3]."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, null, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.reads.ids import one_of
from server.reads.resource import Batch, Column, Computed, Expression, Reader, Resource, ToMany, sql
from server.reads.selection import Counts, Leaf, Many, One, Page, Row, Selection, check_cost

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
        resource = selection.resource
        columns = self._columns([selection])
        records = await self._records(self._select(resource, columns).where(one_of(resource.key, ids)))
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
        if many.wants_rows and parents:
            for record in await self._records(self._page_statement(many, parents)):
                by_parent[record.parent].append(record)
        more = {parent: len(records) > many.size for parent, records in by_parent.items()}
        kept = {parent: records[:many.size][::-1 if many.backward else 1] for parent, records in by_parent.items()}
        everything = [record for records in kept.values() for record in records]
        views = [iter(rows) for rows in await self._rows(many.views, everything)]
        around = await self._around(many, parents)
        totals = await self._totals(many, parents)
        pages: dict[UUID | None, object] = {}
        for parent in (*kept, *(parent for parent in dict.fromkeys(parents) if parent not in kept)):
            records = kept.get(parent, [])
            page = Page([[next(view) for _ in records] for view in views], self._cursors(many, records), len(records))
            page.total = totals.get(parent, 0)
            beyond = more.get(parent, False), parent in around
            page.has_previous, page.has_next = beyond if many.backward else beyond[::-1]
            pages[parent] = many.shape(page)
        return pages

    def _cursors(self, many: Many, records: Sequence[Any]) -> list[str]:
        if not many.wants_cursors:
            return []
        names = [f"sort_{place}" for place in range(len(many.keyset.terms))]
        return [many.keyset.cursor([getattr(record, name) for name in names]) for record in records]

    def _page_statement(self, many: Many, parents: Parents) -> Select[Any]:
        """The first `size` rows of each parent, and one more to know whether there are more."""
        order = many.keyset.order_by(backward=many.backward)
        parent = _parent(many)
        columns = self._columns(many.views) | {"parent": parent}
        if many.wants_cursors:
            columns |= {f"sort_{place}": term for place, term in enumerate(many.keyset.terms)}
        if len(parents) == 1:
            return self._many(many, columns, parents).where(*_within(many)).order_by(*order).limit(many.size + 1)
        columns["place"] = func.row_number().over(partition_by=parent, order_by=order)
        ranked = self._many(many, columns, parents).where(*_within(many)).subquery()
        return select(ranked).where(ranked.c.place <= many.size + 1).order_by(ranked.c.place)

    async def _around(self, many: Many, parents: Parents) -> set[UUID | None]:
        """Parents that have rows on the side that the page comes from."""
        bound = many.before if many.backward else many.after
        if bound is None or not many.around or not parents:
            return set()
        outside = many.keyset.beyond(bound, backward=not many.backward, inclusive=True)
        statement = self._many(many, {"parent": _parent(many)}, parents).where(outside)
        statement = statement.limit(1) if len(parents) == 1 else statement.distinct()
        return set((await self.session.scalars(statement)).all())

    async def _totals(self, many: Many, parents: Parents) -> Mapping[UUID | None, int]:
        if not many.wants_total or not parents:
            return {}
        columns = {"parent": _parent(many), "total": func.count()}
        statement = self._many(many, columns, parents)
        if many.link is not None:
            statement = statement.group_by(many.link.parent)
        return {record.parent: record.total for record in await self._records(statement)}

    async def _counts(self, counts: Counts, parents: Parents) -> dict[UUID | None, list[object]]:
        tally = counts.field
        link = tally.rows if parents != ROOT else None
        parent: Any = null() if link is None else link.parent
        sums = {name: sql(expression, self.reader) for name, expression in tally.sums.items()}
        columns = {"parent": parent, "value": tally.by, "number": func.count(), **sums}
        statement = _of_parents(self._select(counts.resource, columns), link, parents).where(*counts.where)
        by_parent: dict[UUID | None, list[object]] = {parent: [] for parent in parents}
        grouped = (tally.by,) if link is None else (parent, tally.by)
        for record in await self._records(statement.group_by(*grouped).order_by(tally.by)):
            by_parent[record.parent].append(tally.value(record))
        return by_parent

    def _many(self, many: Many, columns: Mapping[str, Any], parents: Parents) -> Select[Any]:
        return _of_parents(self._select(many.resource, columns), many.link, parents).where(*many.where)

    def _select(self, resource: Resource, columns: Mapping[str, Any]) -> Select[Any]:
        labelled = (column.label(name) for name, column in columns.items())
        return select(*labelled).select_from(resource.model).where(resource.visible(self.reader.caller))

    def _columns(self, views: Sequence[Selection]) -> dict[str, ColumnElement[Any]]:
        """Only what the views need."""
        wanted: dict[str, Expression] = {}
        for view in views:
            wanted["id"] = view.resource.key
            for asked in view.fields.values():
                wanted |= _needs(asked)
        return {name: sql(expression, self.reader) for name, expression in wanted.items()}

    async def _records(self, statement: Select[Any]) -> Sequence[Any]:
        records: Sequence[Any] = (await self.session.execute(statement)).all()
        self.read += len(records)
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


def _parent(many: Many) -> Any:
    return null() if many.link is None else many.link.parent


def _within(many: Many) -> list[ColumnElement[bool]]:
    bounds = []
    if many.after is not None:
        bounds.append(many.keyset.beyond(many.after, backward=False))
    if many.before is not None:
        bounds.append(many.keyset.beyond(many.before, backward=True))
    return bounds


def _of_parents(statement: Select[Any], link: ToMany | None, parents: Parents) -> Select[Any]:
    if link is None:
        return statement
    if link.through is not None:
        statement = statement.join(link.parent.class_, link.through)
    if link.where is not None:
        statement = statement.where(link.where)
    if len(parents) == 1:
        return statement.where(link.parent == parents[0])
    return statement.where(one_of(link.parent, [parent for parent in parents if parent is not None]))
