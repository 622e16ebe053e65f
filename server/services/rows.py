"""Writing many rows with one statement: its SQL, and how its values are converted, are worked out once."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Dialect, Enum, Table, bindparam, insert, literal_column, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.reads.within import fetch

Row = Mapping[str, Any]
ID, REVISION = "row_id", "row_revision"
"""What says which row is updated."""


class Written:
    """A statement for rows that all have the same columns: its text, and the values of each, or all of them as JSON."""

    def __init__(self, text: str, values: Callable[[Iterable[Row]], Any], defaults: Mapping[str, Any]) -> None:
        self._text, self._values, self._defaults = text, values, defaults

    async def run(self, session: AsyncSession, rows: Iterable[Row]) -> None:
        """Writes the rows past the session: what that holds in memory does not change."""
        if self._defaults:
            rows = [self._absent() | {**row} for row in rows]
        values = self._values(rows)
        if isinstance(values, str):
            await fetch(session, self._text, [values])
        else:
            connection = await session.connection()
            await connection.run_sync(lambda sync: sync.exec_driver_sql(self._text, values))
            await asyncio.sleep(0)  # others go on before the next statement holds the event loop

    def _absent(self) -> dict[str, Any]:
        return {name: each(None) if callable(each) else each for name, each in self._defaults.items()}


async def insert_rows(session: AsyncSession, kind: Any, rows: Sequence[Row], *, unless_there: bool = False) -> None:
    """Inserts rows of one kind, all with the same columns; what they leave out has its default. `unless_there`: rows
    that are there already stay as they are."""
    if rows:
        await _insert(kind.__table__, tuple(rows[0]), session.get_bind().dialect, unless_there).run(session, rows)


async def update_rows(session: AsyncSession, kind: Any, keys: Iterable[str], rows: Sequence[Row]) -> None:
    """Sets the columns `keys` of rows that have the revision which is given, and gives them the next one."""
    if rows:
        await _update(kind.__table__, tuple(keys), session.get_bind().dialect).run(session, rows)


@lru_cache(maxsize=200)
def _insert(table: Table, keys: tuple[str, ...], dialect: Dialect, unless_there: bool) -> Written:
    absent: Any = [each for each in table.c if each.default is not None and each.key not in keys]
    defaults = {each.key: each.default.arg for each in absent}
    keys, ending = (*keys, *defaults), " ON CONFLICT DO NOTHING" if unless_there else ""
    if dialect.name == "postgresql":
        quote = dialect.identifier_preparer.quote
        names, given = ", ".join(map(quote, keys)), _given({key: table.c[key] for key in keys}, dialect)
        text = f"INSERT INTO {quote(table.name)} ({names}) SELECT {names} FROM {given}{ending}"  # noqa: S608  # ours
        return Written(text, _json, defaults)
    return _one_by_one(insert(table), keys, dialect, defaults, ending)


@lru_cache(maxsize=200)
def _update(table: Table, keys: tuple[str, ...], dialect: Dialect) -> Written:
    if dialect.name == "postgresql":
        quote = dialect.identifier_preparer.quote
        name, sets = quote(table.name), ", ".join(f"{quote(key)} = given.{quote(key)}" for key in keys)
        given = _given({ID: table.c.id, REVISION: table.c.revision} | {key: table.c[key] for key in keys}, dialect)
        which = f"{name}.id = given.{ID} AND {name}.revision = given.{REVISION}"
        text = f"UPDATE {name} SET {sets}, revision = {name}.revision + 1 FROM {given} WHERE {which}"  # noqa: S608
        return Written(text, _json, {})
    theirs = (table.c.id == bindparam(ID), table.c.revision == bindparam(REVISION))
    values: dict[str, Any] = {key: bindparam(key) for key in keys}
    values["revision"] = table.c.revision + literal_column("1")
    return _one_by_one(update(table).where(*theirs).values(values), (*keys, ID, REVISION), dialect, {}, "")


def _given(columns: Mapping[str, Any], dialect: Dialect) -> str:
    """The rows as PostgreSQL takes them: all in one value, so that the statement is the same for any number of them and
    runs once, and the driver has nothing to convert."""
    quote = dialect.identifier_preparer.quote
    types = ", ".join(f"{quote(key)} {column.type.compile(dialect=dialect)}" for key, column in columns.items())
    return f"json_to_recordset(CAST($1::text AS json)) AS given({types})"


def _json(rows: Iterable[Row]) -> str:
    return orjson.dumps(list(rows), default=str).decode()


def _one_by_one(
    statement: Any, keys: Sequence[str], dialect: Dialect, defaults: Mapping[str, Any], ending: str
) -> Written:
    """SQLite takes the rows one after the other, as its columns hold them; enums are their own names."""
    compiled: Any = statement.compile(dialect=dialect, column_keys=keys)
    columns = [
        (name, None if isinstance(kind := compiled.binds[name].type, Enum) else kind._cached_bind_processor(dialect))
        for name in compiled.positiontup
    ]
    return Written(compiled.string + ending, lambda rows: [
        tuple([convert(row[name]) if convert else row[name] for name, convert in columns]) for row in rows
    ], defaults)
