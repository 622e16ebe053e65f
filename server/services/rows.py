"""Writing many rows with one statement: its SQL, and how its values are converted, are worked out once."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Table, bindparam, insert, literal_column, update
from sqlalchemy.ext.asyncio import AsyncSession

Row = Mapping[str, Any]
ID, REVISION = "row_id", "row_revision"
"""What says which row is updated."""


class Written:
    """A statement for rows that all have the same columns; what they leave out has its default."""

    def __init__(self, statement: Any, table: Table, keys: Sequence[str], dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=keys)
        names = compiled.positiontup
        self._text: str = compiled.string
        self._columns = [(name, compiled.binds[name].type._cached_bind_processor(dialect)) for name in names]
        self._defaults = {name: table.c[name].default.arg for name in names if name not in keys}

    async def run(self, session: AsyncSession, rows: Iterable[Row]) -> None:
        """Writes the rows past the session: what that holds in memory does not change."""
        connection = await session.connection()
        values = [self._values(row) for row in rows]
        await connection.run_sync(lambda sync: sync.exec_driver_sql(self._text, values))

    def _values(self, row: Row) -> tuple[Any, ...]:
        if self._defaults:
            row = {name: each(None) if callable(each) else each for name, each in self._defaults.items()} | {**row}
        return tuple([convert(row[name]) if convert else row[name] for name, convert in self._columns])


async def insert_rows(session: AsyncSession, kind: Any, rows: Sequence[Row]) -> None:
    """Inserts rows of one kind, all with the same columns."""
    if rows:
        await _insert(kind.__table__, tuple(rows[0]), session.get_bind().dialect).run(session, rows)


async def update_rows(session: AsyncSession, kind: Any, keys: Iterable[str], rows: Sequence[Row]) -> None:
    """Sets the columns `keys` of rows that have the revision which is given, and gives them the next one."""
    if rows:
        await _update(kind.__table__, tuple(keys), session.get_bind().dialect).run(session, rows)


@lru_cache(maxsize=200)
def _insert(table: Table, keys: tuple[str, ...], dialect: Dialect) -> Written:
    return Written(insert(table), table, keys, dialect)


@lru_cache(maxsize=200)
def _update(table: Table, keys: tuple[str, ...], dialect: Dialect) -> Written:
    which = (table.c.id == bindparam(ID), table.c.revision == bindparam(REVISION))
    values: dict[str, Any] = {key: bindparam(key) for key in keys}
    values["revision"] = table.c.revision + literal_column("1")
    return Written(update(table).where(*which).values(values), table, [*keys, ID, REVISION], dialect)
