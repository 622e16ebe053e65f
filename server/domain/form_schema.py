"""Form fields as JSON Schema with UI hints, and the validator that holds values to that schema [9.4]."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import jsonschema_rs
import orjson

from server.campaign_type import Field, FieldKind

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
LARGEST = 2**53 - 1
"""Numbers stay within what every JSON client holds exactly."""
LONGEST: Mapping[FieldKind, int] = {
    FieldKind.TEXT: 1_000, FieldKind.LONG_TEXT: 20_000, FieldKind.RICH_TEXT: 100_000, FieldKind.EMAIL: 254,
    FieldKind.URL: 2_000, FieldKind.IMAGE: 2_000,
}
"""The kinds that hold text, with the most characters that a value may have."""
NUMERIC = (FieldKind.NUMBER, FieldKind.INTEGER)
CHOOSING = (FieldKind.CHOICE, FieldKind.MULTIPLE_CHOICE)
PATTERNED = (FieldKind.TEXT, FieldKind.LONG_TEXT, FieldKind.EMAIL)
"""The kinds for which a form may give a pattern of its own."""

BASE: Mapping[FieldKind, Schema] = {
    FieldKind.TEXT: {"type": "string"},
    FieldKind.LONG_TEXT: {"type": "string"},
    FieldKind.RICH_TEXT: {"type": "string"},
    FieldKind.NUMBER: {"type": "number"},
    FieldKind.INTEGER: {"type": "integer"},
    FieldKind.BOOLEAN: {"type": "boolean"},
    FieldKind.DATE: {"type": "string", "format": "date"},
    FieldKind.CHOICE: {"type": "string"},
    FieldKind.MULTIPLE_CHOICE: {"type": "array", "uniqueItems": True},
    # an https address, or the global id of a document of the order
    FieldKind.IMAGE: {"type": "string", "minLength": 1, "pattern": r"^(https://\S+|Document:[0-9a-f]{32})$"},
    FieldKind.EMAIL: {"type": "string", "format": "email"},
    # a scheme like javascript: would be a trap for whoever follows the link
    FieldKind.URL: {"type": "string", "format": "uri", "pattern": "^https?://"},
}

WIDGETS: Mapping[FieldKind, Schema] = {
    FieldKind.LONG_TEXT: {"ui:widget": "textarea"},
    FieldKind.RICH_TEXT: {"ui:widget": "textarea", "ui:options": {"rows": 8, "richText": True}},
    FieldKind.DATE: {"ui:widget": "date"},
    FieldKind.IMAGE: {"ui:options": {"image": True, "accept": "image/*"}},
    FieldKind.EMAIL: {"ui:widget": "email"},
    FieldKind.URL: {"ui:widget": "uri"},
    FieldKind.MULTIPLE_CHOICE: {"ui:widget": "checkboxes"},
}
"""Only widgets that every theme of @rjsf has; what a richer client may use instead stands in `ui:options`."""
RADIO_CHOICES = 5


def json_schema(fields: Sequence[Field]) -> Schema:
    """Draft 2020-12, for an object of all values; choices carry their labels as titles."""
    return _object(fields, {field.name: _described(field) for field in fields})


def ui_schema(fields: Sequence[Field]) -> Schema:
    """Hints for @rjsf: widgets and order. Help is in the schema's `description`, which @rjsf draws by itself."""
    hints = {field.name: _hints(field) for field in fields}
    return {"ui:order": list(hints)} | {name: hint for name, hint in hints.items() if hint}


def validator(fields: Sequence[Field]) -> jsonschema_rs.Validator:
    """A compiled validator; ValueError when a pattern of the fields is no regular expression."""
    return _compiled(orjson.dumps(_object(fields, {field.name: _bounded(field) for field in fields})))


@lru_cache(maxsize=256)
def _compiled(schema: bytes) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(
        orjson.loads(schema),
        validate_formats=True,
        formats={"date": is_date},
        pattern_options=jsonschema_rs.RegexOptions(size_limit=1_000_000),  # linear time, whatever the pattern
        email_options=jsonschema_rs.EmailOptions(
            require_tld=True, allow_domain_literal=False, allow_display_text=False
        ),
        offline=True,
    )


def is_date(value: str) -> bool:
    """Whether this is a day of the calendar, written YYYY-MM-DD."""
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII)) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _object(fields: Sequence[Field], properties: Schema) -> Schema:
    return {
        "$schema": DRAFT,
        "type": "object",
        "properties": properties,
        "required": [field.name for field in fields if field.required],
        "additionalProperties": False,
    }


def _described(field: Field) -> Schema:
    schema: Schema = {"title": field.label} | _bounded(field)
    options = [{"const": choice.value, "title": choice.label} for choice in field.choices]
    if field.kind == FieldKind.CHOICE:
        del schema["enum"]
        schema["oneOf"] = options
    if field.kind == FieldKind.MULTIPLE_CHOICE:
        schema["items"] = {"type": "string", "oneOf": options}
    extra = {"description": field.help or None, "default": field.default, "readOnly": not field.editable or None}
    return schema | {key: value for key, value in extra.items() if value is not None}


def _bounded(field: Field) -> Schema:
    """What values must satisfy. Choices as `enum`: errors of `oneOf` cost a million objects on a hostile value."""
    schema = dict(BASE[field.kind])
    values = [choice.value for choice in field.choices]
    least = max(field.min_length or 0, int(field.required))
    if field.kind in NUMERIC:
        schema["minimum"] = -LARGEST if field.minimum is None else field.minimum
        schema["maximum"] = LARGEST if field.maximum is None else field.maximum
    elif field.kind in LONGEST:
        schema["minLength"] = max(least, schema.get("minLength", 0))
        schema["maxLength"] = LONGEST[field.kind] if field.max_length is None else field.max_length
    elif field.kind == FieldKind.CHOICE:
        schema["enum"] = values
    elif field.kind == FieldKind.MULTIPLE_CHOICE:
        schema["items"] = {"type": "string", "enum": values}
        schema["minItems"] = least
        schema["maxItems"] = len(values) if field.max_length is None else field.max_length
    if field.pattern and field.kind in PATTERNED:
        schema["pattern"] = field.pattern
    return schema


def _hints(field: Field) -> Schema:
    hints = dict(WIDGETS.get(field.kind, {}))
    if field.kind == FieldKind.CHOICE:
        hints["ui:widget"] = "radio" if len(field.choices) <= RADIO_CHOICES else "select"
    if not field.editable:
        hints["ui:readonly"] = True
    return hints
