"""The rows of small files (groups, entities, operators) and what is wrong with them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from server.domain.network_rules import ENTITY, GROUP, OPERATOR, Rule, check_fields
from server.services.importing.csv_files import BadRow, CsvFile
from server.services.importing.kinds import Kind

KEY: Mapping[Kind, str] = {Kind.GROUPS: "code", Kind.ENTITIES: "code", Kind.OPERATORS: "login"}
RULES: Mapping[Kind, Mapping[str, Rule]] = {Kind.GROUPS: GROUP, Kind.ENTITIES: ENTITY, Kind.OPERATORS: OPERATOR}
CAPITALS = ("kind", "right")
DEFAULTED = ("locale", "time_zone")
"""Columns in which an empty cell means the default, or what stands there already."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row: `cells` maps the columns of its file to stripped texts."""

    kind: Kind
    file: str
    line: int
    cells: Mapping[str, str]

    @property
    def key(self) -> str:
        return self.cells[KEY[self.kind]]

    @property
    def fields(self) -> dict[str, Any]:
        """The cells that are columns of the table too, as the rules of the domain know them."""
        fields = {column: cell for column, cell in self.cells.items() if column in RULES[self.kind]}
        fields |= {column: fields[column].upper() for column in CAPITALS if column in fields}
        return {column: value for column, value in fields.items() if value or column not in DEFAULTED}

    def many(self, column: str) -> list[str]:
        """The codes in a cell, separated by spaces or |."""
        return self.cells.get(column, "").replace("|", " ").split()


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a record, in which column, and why."""

    record: Record
    column: str
    reason: str

    def bad_row(self) -> BadRow:
        return BadRow(self.record.file, self.record.line, self.column, self.reason)


def read_records(file: CsvFile, kind: Kind, bad: Callable[[BadRow], None], read: Callable[[int], None]) -> list[Record]:
    records = []
    for row in file.rows(read):
        if isinstance(row, BadRow):
            bad(row)
        else:
            line, cells = row
            records.append(Record(kind, file.name, line, dict(zip(file.columns, map(str.strip, cells), strict=True))))
    return records


def check_alone(records: Iterable[Record]) -> Iterator[Fault]:
    """What is wrong with each record by itself, and keys that come twice."""
    first: dict[str, Record] = {}
    for record in records:
        for problem in check_fields(RULES[record.kind], record.fields, new=False):
            yield Fault(record, problem.path[0], problem.message)
        if record.key and (other := first.setdefault(record.key, record)) is not record:
            column = KEY[record.kind]
            reason = f'"{record.key}" stands in {other.file}:{other.line} already; each {column} comes once.'
            yield Fault(record, column, reason)
