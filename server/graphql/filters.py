"""What filter inputs are made of: every filter has `where(reader)`, the conditions that it adds to a list."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from server.errors import InvalidArgument
from server.graphql.fields import TYPES
from server.graphql.ids import decode_as
from server.graphql.relay import READABLE
from server.reads.ids import one_of
from server.reads.resource import Reader

Condition = ColumnElement[bool]
LONGEST_TEXT = 200


def given(description: str, default: Any = strawberry.UNSET) -> Any:
    """An optional field of a filter."""
    return strawberry.field(default=default, description=description)


def filter_input(name: str, description: str) -> Any:
    """Makes a class the filter input `name`."""
    def make(cls: Any) -> Any:
        TYPES[name] = strawberry.input(cls, name=name, description=description)
        return TYPES[name]
    return make


@strawberry.input(description="A span of time; both ends belong to it.")
class Period:
    since: datetime | None = given("Not before this moment.")
    until: datetime | None = given("Not after this moment.")


class Filter:
    """The fields of a filter that was given; each method yields conditions, nothing for a field that was not given."""

    def order(self, name: str) -> str:
        """The name of the order that comes to the same among what fits, and can be read from an index."""
        return name

    def matches(self, *columns: ColumnElement[str] | InstrumentedAttribute[str]) -> Iterator[Condition]:
        """`text` stands in one of the columns, in any case."""
        text = getattr(self, "text", None)
        if text:
            if len(text) > LONGEST_TEXT or "\0" in text or not text.isprintable():
                raise InvalidArgument(f"filter.text: give at most {LONGEST_TEXT} printable characters.")
            yield or_(*(column.icontains(text, autoescape=True) for column in columns))

    def equals(self, name: str, column: Any) -> Iterator[Condition]:
        value = getattr(self, name)
        if value is not None and value is not strawberry.UNSET:
            yield column == value

    def holds(self, name: str, condition: Callable[[], Condition]) -> Iterator[Condition]:
        """`condition`, or its opposite; it is not built unless it is asked for."""
        if getattr(self, name) not in (None, strawberry.UNSET):
            yield from self.equals(name, condition())

    def among(self, name: str, column: Any) -> Iterator[Condition]:
        if values := self.listed(name):
            yield column.in_(values)

    def during(self, name: str, column: Any) -> Iterator[Condition]:
        if period := getattr(self, name):
            if period.since:
                yield column >= period.since
            if period.until:
                yield column <= period.until

    def linked(self, name: str, target: str, column: Any, reader: Reader) -> Iterator[Condition]:
        """The column is the id of one of the given objects; those out of scope select nothing [2.3]."""
        if raw := self.listed(name):
            yield column.in_(seen(name, target, raw, reader))

    def listed(self, name: str) -> Sequence[Any]:
        values = getattr(self, name) or ()
        if len(values) > 100:
            raise InvalidArgument(f"filter.{name}: give at most 100 values.")
        if any(isinstance(value, str) and not _storable(value) for value in values):
            raise InvalidArgument(f"filter.{name}: a value has characters that no text in the database can have.")
        return values


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def seen(name: str, target: str, raw: Sequence[Any], reader: Reader) -> Any:
    """The ids among the given global ids that the reader may see, as a subquery."""
    resource = READABLE[target].resource
    chosen = one_of(resource.key, [decode_as(target, f"filter.{name}", each) for each in raw])
    return select(resource.key).where(chosen, resource.visible(reader.caller)).correlate(None)
