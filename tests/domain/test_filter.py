"""Filters are typed values, and every fault in one is named at once [8.2]."""

from typing import Any

import pytest

from server.domain.filter import MAX_ALL_VALUES, MAX_DEPTH, MAX_PARTS, check_filter

PARIS = {"field": "city", "operator": "EQ", "value": "Paris"}


def condition(field: str = "city", operator: str = "EQ", value: Any = "Paris") -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


@pytest.mark.parametrize("stored", [
    PARIS,
    {"and": []},
    {"and": [PARIS, {"or": [PARIS, {"not": PARIS}]}]},
    condition("birthYear", "GE", 1990),
    condition("score", "IN", [1, 2.5]),
    condition("optedOut", "NE", True),
    condition("attributes.loyalty level", "LT", 3),
    condition("attributes.segment", "CONTAINS", "gold"),
    condition("language", "NOT_IN", ["sv", "fr"]),
    {"field": "email", "operator": "IS_EMPTY"},
    condition("score", "GT", {"parameter": "minimumScore"}),
])
def test_a_valid_filter_has_no_faults(stored: Any) -> None:
    assert check_filter(stored) == []


@pytest.mark.parametrize(("stored", "code", "path"), [
    ("city = 'Paris'", "INVALID_FILTER", ()),  # never a string of SQL
    ([], "INVALID_FILTER", ()),
    ({}, "INVALID_FILTER", ()),
    ({"and": PARIS}, "INVALID_FILTER", ()),
    ({"and": [PARIS], "or": [PARIS]}, "INVALID_FILTER", ()),
    (PARIS | {"sql": "1=1"}, "INVALID_FILTER", ()),
    ({"not": []}, "INVALID_FILTER", ("not",)),
    (condition("shoeSize"), "UNKNOWN_FIELD", ("field",)),
    (condition("attributes."), "UNKNOWN_FIELD", ("field",)),
    (condition('attributes.a"b'), "UNKNOWN_FIELD", ("field",)),
    (condition(field=["city"]), "UNKNOWN_FIELD", ("field",)),
    (condition(operator="LIKE"), "UNKNOWN_OPERATOR", ("operator",)),
    (condition(operator=7), "UNKNOWN_OPERATOR", ("operator",)),
    (condition("score", "CONTAINS", "1"), "UNKNOWN_OPERATOR", ("operator",)),
    (condition("optedOut", "LT", True), "UNKNOWN_OPERATOR", ("operator",)),
    (condition("score", "EQ", "many"), "INVALID_VALUE", ("value",)),
    (condition("score", "EQ", True), "INVALID_VALUE", ("value",)),
    (condition("score", "EQ", float("nan")), "INVALID_VALUE", ("value",)),
    (condition("score", "EQ", 10**400), "INVALID_VALUE", ("value",)),
    (condition("optedOut", "EQ", 1), "INVALID_VALUE", ("value",)),
    (condition(value=None), "INVALID_VALUE", ("value",)),
    (condition(value="x" * 501), "INVALID_VALUE", ("value",)),
    (condition(value="a\0b"), "INVALID_VALUE", ("value",)),
    (condition(operator="CONTAINS", value=""), "INVALID_VALUE", ("value",)),
    (condition(operator="IN", value="Paris"), "INVALID_VALUE", ("value",)),
    (condition(operator="IN", value=[]), "INVALID_VALUE", ("value",)),
    (condition("attributes.level", "IN", [1, "one"]), "INVALID_VALUE", ("value",)),
    (condition(operator="IS_EMPTY"), "INVALID_VALUE", ("value",)),
    (condition(operator="IS_EMPTY", value={"parameter": "city"}), "INVALID_VALUE", ("value",)),
    (condition(value={"parameter": ""}), "INVALID_VALUE", ("value",)),
])
def test_a_fault_is_found_at_its_path(stored: Any, code: str, path: tuple[str, ...]) -> None:
    assert [(problem.code, problem.path) for problem in check_filter(stored)] == [(code, path)]


def test_all_faults_come_at_once() -> None:
    stored = {"and": [condition("shoeSize", "LIKE"), PARIS, {"or": [{"not": condition("score", "EQ", "many")}]}]}
    assert [problem.path for problem in check_filter(stored)] == [
        ("and", "0", "field"), ("and", "0", "operator"), ("and", "2", "or", "0", "not", "value"),
    ]


def test_a_fault_says_what_would_be_right() -> None:
    [problem] = check_filter(condition("score", "EQ", "many"))
    assert problem.message == "EQ of score needs a number."


def nested(depth: int) -> dict[str, Any]:
    stored: dict[str, Any] = PARIS
    for _ in range(depth - 1):
        stored = {"not": stored}
    return stored


@pytest.mark.parametrize(("largest", "too_large"), [
    (nested(MAX_DEPTH), nested(MAX_DEPTH + 1)),
    ({"and": [PARIS] * (MAX_PARTS - 1)}, {"and": [PARIS] * MAX_PARTS}),
    ({"or": [condition(operator="IN", value=["a"] * 1000)] * (MAX_ALL_VALUES // 1000)},
     {"or": [condition(operator="IN", value=["a"] * 1000)] * (MAX_ALL_VALUES // 1000 + 1)}),
    (condition(operator="IN", value=["a"] * 1000), nested(100_000)),
])
def test_the_size_of_a_filter_is_limited(largest: Any, too_large: Any) -> None:
    assert check_filter(largest) == []
    assert [problem.code for problem in check_filter(too_large)] == ["FILTER_TOO_LARGE"]
