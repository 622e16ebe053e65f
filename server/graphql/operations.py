"""Runs GraphQL operations for every transport: from a well-formed request to the bytes of its answer."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from inspect import isawaitable
from typing import Any

import orjson
from graphql import (
    DirectiveLocation,
    ExecutionResult,
    GraphQLDirective,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    execute,
)
from strawberry import Schema

from server.errors import SamverkanError
from server.graphql.context import Context
from server.graphql.documents import Document, DocumentRefusedError, Documents
from server.graphql.errors import Formatted, Headers, bug, document_errors, field_errors
from server.graphql.fast import FastPath
from server.graphql.limits.admission import Admission
from server.graphql.limits.bounds import Bounds
from server.graphql.limits.cost import INTROSPECTION
from server.graphql.limits.guard import Limits
from server.graphql.limits.introspection import Introspection
from server.graphql.subscriptions import Execution, NothingToTell, Renewed, begun
from server.graphql.transport.request import GraphQLRequest
from server.observability.operations import Watch
from server.observability.records import end_with, fast_path

COMPILED_AT_ONCE = 500
"""Characters of a document that is compiled the first time it is seen. Compiling a longer one costs more than the
ordinary executor does, and would be for nothing if every request brought another."""
EVENTS_AT_ONCE = 20
"""Thousands of subscriptions may hear of the same change: they take turns, so that queries and mutations go on."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What is to be run: a request, its valid document, and the operation that it names."""

    asked: GraphQLRequest
    document: Document
    definition: OperationDefinitionNode
    cost: int
    worth_compiling: bool

    @property
    def kind(self) -> OperationType:
        return self.definition.operation

    @property
    def name(self) -> str:
        return self.definition.name.value if self.definition.name else ""

    @property
    def introspects(self) -> bool:
        """Whether it asks for the schema, and then for nothing else."""
        return not self.document.roots[self.name].isdisjoint(INTROSPECTION)

    @property
    def described(self) -> tuple[str, str, str, frozenset[str]]:
        """Kind, name and text, and the names of its root fields, as the schema has them."""
        return self.kind.value, self.name, self.document.text, self.document.roots[self.name]


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON of a response; `executed` tells whether anything ran, or the variables were refused. `status` is what
    HTTP says where the media type and `executed` do not tell, `headers` go with it."""

    body: bytes
    executed: bool = True
    status: int | None = None
    headers: Headers = ()


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
        cost = await self._admission.cost(document, definition, asked, context)
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
        with self._watch.operation(*operation.described, lambda: context.operator_id) as record:
            record.cost = operation.cost
            try:
                return await self._bounds.run(work, patient=patient)
            except DocumentRefusedError as stopped:
                return refusal(stopped.errors, stopped.status, stopped.headers)

    async def _answered(self, operation: Operation, context: Context) -> Answer:
        if operation.introspects:
            told = self._introspection.answer(operation.document, operation.definition, operation.asked.variables)
            if told is not None:
                return Answer(encoded({"data": told}))
        if context.settings.fast_path and operation.worth_compiling:
            asked = operation.asked
            if body := await self._fast.answer(operation.document, operation.definition, asked.variables, context):
                fast_path()
                return Answer(body)
        answer = answer_of(await self._executed(operation, context))
        if operation.kind is OperationType.MUTATION and context.logins is not None:
            context.logins.forget_callers()  # it may have ended logins
        return answer

    async def subscribe(
        self, operation: Operation, context: Context, renewed: Renewed
    ) -> AsyncGenerator[Answer, None]:
        """Runs a subscription: an answer per event, in a context of its own; an answer that was not executed is the
        last one."""
        asked = operation.asked
        events = await begun(self._schema, operation.document.ast, asked.variables, asked.operation_name, context)
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
        result = await execution(context)
        unheard = any(isinstance(error.original_error, NothingToTell) for error in result.errors or ())
        return SILENCE if unheard else answer_of(result)

    async def _executed(self, operation: Operation, context: Context) -> ExecutionResult:
        """Strawberry's resolvers, executed without its second parsing, validation and logging of every refusal."""
        result = execute(
            self._schema._schema, operation.document.ast, variable_values=operation.asked.variables,
            operation_name=operation.asked.operation_name, context_value=context,
            executor_class=self._schema.execution_context_class,
        )
        return await result if isawaitable(result) else result


def answer_of(result: ExecutionResult) -> Answer:
    if result.data is None and result.errors and all(error.path is None for error in result.errors):
        errors = ended_with(document_errors(result.errors, "BAD_USER_INPUT"))  # the variables do not fit
        return Answer(encoded({"errors": errors}), executed=False)
    errors_of = {"errors": ended_with(field_errors(result.errors))} if result.errors else {}
    return Answer(encoded({"data": result.data, **errors_of}))


def with_cost(answer: Answer, cost: int, limit: int) -> Answer:
    """The answer, which also says what its operation cost."""
    extensions = encoded({"extensions": {"cost": {"requested": cost, "limit": limit}}})
    return replace(answer, body=answer.body[:-1] + b"," + extensions[1:])


def refusal(errors: list[Formatted], status: int | None = None, headers: Headers = ()) -> Answer:
    """The answer to what was not run at all."""
    return Answer(encoded({"errors": ended_with(errors)}), executed=False, status=status, headers=headers)


def ended_with(errors: list[Formatted]) -> list[Formatted]:
    """The errors, of which the first one says in metrics and logs how the operation ended."""
    end_with(errors[0]["extensions"]["code"])
    return errors


def masked(error: Exception) -> Answer:
    """The answer to what ended in a bug outside of any field."""
    message, extensions = bug(error)
    return refusal([{"message": message, "extensions": extensions}], 500)


def encoded(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:  # an integer of more than 64 bits
        return json.dumps(body).encode()


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
