"""The statements of one level of a selection, each with the reader's visibility in it [2.3].

A statement about the lists of some parents takes their ids as one bound value, and tells by `place` which of them a row
belongs to: its number in that value, from 0. Its text does not change with the number of parents.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Uuid,
    column,
    func,
    literal_column,
    null,
    select,
    true,
)

from server.reads.ids import OneOf
from server.reads.portable import AsFilter
from server.reads.resource import Reader, Resource, ToMany, sql
from server.reads.selection import Counts, Many

NTH, NUMBER = "nth in page", "number in page"
"""Columns that number the rows of a page from 1, and say how many were read."""

Columns = Mapping[str, ColumnElement[Any]]
Parents = ColumnElement[Any] | None
"""The bound ids of the parents; None for a list that hangs on nothing."""


@dataclass(frozen=True, slots=True)
class Link:
    """Linked rows, at most one beside each row: `rows` has an `id`, and `by` is the column that holds it."""

    rows: FromClause
    by: ColumnElement[Any]


Links = Sequence[Link]


def visible_rows(
    resource: Resource, columns: Columns, reader: Reader, links: Links = (), *, narrowed: bool = False
) -> Select[Any]:
    """The rows that the reader sees; `narrowed`: what else is asked of them leaves few of them."""
    labelled = (column.label(name) for name, column in columns.items())
    source = _beside(resource.model.__table__, links)
    visible = resource.visible(reader.caller)
    scoped = narrowed and reader.caller.is_local
    return select(*labelled).select_from(source).where(AsFilter(visible) if scoped else visible)


def rows_with(
    resource: Resource, columns: Columns, reader: Reader, ids: ColumnElement[Any], links: Links = ()
) -> Select[Any]:
    """The visible ones of the rows with these ids."""
    return visible_rows(resource, columns, reader, links).where(OneOf(resource.key, ids))


def page(
    many: Many, columns: Columns, reader: Reader, parents: Parents, limit: int, links: Links = (), *, postgresql: bool
) -> Select[Any]:
    """The first `limit` rows of each parent, in order: `columns`, and `place`."""
    if parents is None:
        return page_of(many, {**columns, "place": literal_column("0", Integer)}, reader, None, limit, links)
    by_parent = _by_parent if postgresql else _by_ids
    return by_parent(many, columns, reader, parents, limit, links)


def page_of(
    many: Many, columns: Columns, reader: Reader, parent: ColumnElement[Any] | None, limit: int, links: Links = ()
) -> Select[Any]:
    """The first `limit` rows of one parent, whose id is a column of an enclosing statement; of all without one."""
    found = _listed(many, columns, reader, links).where(*many.within)
    if parent is not None:
        found = found.where(_parent(many.link) == parent)
    return found.order_by(*many.keyset.order_by(backward=many.backward)).limit(_number(limit))


def page_beside(
    many: Many, columns: Columns, reader: Reader, parent: Parents, links: Links, *, numbered: bool
) -> FromClause:
    """The page of a parent, whose id is a column of the enclosing statement, or of none, for a subquery in a statement:
    all rows of the limit with NTH and NUMBER, or those of the page only."""
    limit = many.limit if numbered else many.size
    found = page_of(many, columns, reader, parent, limit, links).correlate(*_sources(parent)).subquery()
    if not numbered:
        return found
    nth, number = func.row_number().over().label(NTH), func.count().over().label(NUMBER)
    return select(*found.c, nth, number).subquery()


def row_beside(
    many: Many, column: ColumnElement[Any], reader: Reader, parent: ColumnElement[Any], place: int
) -> ColumnElement[Any]:
    """A column of one row of the list of such a parent: of the one at a place from 0, or of the last one at -1."""
    found = _listed(many, {"value": column}, reader).where(*many.within, _parent(many.link) == parent)
    ordered = found.order_by(*many.keyset.order_by(backward=many.backward != (place < 0)))
    at = ordered.limit(_number(1)) if place <= 0 else ordered.limit(_number(1)).offset(_number(place))
    return at.correlate(*_sources(parent)).scalar_subquery()


def goes_on_beside(many: Many, reader: Reader, parent: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether such a parent has more rows than the page."""
    there = _listed(many, {"there": literal_column("1", Integer)}, reader)
    found = there.where(*many.within, _parent(many.link) == parent).limit(_number(1)).offset(_number(many.size))
    return found.correlate(*_sources(parent)).exists()


def _sources(column: Parents) -> Sequence[FromClause | None]:
    """The tables of the enclosing statement in which a column stands, as `correlate` wants them."""
    return [None] if column is None else select(column).get_final_froms()


def _by_parent(
    many: Many, columns: Columns, reader: Reader, parents: Any, limit: int, links: Links
) -> Select[Any]:
    ids: Any = func.unnest(parents).table_valued(column("id", Uuid()), with_ordinality="place", name="asked")
    asked = ids.render_derived()
    nth = func.row_number().over(order_by=many.keyset.order_by(backward=many.backward))
    row = page_of(many, {**columns, "nth": nth}, reader, asked.c.id, limit, links).lateral("found")
    labelled = (row.c[name].label(name) for name in columns)
    place = (asked.c.place - 1).label("place")
    return select(*labelled, place).select_from(asked.join(row, true())).order_by(asked.c.place, row.c.nth)


def _by_ids(many: Many, columns: Columns, reader: Reader, parents: Any, limit: int, links: Links) -> Select[Any]:
    """SQLite knows no lateral joins: the keys of each parent's rows first, then the rows."""
    key: Any = many.resource.key
    asked = func.json_each(parents).table_valued("key", "value", name="asked")
    chosen = key.in_(page_of(many, {"id": key}, reader, asked.c.value, limit).correlate(asked))
    labelled = (column.label(name) for name, column in {**columns, "place": asked.c.key}.items())
    source = _beside(asked.join(many.resource.model, chosen), links)
    found = select(*labelled).select_from(source).order_by(
        asked.c.key, *many.keyset.order_by(backward=many.backward)
    )
    if many.link is None or many.link.through is not None:
        return found
    return found.where(many.link.parent == asked.c.value)


def _beside(source: FromClause, links: Links) -> FromClause:
    for link in links:
        source = source.outerjoin(link.rows, link.rows.c.id == link.by)
    return source


def totals(many: Many, reader: Reader, parents: Parents) -> Select[Any]:
    """How many rows each parent has that has any: `parent` and `total`."""
    columns = {"parent": _parent(many.link), "total": func.count()}
    counted = _of(parents, many.link, _listed(many, columns, reader))
    return counted if many.link is None else counted.group_by(many.link.parent)


def total(many: Many, reader: Reader) -> Select[Any]:
    """How many rows the list that hangs on nothing has."""
    return _listed(many, {"total": func.count()}, reader)


def around(many: Many, reader: Reader, parents: Parents) -> Select[Any]:
    """The parents that have rows on the side that the page comes from."""
    found = _listed(many, {"parent": _parent(many.link)}, reader).where(*many.outside)
    return found.limit(1) if parents is None else _of(parents, many.link, found).distinct()


def counts(counted: Counts, reader: Reader, parents: Parents) -> Select[Any]:
    """Rows by value: `parent`, `value`, `number` and the sums."""
    tally = counted.field
    link = None if parents is None else tally.rows
    sums = {name: sql(expression, reader) for name, expression in tally.sums.items()}
    columns = {"parent": _parent(link), "value": tally.by, "number": func.count(), **sums}
    statement = _of(parents, link, _through(visible_rows(counted.resource, columns, reader), link))
    grouped = (tally.by,) if link is None else (link.parent, tally.by)
    return statement.where(*counted.where).group_by(*grouped).order_by(tally.by)


def _listed(many: Many, columns: Columns, reader: Reader, links: Links = ()) -> Select[Any]:
    """The rows that the list is about, of whatever parent and page."""
    rows = visible_rows(many.resource, columns, reader, links, narrowed=many.link is not None)
    return _through(rows.where(*many.where), many.link)


def _through(statement: Select[Any], link: ToMany | None) -> Select[Any]:
    if link is None:
        return statement
    if link.through is not None:
        statement = statement.join(link.parent.class_, link.through)
    return statement if link.where is None else statement.where(link.where)


def _of(parents: Parents, link: ToMany | None, statement: Select[Any]) -> Select[Any]:
    return statement if parents is None or link is None else statement.where(OneOf(link.parent, parents))


def _parent(link: ToMany | None) -> Any:
    return null() if link is None else link.parent


def _number(limit: int) -> ColumnElement[int]:
    """In the text and not bound, so that the database plans for that many rows."""
    return literal_column(str(limit), Integer)
