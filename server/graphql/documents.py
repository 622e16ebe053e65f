"""Documents by text: parsed, guarded and validated once."""

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from graphql import DocumentNode, GraphQLError, GraphQLSchema, OperationDefinitionNode, parse, specified_rules, validate
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from server.graphql import guard
from server.graphql.errors import Formatted, document_errors

RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
KEPT = 500
LONGEST_KEPT = 20_000
"""How many documents are kept, and the longest text of one, in characters."""

_NUL = re.compile(r"\0|\\u0000|\\u\{0+\}")


class DocumentRefusedError(Exception):
    """The document cannot be executed; `errors` say why."""

    def __init__(self, errors: list[Formatted]) -> None:
        super().__init__()
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document and its operations by name; the name of an anonymous one is empty."""

    ast: DocumentNode
    operations: Mapping[str, OperationDefinitionNode]

    def operation(self, name: str | None) -> OperationDefinitionNode:
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

    def of(self, text: str) -> Document:
        """The document of a text; DocumentRefusedError with every reason when it is not valid or too large."""
        if document := self._kept.get(text):
            self._kept.move_to_end(text)
            return document
        document = self._prepared(text)
        if len(text) <= LONGEST_KEPT:
            self._kept[text] = document
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return document

    def _prepared(self, text: str) -> Document:
        if _NUL.search(text):
            raise _refused([GraphQLError("The document contains the character U+0000, which no text can hold.")])
        try:
            ast = parse(text, max_lexical_tokens=self._limits.tokens, max_comments=self._limits.tokens)
        except GraphQLError as error:
            raise DocumentRefusedError(document_errors([error], "GRAPHQL_PARSE_FAILED")) from None
        if errors := guard.check(ast, self._limits):
            raise _refused(errors)
        if errors := validate(self._schema, ast, RULES):
            raise _refused(errors)
        operations = [node for node in ast.definitions if isinstance(node, OperationDefinitionNode)]
        return Document(ast, {node.name.value if node.name else "": node for node in operations})


def _refused(errors: list[GraphQLError]) -> DocumentRefusedError:
    return DocumentRefusedError(document_errors(errors, "GRAPHQL_VALIDATION_FAILED"))
