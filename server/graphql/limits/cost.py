"""What an operation costs: the rows that it can bring at most, from its text and variables before anything is read.

    a field of the root        1, in a mutation 10; one that is introspection 100 more
    a page                     1, and its size (`first` or `last`, at most 100) times 1 + what is below, for each of
                               `nodes` and `edges` that is asked for
    `nodes(ids: …)`            the number of ids times 1 + what is below
    a list that is not paged   2 times 1 + what is below: such lists are short
    scalars, and links to one  nothing by themselves: they come with their row

A fragment is worked out once, however often it is spread. Of fragments on several types the dearest counts, for an
object has one type. The planner counts the same of what is really selected, so it never finds more than this.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_list_type,
    value_from_ast_untyped,
)

from server.graphql.limits.cost_terms import Cost, Open, Price, greatest, times

INTROSPECTION = ("__schema", "__type")
QUERY, MUTATION, SCHEMA = 1, 10, 100
LARGEST_PAGE = 100
SHORT_LIST = 2


def price_of(
    schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], operation: OperationDefinitionNode
) -> Price:
    """The price of an operation of a valid document."""
    base = MUTATION if operation.operation is OperationType.MUTATION else QUERY
    root = schema.get_root_type(operation.operation)
    defaults = {
        node.variable.name.value: value_from_ast_untyped(node.default_value)
        for node in operation.variable_definitions or () if node.default_value
    }
    return Price(_Pricing(schema, fragments, root, base).below(root, operation.selection_set), defaults)


class _Pricing:
    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], root: Any, base: int
    ) -> None:
        self._schema, self._fragments = schema, fragments
        self._root, self._base = root, base
        self._known: dict[str, Cost] = {}

    def below(self, type_: Any, selection_set: SelectionSetNode) -> Cost:
        """The cost of a selection of that type."""
        sums: list[Cost] = []
        by_type: defaultdict[str, list[Cost]] = defaultdict(list)
        for node in selection_set.selections:
            own, cost = self._selected(type_, node)
            only_some = is_abstract_type(type_) and isinstance(own, GraphQLObjectType)
            (by_type[own.name] if only_some else sums).append(times(_conditions(node), [cost]))
        return times((), [*sums, greatest([times((), costs) for costs in by_type.values()])])

    def _selected(self, type_: Any, node: SelectionNode) -> tuple[Any, Cost]:
        """The type that a field or fragment applies to, and its cost."""
        if isinstance(node, FieldNode):
            return type_, self._field(type_, node)
        if isinstance(node, InlineFragmentNode):
            own = self._schema.get_type(node.type_condition.name.value) if node.type_condition else type_
            return own, self.below(own, node.selection_set)
        name = node.name.value  # type: ignore[attr-defined]  # nothing is left but a spread
        fragment = self._fragments[name]
        own = self._schema.get_type(fragment.type_condition.name.value)
        if name not in self._known:
            self._known[name] = self.below(own, fragment.selection_set)
        return own, self._known[name]

    def _field(self, type_: Any, node: FieldNode) -> Cost:
        name = node.name.value
        if name in INTROSPECTION:
            return self._base + SCHEMA
        own = self._base if type_ is self._root else 0
        if node.selection_set is None:
            return own
        field = type_.fields[name]
        named: Any = get_named_type(field.type)
        below = self.below(named, node.selection_set)
        if "first" in field.args:  # what is below its `nodes` and `edges`, for each row
            sizes = [times([_number(node, size, _page_size)], [below]) for size in ("first", "last")]
            return times((), [own, 1, *sizes])
        if not is_list_type(get_nullable_type(field.type)):
            return times((), [own, below])
        if type_.name.endswith("Connection"):
            return times((), [own, 1, below])
        factor = _number(node, "ids", _length) if "ids" in field.args else SHORT_LIST
        return times((), [own, times([factor], [1, below])])


def _number(node: FieldNode, argument: str, number: Any) -> Open | int:
    """What an argument says, or the variable that will say it."""
    value = next((each.value for each in node.arguments or () if each.name.value == argument), None)
    if isinstance(value, VariableNode):
        return Open(value.name.value, number)
    return int(number(_literal(value)))


def _literal(value: ValueNode | None) -> object:
    if isinstance(value, IntValueNode):
        return int(value.value[:9])  # as large as any page
    return value.values if isinstance(value, ListValueNode) else None


def _page_size(value: object) -> int:
    """A page without a usable size is refused at its field and brings nothing."""
    return min(max(int(value), 0), LARGEST_PAGE) if isinstance(value, int | float) else 0


def _length(value: object) -> int:
    return len(value) if isinstance(value, Sequence) and not isinstance(value, str) else 1


def _conditions(node: SelectionNode) -> list[Open | int]:
    """0 or 1 for each `@skip` and `@include`."""
    factors: list[Open | int] = []
    for directive in node.directives or ():
        if directive.name.value in ("skip", "include"):
            number = _unless if directive.name.value == "skip" else _when
            [argument] = directive.arguments or ()
            value = argument.value
            factors.append(
                Open(value.name.value, number) if isinstance(value, VariableNode)
                else number(value.value if isinstance(value, BooleanValueNode) else None)
            )
    return factors


def _when(value: object) -> int:
    return int(value is not False)


def _unless(value: object) -> int:
    return int(value is not True)
