"""What stands below the options in --help: tables that the code has anyway, written out."""

import re

from pydantic_core import PydanticUndefined

from server.services.importing.kinds import OPTIONAL, REQUIRED, Kind
from server.settings import Settings

LONG = 60
"""Defaults that are longer than this do not help."""


def describe_settings() -> str:
    """Every setting, what it means, and its default."""
    lines = ["Settings, as environment variables:"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (PydanticUndefined, None, frozenset()) else str(field.default)
        shown = f" [dim](default: {default})[/dim]" if 0 < len(default) <= LONG else ""
        meaning = re.sub(r" \[[\d.]+\]", "", field.description or "")  # without the numbers of rules
        lines.append(f"[bold]SAMVERKAN_{name.upper()}[/bold]: {meaning}{shown}")
    return "\n\n".join(lines)


def describe_columns() -> str:
    """The kinds of files and their columns."""
    lines = ["A file's name starts with what it holds; if not, its columns decide. UTF-8, with commas or semicolons."]
    for kind in (Kind.ENTITIES, Kind.GROUPS, Kind.OPERATORS, Kind.CONTACTS):
        optional = [*OPTIONAL[kind], *(["and attributes of any name"] if kind is Kind.CONTACTS else [])]
        more = f" [dim](optional: {' '.join(optional)})[/dim]" if optional else ""
        lines.append(f"[bold]{kind}….csv[/bold]: {' '.join(REQUIRED[kind])}{more}")
    return "\n\n".join(lines)
