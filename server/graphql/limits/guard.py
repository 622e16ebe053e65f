"""Bounds what one document may ask for, in time linear to its length, before it is validated.

Fragments are measured once each, however often they are spread: measuring their expansion would take exponential time,
and so would validation. Validation compares fields that share a response name in pairs, hence the limit on these.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
)

from server.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of each one document may have. Fields, of the root too, and aliases are counted with fragments spread;
    levels are selections within selections, those of fragments included; values stand in arguments and defaults; pages
    take a statement each."""

    tokens: int = 2500
    depth: int = 20
    fields: int = 2000
    aliases: int = 100
    roots: int = 20
    pages: int = 30
    levels: int = 100
    values: int = 500
    operations: int = 50
    fragments: int = 200
    repeats: int = 5_000

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        return cls(
            settings.max_tokens, settings.max_depth, settings.max_fields, settings.max_aliases,
            settings.max_root_fields, settings.max_pages,
        )


WORDS = {
    "depth": "levels of depth", "fields": "fields", "aliases": "aliases", "roots": "root fields", "pages": "pages",
    "levels": "nested selections", "values": "variables and values", "operations": "operations",
    "fragments": "fragments", "repeats": "pairs of repeated fields",
}


@dataclass(frozen=True, slots=True)
class Size:
    """What a selection set comes to."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    roots: int = 0
    pages: int = 0
    levels: int = 0


def check(document: DocumentNode, limits: Limits) -> list[GraphQLError]:
    """Every limit that the document passes."""
    fragments = fragments_of(document)
    if len(fragments) < sum(isinstance(node, FragmentDefinitionNode) for node in document.definitions):
        return [GraphQLError("There can be only one fragment of each name.")]  # the others would not be measured
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    roots = [node.selection_set for node in (*operations, *fragments.values())]
    try:
        measure = _Measure(fragments)
        sizes = [measure.of_operation(node) for node in operations] + [measure.of_fragment(name) for name in fragments]
    except (RecursionError, _CycleError):
        return [GraphQLError("The document is nested too deeply, or a fragment contains itself.")]
    found = {
        "depth": max((size.depth for size in sizes), default=0),
        "fields": sum(size.fields for size in sizes),
        "aliases": sum(size.aliases for size in sizes),
        "roots": max((size.roots for size in sizes[:len(operations)]), default=0),
        "pages": max((size.pages for size in sizes[:len(operations)]), default=0),
        "levels": max((size.levels for size in sizes), default=0),
        "values": measure.values,
        "operations": len(operations),
        "fragments": len(fragments),
    }
    if found["fields"] <= limits.fields and found["depth"] <= limits.depth:
        found["repeats"] = sum(_repeats([root], fragments) for root in roots)
    return [
        GraphQLError(f"The document has {min(number, 10**6)} {WORDS[what]}; at most {limit} are accepted.")
        for what, number in found.items() if number > (limit := getattr(limits, what))
    ]


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


class _CycleError(Exception):
    pass


class _Measure:
    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._known: dict[str, Size | None] = {}
        self.values = 0

    def of_operation(self, operation: OperationDefinitionNode) -> Size:
        self.values += sum(_values(node.default_value) for node in operation.variable_definitions or ())
        return self.of(operation.selection_set)

    def of(self, selection_set: SelectionSetNode | None) -> Size:
        depth = fields = aliases = roots = pages = levels = 0
        for selection in selection_set.selections if selection_set else ():
            for directive in selection.directives or ():
                self.values += sum(_values(argument.value) for argument in directive.arguments or ())
            match selection:
                case FieldNode():
                    self.values += sum(_values(argument.value) for argument in selection.arguments or ())
                    inner = self.of(selection.selection_set)
                    aliased = selection.alias is not None
                    paged = any(argument.name.value in ("first", "last") for argument in selection.arguments or ())
                    own = Size(
                        inner.depth + 1, inner.fields + 1, inner.aliases + aliased, 1, inner.pages + paged, inner.levels
                    )
                case InlineFragmentNode():
                    own = self.of(selection.selection_set)
                case FragmentSpreadNode():
                    own = self.of_fragment(selection.name.value)
                case _:
                    own = Size()
            depth, levels = max(depth, own.depth), max(levels, own.levels)
            fields, aliases = fields + own.fields, aliases + own.aliases
            roots, pages = roots + own.roots, pages + own.pages
        return Size(depth, fields, aliases, roots, pages, levels + 1)

    def of_fragment(self, name: str) -> Size:
        if name in self._known:
            known = self._known[name]
            if known is None:
                raise _CycleError
            return known
        self._known[name] = None  # being measured
        unknown = Size(fields=1)  # told by the validation, and not for nothing if it is spread without end
        size = self.of(self._fragments[name].selection_set) if name in self._fragments else unknown
        self._known[name] = size
        return size


def _values(value: ValueNode | None) -> int:
    """A value, with those inside of it."""
    match value:
        case ListValueNode():
            return 1 + sum(map(_values, value.values))
        case ObjectValueNode():
            return 1 + sum(_values(field.value) for field in value.fields)
    return 1


def _repeats(selection_sets: Iterable[SelectionSetNode], fragments: Mapping[str, FragmentDefinitionNode]) -> int:
    """How many pairs of fields share a response name and will be merged; expands fragments, so only for documents
    whose number of fields is bounded."""
    groups: defaultdict[str, list[FieldNode]] = defaultdict(list)
    for selection_set in selection_sets:
        for field in fields_of(selection_set, fragments):
            groups[(field.alias or field.name).value].append(field)
    return sum(
        len(group) * (len(group) - 1) // 2
        + _repeats([field.selection_set for field in group if field.selection_set], fragments)
        for group in groups.values()
    )


def fields_of(
    selection_set: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[FieldNode]:
    """The fields of a selection with its fragments spread, in a document of bounded size."""
    for selection in selection_set.selections:
        match selection:
            case FieldNode():
                yield selection
            case InlineFragmentNode():
                yield from fields_of(selection.selection_set, fragments)
            case FragmentSpreadNode() if selection.name.value in fragments:
                yield from fields_of(fragments[selection.name.value].selection_set, fragments)
