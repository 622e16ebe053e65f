"""SQL that the two databases must spell differently to mean the same."""

import hashlib
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import BigInteger, Boolean, ColumnElement, String, case, cast, func, literal, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

EMPTY = literal_column("''", String)
PRIME = 2**31 - 1
SHUFFLED_DIGITS = 6
YES, NO = literal_column("'true'", String), literal_column("'false'", String)


class AttributeText(FunctionElement[str]):
    """AttributeText(json, name, path): what a JSON object holds under a name, as text; '' when missing or null."""

    type = String()
    inherit_cache = True


@compiles(AttributeText, "sqlite")
def _attribute_on_sqlite(element: AttributeText, compiler: SQLCompiler, **options: Any) -> str:
    json, _name, path = element.clauses
    kind = func.json_type(json, path)
    value = func.coalesce(cast(func.json_extract(json, path), String), EMPTY)
    return compiler.process(case((kind == YES, YES), (kind == NO, NO), else_=value), **options)


@compiles(AttributeText, "postgresql")
def _attribute_on_postgresql(element: AttributeText, compiler: SQLCompiler, **options: Any) -> str:
    json, name, _path = element.clauses
    return compiler.process(func.coalesce(json.op("->>", return_type=String())(name), EMPTY), **options)


class TextsIn(FunctionElement[Any]):
    """TextsIn(json, name): the texts of a list that a JSON object holds under a name, as a table with column value."""

    inherit_cache = True


@compiles(TextsIn, "sqlite")
def _texts_on_sqlite(element: TextsIn, compiler: SQLCompiler, **options: Any) -> str:
    json, name = element.clauses
    return compiler.process(func.json_each(json, literal("$.") + name), **options)


@compiles(TextsIn, "postgresql")
def _texts_on_postgresql(element: TextsIn, compiler: SQLCompiler, **options: Any) -> str:
    json, name = element.clauses
    return compiler.process(func.jsonb_array_elements_text(json.op("->")(name)), **options)


class IsNumber(FunctionElement[bool]):
    """Whether a text is a decimal number of at most 16 characters: digits, a sign before, a point within."""

    type = Boolean()
    inherit_cache = True


@compiles(IsNumber, "sqlite")
def _is_number_on_sqlite(element: IsNumber, compiler: SQLCompiler, **options: Any) -> str:
    text = compiler.process(element.clauses, **options)
    digits = ("NOT GLOB '*[^0-9.-]*'", "NOT GLOB '?*-*'", "NOT GLOB '*.*.*'")
    edges = ("GLOB '*[0-9]'", "NOT GLOB '.*'", "NOT GLOB '-.*'")
    return f"(length({text}) <= 16 AND " + " AND ".join(f"{text} {test}" for test in (*digits, *edges)) + ")"


@compiles(IsNumber, "postgresql")
def _is_number_on_postgresql(element: IsNumber, compiler: SQLCompiler, **options: Any) -> str:
    text = compiler.process(element.clauses, **options)
    return f"(length({text}) <= 16 AND {text} ~ '^-?[0-9]+([.][0-9]+)?$')"


class ByCodePoint(FunctionElement[str]):
    """A text that is compared, ordered and lowered in one way, whatever the locale of the database."""

    type = String()
    inherit_cache = True


@compiles(ByCodePoint, "sqlite")
def _by_code_point_on_sqlite(element: ByCodePoint, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(ByCodePoint, "postgresql")
def _by_code_point_on_postgresql(element: ByCodePoint, compiler: SQLCompiler, **options: Any) -> str:
    return f'({compiler.process(element.clauses, **options)} COLLATE "C")'


class IdDigit(FunctionElement[int]):
    """IdDigit(id, n): the character code of the n-th last hexadecimal digit of a UUID, n from 1 to 12."""

    type = BigInteger()
    inherit_cache = True


@compiles(IdDigit, "sqlite")
def _id_digit_on_sqlite(element: IdDigit, compiler: SQLCompiler, **options: Any) -> str:
    key, place = element.clauses
    return compiler.process(func.unicode(func.substr(key, -place, 1)), **options)


@compiles(IdDigit, "postgresql")
def _id_digit_on_postgresql(element: IdDigit, compiler: SQLCompiler, **options: Any) -> str:
    key, place = element.clauses
    return compiler.process(func.ascii(func.substr(cast(key, String), 37 - place, 1)), **options)


def shuffled(key: ColumnElement[Any], seed: int) -> ColumnElement[int]:
    """A number for every UUID that depends on nothing but the UUID and the seed: ordering by it is a shuffle that comes
    out the same on both databases, every time. It is a linear hash of the last digits in plain arithmetic, with weights
    drawn from the seed: a function in Python would wait for the interpreter in every row."""
    weights = (hashlib.sha256(f"{seed} {place}".encode()).digest() for place in range(1, SHUFFLED_DIGITS + 1))
    terms = [
        IdDigit(key, literal_column(str(place + 1))) * literal(int.from_bytes(weight[:4], "big") % PRIME, BigInteger)
        for place, weight in enumerate(weights)
    ]
    return reduce(add, terms) % literal(PRIME, BigInteger)


class AsFilter(FunctionElement[bool]):
    """A condition that is looked at for every row that other conditions have found. PostgreSQL would make a join of an
    `IN (SELECT …)` and begin with that: within a list of one parent it walks the whole scope for each parent then."""

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        return self


@compiles(AsFilter)
def _kept_together(element: AsFilter, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)})"


@compiles(AsFilter, "postgresql")
def _kept_from_joining(element: AsFilter, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)}) IS TRUE"
