"""Rules for the fields of packages and campaigns: each takes what was given and gives what is stored, or refuses it."""

import json
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any

import nh3

from server.errors import Problem, Refused, refuse

Rule = Callable[[str, Any], Any]
"""Takes the name of a field and a value; raises Refused with problems at the path of the field."""

def assign_fields(thing: Any, rules: Mapping[str, Rule], given: Mapping[str, Any]) -> Iterator[Problem]:
    """Puts the given values on `thing` and yields what is wrong with any of them; fields without a rule are passed
    over."""
    for field, value in given.items():
        if field in rules:
            try:
                setattr(thing, field, rules[field](field, value))
            except Refused as refused:
                yield from refused.problems


def text(longest: int, *, required: bool = False, rich: bool = False) -> Rule:
    """Up to `longest` characters without spaces around them; `rich`: reduced to safe HTML. Null means none."""

    def rule(field: str, value: Any) -> str:
        if value is not None and not isinstance(value, str):
            raise refuse("TYPE", f"The {say(field)} is a text.", field)
        stripped = (value or "").strip()
        if required and not stripped:
            raise refuse("REQUIRED", f"The {say(field)} is required.", field)
        if len(stripped) > longest:
            message = f"The {say(field)} has {len(stripped)} characters; at most {longest} are possible."
            raise refuse("TOO_LONG", message, field)
        return nh3.clean(stripped) if rich else stripped

    return rule


def number(least: int, most: int, *, optional: bool = False) -> Rule:
    def rule(field: str, value: Any) -> int | None:
        if value is None and optional:
            return None
        if type(value) is not int or not least <= value <= most:
            raise refuse("OUT_OF_RANGE", f"The {say(field)} is a whole number from {least} to {most}.", field)
        return value

    return rule


def choice(kind: type[StrEnum], *, optional: bool = False) -> Rule:
    def rule(field: str, value: Any) -> StrEnum | None:
        if value is None and optional:
            return None
        if value not in list(kind):
            raise refuse("CHOICE", f"The {say(field)} is one of {', '.join(kind)}.", field)
        return kind(value)

    return rule


def flag(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise refuse("TYPE", f"The field {say(field)} is true or false.", field)
    return value


def names(known: tuple[str, ...]) -> Rule:
    """A list of some of these names, each once."""

    def rule(field: str, value: Any) -> list[str]:
        if not isinstance(value, list) or any(name not in known for name in value):
            raise refuse("CHOICE", f"The {say(field)} are a list of some of {', '.join(known)}.", field)
        return list(dict.fromkeys(value))

    return rule


def json_object(field: str, value: Any) -> dict[str, Any]:
    """A JSON object with anything in it; an empty one says that there is nothing, null says nothing."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise refuse("TYPE", f"The {say(field)} cannot be stored as JSON: {error}.", field) from None
    if not isinstance(value, dict):
        raise refuse("TYPE", f"The {say(field)} must be a JSON object, {{}} for none.", field)
    return value


def say(field: str) -> str:
    """A field's name in a sentence."""
    return field.removesuffix("_id").replace("_", " ")
