"""What the cells of a contact mean, and the statement that writes a contact."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import Dialect, bindparam, func
from sqlalchemy.dialects import postgresql, sqlite

from server.domain import network_rules
from server.domain.target import Contact
from server.services.importing.kinds import OPTIONAL, REQUIRED, Kind

COLUMNS = (*REQUIRED[Kind.CONTACTS], *OPTIONAL[Kind.CONTACTS])
TABLE = ("id", "email", "entity_id", *OPTIONAL[Kind.CONTACTS], "attributes")
"""Columns of the table in the order of a row of values; those in the middle are COLUMNS."""
BLANK = tuple({"birth_year": None, "score": 0, "opted_out": False, "attributes": "{}"}.get(name, "") for name in TABLE)
"""A contact of whom the file says nothing."""
TRUE, FALSE = frozenset({"1", "true", "yes", "y"}), frozenset({"", "0", "false", "no", "n"})

Reader = Callable[[str], Any]
"""Gives the value of a cell; ValueError says what is wrong with it and what would be right."""


def readers(entities: Mapping[str, str]) -> dict[str, Reader]:
    """A reader for every column; `entities` maps codes to ids."""
    def read_entity(cell: str) -> str:
        if key := entities.get(cell):
            return key
        raise ValueError(f'There is no entity "{cell}", neither in the database nor in these files.')

    return dict.fromkeys(COLUMNS, _read_text) | {
        "email": _read_email, "entity": read_entity, "birth_year": _whole(1850, 2100, None),
        "score": _whole(-(2**31), 2**31 - 1, 0), "opted_out": _read_flag,
    }


def upsert(dialect: Dialect, columns: Collection[str], *, attributes: bool) -> tuple[str, list[int]]:
    """The text of the statement for one contact, and the order in which it takes the values of a row. A contact that is
    there already changes in what the file has; its other attributes stay."""
    insert = (sqlite if dialect.name == "sqlite" else postgresql).insert(Contact)
    insert = insert.values({name: bindparam(name) for name in TABLE})
    changes: dict[str, Any] = {name: insert.excluded[name] for name in OPTIONAL[Kind.CONTACTS] if name in columns}
    if attributes:
        old, new = Contact.attributes, insert.excluded.attributes
        changes["attributes"] = func.json_patch(old, new) if dialect.name == "sqlite" else old.op("||")(new)
    key = ["email", "entity_id"]
    statement = insert.on_conflict_do_update(index_elements=key, set_=changes) if changes else (
        insert.on_conflict_do_nothing(index_elements=key)
    )
    compiled = statement.compile(dialect=dialect)
    return str(compiled), [TABLE.index(name) for name in compiled.positiontup or ()]


def _read_email(cell: str) -> str:
    address = cell.lower()
    if message := network_rules.email(address):
        raise ValueError(message)
    return address


def _read_text(cell: str) -> str:
    if len(cell) > 1000:
        raise ValueError(network_rules.text(cell))
    return cell


def _whole(lowest: int, highest: int, blank: int | None) -> Reader:
    def read(cell: str) -> int | None:
        if not cell:
            return blank
        if len(cell) <= 11 and cell.removeprefix("-").isdecimal() and lowest <= (number := int(cell)) <= highest:
            return number
        raise ValueError(f'"{cell:.20}" is no whole number from {lowest} to {highest}.')
    return read


def _read_flag(cell: str) -> bool:
    answer = cell.lower()
    if answer not in TRUE | FALSE:
        raise ValueError(f'"{cell:.20}" is neither yes nor no: write 1, true, yes or y, or else 0, false, no or n.')
    return answer in TRUE
