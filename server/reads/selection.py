"""What one reader wants of a resource: a tree of fields under their response keys, planned before anything is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sqlalchemy import BindParameter

from server.errors import InvalidArgument
from server.reads.keyset import Keyset
from server.reads.resource import Batch, Column, Computed, GlobalId, Resource, Tally, ToMany, ToOne, TypeName
from server.reads.visibility import Visible

MAX_ROWS = 50_000
"""How many rows one operation may ask for, page sizes multiplied."""


class Row(dict[str, Any]):
    """What was read of one object, by response key."""

    __slots__ = ("resource",)

    def __init__(self, resource: str) -> None:
        super().__init__()
        self.resource = resource


@dataclass(slots=True)
class Selection:
    """The wanted fields of one resource."""

    resource: Resource
    fields: dict[str, "Asked"] = field(default_factory=dict)

    @property
    def cost(self) -> int:
        """How many rows of lists it can bring, itself included."""
        return 1 + sum(asked.cost for asked in self.fields.values())


@dataclass(slots=True)
class Leaf:
    """A value of the row; `origin` is what the edge must know to write it."""

    field: Column | Computed | Batch | GlobalId | TypeName
    origin: Any = None
    cost: int = 0


@dataclass(slots=True)
class One:
    """A link to one row; a selection for each of the field's choices."""

    field: ToOne
    selections: Sequence[Selection]

    @property
    def cost(self) -> int:
        return max(selection.cost for selection in self.selections) - 1


@dataclass(slots=True)
class Counts:
    field: Tally
    resource: Resource
    where: Sequence[Visible] = ()
    origin: Any = None
    cost: int = 1


class PagePart(Enum):
    """What a connection has beside its objects."""

    TOTAL = "totalCount"
    TYPE = "__typename"


@dataclass(frozen=True, slots=True)
class Nodes:
    """The objects of a page, as one of its views."""

    view: int


@dataclass(frozen=True, slots=True)
class Edges:
    """The edges of a page: by response key the view of a node, or a cursor (None), or the type's name."""

    cells: Mapping[str, int | str | None]


@dataclass(frozen=True, slots=True)
class Info:
    """The pageInfo of a page: its fields by response key."""

    fields: Mapping[str, str]


Part = Nodes | Edges | Info | PagePart


@dataclass(frozen=True, slots=True)
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(slots=True)
class Many:
    """One page of `resource` for every parent, or of all of them without `link`.

    `views` are selections over the same rows (`nodes`, `edges.node`, aliases of them); `parts` say under which response
    keys they and what else is wanted stand, None for a bare list of the first view.
    """

    resource: Resource
    keyset: Keyset
    size: int
    link: ToMany | None = None
    where: Sequence[Visible] = ()
    views: Sequence[Selection] = ()
    parts: Mapping[str, Part] | None = None
    backward: bool = False
    after: Sequence[Any] | None = None
    before: Sequence[Any] | None = None
    weight: int | None = None
    origin: Any = None
    within: Sequence[Visible] = field(init=False)
    """The conditions of `after` and `before`, and `outside`: those of the rows on the side that the page comes from."""
    outside: Sequence[Visible] = field(init=False, default=())
    positions: Sequence[BindParameter[Any]] = field(init=False)
    """The values of `after` and `before` in these conditions."""

    def __post_init__(self) -> None:
        after, before = (None if place is None else self.keyset.bound(place) for place in (self.after, self.before))
        self.positions = [*(after or ()), *(before or ())]
        places = ((after, False), (before, True))
        self.within = [self.keyset.beyond(place, backward=back) for place, back in places if place is not None]
        start = before if self.backward else after
        if start is not None and self.info & {"hasNextPage" if self.backward else "hasPreviousPage"}:
            self.outside = [self.keyset.beyond(start, backward=not self.backward, inclusive=True)]

    @property
    def limit(self) -> int:
        """How many rows to read: one more when it matters whether there are more."""
        return self.size + self.wants_info

    @property
    def wants_info(self) -> bool:
        return any(isinstance(part, Info) for part in (self.parts or {}).values())

    @property
    def info(self) -> frozenset[str]:
        """What is wanted of its pageInfo."""
        infos = [part.fields.values() for part in (self.parts or {}).values() if isinstance(part, Info)]
        return frozenset().union(*infos)

    @property
    def wants_total(self) -> bool:
        return PagePart.TOTAL in (self.parts or {}).values()

    @property
    def wants_rows(self) -> bool:
        return self.parts is None or any(isinstance(part, Nodes | Edges | Info) for part in self.parts.values())

    @property
    def wants_cursors(self) -> bool:
        """Whether any cursor is shown, or both ends of the page."""
        return self.wants_info or any(
            isinstance(part, Edges) and None in part.cells.values() for part in (self.parts or {}).values()
        )

    @property
    def cost(self) -> int:
        """Short lists that are not paged weigh less than their limit."""
        size = self.size if self.weight is None else self.weight
        return size * sum(view.cost for view in self.views) if self.wants_rows else 1


Asked = Leaf | One | Counts | Many


def check_cost(rows: int) -> None:
    """Refuses an operation that asks for too much at once."""
    if rows > MAX_ROWS:
        raise InvalidArgument(
            f"This asks for up to {rows:,} rows, page sizes multiplied; at most {MAX_ROWS:,} are read at once: "
            "use smaller pages on the inner lists."
        )
