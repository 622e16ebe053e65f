"""Root fields that have no program, beside those that have: the ordinary executor resolves them alone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from inspect import isawaitable
from typing import Any

import orjson
from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode, SelectionSetNode, execute

from server.graphql.context import Context
from server.graphql.selected import Nodes
from server.reads.assembly import SurpriseError


@dataclass(frozen=True, slots=True)
class Left:
    """The part of an operation that is left to the executor: the response keys of its root fields, and a document."""

    keys: frozenset[str]
    document: DocumentNode

    @classmethod
    def of(cls, document: DocumentNode, operation: OperationDefinitionNode, nodes: Mapping[str, Nodes]) -> "Left":
        fields = SelectionSetNode(selections=tuple(node for same in nodes.values() for node in same))
        others = (each for each in document.definitions if not isinstance(each, OperationDefinitionNode))
        alone = DocumentNode(definitions=(replace(operation, selection_set=fields), *others))
        return cls(frozenset(nodes), alone)


async def resolved(
    schema: GraphQLSchema, left: Left, variables: dict[str, Any], context: Context, rows: int
) -> Mapping[str, str]:
    """The JSON of every root field, when the others ask for so many rows; SurpriseError when there is any error."""
    own: Any = schema
    result = execute(
        schema, left.document, variable_values=variables, context_value=replace(context, planned_rows=rows),
        executor_class=own._strawberry_schema.execution_context_class,
    )
    result = await result if isawaitable(result) else result
    if result.errors or result.data is None:
        raise SurpriseError
    try:
        return {key: orjson.dumps(value).decode() for key, value in result.data.items()}
    except TypeError:  # an integer of more than 64 bits
        raise SurpriseError from None
