"""The fields of a contact as SQL with one meaning on both databases, and filters over them as conditions [8.2].

Texts are compared and ordered by code point. What a contact lacks is the empty text, or no number at all.
"""

import operator as operators
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Float,
    String,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)

from server.domain.filter import (
    CONTACT_FIELDS,
    Kind,
    Operator,
    check_filter,
    check_value,
    field_kind,
    parameter_of,
    unknown_field,
)
from server.domain.network import Entity
from server.domain.target import Contact
from server.errors import Refused, refuse, refuse_any
from server.reads.portable import EMPTY, NO, YES, AttributeText, ByCodePoint, IsNumber

COLUMNS: Mapping[str, Any] = {
    "email": Contact.email, "firstName": Contact.first_name, "lastName": Contact.last_name, "city": Contact.city,
    "postalCode": Contact.postal_code, "country": Contact.country, "language": Contact.language,
    "birthYear": Contact.birth_year, "score": Contact.score, "optedOut": Contact.opted_out,
    "entity": select(Entity.code).where(Entity.id == Contact.entity_id).correlate(Contact).scalar_subquery(),
}


OPPOSITES = {
    Operator.NE: Operator.EQ, Operator.NOT_IN: Operator.IN, Operator.IS_NOT_EMPTY: Operator.IS_EMPTY,
}
COMPARISONS: Mapping[Operator, Callable[[Any, Any], Any]] = {
    Operator.EQ: operators.eq, Operator.LT: operators.lt, Operator.LE: operators.le, Operator.GT: operators.gt,
    Operator.GE: operators.ge,
}


def text_of(name: str) -> ColumnElement[str]:
    """A field as text, '' when the contact lacks it; Refused when there is no such field."""
    match _kind(name):
        case Kind.ANY:
            return _attribute(name)
        case Kind.NUMBER:
            return func.coalesce(cast(COLUMNS[name], String), EMPTY)
        case Kind.BOOLEAN:
            return case((COLUMNS[name], YES), else_=NO)
        case Kind.TEXT:
            column: ColumnElement[str] = COLUMNS[name]
            return column


def sort_keys(name: str) -> list[ColumnElement[Any]]:
    """What to sort by a field with, null for what the contact lacks; attributes sort as numbers, then as texts."""
    match _kind(name):
        case Kind.NUMBER:
            return [COLUMNS[name]]
        case Kind.ANY:
            text = text_of(name)
            return [_number(text), func.nullif(ByCodePoint(text), EMPTY)]
        case _:
            return [func.nullif(ByCodePoint(text_of(name)), EMPTY)]


def condition(stored: Mapping[str, Any], parameters: Mapping[str, Any]) -> ColumnElement[bool]:
    """A filter as a condition on contacts, every value bound; Refused with every fault when it is not valid.

    A condition whose parameter has no value is unknown: it selects nobody, neither by itself nor under "not".
    """
    refuse_any(check_filter(stored))
    return _condition(stored, parameters)


def _condition(stored: Mapping[str, Any], parameters: Mapping[str, Any]) -> ColumnElement[bool]:
    match stored:
        case {"and": parts}:
            return and_(true(), *(_condition(part, parameters) for part in parts))
        case {"or": parts}:
            return or_(false(), *(_condition(part, parameters) for part in parts))
        case {"not": part}:
            return not_(_condition(part, parameters))
        case _:
            return _comparison(stored["field"], Operator(stored["operator"]), stored.get("value"), parameters)


def _comparison(name: str, operator: Operator, value: Any, parameters: Mapping[str, Any]) -> ColumnElement[bool]:
    kind = _kind(name)
    if parameter := parameter_of(value):
        value = parameters.get(parameter)
        if value is None:
            return literal(None, Boolean)
        if right := check_value(kind, operator, value):
            raise refuse("INVALID_VALUE", f"{operator} of {name} needs {right}.", "parameters", parameter)
    if name == "entity" and operator in (Operator.EQ, Operator.IN):  # lets the database start from the entities
        codes = [value] if operator is Operator.EQ else value
        return Contact.entity_id.in_(select(Entity.id).where(Entity.code.in_(codes)))
    if kind is Kind.NUMBER or (kind is Kind.ANY and _is_number(value)):
        number = cast(COLUMNS[name], Float) if kind is Kind.NUMBER else _number(text_of(name))
        return _compare(number, operator, value, empty=number.is_(None))
    text = text_of(name)
    return _compare(ByCodePoint(text), operator, _as_text(value), empty=text == EMPTY)


def _compare(
    field: ColumnElement[Any], operator: Operator, value: Any, *, empty: ColumnElement[bool]
) -> ColumnElement[bool]:
    """True or false for every contact: a number that it lacks fulfils nothing but NE, NOT_IN and IS_EMPTY."""
    match operator:
        case Operator.IS_EMPTY:
            return empty
        case Operator.NE | Operator.NOT_IN | Operator.IS_NOT_EMPTY:
            return not_(_compare(field, OPPOSITES[operator], value, empty=empty))
        case Operator.CONTAINS | Operator.STARTS_WITH | Operator.ENDS_WITH:
            return func.lower(field).like(_pattern(operator, value), escape="/")
        case Operator.IN:
            return and_(field.is_not(None), field.in_(value))
        case _:
            return and_(field.is_not(None), COMPARISONS[operator](field, value))


def _pattern(operator: Operator, value: str) -> str:
    lowered = value.encode().lower().decode()  # a to z only, as the databases do
    escaped = lowered.replace("/", "//").replace("%", "/%").replace("_", "/_")
    before = "" if operator is Operator.STARTS_WITH else "%"
    return before + escaped + ("" if operator is Operator.ENDS_WITH else "%")


def _kind(name: str) -> Kind:
    kind = field_kind(name, CONTACT_FIELDS)
    if kind is None:
        raise Refused([unknown_field(name)])
    return kind


def _attribute(name: str) -> ColumnElement[str]:
    key = name.partition(".")[2]
    return AttributeText(Contact.attributes, literal(key, String), literal(f'$."{key}"', String))


def _number(text: ColumnElement[str]) -> ColumnElement[float]:
    return case((IsNumber(text), cast(text, Float)))


def _is_number(value: Any) -> bool:
    sample = value[0] if isinstance(value, list) else value
    return isinstance(sample, int | float) and not isinstance(sample, bool)


def _as_text(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else value
