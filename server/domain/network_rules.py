"""What the fields of entities, operators, groups and contacts must look like, wherever they come from [2.1, 2.2].

A rule takes a value and gives a sentence that says what is wrong with it and what would be right, or "" when it fits.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from server.domain.network import EntityKind, Right
from server.errors import Problem

Rule = Callable[[Any], str]

CODE = re.compile(r"[^\s,;|]{1,60}")
EMAIL = re.compile(r"[^@\s,;<>]{1,64}@[^@\s,;<>.]+(\.[^@\s,;<>.]+)+")
LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|\d{3}))?(-([A-Za-z\d]{5,8}|\d[A-Za-z\d]{3}))*")
"""Language, script, region and variants of a BCP 47 tag; extensions are not for the languages that people read."""


def code(value: Any) -> str:
    if isinstance(value, str) and CODE.fullmatch(value):
        return ""
    return f"{_say(value)} is no code: 1 to 60 characters without spaces, commas, semicolons and |."


def name(value: Any) -> str:
    if isinstance(value, str) and value.strip() and len(value) <= 200:
        return ""
    return f"{_say(value)} does not do: give a text of 1 to 200 characters."


def text(value: Any) -> str:
    fits = isinstance(value, str) and len(value) <= 1000
    return "" if fits else f"{_say(value)} does not do: give a text of at most 1000 characters."


def email(value: Any) -> str:
    if isinstance(value, str) and len(value) <= 254 and EMAIL.fullmatch(value):
        return ""
    return f"{_say(value)} is no e-mail address such as anna@example.org."


def email_if_any(value: Any) -> str:
    return email(value) if value != "" else ""


def locale(value: Any) -> str:
    fits = isinstance(value, str) and LOCALE.fullmatch(value)
    return "" if fits else f"{_say(value)} is no locale: give a BCP 47 tag such as sv, nb-NO or zh-Hant."


def time_zone(value: Any) -> str:
    return "" if value in _zones() else f"{_say(value)} is no time zone: give an IANA name such as Europe/Stockholm."


def flag(value: Any) -> str:
    return "" if isinstance(value, bool) else f"{_say(value)} is neither true nor false."


def one_of(choices: type[StrEnum]) -> Rule:
    expected = ", ".join(choices)
    return lambda value: "" if value in list(choices) else f"{_say(value)} is not one of {expected}."


ENTITY: Mapping[str, Rule] = {
    "kind": one_of(EntityKind), "code": code, "label": name, "email": email_if_any, "phone": text, "address": text,
    "locale": locale, "time_zone": time_zone, "active": flag,
}
OPERATOR: Mapping[str, Rule] = {
    "login": code, "name": name, "email": email_if_any, "right": one_of(Right), "locale": locale, "active": flag,
}
GROUP: Mapping[str, Rule] = {"code": code, "label": name}

REQUIRED = frozenset({"kind", "code", "label", "login", "name", "right"})
"""Fields without a default: a new entity, operator or group must bring them."""


def check_fields(rules: Mapping[str, Rule], fields: Mapping[str, Any], *, new: bool) -> Iterator[Problem]:
    """What is wrong with the given fields, each by itself; a new thing must bring the required ones."""
    for field, rule in rules.items():
        if field in fields:
            if message := rule(fields[field]):
                yield Problem("INVALID", message, (field,))
        elif new and field in REQUIRED:
            yield Problem("REQUIRED", f"The field {field} is required.", (field,))


def check_place(kind: str, parent: str) -> str:
    """Local entities stand under any entity, central ones only under central ones [2.1]."""
    if kind == EntityKind.CENTRAL and parent == EntityKind.LOCAL:
        return "A central entity cannot stand under a local one: choose a central parent, or none."
    return ""


def _say(value: Any) -> str:
    shown = str(value)
    return f'"{shown[:80]}…"' if len(shown) > 80 else f'"{shown}"'


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
