"""What can be read: resources, their fields and how they hang together; descriptions only, no I/O."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from server.domain.base import Base
from server.plugins import CampaignTypes
from server.reads.visibility import Caller, Visible
from server.settings import Settings


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, when, and the installation: all that a statement or a computed value may depend on. `channels` are
    those that reach people."""

    caller: Caller
    now: datetime
    types: CampaignTypes
    settings: Settings
    channels: tuple[str, ...] = ()


Expression = InstrumentedAttribute[Any] | ColumnElement[Any] | Callable[[Reader], ColumnElement[Any]]
"""A column, or SQL that depends on the reader. Subqueries in it must name what they correlate to."""

Needs = Mapping[str, Expression]
"""SQL values by the name that they have in a record."""


def sql(expression: Expression, reader: Reader) -> ColumnElement[Any]:
    if isinstance(expression, InstrumentedAttribute | ColumnElement):
        return expression  # type: ignore[return-value]  # an attribute is a column element in every statement
    return expression(reader)


@dataclass(frozen=True, slots=True)
class Column:
    """A field that is one SQL value."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class GlobalId:
    """The object's id for clients, given the name of its type."""

    type_name: str


@dataclass(frozen=True, slots=True)
class TypeName:
    """The name of the resource."""


@dataclass(frozen=True, slots=True)
class Computed:
    """A field that Python works out from a record of SQL values; a record always has `id`."""

    needs: Needs
    value: Callable[[Any, Reader], object]


@dataclass(frozen=True, slots=True)
class Batch:
    """A field that is loaded for all rows of a level at once; an exception as a value is raised at its own row."""

    load: Callable[[AsyncSession, Reader, Sequence[UUID]], Awaitable[Mapping[UUID, object]]]


@dataclass(frozen=True, slots=True)
class ToOne:
    """A link to one row: of `choices` (resource, name and SQL of its id), the first whose id is not null."""

    choices: tuple[tuple[str, str, Expression], ...]


@dataclass(frozen=True, slots=True)
class ToMany:
    """A link to many rows: those of `resource` whose `parent` is this row's id; `through` joins what `parent` is in."""

    resource: str
    parent: InstrumentedAttribute[Any]
    through: ColumnElement[bool] | None = None
    where: ColumnElement[bool] | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of the rows that a ToMany would list, by the value of `by`: records have `value`, `number` and `sums`."""

    rows: ToMany
    by: InstrumentedAttribute[Any]
    value: Callable[[Any], object]
    sums: Needs = field(default_factory=dict)


Field = Column | Computed | Batch | GlobalId | ToOne | ToMany | Tally


@dataclass(frozen=True, slots=True)
class Ordering:
    """A total order: `terms`, then the resource's key, all in one direction."""

    name: str
    terms: tuple[Expression, ...]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    """A table as a caller may see it. `key` is unique among the rows of one parent; records have it as `id`."""

    name: str
    model: type[Base]
    visible: Callable[[Caller], Visible]
    key: InstrumentedAttribute[UUID]
