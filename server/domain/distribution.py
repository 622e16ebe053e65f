"""What makes a data distribution valid [9.12]."""

from collections.abc import Iterator, Sequence

from server.domain.filter import field_kind, unknown_field
from server.domain.target import Assignment, DataDistribution, DistributionRow, Ranking, SizeKind
from server.errors import Problem

DIMENSION = "contact"
"""The targeting dimension that ships [8.7]."""
MAX_ROWS = 20_000
MAX_TEXT = 500
MAX_SIZE = 2**31 - 1


def kept(size_kind: SizeKind, size: int, found: int) -> int:
    """How many of the contacts `found` for a value are taken: size 0 means all, a percentage is rounded down."""
    if size == 0:
        return found
    return found * size // 100 if size_kind is SizeKind.PERCENTAGE else min(size, found)


def check_distribution(distribution: DataDistribution, rows: Sequence[DistributionRow]) -> Iterator[Problem]:
    """Every fault of a breakdown and of the fields that a distribution names, except whether entities, operators and
    groups exist."""
    if distribution.dimension != DIMENSION:
        yield Problem(
            "UNKNOWN_DIMENSION",
            f"There is no targeting dimension {distribution.dimension!r:.80}, known: {DIMENSION}.", ("dimension",),
        )
    yield from _check_fields(distribution)
    if len(rows) > MAX_ROWS:
        yield Problem("TOO_MANY_ROWS", f"A breakdown has at most {MAX_ROWS} rows, not {len(rows)}.", ("rows",))
        return
    yield from _check_values(rows)
    for index, row in enumerate(rows):
        yield from (problem.at("rows", str(index)) for problem in _check_row(distribution, row))


def _check_fields(distribution: DataDistribution) -> Iterator[Problem]:
    needed = ["field"] if distribution.ranking is Ranking.RANDOM else ["field", "sort_field"]
    optional = ["grouping_field"] if distribution.grouping_field else []
    for name in needed + optional:
        value = getattr(distribution, name)
        if field_kind(value) is None:
            yield unknown_field(value).at(name)


def _check_values(rows: Sequence[DistributionRow]) -> Iterator[Problem]:
    """A value stands in one row."""
    first: dict[str, int] = {}
    for index, row in enumerate(rows):
        if not row.value:
            yield Problem("REQUIRED", "A row needs the value that it is about.", ("rows", str(index), "value"))
        elif len(row.value) > MAX_TEXT or len(row.label or "") > MAX_TEXT:
            message = f"The value and the label of a row have at most {MAX_TEXT} characters."
            yield Problem("TOO_LONG", message, ("rows", str(index), "value"))
        elif (seen := first.setdefault(row.value, index)) != index:
            yield Problem(
                "DUPLICATE", f"The value {row.value!r:.80} stands in row {seen + 1} already: a value has one row.",
                ("rows", str(index), "value"),
            )


def _check_row(distribution: DataDistribution, row: DistributionRow) -> Iterator[Problem]:
    percentage = distribution.size_kind is SizeKind.PERCENTAGE
    if not 0 <= row.size <= (100 if percentage else MAX_SIZE):
        right = "a percentage from 0 to 100" if percentage else "a number of contacts, not below 0"
        yield Problem("INVALID_SIZE", f"The size {row.size} should be {right}; 0 means all.", ("size",))
    groups = [row.operator_id, row.group_id]
    if distribution.assignment is Assignment.LOCAL_ENTITY:
        if row.entity_id is None or any(groups):
            yield Problem("ENTITY_NEEDED", "A row assigned by local entity names an entity and nobody else.",
                          ("entity_id",))
    elif row.entity_id is not None or groups.count(None) != 1:
        yield Problem("OPERATOR_NEEDED", "A row assigned by group or operator names one group or one operator.",
                      ("operator_id",))
