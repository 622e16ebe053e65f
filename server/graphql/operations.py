"""Runs GraphQL operations for every transport: from a well-formed request to the bytes of its answer."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable

from graphql import (
    DirectiveLocation,
    ExecutionResult,
    GraphQLDirective,
    GraphQLError,
    GraphQLSchema,
    OperationType,
    execute,
)
from strawberry import Schema

from server.errors import SamverkanError
from server.graphql.answers import Answer, answer_of, encoded, refusal, with_cost
from server.graphql.context import Context
from server.graphql.documents import Definition, Document, DocumentRefusedError, Documents
from server.graphql.errors import field_errors
from server.graphql.fast import FastPath
from server.graphql.following import NothingToTell
from server.graphql.limits.admission import Admission
from server.graphql.limits.bounds import Bounds
from server.graphql.limits.guard import Limits
from server.graphql.limits.introspection import Introspection
from server.graphql.mutation import ABOUT_LOGINS
from server.graphql.mutation_path import MutationPath
from server.graphql.subscriptions import Execution, Renewed, begun
from server.graphql.telling import Teller, Tellers
from server.graphql.transport.request import GraphQLRequest
from server.observability.operations import Watch
from server.observability.records import fast_path

COMPILED_AT_ONCE = 500
"""Characters of a document that is compiled the first time it is seen. Compiling a longer one costs more than the
ordinary executor does, and would be for nothing if every request brought another."""
EVENTS_AT_ONCE = 20
"""Thousands of subscriptions may hear of the same change: they take turns, so that queries and mutations go on."""


@dataclass(slots=True)
class Operation:
    """What is to be run: a request, its valid document, and the operation that it names."""

    asked: GraphQLRequest
    document: Document
    definition: Definition
    cost: int
    worth_compiling: bool

    @property
    def kind(self) -> OperationType:
        return self.definition.node.operation


SILENCE = Answer(b"")
"""To an event that its subscriber hears nothing of."""


class Operations:
    """The operations of one schema, within `limits`."""

    def __init__(
        self, schema: Schema, limits: Limits | None = None, watch: Watch | None = None,
        admission: Admission | None = None, bounds: Bounds | None = None,
    ) -> None:
        readable_by_old_clients(schema._schema)
        self._watch = watch or Watch()
        self._admission = admission or Admission()
        self._bounds = bounds or Bounds()
        self._turns = asyncio.Semaphore(EVENTS_AT_ONCE)
        self._schema = schema
        self._fast = FastPath(schema._schema)
        self._mutations = MutationPath(schema)
        self._tellers = Tellers(schema._schema)
        self._introspection = Introspection(schema._schema)
        self._documents = Documents(schema._schema, limits or Limits())

    async def prepared(self, asked: GraphQLRequest, context: Context) -> Operation:
        """The operation that is asked for; DocumentRefusedError when it is not accepted."""
        text = await self._admission.text(asked, context)
        known = self._documents.known(text)
        if known is None:
            await self._admission.new(text, context)
        document = known or self._documents.of(text)
        definition = document.operation(asked.operation_name)
        cost = await self._admission.cost(definition, asked, context)
        worth_compiling = known is not None or len(text) <= COMPILED_AT_ONCE
        return Operation(asked, document, definition, cost, worth_compiling)

    async def answer(self, operation: Operation, context: Context) -> Answer:
        """Runs a query or a mutation."""
        answer = await self._run(operation, context, lambda: self._answered(operation, context))
        return with_cost(answer, operation.cost, self._admission.max_cost) if operation.asked.wants_cost else answer

    async def _run(
        self, operation: Operation, context: Context, work: Callable[[], Awaitable[Answer]], *, patient: bool = False
    ) -> Answer:
        """Does the work within the bounds, watched."""
        known = operation.definition
        with self._watch.operation(
            operation.kind.value, known.name, operation.document.text, known.roots, lambda: context.operator_id
        ) as record:
            record.cost = operation.cost
            try:
                return await self._bounds.run(work, patient=patient)
            except DocumentRefusedError as stopped:
                return refusal(stopped.errors, stopped.status, stopped.headers)

    async def _answered(self, operation: Operation, context: Context) -> Answer:
        asked, document, node = operation.asked, operation.document, operation.definition.node
        if operation.definition.introspects:
            told = self._introspection.answer(document, node, asked.variables)
            if told is not None:
                return Answer(encoded({"data": told}))
        compiles = context.settings.fast_path and operation.worth_compiling
        if operation.kind is OperationType.MUTATION:
            return await self._changed(operation, context, compiles=compiles)
        if compiles and (body := await self._fast.answer(document, node, asked.variables, context)):
            fast_path()
            return Answer(body)
        return answer_of(await self._executed(operation, context))

    async def _changed(self, operation: Operation, context: Context, *, compiles: bool) -> Answer:
        """The answer to a mutation."""
        asked = operation.asked
        try:
            if compiles:
                run = self._mutations.run(operation.document, operation.definition.node, asked.variables, context)
                if (result := await run) is not None:
                    fast_path()
                    return answer_of(result)
            return answer_of(await self._executed(operation, context))
        finally:
            if context.logins is not None and not operation.definition.roots.isdisjoint(ABOUT_LOGINS):
                context.logins.forget_callers()

    async def subscribe(
        self, operation: Operation, context: Context, renewed: Renewed
    ) -> AsyncGenerator[Answer, None]:
        """Runs a subscription: an answer per event, in a context of its own; an answer that was not executed is the
        last one."""
        asked = operation.asked
        teller = partial(
            Teller, self._tellers, operation.document, operation.definition.node, asked.variables,
            worth_compiling=operation.worth_compiling,
        )
        events = await begun(
            self._schema, operation.document, asked.variables, asked.operation_name, context, teller
        )
        if isinstance(events, ExecutionResult):
            yield answer_of(events)
            return
        async with aclosing(events.executions()) as executions:
            try:
                async for execution in executions:
                    async with self._turns:
                        own = await renewed()
                        event = partial(self._event, operation, execution, own)
                        answer = await self._run(operation, own, event, patient=True)
                    if answer is not SILENCE:
                        yield answer
                    if not answer.executed:
                        return
            except SamverkanError as error:
                yield refusal(field_errors([GraphQLError(str(error), original_error=error)]))

    async def _event(self, operation: Operation, execution: Execution, context: Context) -> Answer:
        """The answer to one event, which costs what the operation costs."""
        await self._admission.spend(context, operation.cost)
        try:
            result = await execution(context)
        except NothingToTell:
            return SILENCE
        return Answer(result) if isinstance(result, bytes) else answer_of(result)

    async def _executed(self, operation: Operation, context: Context) -> ExecutionResult:
        """Strawberry's resolvers, executed without its second parsing, validation and logging of every refusal."""
        result = execute(
            self._schema._schema, operation.document.ast, variable_values=operation.asked.variables,
            operation_name=operation.asked.operation_name, context_value=context,
            executor_class=self._schema.execution_context_class,
        )
        return await result if isawaitable(result) else result


def readable_by_old_clients(schema: GraphQLSchema) -> None:
    """graphql-core 3.3 announces a directive location that clients built on graphql-js 16 or graphql-core 3.2 do not
    know and stop at; no document can use it, so it is left out of the introspection."""
    new = DirectiveLocation.DIRECTIVE_DEFINITION
    schema.directives = tuple(
        GraphQLDirective(
            directive.name, [location for location in directive.locations if location is not new],
            args=directive.args, is_repeatable=directive.is_repeatable, description=directive.description,
        )
        for directive in schema.directives
    )
