"""Subscriptions: a source of events, and one execution for each of them."""

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable
from typing import Any

from graphql import DocumentNode, ExecutionResult, Executor, create_source_event_stream
from graphql.execution import execute_subscription_event
from strawberry import Schema

from server.graphql.context import Context

Renewed = Callable[[], Awaitable[Context]]
"""Gives a context for the next event: what was true of the caller and the time at the first may have changed."""
Execution = Callable[[Context], Awaitable[ExecutionResult]]


class NothingToTell(Exception):
    """The subscriber must not hear of this event, and hears nothing."""


@dataclass(frozen=True, slots=True)
class Events:
    """The source of a subscription that has begun."""

    executor: Executor[Any]
    source: AsyncIterable[Any]

    async def executions(self) -> AsyncGenerator[Execution, None]:
        """What is to be run for each event; the source is closed at the end."""
        try:
            async for event in self.source:
                yield partial(self._execute, event)
        finally:
            if close := getattr(self.source, "aclose", None):
                await close()

    async def _execute(self, event: Any, context: Context) -> ExecutionResult:
        executor = self.executor.build_per_event_executor(event)
        executor.context_value = context
        result = execute_subscription_event(executor)
        return await result if isawaitable(result) else result


async def begun(
    schema: Schema, document: DocumentNode, variables: dict[str, Any], name: str | None, context: Context
) -> Events | ExecutionResult:
    """The events of a subscription, or why it does not begin."""
    executor = schema.execution_context_class.build(
        schema._schema, document, context_value=context, raw_variable_values=variables, operation_name=name
    )
    if isinstance(executor, list):
        return ExecutionResult(None, executor)
    source = create_source_event_stream(executor)
    source = await source if isawaitable(source) else source
    return source if isinstance(source, ExecutionResult) else Events(executor, source)
