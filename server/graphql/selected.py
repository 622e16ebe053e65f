"""What a document selects under some nodes: fragments spread, directives applied, aliases kept apart."""

from collections.abc import Sequence
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionSetNode,
    get_directive_values,
    is_abstract_type,
)
from graphql.execution.values import VariableValues
from strawberry.types.nodes import get_variable_values

Nodes = Sequence[FieldNode]
Info = GraphQLResolveInfo[Any]


def variables_of(info: Info) -> VariableValues:
    """The variables as graphql-core wants them; Strawberry's executor hands out the bare values."""
    return VariableValues({}, get_variable_values(info))


def fields_under(info: Info, type_name: str, nodes: Nodes) -> dict[str, list[FieldNode]]:
    """The fields under the nodes by response key, as they apply to objects of the concrete type."""
    found: dict[str, list[FieldNode]] = {}
    for node in nodes:
        if node.selection_set:
            _collect(info, type_name, node.selection_set, found, set())
    return found


def _collect(
    info: Info, type_name: str, selections: SelectionSetNode, found: dict[str, list[FieldNode]], spread: set[str]
) -> None:
    for node in selections.selections:
        if not _included(info, node):
            continue
        if isinstance(node, FieldNode):
            found.setdefault((node.alias or node.name).value, []).append(node)
        elif isinstance(node, InlineFragmentNode):
            if node.type_condition is None or _applies(info, node.type_condition.name.value, type_name):
                _collect(info, type_name, node.selection_set, found, spread)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
            spread.add(node.name.value)
            fragment = info.fragments[node.name.value]
            if _applies(info, fragment.type_condition.name.value, type_name):
                _collect(info, type_name, fragment.selection_set, found, spread)


def _included(info: Info, node: Any) -> bool:
    if not node.directives:
        return True
    skip = get_directive_values(GraphQLSkipDirective, node, variables_of(info))
    include = get_directive_values(GraphQLIncludeDirective, node, variables_of(info))
    return not (skip and skip["if"]) and (include is None or bool(include["if"]))


def _applies(info: Info, condition: str, type_name: str) -> bool:
    if condition == type_name:
        return True
    abstract, concrete = info.schema.get_type(condition), info.schema.get_type(type_name)
    if not is_abstract_type(abstract) or not isinstance(concrete, GraphQLObjectType):
        return False
    return info.schema.is_sub_type(abstract, concrete)
