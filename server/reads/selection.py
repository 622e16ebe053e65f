"""What one reader wants of a resource: a tree of fields under their response keys, planned before anything is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from server.errors import InvalidArgument
from server.reads.keyset import Keyset
from server.reads.resource import Batch, Column, Computed, Resource, Tally, ToMany, ToOne
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
    field: Column | Computed | Batch
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
    cost: int = 1


@dataclass(slots=True)
class Page:
    """The rows of one page, once for every view, with what a client needs to go on."""

    views: list[list[Row]]
    cursors: list[str]
    size: int = 0
    has_next: bool = False
    has_previous: bool = False
    total: int = 0


@dataclass(slots=True)
class Many:
    """One page of `resource` for every parent, or of all of them without `link`.

    `views` are selections over the same rows (`nodes`, `edges.node`, aliases of them). `around`: whether there are rows
    before a forward page's `after` must be known too, or after a backward page's `before`. `shape` makes the value.
    """

    resource: Resource
    keyset: Keyset
    size: int
    link: ToMany | None = None
    where: Sequence[Visible] = ()
    views: Sequence[Selection] = ()
    backward: bool = False
    after: Sequence[Any] | None = None
    before: Sequence[Any] | None = None
    wants_rows: bool = True
    wants_total: bool = False
    wants_cursors: bool = False
    around: bool = False
    shape: Callable[[Page], object] = lambda page: page
    weight: int | None = None

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
