"""The scalars of the schema beyond GraphQL's own."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.scalars import JSON

from server.domain.base import text_of_moment

__all__ = ["JSON", "SCALARS", "DateOrDateTime", "WholeNumber"]

WholeNumber = NewType("WholeNumber", int)
"""A whole number beyond GraphQL's Int of 32 bits."""
LARGEST = 2**53 - 1

DateOrDateTime = NewType("DateOrDateTime", object)
"""A date or a moment; the services say which moment of the day a date means [4.3]."""


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        pass
    raise GraphQLError(f"{value!r:.60} is not a moment in ISO 8601 with an offset, such as 2026-03-02T09:00:00+01:00.")


def _date_or_moment(value: Any) -> date | datetime:
    try:
        return date.fromisoformat(value) if len(value) == len("2026-03-02") else _moment(value)
    except (ValueError, TypeError):
        pass
    raise GraphQLError(f"{value!r:.60} is neither a date such as 2026-03-02 nor a moment in ISO 8601 with an offset.")


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return text_of_moment(value)
    if isinstance(value, date):
        return value.isoformat()
    raise GraphQLError(f"{value!r:.60} is not a date or a moment.")


def _whole(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST:
        return value
    raise GraphQLError(f"{value!r:.60} is not a whole number of at most 16 digits.")


SCALARS: Mapping[object, Any] = {
    datetime: strawberry.scalar(
        name="DateTime", serialize=_text, parse_value=_moment,
        description="A moment in ISO 8601 with an offset, such as 2026-03-02T09:00:00+01:00. Answers are in UTC.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
    ),
    WholeNumber: strawberry.scalar(
        name="WholeNumber", serialize=_whole, parse_value=_whole,
        description="A whole number that every JSON client holds exactly: at most 2^53 - 1 either way.",
    ),
    DateOrDateTime: strawberry.scalar(
        name="DateOrDateTime", serialize=_text, parse_value=_date_or_moment,
        description=(
            "A moment in ISO 8601 with an offset, or a date such as 2026-03-02, which means the start of that day for "
            "starts and its end for ends and deadlines, in the organisation's time zone."
        ),
    ),
}
