"""What a document selects under some nodes: fragments spread, directives applied, aliases kept apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    Node,
    SelectionSetNode,
    VariableNode,
    Visitor,
    get_directive_values,
    is_abstract_type,
    visit,
)
from graphql.execution.values import VariableValues
from strawberry.types.nodes import get_variable_values

Nodes = Sequence[FieldNode]


@dataclass(frozen=True, slots=True)
class Execution:
    """What selections depend on beside their own text."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues


def execution_of(info: GraphQLResolveInfo[Any]) -> Execution:
    """That of a resolver; Strawberry's executor hands out the bare values of the variables."""
    return Execution(info.schema, info.fragments, VariableValues({}, get_variable_values(info)))


def fields_under(execution: Execution, type_name: str, nodes: Nodes) -> dict[str, list[FieldNode]]:
    """The fields under the nodes by response key, as they apply to objects of the concrete type."""
    found: dict[str, list[FieldNode]] = {}
    for node in nodes:
        if node.selection_set:
            _collect(execution, type_name, node.selection_set, found, set())
    return found


def fields_of(execution: Execution, type_name: str, selections: SelectionSetNode) -> dict[str, list[FieldNode]]:
    """The fields of one selection set."""
    found: dict[str, list[FieldNode]] = {}
    _collect(execution, type_name, selections, found, set())
    return found


def switches_of(*nodes: Node) -> tuple[str, ...]:
    """The names of the variables that the directives in a document, or in parts of one, look at."""
    found = _Switches()
    for node in nodes:
        visit(node, found)
    return tuple(sorted(found.names))


class _Switches(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        values = (argument.value for argument in node.arguments or ())
        self.names |= {value.name.value for value in values if isinstance(value, VariableNode)}


def _collect(
    execution: Execution, type_name: str, selections: SelectionSetNode, found: dict[str, list[FieldNode]],
    spread: set[str],
) -> None:
    for node in selections.selections:
        if not _included(execution, node):
            continue
        if isinstance(node, FieldNode):
            found.setdefault((node.alias or node.name).value, []).append(node)
        elif isinstance(node, InlineFragmentNode):
            if node.type_condition is None or _applies(execution, node.type_condition.name.value, type_name):
                _collect(execution, type_name, node.selection_set, found, spread)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
            spread.add(node.name.value)
            fragment = execution.fragments[node.name.value]
            if _applies(execution, fragment.type_condition.name.value, type_name):
                _collect(execution, type_name, fragment.selection_set, found, spread)


def _included(execution: Execution, node: Any) -> bool:
    if not node.directives:
        return True
    skip = get_directive_values(GraphQLSkipDirective, node, execution.variables)
    include = get_directive_values(GraphQLIncludeDirective, node, execution.variables)
    return not (skip and skip["if"]) and (include is None or bool(include["if"]))


def _applies(execution: Execution, condition: str, type_name: str) -> bool:
    if condition == type_name:
        return True
    abstract, concrete = execution.schema.get_type(condition), execution.schema.get_type(type_name)
    if not is_abstract_type(abstract) or not isinstance(concrete, GraphQLObjectType):
        return False
    return execution.schema.is_sub_type(abstract, concrete)
