"""Subscriptions: a source of events, and one answer to each of them."""

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable
from typing import Any

from graphql import ExecutionResult, Executor, create_source_event_stream
from graphql.execution import execute_subscription_event
from strawberry import Schema

from server.graphql.context import Context
from server.graphql.documents import Document
from server.graphql.following import Happened, NothingToTell
from server.graphql.telling import Teller
from server.observability.records import fast_path

Renewed = Callable[[], Awaitable[Context]]
"""Gives a context for the next event: what was true of the caller and the time at the first may have changed."""
Execution = Callable[[Context], Awaitable[ExecutionResult | bytes]]
"""Gives the JSON of the answer, or what becomes one; NothingToTell when the subscriber hears nothing."""


@dataclass(frozen=True, slots=True)
class Events:
    """The source of a subscription that has begun."""

    executor: Executor[Any]
    source: AsyncIterable[Any]
    teller: Teller

    async def executions(self) -> AsyncGenerator[Execution, None]:
        """What is to be run for each event; the source is closed at the end."""
        try:
            async for event in self.source:
                yield partial(self._execute, event)
        finally:
            if close := getattr(self.source, "aclose", None):
                await close()

    async def _execute(self, event: Any, context: Context) -> ExecutionResult | bytes:
        compiled = isinstance(event, Happened) and context.settings.fast_path
        if compiled and (body := await self.teller.answer(event, context)):
            fast_path()
            return body
        executor = self.executor.build_per_event_executor(event)
        executor.context_value = context
        result = execute_subscription_event(executor)
        result = await result if isawaitable(result) else result
        for error in result.errors or ():
            if isinstance(error.original_error, NothingToTell):
                raise error.original_error
        return result


async def begun(
    schema: Schema, document: Document, variables: dict[str, Any], name: str | None, context: Context,
    teller: Callable[[], Teller],
) -> Events | ExecutionResult:
    """The events of a subscription and its teller, or why it does not begin."""
    executor = schema.execution_context_class.build(
        schema._schema, document.ast, context_value=context, raw_variable_values=variables, operation_name=name
    )
    if isinstance(executor, list):
        return ExecutionResult(None, executor)
    source = create_source_event_stream(executor)
    source = await source if isawaitable(source) else source
    return source if isinstance(source, ExecutionResult) else Events(executor, source, teller())
