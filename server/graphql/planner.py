"""From the selection of a GraphQL document to a selection of `server.reads`: what is asked for, no more."""

from collections.abc import Callable
from typing import Any

from graphql import FieldNode, GraphQLError, GraphQLField, GraphQLResolveInfo, get_argument_values
from strawberry.types.arguments import convert_arguments

from server.errors import InvalidArgument
from server.graphql.fields import SHORT_LIST, TYPES
from server.graphql.relay import READABLE, PageInfo
from server.graphql.selected import Nodes, fields_under, variables_of
from server.reads.keyset import keyset
from server.reads.resource import Batch, Column, Computed, Reader, Tally, ToMany, ToOne
from server.reads.selection import Asked, Counts, Leaf, Many, One, Page, Selection

Path = tuple[str | int, ...]
Part = Callable[[Page], object]

LARGEST_PAGE = 100
SHORT_LIST_WEIGHT = 2
"""Lists that are not paged are short in practice; the rows that are really read are counted as well."""


class Planner:
    """Plans one root field."""

    def __init__(self, info: GraphQLResolveInfo[Any], reader: Reader) -> None:
        self.info = info
        self.reader = reader
        self.variables = variables_of(info)

    def selection(self, type_name: str, nodes: Nodes, path: Path) -> Selection:
        """What the nodes ask of objects of this concrete type."""
        selection = Selection(READABLE[type_name].resource)
        for key, same in fields_under(self.info, type_name, nodes).items():
            field = self._field(type_name, same)
            if field is not None:
                selection.fields[key] = self._asked(field, same, (*path, key))
        return selection

    def arguments(self, field: GraphQLField, node: FieldNode) -> dict[str, Any]:
        """The arguments of a mapped field as Python values, defaults included."""
        schema = self.info.schema._strawberry_schema  # type: ignore[attr-defined]
        given = get_argument_values(field, node, self.variables)
        return convert_arguments(
            given, _definition(field).arguments, schema.schema_converter.scalar_registry, schema.config
        )

    def many(
        self, target: str, link: ToMany | None, field: GraphQLField, nodes: Nodes, path: Path
    ) -> Many:
        """One page of a connection."""
        given = self.arguments(field, nodes[0])
        readable = READABLE[target]
        try:
            many = Many(
                readable.resource, keyset(readable.resource, readable.orderings[given["order_by"].name], self.reader),
                link=link, **_window(given),
            )
            _place(many, given)
            if wanted := given.get("filter") or _no_filter(field):
                many.where = list(wanted.where(self.reader))
        except InvalidArgument as error:
            raise located(error, nodes, path) from error
        self._shape(many, target, nodes, path)
        return many

    def _shape(self, many: Many, target: str, nodes: Nodes, path: Path) -> None:
        views: list[Selection] = []
        parts: dict[str, Part] = {}
        names: set[str] = set()
        for key, same in fields_under(self.info, f"{target}Connection", nodes).items():
            name = same[0].name.value
            names.add(name)
            match name:
                case "nodes":
                    views.append(self.selection(target, same, (*path, key)))
                    parts[key] = _nodes(len(views) - 1)
                case "edges":
                    parts[key] = self._edges(many, views, same, (*path, key))
                case "pageInfo":
                    parts[key] = _page_info
                case "totalCount":
                    parts[key] = _total
        many.views = views
        many.wants_rows = not names <= {"totalCount", "__typename"}
        many.wants_total = "totalCount" in names
        many.around = "pageInfo" in names
        many.wants_cursors |= "pageInfo" in names
        many.shape = lambda page: {key: part(page) for key, part in parts.items()}

    def _edges(self, many: Many, views: list[Selection], nodes: Nodes, path: Path) -> Part:
        target = many.resource.name
        cells: dict[str, Callable[[Page, int], object]] = {}
        for key, same in fields_under(self.info, f"{target}Edge", nodes).items():
            if same[0].name.value == "node":
                views.append(self.selection(target, same, (*path, key)))
                cells[key] = _cell(len(views) - 1)
            elif same[0].name.value == "cursor":
                many.wants_cursors = True
                cells[key] = lambda page, place: page.cursors[place]
        return lambda page: [{key: cell(page, place) for key, cell in cells.items()} for place in range(page.size)]

    def _asked(self, field: GraphQLField, nodes: Nodes, path: Path) -> Asked:
        definition = _definition(field)
        match definition.spec:
            case Column() | Computed() | Batch() as leaf:
                return Leaf(leaf)
            case ToOne(choices) as link:
                return One(link, [self.selection(choice[0], nodes, path) for choice in choices])
            case ToMany() as link if definition.filter:
                return self.many(link.resource, link, field, nodes, path)
            case ToMany() as link:
                return self._short_list(link, nodes, path)
            case Tally() as counted:
                return Counts(counted, READABLE[definition.target].resource)
        raise TypeError(f"{field} is not a mapped field")

    def _short_list(self, link: ToMany, nodes: Nodes, path: Path) -> Many:
        readable = READABLE[link.resource]
        order = readable.orderings[TYPES[f"{link.resource}Sort"].default]
        view = self.selection(link.resource, nodes, path)
        return Many(
            readable.resource, keyset(readable.resource, order, self.reader), SHORT_LIST, link, views=[view],
            shape=lambda page: page.views[0], weight=SHORT_LIST_WEIGHT,
        )

    def _field(self, type_name: str, nodes: Nodes) -> GraphQLField | None:
        name = nodes[0].name.value
        type_: Any = self.info.schema.get_type(type_name)
        return None if name == "__typename" else type_.fields[name]


def located(error: InvalidArgument, nodes: Nodes, path: Path) -> GraphQLError:
    """The error at the field whose argument is wrong, however deep: nothing has been read yet."""
    return GraphQLError(str(error), nodes=list(nodes), path=list(path), original_error=error)


def _definition(field: GraphQLField) -> Any:
    return field.extensions["strawberry-definition"]


def _no_filter(field: GraphQLField) -> Any:
    """The filter that holds when none is given."""
    make = TYPES.get(_definition(field).filter)
    return make and make()


def _window(given: dict[str, Any]) -> dict[str, Any]:
    sizes = [(name, given[name]) for name in ("first", "last") if given.get(name) is not None]
    if len(sizes) != 1:
        raise InvalidArgument(f"Give exactly one of first and last, from 0 to {LARGEST_PAGE}.")
    [(name, size)] = sizes
    if not 0 <= size <= LARGEST_PAGE:
        raise InvalidArgument(f"{name}: {size} is not a page size; give 0 to {LARGEST_PAGE}.")
    return {"size": size, "backward": name == "last"}


def _place(many: Many, given: dict[str, Any]) -> None:
    for name in ("after", "before"):
        if given.get(name) is not None:
            setattr(many, name, many.keyset.position(name, given[name]))


def _nodes(view: int) -> Part:
    return lambda page: page.views[view]


def _cell(view: int) -> Callable[[Page, int], object]:
    return lambda page, place: page.views[view][place]


def _total(page: Page) -> int:
    return page.total


def _page_info(page: Page) -> PageInfo:
    first, last = (page.cursors[0], page.cursors[-1]) if page.cursors else (None, None)
    return PageInfo(
        has_next_page=page.has_next, has_previous_page=page.has_previous, start_cursor=first, end_cursor=last
    )
