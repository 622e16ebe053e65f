"""Documents by text: parsed, guarded, validated and priced once."""

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.values import VariableValues
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from server.graphql.errors import Formatted, Headers, document_errors
from server.graphql.limits import guard
from server.graphql.limits.cost import INTROSPECTION, price_of
from server.graphql.limits.cost_terms import Price
from server.graphql.variables import Variables
from server.observability import metrics

RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
MOST_ERRORS = 20
KEPT = 500
LONGEST_KEPT = 20_000
"""How many documents are kept, and the longest text of one, in characters."""

_NUL = re.compile(r"\0|\\u0000|\\u\{0+\}")


class DocumentRefusedError(Exception):
    """The operation is not run; `errors` say why. `status` and `headers` are HTTP's where it has words of its own."""

    def __init__(self, errors: list[Formatted], status: int | None = None, headers: Headers = ()) -> None:
        super().__init__()
        self.errors = errors
        self.status = status
        self.headers = headers


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """An operation as its document defines it, and what is known of it before anybody asks."""

    node: OperationDefinitionNode
    name: str
    roots: frozenset[str]
    """The names of its root fields, as the schema has them."""
    introspects: bool
    """Whether it asks for the schema."""
    price: Price
    variables: Variables


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A valid document, and its operations by name; the name of an anonymous one is empty."""

    text: str
    ast: DocumentNode
    operations: Mapping[str, Definition]

    def values(self, operation: OperationDefinitionNode, given: dict[str, Any]) -> VariableValues | None:
        """The variables of a request for one of its operations; None when they do not fit."""
        return self.operations[operation.name.value if operation.name else ""].variables.values(given)

    def operation(self, name: str | None) -> Definition:
        """The operation to run: the named one, or the only one."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name and name in self.operations:
            return self.operations[name]
        known = ", ".join(filter(None, self.operations)) or "none with a name"
        asked = f"has no operation named {name!r:.80}" if name is not None else "has several operations"
        message = f"The document {asked}: set operationName to one of its operations ({known})."
        raise DocumentRefusedError(document_errors([GraphQLError(message)], "OPERATION_RESOLUTION_FAILURE"))


class Documents:
    """The documents of one schema; keeps the valid ones that were used last."""

    def __init__(self, schema: GraphQLSchema, limits: guard.Limits) -> None:
        self._schema = schema
        self._limits = limits
        self._kept: OrderedDict[str, Document] = OrderedDict()

    def known(self, text: str) -> Document | None:
        """The document of a text that was used before."""
        if document := self._kept.get(text):
            self._kept.move_to_end(text)
            metrics.DOCUMENT_HITS(1)
        return document

    def of(self, text: str) -> Document:
        """The document of a text; DocumentRefusedError with every reason when it is not valid or too large."""
        if document := self.known(text):
            return document
        document = self._prepared(text)
        if len(text) <= LONGEST_KEPT:
            self._kept[text] = document
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return document

    def _prepared(self, text: str) -> Document:
        metrics.DOCUMENT_MISSES(1)
        if _NUL.search(text):
            raise _refused([GraphQLError("The document contains the character U+0000, which no text can hold.")])
        try:
            ast = parse(text, max_lexical_tokens=self._limits.tokens, max_comments=self._limits.tokens)
        except GraphQLError as error:
            raise DocumentRefusedError(document_errors([error], "GRAPHQL_PARSE_FAILED")) from None
        if errors := guard.check(ast, self._limits):
            raise _refused(errors)
        if errors := validate(self._schema, ast, RULES, max_errors=MOST_ERRORS):
            raise _refused(errors)
        return self._priced(text, ast)

    def _priced(self, text: str, ast: DocumentNode) -> Document:
        fragments = guard.fragments_of(ast)
        nodes = [node for node in ast.definitions if isinstance(node, OperationDefinitionNode)]
        defined = [self._defined(node, fragments) for node in nodes]
        return Document(text, ast, {each.name: each for each in defined})

    def _defined(self, node: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> Definition:
        roots = frozenset(root.name.value for root in guard.fields_of(node.selection_set, fragments))
        return Definition(
            node, node.name.value if node.name else "", roots, not roots.isdisjoint(INTROSPECTION),
            price_of(self._schema, fragments, node), Variables(self._schema, node),
        )


def _refused(errors: list[GraphQLError]) -> DocumentRefusedError:
    return DocumentRefusedError(document_errors(errors, "GRAPHQL_VALIDATION_FAILED"))
