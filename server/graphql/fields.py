"""How a GraphQL field is read: the mapping stands once, beside the type, and `server.reads` gets it as plain Fields.

    @readable("Order", Order, visible_orders, "One entity's participation in one package.", sorts={...})
    class OrderType(Node):
        code = column(Order.code, "Human code, ORDn.")
        package = to_one("Package", Order.package_id, "What was ordered.")
        approvals = connection("Approval", Approval.order_id, "The questions asked about it.")

Objects that come out of `server.reads` are rows by response key, so every such field is resolved by `pick`.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

import strawberry
from graphql import GraphQLResolveInfo
from sqlalchemy import ColumnElement, types
from sqlalchemy.orm import InstrumentedAttribute
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryList, StrawberryOptional
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType

from server.graphql.scalars import JSON
from server.reads.resource import Batch, Column, Computed, Expression, Field, Needs, Tally, ToMany, ToOne

R = TypeVar("R", bound=Callable[..., Any])

SHORT_LIST = 100
"""The most rows of a list that is not paged."""

TYPES: dict[str, Any] = {}
"""Every type, connection, filter and sort enum that a field names before it exists."""


class Later(LazyType[Any, Any]):
    """A type by its name in TYPES, looked up when the schema is built."""

    def resolve_type(self) -> Any:
        return TYPES[self.type_name]


def later(name: str) -> Any:
    return Later(name, "")


class MappedField(StrawberryField):
    """A field of a row. `spec` says how it is read; None on the parts of a connection."""

    spec: Field | None = None
    target: str = ""
    filter: str | None = None
    """Name of the filter input; None on fields that are not paged."""

    @property
    def arguments(self) -> list[StrawberryArgument]:
        return [] if self.filter is None else paging_arguments(self.target, self.filter)

    @arguments.setter
    def arguments(self, value: list[StrawberryArgument]) -> None:
        raise AttributeError("the arguments of a mapped field follow from its target")


def pick(row: Any, info: GraphQLResolveInfo[Any], **_arguments: Any) -> Any:
    """What was read for this field of this row."""
    value = row[info.path.key]
    if isinstance(value, Exception):
        raise value
    return value


def mapped(
    kind: Any, description: str, spec: Field | None = None, *, target: str = "", filter: str | None = None
) -> Any:
    field = MappedField(type_annotation=StrawberryAnnotation(kind), description=description)
    field.spec, field.target, field.filter = spec, target, filter
    return field


def column(expression: Expression, description: str, kind: Any = None, name: str = "") -> Any:
    """One SQL value; the type is that of the column. SQL of one's own needs a `kind` and a `name`."""
    if isinstance(expression, InstrumentedAttribute):
        kind = kind or _kind(expression)
    return mapped(kind, description, Column(_key(expression, name), expression))


def computed(kind: Any, description: str, needs: Needs, value: Callable[[Any, Any], object]) -> Any:
    """Worked out from a record of SQL values and the reader."""
    return mapped(kind, description, Computed(needs, value))


def batch(kind: Any, description: str, load: Any) -> Any:
    """Loaded for all rows of a level at once."""
    return mapped(kind, description, Batch(load))


def to_one(target: str, by: Expression, description: str, name: str = "") -> Any:
    """A linked object; null when there is none, or none that the reader may see [2.3]. SQL needs a `name`."""
    kind = StrawberryOptional(later(target))
    return mapped(kind, description, ToOne(((target, _key(by, name), by),)), target=target)


def one_of_kinds(abstract: str, choices: Sequence[tuple[str, str, Expression]], description: str) -> Any:
    """A linked object of one of several types: (type, name, SQL of its id), the first that is not null."""
    return mapped(StrawberryOptional(later(abstract)), description, ToOne(tuple(choices)), target=abstract)


def connection(
    target: str, parent: InstrumentedAttribute[Any], description: str, *, through: ColumnElement[bool] | None = None,
    where: ColumnElement[bool] | None = None,
) -> Any:
    """Pages of the `target` rows whose `parent` column is this row's id; null when its arguments do not fit, beside
    the error: the row stands."""
    kind = StrawberryOptional(later(f"{target}Connection"))
    return mapped(kind, description, ToMany(target, parent, through, where), target=target, filter=f"{target}Filter")


def few(
    target: str, parent: InstrumentedAttribute[Any], description: str, *, where: ColumnElement[bool] | None = None
) -> Any:
    """A short list, at most a hundred, in its natural order."""
    return mapped(StrawberryList(later(target)), description, ToMany(target, parent, None, where), target=target)


def tally(kind: Any, description: str, spec: Tally) -> Any:
    """Counts of related rows by a value."""
    return mapped(list[kind], description, spec, target=spec.rows.resource)


def listing(target: str, description: str, filter: str | None = None) -> Any:
    """A root field: pages of all rows of `target` that the reader sees; null when it failed, beside its error."""
    kind = StrawberryOptional(later(f"{target}Connection"))
    return mapped(kind, description, target=target, filter=filter or f"{target}Filter")


def resolver(description: str) -> Callable[[R], R]:
    """A field that a method resolves: `strawberry.field` with a type."""
    return strawberry.field(description=description)  # type: ignore[no-any-return]  # its own types end in Any


def result(target: str, description: str) -> Any:
    """A field of a mutation's payload that `fetch` fills; null when the mutation was refused."""
    return ResultField(type_annotation=StrawberryAnnotation(StrawberryOptional(later(target))),
                        description=description, default=None)


def results(target: str, description: str) -> Any:
    """A list in a mutation's payload that `fetch_all` fills; empty when the mutation was refused."""
    kind = StrawberryAnnotation(StrawberryList(later(target)))
    return ResultField(type_annotation=kind, description=description, default_factory=lambda: defaultdict(list))


class ResultField(StrawberryField):
    """Its value holds a row for every alias of the field in the document."""


    def pick(self, payload: Any, info: GraphQLResolveInfo[Any], **_arguments: Any) -> Any:
        fetched = getattr(payload, self.python_name)
        return None if fetched is None else fetched[info.path.key]


@cache
def paging_arguments(target: str, filter: str) -> list[StrawberryArgument]:
    readable = TYPES[f"{target}Sort"]
    arguments = [
        _argument("first", int | None, "How many from the start, at most 100; give this or `last`."),
        _argument("after", str | None, "Only what comes after this cursor."),
        _argument("last", int | None, "How many from the end, at most 100; give this or `first`."),
        _argument("before", str | None, "Only what comes before this cursor."),
        _argument("order_by", readable, "In which order.", default=readable(readable.default)),
    ]
    if given := TYPES.get(filter):
        arguments.append(_argument("filter", given | None, "Only what fits all of these."))
    return arguments


def _argument(name: str, kind: Any, description: str, default: object = strawberry.UNSET) -> StrawberryArgument:
    return StrawberryArgument(name, None, StrawberryAnnotation(kind), description=description, default=default)


def _key(expression: Expression, name: str) -> str:
    return expression.key if isinstance(expression, InstrumentedAttribute) else name


def _kind(attribute: InstrumentedAttribute[Any]) -> Any:
    column = attribute.property.columns[0]
    kind = JSON if isinstance(column.type, types.JSON) else column.type.python_type
    return kind | None if column.nullable else kind
