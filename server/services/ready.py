"""Queries of the main job whose SQL is written once, and which run on the driver: they give rows, not objects."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Dialect, Enum, Select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeEngine

from server.reads.within import fetch


class Ready:
    """A query that is given its values by their names."""

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        self._statement = statement
        self._written: dict[str, _Written] = {}

    async def rows(self, session: AsyncSession, **values: Any) -> list[list[Any]]:
        dialect = session.get_bind().dialect
        if (written := self._written.get(dialect.name)) is None:
            written = self._written[dialect.name] = _Written(self._statement, dialect)
        return written.read(await fetch(session, written.text, written.arguments(values)))


class _Written:
    """A query as one kind of database takes it."""

    def __init__(self, statement: Select[*tuple[Any, ...]], dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        binds = [(name, compiled.binds[name]) for name in compiled.positiontup]
        self.text: str = compiled.string
        self._fixed = {name: bind.value for name, bind in binds if not bind.required}
        self._binds = [(name, bind.type._cached_bind_processor(dialect)) for name, bind in binds]
        kinds = [_python_of(column.type, dialect) for column in statement.selected_columns]
        self._kinds = [(place, convert) for place, convert in enumerate(kinds) if convert]

    def arguments(self, values: dict[str, Any]) -> list[Any]:
        given = self._fixed | values
        return [convert(given[name]) if convert else given[name] for name, convert in self._binds]

    def read(self, found: Sequence[Any]) -> list[list[Any]]:
        rows = [list(row) for row in found]
        for place, convert in self._kinds:
            for row in rows:
                row[place] = convert(row[place])
        return rows


def _python_of(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    if isinstance(kind, Enum) and kind.enum_class:  # stored by their names
        members: dict[Any, Any] = {None: None, **kind.enum_class.__members__}
        return members.__getitem__
    return kind._cached_result_processor(dialect, None)
