"""Bounds what one document may ask for, in time linear to its length, before it is validated.

Fragments are measured once each, however often they are spread: measuring their expansion would take exponential time,
and so would validation. Validation compares fields that share a response name in pairs, hence the limit on repeats.
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
    OperationDefinitionNode,
    SelectionSetNode,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of each one document may have. Fields and aliases are counted with fragments expanded."""

    tokens: int = 4000
    depth: int = 20
    fields: int = 2000
    aliases: int = 100
    repeats: int = 20


@dataclass(frozen=True, slots=True)
class Size:
    """What a selection set comes to."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0


def check(document: DocumentNode, limits: Limits) -> list[GraphQLError]:
    """Every limit that the document passes."""
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    roots = [
        node.selection_set for node in document.definitions
        if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode)
    ]
    try:
        measure = _Measure(fragments)
        sizes = [measure.of(root) for root in roots]
    except (RecursionError, _CycleError):
        return [GraphQLError("The document is nested too deeply, or a fragment contains itself.")]
    found = {
        "depth": max((size.depth for size in sizes), default=0),
        "fields": sum(size.fields for size in sizes),
        "aliases": sum(size.aliases for size in sizes),
    }
    if found["fields"] <= limits.fields and found["depth"] <= limits.depth:
        found["repeats"] = max((_repeats([root], fragments) for root in roots), default=0)
    return [
        GraphQLError(f"The document has {what} {min(number, 10**6)}; at most {getattr(limits, what)} is accepted.")
        for what, number in found.items() if number > getattr(limits, what)
    ]


class _CycleError(Exception):
    pass


class _Measure:
    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._known: dict[str, Size | None] = {}

    def of(self, selection_set: SelectionSetNode | None) -> Size:
        depth = fields = aliases = 0
        for selection in selection_set.selections if selection_set else ():
            match selection:
                case FieldNode():
                    inner = self.of(selection.selection_set)
                    own = Size(inner.depth + 1, inner.fields + 1, inner.aliases + (selection.alias is not None))
                case InlineFragmentNode():
                    own = self.of(selection.selection_set)
                case FragmentSpreadNode():
                    own = self._spread(selection.name.value)
                case _:
                    own = Size()
            depth, fields, aliases = max(depth, own.depth), fields + own.fields, aliases + own.aliases
        return Size(depth, fields, aliases)

    def _spread(self, name: str) -> Size:
        if name in self._known:
            known = self._known[name]
            if known is None:
                raise _CycleError
            return known
        self._known[name] = None  # being measured
        size = self.of(self._fragments[name].selection_set) if name in self._fragments else Size()
        self._known[name] = size
        return size


def _repeats(selection_sets: Iterable[SelectionSetNode], fragments: Mapping[str, FragmentDefinitionNode]) -> int:
    """How often the most repeated response name occurs among fields that will be merged; expands fragments, so only
    for documents whose number of fields is bounded."""
    groups: defaultdict[str, list[FieldNode]] = defaultdict(list)
    for selection_set in selection_sets:
        for field in _fields(selection_set, fragments):
            groups[(field.alias or field.name).value].append(field)
    return max(
        (max(len(group), _repeats([field.selection_set for field in group if field.selection_set], fragments))
         for group in groups.values()),
        default=0,
    )


def _fields(
    selection_set: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[FieldNode]:
    for selection in selection_set.selections:
        match selection:
            case FieldNode():
                yield selection
            case InlineFragmentNode():
                yield from _fields(selection.selection_set, fragments)
            case FragmentSpreadNode() if selection.name.value in fragments:
                yield from _fields(fragments[selection.name.value].selection_set, fragments)
