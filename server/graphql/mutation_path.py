"""Mutations without graphql-core's executor: operations whose root fields are all made by `change(…)`.

Whatever is unusual is left to the ordinary executor before anything is done: a stranger, an argument that does not fit,
a selection that no program can read. What was done is not done again: where its answer cannot be written here, the
executor writes it from the payload, and says what is wrong where.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any
from uuid import UUID

import orjson
import structlog
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLField,
    OperationDefinitionNode,
    OperationType,
    execute,
    get_argument_values,
    located_error,
)
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry import Schema

from server.graphql.context import Context
from server.graphql.converting import Convert, converter_of
from server.graphql.documents import Document
from server.graphql.fast import OPERATIONS, OUTLINES, recent
from server.graphql.limits.guard import fragments_of
from server.graphql.mutations.running import Change
from server.graphql.objects import ObjectReader
from server.graphql.payloads import Payload, Payloads
from server.graphql.planner import Planner, definition_of
from server.graphql.reading import fetch_rows
from server.graphql.resolving import Left
from server.graphql.selected import Execution, Nodes, fields_of, switches_of
from server.reads.prepared import CannotPrepareError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Root:
    """A root field of an operation: what it does, and where it stands."""

    key: str
    nodes: Nodes
    field: GraphQLField
    change: Change[Any]
    convert: Convert
    alone: Left

    @property
    def name(self) -> str:
        return self.nodes[0].name.value


@dataclass(slots=True)
class Known:
    """What is known of one operation, whoever runs it: its root fields by the values of its switches."""

    document: Document
    switches: tuple[str, ...]
    fragments: Any
    roots: "OrderedDict[object, Sequence[Root]]" = field(default_factory=OrderedDict)


@dataclass(frozen=True, slots=True)
class Task:
    """One root field of a request, ready to be done."""

    root: Root
    execution: Execution
    input: Any
    payload: Payload
    reader: ObjectReader

    async def run(self, context: Context) -> "Done":
        """What was done or refused; raises what the act raises."""
        done = Done()

        async def read(session: AsyncSession | None, id: UUID) -> dict[str, Any]:
            found: Mapping[str, Mapping[UUID, Any]]
            try:
                found = await (self.reader.within(session, [id]) if session else self.reader.after([id]))
            except Exception:  # whatever it is, the executor says it better
                done.needs_executor = True
                selected, planner = self.payload.selected, Planner(self.execution, context.reader)
                async with nullcontext(session) if session else context.database.reading() as own:
                    found = await fetch_rows(planner, own, selected.type_name, selected.nodes, {id})
            return {key: rows.get(id) for key, rows in found.items()}

        done.payload = await self.root.change.run(context, self.root.name, self.input, read)
        return done


@dataclass(slots=True)
class Done:
    """The payload of a mutation. Its object is rows for the executor where no program could read it."""

    payload: Any = None
    needs_executor: bool = False


class MutationPath:
    """Runs the mutations of one schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._payloads = Payloads()
        self._known: OrderedDict[object, Known] = OrderedDict()

    async def run(
        self, document: Document, operation: OperationDefinitionNode, variables: dict[str, Any], context: Context
    ) -> ExecutionResult | None:
        """What was done, one root field after the other; None when nothing was, and the executor has to."""
        if operation.operation is not OperationType.MUTATION or context.visitor is None or context.visitor.id is None:
            return None
        try:
            tasks = self._tasks(document, operation, variables, context)
        except (CannotPrepareError, GraphQLError):
            return None
        except Exception as error:
            log.warning("mutation_path_failed", error=type(error).__name__)
            return None
        data: dict[str, Any] = {}
        errors: list[GraphQLError] = []
        for task in tasks:
            data[task.root.key] = await self._answer(task, variables, context, errors)
        return ExecutionResult(data, errors or None)

    def _tasks(
        self, document: Document, operation: OperationDefinitionNode, variables: dict[str, Any], context: Context
    ) -> Sequence[Task]:
        """What is to be done; CannotPrepareError or GraphQLError when it cannot be done here."""
        coerced = document.values(operation, variables)
        if coerced is None:
            raise CannotPrepareError
        known = recent(self._known, id(operation), OPERATIONS, lambda: _known(document))
        execution = Execution(self._schema._schema, known.fragments, coerced)
        flags = tuple(coerced.coerced.get(name) for name in known.switches)
        roots = recent(known.roots, flags, OUTLINES, lambda: self._roots(known, operation, execution))
        if not roots:
            raise CannotPrepareError
        return [self._task(root, execution, context) for root in roots]

    def _task(self, root: Root, execution: Execution, context: Context) -> Task:
        payload = self._payloads.under(execution, root.field.type, root.nodes)
        reader = payload.selected.reader(execution, context) if payload else None
        if payload is None or reader is None:
            raise CannotPrepareError
        given = get_argument_values(root.field, root.nodes[0], execution.variables)
        return Task(root, execution, root.convert(given["input"]), payload, reader)

    async def _answer(
        self, task: Task, variables: dict[str, Any], context: Context, errors: list[GraphQLError]
    ) -> Any:
        """The JSON of a payload; None beside an error."""
        root = task.root
        try:
            done = await task.run(context)
            if not done.needs_executor:
                return orjson.Fragment(task.payload.json(done.payload))
        except Exception as error:
            errors.append(located_error(error, root.nodes, [root.key]))
            return None
        result = await self._executed(root, done.payload, variables, context)
        errors += result.errors or []
        return result.data and result.data[root.key]

    async def _executed(
        self, root: Root, payload: Any, variables: dict[str, Any], context: Context
    ) -> ExecutionResult:
        """The answer of a root field whose payload is there, by the ordinary executor."""
        executor = self._schema.execution_context_class
        result = execute(
            self._schema._schema, root.alone.document, payload, context, variables, executor_class=executor
        )
        return await result if isawaitable(result) else result

    def _roots(self, known: Known, operation: OperationDefinitionNode, execution: Execution) -> Sequence[Root]:
        """The root fields in their order; none when one of them is not made by `change`."""
        type_: Any = execution.schema.mutation_type
        roots = []
        for key, nodes in fields_of(execution, type_.name, operation.selection_set).items():
            field = type_.fields.get(nodes[0].name.value)
            resolver = definition_of(field).base_resolver if field else None
            change = getattr(resolver.wrapped_func, "change", None) if resolver else None
            if change is None:
                return []
            [argument] = definition_of(field).arguments
            alone = Left.of(known.document.ast, operation, {key: nodes})
            roots.append(Root(key, nodes, field, change, converter_of(argument.type, self._schema), alone))
        return roots


def _known(document: Document) -> Known:
    return Known(document, switches_of(document.ast), fragments_of(document.ast))
