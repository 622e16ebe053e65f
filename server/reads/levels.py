"""The levels of a program: what runs for every reading, and gives JSON as text.

Each level is a generator as `server.direct` follows them: it yields its statements, is sent the rows, runs the levels
below with the keys that it found, and returns what the answer holds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Dialect

from server.direct import Steps
from server.reads.assembly import SurpriseError, Writer, json_of
from server.reads.prepared import Prepared, Values
from server.reads.resource import Reader, Tally
from server.reads.selection import MAX_ROWS, Many

Key = Any
"""The id of a row as the driver has it: a UUID, or its hexadecimal digits on SQLite."""


class Reading:
    """One run of a program."""

    def __init__(self, reader: Reader, values: Values) -> None:
        self.reader = reader
        self.values = values
        self.read = 0

    def rows(self, prepared: Prepared, parents: Any) -> Steps:
        rows = yield prepared.text, prepared.bound(self.values, parents)
        self.count(rows)
        return rows

    def count(self, rows: Sequence[Any]) -> None:
        self.read += len(rows)
        if self.read > MAX_ROWS:
            raise SurpriseError


@dataclass(frozen=True, slots=True)
class Child:
    """What hangs on the objects of a level: for the keys at `place` of its rows, a value each."""

    place: int
    level: "PageLevel | CountLevel"


def below(children: Sequence[Child], rows: Sequence[Any], reading: Reading) -> Steps:
    """The values of every child by key."""
    found = []
    for child in children:
        place = child.place
        keys = list(dict.fromkeys([row[place] for row in rows]))
        found.append((yield from child.level.run([key for key in keys if key is not None], reading)))
    return found


def cut(many: Many, rows: list[Any]) -> bool:
    """Leaves the rows of a page in their order; whether there are more."""
    more = len(rows) > many.size
    del rows[many.size:]
    if many.backward:
        rows.reverse()
    return more


@dataclass(frozen=True, slots=True)
class PageLevel:
    """Pages of a list."""

    many: Many
    write: Callable[..., Any]
    children: Sequence[Child]
    prepared: Prepared | None
    totals: Prepared | None
    around: Prepared | None

    @property
    def statements(self) -> int:
        """How many it takes at least, those of its children counted once."""
        return len(self.children) + sum(each is not None for each in (self.prepared, self.totals, self.around))

    def run(self, keys: Sequence[Key] | None, reading: Reading) -> Steps:
        """A page for every key; without keys the page under None."""
        parents: Sequence[Key] = [None] if keys is None else keys
        if not parents:
            return {}
        pages = yield from self._pages(parents, keys, reading)
        more = [cut(self.many, page) for page in pages]
        found = yield from below(self.children, [row for page in pages for row in page], reading)
        around = yield from self._around(keys, reading)
        totals = yield from self._totals(keys, reading)
        return {
            key: self.write(page, totals.get(key, 0), beyond, key in around, reading, found)
            for key, page, beyond in zip(parents, pages, more, strict=True)
        }

    def _pages(self, parents: Sequence[Key], keys: Sequence[Key] | None, reading: Reading) -> Steps:
        pages: list[list[Any]] = [[] for _ in parents]
        if self.prepared is not None:
            rows = yield from reading.rows(self.prepared, keys)
            for row in rows:
                pages[row[-1]].append(row)
        return pages

    def _around(self, keys: Sequence[Key] | None, reading: Reading) -> Steps:
        if self.around is None:
            return ()
        rows = yield from reading.rows(self.around, keys)
        return {row[0] for row in rows}

    def _totals(self, keys: Sequence[Key] | None, reading: Reading) -> Steps:
        if self.totals is None:
            return {}
        rows = yield from reading.rows(self.totals, keys)
        return {row[0]: row[1] for row in rows}


@dataclass(frozen=True, slots=True)
class TextsLevel:
    """Pages of several lists that hang on nothing, in one row: the texts of each fill its template, one after the
    other, where that has None. PostgreSQL would copy a long text for every piece that it joins to it."""

    templates: Mapping[str, Sequence[str | None]]
    prepared: Prepared

    def run(self, reading: Reading) -> Steps:
        """The pages by name."""
        [row] = yield from reading.rows(self.prepared, None)
        try:
            return {
                name: "".join([next(texts) if part is None else part for part in template])
                for (name, template), texts in zip(self.templates.items(), map(iter, row), strict=True)
            }
        except TypeError:
            raise SurpriseError from None


@dataclass(frozen=True, slots=True)
class RowLevel:
    """Objects by their keys; those that the reader may not see are missing."""

    dialect: Dialect
    write: Callable[..., Any]
    children: Sequence[Child]
    prepared: Prepared

    @property
    def statements(self) -> int:
        return 1 + len(self.children)

    def run(self, keys: Sequence[Key], reading: Reading) -> Steps:
        rows = yield from reading.rows(self.prepared, keys)
        found = yield from below(self.children, rows, reading)
        return self.write(rows, reading, found)


@dataclass(frozen=True, slots=True)
class CountLevel:
    """Counts of rows by a value."""

    tally: Tally
    record: Any
    convert: Callable[[Any], Any] | None
    writer: Writer
    prepared: Prepared

    def run(self, keys: Sequence[Key] | None, reading: Reading) -> Steps:
        """A list for every key; without keys the list under None."""
        counted: dict[Key, list[Any]] = {key: [] for key in ([None] if keys is None else keys)}
        if not counted:
            return counted
        rows = yield from reading.rows(self.prepared, keys)
        for parent, value, *numbers in rows:
            read = self.record(self.convert(value) if self.convert else value, *numbers)
            counted[parent].append(self.tally.value(read))
        return {key: json_of(self.writer.write(values)) for key, values in counted.items()}


def key_of(id: UUID, dialect: Dialect) -> Key:
    """A row's id as the driver has it."""
    return id.hex if dialect.name == "sqlite" else id
