"""Whether the values of an order fit the fields of its form; every broken rule at once [6.7]."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsonschema_rs
import orjson

from server.campaign_type import Field, FieldKind
from server.domain.form_schema import validator
from server.errors import Problem

ROOT = "parameters"
LARGEST_VALUES = 500_000
"""Bytes of JSON that the values of one order may take."""
UNKNOWN_SHOWN = 20

RULES: Mapping[str, tuple[str, str]] = {
    "required": ("REQUIRED", "is required"),
    "type": ("TYPE", "must be {types}"),
    "minimum": ("MINIMUM", "must be at least {limit}"),
    "maximum": ("MAXIMUM", "must be at most {limit}"),
    "minLength": ("MIN_LENGTH", "must have at least {limit} characters"),
    "maxLength": ("MAX_LENGTH", "must have at most {limit} characters"),
    "minItems": ("MIN_LENGTH", "must have at least {limit} options"),
    "maxItems": ("MAX_LENGTH", "must have at most {limit} options"),
    "pattern": ("PATTERN", "must match the pattern {pattern}"),
    "enum": ("CHOICE", "must be one of {options}"),
    "uniqueItems": ("UNIQUE", "must not name an option twice"),
    "format": ("FORMAT", "must be {format}"),
}
"""Rule of JSON Schema to problem code and words; UNKNOWN_FIELD, NOT_EDITABLE, CHARACTERS, TOO_LARGE come beside it."""
FORMATS: Mapping[FieldKind, str] = {
    FieldKind.EMAIL: "an e-mail address such as name@example.org",
    FieldKind.DATE: "a day of the calendar such as 2026-11-30",
    FieldKind.URL: "a web address such as https://example.org/page",
    FieldKind.IMAGE: "an https address of an image or the id of a document",
}
TYPES: Mapping[str, str] = {
    "string": "a text", "number": "a number", "integer": "a whole number", "boolean": "true or false",
    "array": "a list", "object": "an object",
}
HIDES: Mapping[str, frozenset[str]] = {
    "REQUIRED": frozenset({"MIN_LENGTH", "FORMAT", "PATTERN"}), "TYPE": frozenset({"CHOICE"}),
}
"""What a problem says again about the same value."""


def check_values(fields: Sequence[Field], values: Mapping[str, Any]) -> list[Problem]:
    """Every way in which the values break the fields, in the order of the fields; null is no value."""
    return Checker(fields).problems(values)


class Checker:
    """Checks values against the same fields again and again."""

    def __init__(self, fields: Sequence[Field]) -> None:
        """ValueError when a pattern of the fields is no regular expression."""
        self.fields = fields
        self._known = {field.name: field for field in fields}
        self._order = {name: position for position, name in enumerate(self._known)}
        self._validator = validator(fields)

    def problems(self, values: Mapping[str, Any]) -> list[Problem]:
        """See `check_values`."""
        if not isinstance(values, Mapping):
            return [Problem("TYPE", "The values must be an object with a value per field.", (ROOT,))]
        given = {name: value for name, value in values.items() if value is not None}
        problems = list(_check_each(self._known, given))
        unusable = {problem.path[1] for problem in problems if len(problem.path) > 1}
        usable = {name: value for name, value in given.items() if name in self._known and name not in unusable}
        for error in self._validator.iter_errors(usable):
            problem = _problem(error, self._known, usable)
            if problem.path[1] not in unusable:
                problems.append(problem)
        return sorted(_without_echoes(problems), key=self._position)

    def _position(self, problem: Problem) -> int:
        return self._order.get("".join(problem.path[1:2]), len(self._order))


def broken_rule(error: jsonschema_rs.ValidationError, field: Field | None = None) -> tuple[str, str]:
    """The problem code of an error and what to say after the name of the value: "must be at least 3"."""
    detail = error.kind.as_dict()
    rule = error.kind.name
    if field and field.kind in (FieldKind.URL, FieldKind.IMAGE) and rule == "pattern":
        rule = "format"
    if field and field.required and rule in ("minLength", "minItems") and not error.instance:
        rule = "required"
    code, words = RULES.get(rule, ("INVALID", "is not valid"))
    return code, words.format(
        types=" or ".join(TYPES.get(each, each) for each in detail.get("types", ())),
        limit=plain_number(detail.get("limit", 0)),
        pattern=detail.get("pattern", ""),
        options=_options(field, detail.get("options", ())),
        format=FORMATS[field.kind] if field and field.kind in FORMATS else detail.get("format", ""),
    )


def _check_each(known: Mapping[str, Field], given: Mapping[str, Any]) -> Iterator[Problem]:
    """What a schema cannot say, and what would make the schema's answer long."""
    unknown = [name for name in given if name not in known]
    for name in unknown[:UNKNOWN_SHOWN]:
        words = f"{name:.80} is not a field of this form; its fields are: {', '.join(known) or 'none'}."
        yield Problem("UNKNOWN_FIELD", words, (ROOT, name))
    size = 0
    for name, field in known.items():
        value = given.get(name)
        try:
            size += len(orjson.dumps(value))
        except TypeError as error:
            yield Problem("TYPE", f"{field.label} cannot be stored: {error}.", (ROOT, name))
        else:
            yield from _check_one(field, value)
    if size > LARGEST_VALUES:
        yield Problem("TOO_LARGE", f"The values take {size} bytes, more than the {LARGEST_VALUES} allowed.", (ROOT,))


def _check_one(field: Field, value: Any) -> Iterator[Problem]:
    path = (ROOT, field.name)
    texts = value if isinstance(value, list) else [value]
    if any(isinstance(text, str) and "\0" in text for text in texts):
        yield Problem("CHARACTERS", f"{field.label} must not contain the character NUL.", path)
    if isinstance(value, list) and len(value) > max(len(field.choices), 1):
        yield Problem("MAX_LENGTH", f"{field.label} must have at most {len(field.choices)} options.", path)
    if not field.editable and value is not None and value != field.default:
        yield Problem("NOT_EDITABLE", f"{field.label} cannot be changed; it is {field.default!r:.200}.", path)


def _problem(error: jsonschema_rs.ValidationError, known: Mapping[str, Field], values: Mapping[str, Any]) -> Problem:
    path = [*error.instance_path] or [error.kind.as_dict()["property"]]
    field = known[str(path[0])]
    code, words = broken_rule(error, field)
    label = field.label if len(path) == 1 else f"{field.label}, option {int(path[1]) + 1},"
    return Problem(code, f"{label} {words}.", (ROOT, *map(str, path)))


def _without_echoes(problems: Sequence[Problem]) -> list[Problem]:
    hidden = {(problem.path, echo) for problem in problems for echo in HIDES.get(problem.code, ())}
    return [problem for problem in dict.fromkeys(problems) if (problem.path, problem.code) not in hidden]


def _options(field: Field | None, values: Sequence[Any]) -> str:
    names = [f"{choice.label} ({choice.value})" for choice in field.choices] if field else list(map(str, values))
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def plain_number(limit: Any) -> str:
    """A limit as people write it: 3, not 3.0."""
    return str(int(limit)) if float(limit).is_integer() else str(limit)
