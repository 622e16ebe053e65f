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
from server.reads.resource import Reader, Resource, ToMany, sql
from server.reads.selection import Counts, Many

Columns = Mapping[str, ColumnElement[Any]]
Parents = ColumnElement[Any] | None
"""The bound ids of the parents; None for a list that hangs on nothing."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Linked rows, at most one beside each row of a page: `rows` has an `id`, which the row holds as column `link` of
    the linked rows `of`, or as one of its own."""

    name: str
    rows: FromClause
    link: str
    of: str = ""


def visible_rows(resource: Resource, columns: Columns, reader: Reader) -> Select[Any]:
    labelled = (column.label(name) for name, column in columns.items())
    return select(*labelled).select_from(resource.model).where(resource.visible(reader.caller))


def rows_with(resource: Resource, columns: Columns, reader: Reader, ids: ColumnElement[Any]) -> Select[Any]:
    """The visible ones of the rows with these ids; `nth` and `place` as in a page, without an order."""
    numbers = {"nth": literal_column("0", Integer), "place": literal_column("0", Integer)}
    return visible_rows(resource, {**columns, **numbers}, reader).where(OneOf(resource.key, ids))


def page(
    many: Many, columns: Columns, reader: Reader, parents: Parents, limit: int, *, postgresql: bool
) -> Select[Any]:
    """The first `limit` rows of each parent, in order: `columns`, `nth` and `place`."""
    order = many.keyset.order_by(backward=many.backward)
    columns = {**columns, "nth": func.row_number().over(order_by=order)}
    if parents is None:
        found = _listed(many, {**columns, "place": literal_column("0", Integer)}, reader)
        return found.where(*many.within).order_by(*order).limit(_number(limit))
    by_parent = _by_parent if postgresql else _by_ids
    return by_parent(many, columns, reader, parents, limit)


def _by_parent(many: Many, columns: Columns, reader: Reader, parents: Any, limit: int) -> Select[Any]:
    ids: Any = func.unnest(parents).table_valued(column("id", Uuid()), with_ordinality="place", name="asked")
    asked = ids.render_derived()
    found = _listed(many, columns, reader).where(_parent(many.link) == asked.c.id, *many.within)
    row = found.order_by(*many.keyset.order_by(backward=many.backward)).limit(_number(limit)).lateral("found")
    columns = {**dict(row.c), "place": asked.c.place - 1}
    labelled = (column.label(name) for name, column in columns.items())
    return select(*labelled).select_from(asked.join(row, true())).order_by(asked.c.place, row.c.nth)


def _by_ids(many: Many, columns: Columns, reader: Reader, parents: Any, limit: int) -> Select[Any]:
    """SQLite knows no lateral joins: the keys of each parent's rows first, then the rows."""
    order = many.keyset.order_by(backward=many.backward)
    asked = func.json_each(parents).table_valued("key", "value", name="asked")
    here = _parent(many.link) == asked.c.value
    key: Any = many.resource.key
    keys = _listed(many, {"id": key}, reader).where(here, *many.within).order_by(*order)
    chosen = key.in_(keys.limit(_number(limit)).correlate(asked))
    labelled = (column.label(name) for name, column in {**columns, "place": asked.c.key}.items())
    found = select(*labelled).select_from(asked.join(many.resource.model, chosen)).order_by(asked.c.key, *order)
    return found if many.link is None or many.link.through is not None else found.where(here)


def with_links(found: Select[Any], columns: Sequence[str], links: Sequence[Joined]) -> Select[Any]:
    """The columns of a page, and those of its linked rows as `link.column`."""
    rows = found.subquery("page")
    whole: FromClause = rows
    sources = {"": rows} | {link.name: link.rows for link in links}
    for link in links:
        whole = whole.outerjoin(link.rows, link.rows.c.id == sources[link.of].c[link.link])
    beside = [each.label(f"{link.name}.{each.name}") for link in links for each in link.rows.c]
    return select(*(rows.c[name] for name in columns), *beside).select_from(whole).order_by(rows.c.place, rows.c.nth)


def totals(many: Many, reader: Reader, parents: Parents) -> Select[Any]:
    """How many rows each parent has that has any: `parent` and `total`."""
    columns = {"parent": _parent(many.link), "total": func.count()}
    counted = _of(parents, many.link, _listed(many, columns, reader))
    return counted if many.link is None else counted.group_by(many.link.parent)


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


def _listed(many: Many, columns: Columns, reader: Reader) -> Select[Any]:
    """The rows that the list is about, of whatever parent and page."""
    return _through(visible_rows(many.resource, columns, reader).where(*many.where), many.link)


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
