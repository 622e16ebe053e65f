"""Runs GraphQL operations for every transport: from a well-formed request to the bytes of its answer."""

import json
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

import orjson
from graphql import (
    DirectiveLocation,
    ExecutionResult,
    GraphQLDirective,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    execute,
)
from strawberry import Schema

from server.graphql.context import Context
from server.graphql.documents import Document, Documents
from server.graphql.errors import Formatted, document_errors, field_errors
from server.graphql.guard import Limits
from server.graphql.request import GraphQLRequest


@dataclass(frozen=True, slots=True)
class Operation:
    """What is to be run: a request, its valid document, and the operation that it names."""

    asked: GraphQLRequest
    document: Document
    definition: OperationDefinitionNode

    @property
    def kind(self) -> OperationType:
        return self.definition.operation


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON of a response; `executed` tells whether anything ran, or the variables were refused."""

    body: bytes
    executed: bool = True


class Operations:
    """The operations of one schema, within `limits`."""

    def __init__(self, schema: Schema, limits: Limits | None = None) -> None:
        readable_by_old_clients(schema._schema)
        self._schema = schema
        self._documents = Documents(schema._schema, limits or Limits())

    def prepared(self, asked: GraphQLRequest) -> Operation:
        """The operation that is asked for; DocumentRefusedError when its document is not accepted."""
        document = self._documents.of(asked.query)
        return Operation(asked, document, document.operation(asked.operation_name))

    async def answer(self, operation: Operation, context: Context) -> Answer:
        """Runs a query or a mutation."""
        return answer_of(await self._executed(operation, context))

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
        errors = document_errors(result.errors, "BAD_USER_INPUT")  # the variables do not fit
        return Answer(encoded({"errors": errors}), executed=False)
    errors_of = {"errors": field_errors(result.errors)} if result.errors else {}
    return Answer(encoded({"data": result.data, **errors_of}))


def refusal(errors: list[Formatted]) -> Answer:
    """The answer to what was not run at all."""
    return Answer(encoded({"errors": errors}), executed=False)


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
