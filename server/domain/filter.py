"""Filters over contacts as typed values, never SQL: what may be written, and every fault in it at once [8.2].

A filter is a condition {"field", "operator", "value"}, or {"and": [filters]}, {"or": [filters]}, {"not": filter}.
A value may be {"parameter": name}: what the order holds under that name.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from server.errors import Problem

MAX_DEPTH = 12
MAX_PARTS = 300
MAX_VALUES = 1_000
MAX_ALL_VALUES = 5_000
MAX_TEXT = 500
MAX_NUMBER = 2**53
ATTRIBUTE = re.compile(r"attributes\.\w[\w -]{0,63}")


class Kind(StrEnum):
    """What a field holds. ANY, of attributes: the value that it is compared with decides."""

    TEXT = "TEXT"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    ANY = "ANY"


class Operator(StrEnum):
    """How a field is compared. CONTAINS, STARTS_WITH and ENDS_WITH take a to z in either case."""

    EQ = "EQ"
    NE = "NE"
    LT = "LT"
    LE = "LE"
    GT = "GT"
    GE = "GE"
    IN = "IN"
    NOT_IN = "NOT_IN"
    CONTAINS = "CONTAINS"
    STARTS_WITH = "STARTS_WITH"
    ENDS_WITH = "ENDS_WITH"
    IS_EMPTY = "IS_EMPTY"
    IS_NOT_EMPTY = "IS_NOT_EMPTY"


CONTACT_FIELDS: Mapping[str, Kind] = {
    "entity": Kind.TEXT,  # the code of the contact's entity
    "email": Kind.TEXT,
    "firstName": Kind.TEXT,
    "lastName": Kind.TEXT,
    "city": Kind.TEXT,
    "postalCode": Kind.TEXT,
    "country": Kind.TEXT,
    "language": Kind.TEXT,
    "birthYear": Kind.NUMBER,
    "score": Kind.NUMBER,
    "optedOut": Kind.BOOLEAN,
}
"""The fields of a contact, beside attributes.<name>."""

EMPTINESS = (Operator.IS_EMPTY, Operator.IS_NOT_EMPTY)
LISTS = (Operator.IN, Operator.NOT_IN)
TEXT_PARTS = (Operator.CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH)
ACCEPTED: Mapping[Kind, tuple[Operator, ...]] = {
    Kind.TEXT: tuple(Operator),
    Kind.NUMBER: tuple(operator for operator in Operator if operator not in TEXT_PARTS),
    Kind.BOOLEAN: (Operator.EQ, Operator.NE, *EMPTINESS),
    Kind.ANY: tuple(Operator),
}
SINGLE = (Kind.TEXT, Kind.NUMBER, Kind.BOOLEAN)
EXPECTED = {
    Kind.TEXT: f"a text of at most {MAX_TEXT} characters", Kind.NUMBER: "a number", Kind.BOOLEAN: "true or false",
    Kind.ANY: f"a number, true, false, or a text of at most {MAX_TEXT} characters",
}


def field_kind(name: object, fields: Mapping[str, Kind] = CONTACT_FIELDS) -> Kind | None:
    """What a field holds; None when there is no such field."""
    if not isinstance(name, str):
        return None
    return fields.get(name) or (Kind.ANY if ATTRIBUTE.fullmatch(name) else None)


def check_filter(stored: object, fields: Mapping[str, Kind] = CONTACT_FIELDS) -> list[Problem]:
    """Every fault of a filter, each at its path."""
    if _too_large(stored):
        return [Problem(
            "FILTER_TOO_LARGE",
            f"A filter has at most {MAX_PARTS} parts, nested at most {MAX_DEPTH} deep, and {MAX_ALL_VALUES} values.",
        )]
    return list(_check(stored, fields))


def check_value(kind: Kind, operator: Operator, value: Any) -> str | None:
    """What would be right instead of `value`; None when it is right."""
    if operator in EMPTINESS:
        return None if value is None else "no value"
    if operator in LISTS:
        kinds = SINGLE if kind is Kind.ANY else (kind,)
        counted = isinstance(value, list) and 0 < len(value) <= MAX_VALUES
        if counted and any(all(_is(each, item) for item in value) for each in kinds):
            return None
        return f"a list of 1 to {MAX_VALUES} values of one kind, each {EXPECTED[kind]}"
    if operator in TEXT_PARTS:
        return None if value and _is(Kind.TEXT, value) else f"{EXPECTED[Kind.TEXT]}, not empty"
    return None if _is(kind, value) else EXPECTED[kind]


def parameter_of(value: object) -> str | None:
    """The order parameter that a value refers to."""
    if isinstance(value, Mapping) and set(value) == {"parameter"}:
        name = value["parameter"]
        return name if isinstance(name, str) and name else None
    return None


def _too_large(stored: object) -> bool:
    """Counted without recursion, before anything else looks at the filter."""
    level, parts, values = [stored], 0, 0
    for _ in range(MAX_DEPTH):
        parts += len(level)
        values += sum(len(_values(filter_)) for filter_ in level)
        level = [part for filter_ in level for part in _parts(filter_)]
        if parts > MAX_PARTS or values > MAX_ALL_VALUES:
            return True
        if not level:
            return False
    return True


def _values(stored: object) -> list[Any]:
    value = stored.get("value") if isinstance(stored, Mapping) else None
    return value if isinstance(value, list) else []


def _parts(stored: object) -> list[Any]:
    if not isinstance(stored, Mapping):
        return []
    parts = [stored["not"]] if "not" in stored else []
    for word in ("and", "or"):
        if isinstance(stored.get(word), list):
            parts += stored[word]
    return parts


def _check(stored: object, fields: Mapping[str, Kind]) -> Iterator[Problem]:
    match stored:
        case {"and": list(parts), **rest} if not rest:
            yield from _check_all("and", parts, fields)
        case {"or": list(parts), **rest} if not rest:
            yield from _check_all("or", parts, fields)
        case {"not": part, **rest} if not rest:
            yield from (problem.at("not") for problem in _check(part, fields))
        case {"field": name, "operator": operator, **rest} if set(rest) <= {"value"}:
            yield from _check_condition(name, operator, rest.get("value"), fields)
        case _:
            yield Problem(
                "INVALID_FILTER",
                'A filter is {"field", "operator", "value"}, {"and": [filters]}, {"or": [filters]} or {"not": filter}.',
            )


def _check_all(word: str, parts: list[object], fields: Mapping[str, Kind]) -> Iterator[Problem]:
    for index, part in enumerate(parts):
        yield from (problem.at(word, str(index)) for problem in _check(part, fields))


def _check_condition(
    name: object, operator: object, value: object, fields: Mapping[str, Kind]
) -> Iterator[Problem]:
    kind = field_kind(name, fields)
    if kind is None:
        yield unknown_field(name, fields).at("field")
    if not isinstance(operator, str) or operator not in ACCEPTED[kind or Kind.ANY]:
        allowed = ", ".join(ACCEPTED[kind or Kind.ANY])
        yield Problem("UNKNOWN_OPERATOR", f"{operator!r:.40} cannot be used here, allowed: {allowed}.", ("operator",))
    elif kind is not None:
        later = parameter_of(value) and operator not in EMPTINESS
        if not later and (wrong := check_value(kind, Operator(operator), value)):
            yield Problem("INVALID_VALUE", f"{operator} of {name} needs {wrong}.", ("value",))


def unknown_field(name: object, fields: Mapping[str, Kind] = CONTACT_FIELDS) -> Problem:
    """The problem that a contact has no such field."""
    known = ", ".join(fields)
    return Problem("UNKNOWN_FIELD", f"There is no contact field {name!r:.80}, known: {known}, attributes.<name>.")


def _is(kind: Kind, value: object) -> bool:
    match value:
        case bool():
            return kind in (Kind.BOOLEAN, Kind.ANY)
        case int() | float():
            return kind in (Kind.NUMBER, Kind.ANY) and abs(value) <= MAX_NUMBER  # nor infinite, nor NaN
        case str():
            return kind in (Kind.TEXT, Kind.ANY) and len(value) <= MAX_TEXT and "\0" not in value
        case _:
            return False
