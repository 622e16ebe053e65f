"""A form: stored JSON to fields and back, and the door to its schema and to the checks of it and of values [9.2]."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from typing import Any

import nh3

from server.campaign_type import Field, FieldKind
from server.domain.form_definition import check_form, field_of
from server.domain.form_schema import json_schema, ui_schema
from server.domain.form_values import Checker, check_values

__all__ = [
    "Checker", "check_form", "check_values", "fixed_values", "json_schema", "of_stored", "preset", "to_stored",
    "ui_schema", "with_defaults",
]


def to_stored(fields: Sequence[Field]) -> list[Any]:
    """Fields as JSON objects, as form versions hold them."""
    return [asdict(field) | {"kind": field.kind.value, "choices": [asdict(choice) for choice in field.choices]}
            for field in fields]


def of_stored(stored: Sequence[Mapping[str, Any]]) -> tuple[Field, ...]:
    """Fields from what `to_stored` wrote, or from a definition in which `check_form` found nothing wrong."""
    return tuple(field_of(each) for each in stored)


def preset(fields: Sequence[Field], values: Mapping[str, Any]) -> tuple[Field, ...]:
    """Fields whose defaults are the campaign's default values where it has any; a field that entities cannot change
    keeps the value that its form version gives it [8.1]."""
    return tuple(
        replace(field, default=values[field.name]) if field.editable and values.get(field.name) is not None else field
        for field in fields
    )


def fixed_values(fields: Sequence[Field]) -> dict[str, Any]:
    """The values that entities see and cannot change: the defaults of the fields that are not editable."""
    return {
        field.name: deepcopy(field.default) for field in fields if not field.editable and field.default is not None
    }


def with_defaults(fields: Sequence[Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as a new order stores them: absent ones get their default, rich texts are reduced to safe HTML.

    Null means no value, not even the default; it is not stored.
    """
    rich = {field.name for field in fields if field.kind == FieldKind.RICH_TEXT}
    defaults = {
        field.name: deepcopy(field.default)
        for field in fields if field.name not in values and field.default is not None
    }
    return defaults | {
        name: nh3.clean(value) if name in rich and isinstance(value, str) else value
        for name, value in values.items() if value is not None
    }
