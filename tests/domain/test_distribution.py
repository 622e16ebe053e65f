"""What makes a data distribution valid, and how much a row takes [9.12]."""

from typing import Any

import pytest

from server.domain.base import new_id
from server.domain.distribution import check_distribution, kept
from server.domain.target import Assignment, DataDistribution, DistributionRow, Ranking, SizeKind
from tests.builders import a_distribution


def a_valid_one(**fields: Any) -> DataDistribution:
    defaults = {
        "dimension": "contact", "assignment": Assignment.LOCAL_ENTITY, "size_kind": SizeKind.FIXED,
        "ranking": Ranking.SORT, "sort_field": "score", "seed": 1, "grouping_field": "",
    }
    return a_distribution(**defaults | fields)


def a_row(value: str = "75001", size: int = 0, **who: Any) -> DistributionRow:
    return DistributionRow(value=value, size=size, **who or {"entity_id": new_id()})


@pytest.mark.parametrize(("kind", "size", "found", "taken"), [
    (SizeKind.FIXED, 0, 7, 7),  # 0 means all
    (SizeKind.FIXED, 5, 7, 5),
    (SizeKind.FIXED, 9, 7, 7),
    (SizeKind.PERCENTAGE, 0, 7, 7),  # 0 means all
    (SizeKind.PERCENTAGE, 50, 7, 3),  # rounded down
    (SizeKind.PERCENTAGE, 99, 1, 0),
    (SizeKind.PERCENTAGE, 100, 7, 7),
])
def test_a_row_takes_of_its_value(kind: SizeKind, size: int, found: int, taken: int) -> None:
    assert kept(kind, size, found) == taken


def test_a_value_stands_in_one_row_but_an_entity_may_have_several() -> None:
    entity = new_id()
    rows = [a_row("75001", entity_id=entity), a_row("75002", entity_id=entity), a_row("75001")]
    [problem] = check_distribution(a_valid_one(), rows)
    assert (problem.code, problem.path) == ("DUPLICATE", ("rows", "2", "value"))
    assert "stands in row 1 already" in problem.message


@pytest.mark.parametrize(("fields", "row", "path"), [
    ({"dimension": "visitor"}, a_row(), ("dimension",)),
    ({"field": "shoeSize"}, a_row(), ("field",)),
    ({"field": ""}, a_row(), ("field",)),
    ({"sort_field": "shoeSize"}, a_row(), ("sort_field",)),
    ({"grouping_field": "shoeSize"}, a_row(), ("grouping_field",)),
    ({}, a_row(value=""), ("rows", "0", "value")),
    ({}, a_row(value="x" * 501), ("rows", "0", "value")),
    ({}, a_row(size=-1), ("rows", "0", "size")),
    ({"size_kind": SizeKind.PERCENTAGE}, a_row(size=101), ("rows", "0", "size")),
    ({}, a_row(operator_id=new_id()), ("rows", "0", "entity_id")),
    ({}, a_row(entity_id=new_id(), group_id=new_id()), ("rows", "0", "entity_id")),
    ({"assignment": Assignment.GROUP_OR_OPERATOR}, a_row(), ("rows", "0", "operator_id")),
    ({"assignment": Assignment.GROUP_OR_OPERATOR}, a_row(operator_id=new_id(), group_id=new_id()),
     ("rows", "0", "operator_id")),
])
def test_a_fault_is_found_at_its_path(fields: dict[str, Any], row: DistributionRow, path: tuple[str, ...]) -> None:
    assert [problem.path for problem in check_distribution(a_valid_one(**fields), [row])] == [path]


def test_a_random_ranking_needs_no_sort_field() -> None:
    assert not list(check_distribution(a_valid_one(ranking=Ranking.RANDOM, sort_field=""), [a_row()]))


def test_all_faults_come_at_once() -> None:
    distribution = a_valid_one(dimension="visitor", field="shoeSize")
    problems = check_distribution(distribution, [a_row(size=-1), a_row(operator_id=new_id())])
    assert {problem.path for problem in problems} == {
        ("dimension",), ("field",), ("rows", "1", "value"), ("rows", "0", "size"), ("rows", "1", "entity_id"),
    }
