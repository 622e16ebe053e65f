"""The four kinds of files: how they are recognised, their columns, and the order in which they are brought in."""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from server.services.importing.csv_files import BadRow, CsvFile


class Kind(StrEnum):
    """In the order of import: each kind refers to those above it."""

    GROUPS = "groups"
    ENTITIES = "entities"
    OPERATORS = "operators"
    CONTACTS = "contacts"


REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    Kind.GROUPS: ("code", "label"),
    Kind.ENTITIES: ("code", "label", "kind"),
    Kind.OPERATORS: ("login", "name", "right"),
    Kind.CONTACTS: ("email", "entity"),
}
OPTIONAL: Mapping[Kind, tuple[str, ...]] = {
    Kind.GROUPS: (),
    Kind.ENTITIES: (
        "parent", "email", "phone", "address", "locale", "time_zone", "notification_group", "order_reviewers",
        "campaign_reviewers",
    ),
    Kind.OPERATORS: ("email", "entities", "groups", "locale", "password"),
    Kind.CONTACTS: (
        "first_name", "last_name", "city", "postal_code", "country", "language", "birth_year", "score", "opted_out",
    ),
}


def kind_of(file: CsvFile) -> Kind | None:
    """The kind that the file's name starts with, or else the kind whose required columns its header holds."""
    for kind in Kind:
        if file.path.name.lower().startswith(kind):
            return kind
    fitting = [kind for kind in Kind if set(REQUIRED[kind]) <= set(file.columns)]
    return fitting[-1] if fitting else None


def check_header(file: CsvFile, kind: Kind) -> Iterator[BadRow]:
    """What keeps the whole file from being read. Columns of contacts that are not known become attributes."""
    if file.problem:
        yield file.bad(1, "", file.problem)
        return
    known = (*REQUIRED[kind], *OPTIONAL[kind])
    for column in REQUIRED[kind]:
        if column not in file.columns:
            yield file.bad(1, column, f"The column is missing; a file of {kind} needs {', '.join(REQUIRED[kind])}.")
    for position, column in enumerate(file.columns):
        name = file.header[position]
        if column in file.columns[:position]:
            yield file.bad(1, name, "The column stands there twice.")
        elif kind is Kind.CONTACTS and column not in known and not name.isidentifier():
            yield file.bad(1, name, "An attribute's name has letters, digits and _ only; a letter comes first.")
        elif kind is not Kind.CONTACTS and column not in known:
            yield file.bad(1, name, f"The column is unknown; {kind} have {', '.join(known)}.")
