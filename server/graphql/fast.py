"""The fast path: whole query operations as programs of `server.reads`, beside the ordinary executor.

It gives answers without errors, or none at all: whatever it does not know, and whatever is not as it should be, it
leaves to the ordinary executor, which answers and says what is wrong where. Reading twice does no harm.

An operation is planned once for every right, every value of the variables in its directives and every type among its
ids: an outline. The arguments that variables give then choose among the outline's programs: arguments of equal shape
differ in values only, and share one.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode, OperationType
from graphql.execution.values import VariableValues
from sqlalchemy import Dialect

from server.errors import InvalidArgument
from server.graphql.context import Context
from server.graphql.documents import Document
from server.graphql.limits.guard import fragments_of
from server.graphql.program import Outline, Request, Roots, outline_of
from server.graphql.resolving import Left, resolved
from server.graphql.selected import Execution, switches_of
from server.observability.tracing import span
from server.reads.assembly import SurpriseError
from server.reads.levels import Reading
from server.reads.prepared import CannotPrepareError, Values
from server.reads.resource import Reader
from server.reads.selection import MAX_ROWS

log = structlog.get_logger(__name__)

OPERATIONS, OUTLINES, PROGRAMS = 500, 20, 50
"""How many operations are kept, how many outlines of each, and how many programs of each of those."""

V = TypeVar("V")


@dataclass(slots=True)
class Known:
    """What is known of one operation, whoever runs it."""

    document: Document
    switches: tuple[str, ...]
    fragments: Any
    roots: "OrderedDict[object, Roots]" = field(default_factory=OrderedDict)
    outlines: "OrderedDict[object, Outline | None]" = field(default_factory=OrderedDict)


class FastPath:
    """Answers the queries of one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._known: OrderedDict[object, Known] = OrderedDict()

    async def answer(
        self, document: Document, operation: OperationDefinitionNode, variables: dict[str, Any], context: Context
    ) -> bytes | None:
        """The JSON of the answer to a query; None when the ordinary executor has to answer."""
        if operation.operation is not OperationType.QUERY or context.visitor is None or context.visitor.id is None:
            return None
        try:
            return await self._answer(document, operation, variables, context)
        except (CannotPrepareError, SurpriseError, GraphQLError, InvalidArgument):
            return None
        except Exception as error:
            log.warning("fast_path_failed", error=type(error).__name__)
            return None

    async def _answer(
        self, document: Document, operation: OperationDefinitionNode, variables: dict[str, Any], context: Context
    ) -> bytes | None:
        if (coerced := document.values(operation, variables)) is None:
            return None
        with span("plan"):
            known = recent(self._known, id(operation), OPERATIONS, lambda: _known(document, operation))
            reader = context.reader
            request = self._request(known, operation, coerced, reader)
            direct, caller = context.database.direct, reader.caller
            key = (caller.right, direct.dialect.name, request.roots, request.types)
            outline = recent(known.outlines, key, OUTLINES, lambda: _outline(known, operation, request, direct.dialect))
            if outline is None or caller.id is None:
                return None
            shape, conditions = request.arguments(outline)
            program = recent(outline.programs, shape, PROGRAMS, lambda: request.program(direct.dialect, outline.left))
        if program.cost > MAX_ROWS:
            return None
        reading = Reading(reader, Values(caller.id, context.now, conditions))
        found = await direct.run(lambda: program.steps(reading, request.ids), single=program.single)
        if outline.left:
            found |= await resolved(self._schema, outline.left, variables, context, program.cost)
        data = ",".join([f'"{key}":{found[key]}' for key in request.roots.nodes])
        return f'{{"data":{{{data}}}}}'.encode()

    def _request(
        self, known: Known, operation: OperationDefinitionNode, variables: VariableValues, reader: Reader
    ) -> Request:
        execution = Execution(self._schema, known.fragments, variables)
        flags = tuple(variables.coerced.get(name) for name in known.switches)
        roots = recent(known.roots, flags, OUTLINES, lambda: Roots.of(operation, execution))
        return Request(execution, roots, reader)


def _known(document: Document, operation: OperationDefinitionNode) -> Known:
    return Known(document, switches_of(document.ast), fragments_of(document.ast))


def _outline(
    known: Known, operation: OperationDefinitionNode, request: Request, dialect: Dialect
) -> Outline | None:
    """Of the root fields that have a program, if any has; the others are left to the ordinary executor."""
    if whole := outline_of(request, dialect):
        return whole
    left = request.unknown(dialect)
    if len(left) == len(request.roots.nodes):
        return None
    return outline_of(request, dialect, Left.of(known.document.ast, operation, left))


def recent(kept: "OrderedDict[object, V]", key: object, most: int, make: Callable[[], V]) -> V:
    """What is kept under a key, or is made now; what was not used for longest goes."""
    if key in kept:
        kept.move_to_end(key)
        return kept[key]
    made = kept[key] = make()
    if len(kept) > most:
        kept.popitem(last=False)
    return made
