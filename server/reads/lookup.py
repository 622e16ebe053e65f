"""Rows by a statement that is written once and runs on the driver: for what every request looks up."""

from typing import Any

from sqlalchemy import Select

from server.direct import DirectReads, Steps
from server.reads.prepared import python_of


class Lookup:
    """A statement whose values are parameters with a name (`bindparam`)."""

    def __init__(self, statement: Select[*tuple[Any, ...]], direct: DirectReads) -> None:
        compiled: Any = statement.compile(dialect=direct.dialect)
        self._direct = direct
        self._text = compiled.string
        self._parameters = [
            (name, compiled.binds[name].type._cached_bind_processor(direct.dialect)) for name in compiled.positiontup
        ]
        self._readers = [python_of(column.type, direct.dialect) for column in statement.selected_columns]

    async def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """The rows, as Python's values."""
        arguments = [convert(values[name]) if convert else values[name] for name, convert in self._parameters]

        def read() -> Steps:
            return (yield self._text, arguments)

        return [
            tuple(value if convert is None else convert(value)
                  for value, convert in zip(row, self._readers, strict=True))
            for row in await self._direct.run(read, single=True)
        ]
