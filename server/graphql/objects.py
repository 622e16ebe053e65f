"""Objects by their ids, as the fields of a document select them: compiled like queries are, and read as JSON.

They stand in the payloads of mutations and in the events of subscriptions. They are read in a snapshot of their own
(`after`), or on the connection of an open transaction (`within`), which sees what was flushed there.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from graphql import GraphQLError
from sqlalchemy.ext.asyncio import AsyncSession

from server.direct import Steps
from server.errors import InvalidArgument
from server.graphql.context import Context
from server.graphql.fast import OUTLINES, PROGRAMS, recent
from server.graphql.program import Outline, Program, Request, Roots, outline_of
from server.graphql.selected import Execution, Nodes
from server.reads.levels import Reading, key_of
from server.reads.prepared import CALLER, CannotPrepareError, Values
from server.reads.selection import MAX_ROWS
from server.reads.within import run_within

Objects = dict[str, dict[UUID, str]]
"""The JSON of every visible object, by response key and id."""


@dataclass(slots=True)
class Selected:
    """What a document selects of objects of one type: the nodes under each response key, as its directives' variables
    have them."""

    type_name: str
    nodes: Mapping[str, Nodes]
    outlines: "OrderedDict[object, Outline | None]" = field(default_factory=OrderedDict)

    def reader(self, execution: Execution, context: Context, most: int = 1) -> "ObjectReader | None":
        """What reads up to `most` objects for this caller; None when only `fetch` can, with its errors."""
        try:
            return self._reader(execution, context, most)
        except (CannotPrepareError, GraphQLError, InvalidArgument):
            return None

    def _reader(self, execution: Execution, context: Context, most: int) -> "ObjectReader | None":
        caller, dialect = context.caller, context.database.direct.dialect
        if caller.id is None:
            return None

        def request() -> Request:
            roots = Roots(self.nodes, dict.fromkeys(self.nodes, "nodes"))
            return _Request(execution, roots, context.reader, self.type_name)

        key = caller.right, dialect.name
        outline = recent(self.outlines, key, OUTLINES, lambda: outline_of(request(), dialect))
        if outline is None:
            return None
        shape, conditions = request().arguments(outline) if outline.lists else ((), ())
        program = recent(outline.programs, shape, PROGRAMS, lambda: request().program(dialect))
        if program.cost * most > MAX_ROWS:
            return None
        return ObjectReader(program, self.type_name, context, Values(caller.id, context.now, conditions))


class _Request(Request):
    """A request for objects whose ids are not known yet."""

    def __init__(self, execution: Execution, roots: Roots, reader: Any, type_name: str) -> None:
        self._type_name = type_name
        super().__init__(execution, roots, reader)

    def _ids(self, _key: str, _name: str, _caller: Any) -> list[tuple[str, UUID]]:
        return [(self._type_name, CALLER)]


@dataclass(frozen=True, slots=True)
class ObjectReader:
    """A program with one caller's values."""

    program: Program
    type_name: str
    context: Context
    values: Values

    async def after(self, ids: Iterable[UUID]) -> Objects:
        """The objects as they are now; SurpriseError when one of them cannot be written."""
        wanted, database = list(ids), self.context.database
        if not self.program.roots:
            return {}
        if self.program.single and not database.is_sqlite:
            return await self.context.together.readings.run(database.direct, self._steps(wanted))  # type: ignore[no-any-return]
        return await database.direct.run(lambda: self._steps(wanted), single=self.program.single)  # type: ignore[no-any-return]

    async def within(self, session: AsyncSession, ids: Iterable[UUID]) -> Objects:
        """The objects as they are in the transaction of a session, which has been flushed."""
        return await run_within(session, self._steps(list(ids))) if self.program.roots else {}

    def _steps(self, ids: list[UUID]) -> Steps:
        reading = Reading(self.context.reader, self.values)
        dialect = self.context.database.direct.dialect
        keys = {key_of(id, dialect): id for id in ids}
        found: Objects = {}
        for root in self.program.roots:
            levels: Any = root.level
            rows = yield from levels[self.type_name].run(list(keys), reading)
            found[root.key] = {keys[key]: row for key, row in rows.items()}
        return found
