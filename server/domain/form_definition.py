"""Whether the definition of a form is sound, before it becomes a version of a campaign's form [9.2]."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jsonschema_rs
import nh3
import orjson

from server.campaign_type import Choice, Field, FieldKind
from server.domain.form_schema import CHOOSING, LARGEST, LONGEST, NUMERIC, PATTERNED, validator
from server.domain.form_values import broken_rule, check_values, plain_number
from server.errors import Problem

ROOT = "form"
MOST_FIELDS = 200
LARGEST_FORM = 500_000
"""Bytes of JSON that a form may take."""

_PLAIN = r"^[^\x00]*$"
_TEXT = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": _PLAIN}
_LENGTH = {"type": "integer", "minimum": 0, "maximum": max(LONGEST.values())}
_LIMIT = {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}
_CHOICE = {
    "type": "object", "required": ["value", "label"], "additionalProperties": False,
    "properties": {"value": _TEXT, "label": _TEXT},
}
_FIELD = jsonschema_rs.validator_for({
    "type": "object",
    "required": ["name", "label"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]{0,62}$"},  # a variable in targeting and content
        "label": _TEXT,
        "kind": {"enum": [kind.value for kind in FieldKind]},
        "required": {"type": "boolean"},
        "default": True,
        "minimum": _LIMIT,
        "maximum": _LIMIT,
        "min_length": _LENGTH,
        "max_length": _LENGTH,
        "pattern": {"type": "string", "maxLength": 500, "pattern": _PLAIN},
        "choices": {"type": "array", "maxItems": 500, "items": _CHOICE},
        "help": {"type": "string", "maxLength": 2_000, "pattern": _PLAIN},
        "editable": {"type": "boolean"},
    },
})

LIMITS: Mapping[str, tuple[FieldKind, ...]] = {
    "minimum": NUMERIC, "maximum": NUMERIC,
    "min_length": (*LONGEST, FieldKind.MULTIPLE_CHOICE), "max_length": (*LONGEST, FieldKind.MULTIPLE_CHOICE),
    "pattern": PATTERNED, "choices": CHOOSING,
}
"""Which attributes mean something for which kinds."""


def field_of(stored: Mapping[str, Any]) -> Field:
    """A field from its stored JSON; a rich default is reduced to safe HTML, as values are."""
    given = {name: value for name, value in stored.items() if name in Field.__slots__ and value is not None}
    given["kind"] = FieldKind(given.get("kind", FieldKind.TEXT))
    given["choices"] = tuple(Choice(each["value"], each["label"]) for each in given.get("choices", ()))
    if given["kind"] == FieldKind.RICH_TEXT and isinstance(given.get("default"), str):
        given["default"] = nh3.clean(given["default"])
    return Field(**given)


def check_form(form: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """Every fault of a definition at once; each field an object with the attributes of `Field`, null as if absent."""
    if problem := _check_whole(form):
        return [problem]
    problems: list[Problem] = []
    for index, definition in enumerate(form):
        given = {name: value for name, value in definition.items() if value is not None}
        found = list(_check_shape(given)) or list(_check_sense(field_of(given)))
        title = f"Field {index + 1} ({given['name']})" if isinstance(given.get("name"), str) else f"Field {index + 1}"
        problems += [replace(each, message=f"{title}: {each.message}").at(ROOT, str(index)) for each in found]
    return problems + list(_check_names(form))


def _check_whole(form: Any) -> Problem | None:
    if not isinstance(form, list | tuple) or not all(isinstance(each, Mapping) for each in form):
        return Problem("TYPE", "A form is a list of fields, each an object with name, label and kind.", (ROOT,))
    if len(form) > MOST_FIELDS:
        return Problem("MAX_LENGTH", f"A form must have at most {MOST_FIELDS} fields, this has {len(form)}.", (ROOT,))
    try:
        size = len(orjson.dumps(form))
    except TypeError as error:
        return Problem("TYPE", f"The form cannot be stored as JSON: {error}.", (ROOT,))
    if size > LARGEST_FORM:
        return Problem("TOO_LARGE", f"The form takes {size} bytes, more than the {LARGEST_FORM} allowed.", (ROOT,))
    return None


def _check_names(form: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    first: dict[Any, int] = {}
    for index, definition in enumerate(form):
        name = definition.get("name")
        if isinstance(name, str) and first.setdefault(name, index) != index:
            where = f"field {first[name] + 1} and field {index + 1}"
            yield Problem("DUPLICATE", f"{name} is the name of {where}; names are unique.", (ROOT, str(index), "name"))


def _check_shape(given: Mapping[str, Any]) -> Iterator[Problem]:
    for error in _FIELD.iter_errors(given):
        path = tuple(map(str, error.instance_path))
        detail = error.kind.as_dict()
        match error.kind.name:
            case "required":
                path = (*path, detail["property"])
                yield Problem("REQUIRED", f"{'.'.join(path)} is required.", path)
            case "additionalProperties":
                for name in detail["unexpected"]:
                    words = f"{'.'.join((*path, name))} is unknown; known are {', '.join(Field.__slots__)}."
                    yield Problem("UNKNOWN_FIELD", words, (*path, name))
            case "pattern" if path == ("name",):
                yield Problem("NAME", "name must be a letter and up to 62 more letters, digits and underscores.", path)
            case _:
                code, words = broken_rule(error)
                yield Problem(code, f"{'.'.join(path)} {words}.", path)


def _check_sense(field: Field) -> Iterator[Problem]:
    """What only shows in a field of sound shape; its default is judged when all else is well."""
    problems = [*_check_limits(field), *_check_choices(field), *_check_pattern(field)]
    yield from problems or _check_default(field)


def _check_limits(field: Field) -> Iterator[Problem]:
    for attribute, kinds in LIMITS.items():
        if getattr(field, attribute) not in (None, "", ()) and field.kind not in kinds:
            words = f"{attribute} means nothing for {field.kind.value}; it is for {', '.join(kinds)}."
            yield Problem("NOT_APPLICABLE", words, (attribute,))
    for low, high in (("minimum", "maximum"), ("min_length", "max_length")):
        least, most = getattr(field, low), getattr(field, high)
        if least is not None and most is not None and least > most:
            words = f"{low} {plain_number(least)} is above {high} {plain_number(most)}; no value fits."
            yield Problem("LIMITS", words, (low,))
    most = len(field.choices) if field.kind == FieldKind.MULTIPLE_CHOICE else LONGEST.get(field.kind)
    for attribute in ("min_length", "max_length"):
        if most is not None and (getattr(field, attribute) or 0) > most:
            yield Problem("LIMITS", f"{attribute} must be at most {most} for this field.", (attribute,))
    if field.required and field.max_length == 0:
        yield Problem("LIMITS", "max_length 0 leaves nothing that a required field could hold.", ("max_length",))


def _check_choices(field: Field) -> Iterator[Problem]:
    if field.kind in CHOOSING and not field.choices:
        yield Problem("REQUIRED", f"choices is required for {field.kind.value}: name at least one.", ("choices",))
    values = [choice.value for choice in field.choices]
    for index, value in enumerate(values):
        if value in values[:index]:
            path = ("choices", str(index), "value")
            yield Problem("DUPLICATE", f"{value} is the value of two choices; values are unique.", path)


def _check_pattern(field: Field) -> Iterator[Problem]:
    if field.pattern is None or field.kind not in PATTERNED:
        return
    try:
        validator([Field(field.name, field.label, field.kind, pattern=field.pattern)])
    except ValueError:
        words = f"{field.pattern} is not a regular expression that can be used here; look-around is not supported."
        yield Problem("PATTERN", f"pattern {words}", ("pattern",))


def _check_default(field: Field) -> Iterator[Problem]:
    if field.required and not field.editable and field.default is None:
        words = "default is required, since the field is required and the entity cannot change it."
        yield Problem("REQUIRED", words, ("default",))
    if field.default is not None:
        for problem in check_values([field], {field.name: field.default}):
            yield Problem(problem.code, f"default: {problem.message}", ("default", *problem.path[2:]))
