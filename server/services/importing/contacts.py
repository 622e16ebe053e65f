"""Contacts by the million: checked as they stream by, then written in chunks, without ever holding them all."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from operator import itemgetter
from typing import Any
from uuid import UUID

import orjson
import uuid_utils

from server.database import Database
from server.services.importing.contact_cells import BLANK, COLUMNS, readers, upsert
from server.services.importing.csv_files import BadRow, CsvFile

CHUNK, CHUNKS = 5_000, 20
"""Contacts per statement and statements per transaction. Others get their turn between transactions; fewer would write
the pages of the index on e-mail more often."""
BUCKETS = 1024

Report = Callable[[BadRow], None]
Progress = Callable[[int], None]
Good = tuple[int, list[Any], list[str]]
"""Line, values in the order of TABLE, and cells of a row."""


class ContactFile:
    """One file: first `check` it, then `write` it. Eight bytes are all that is kept of a good row."""

    def __init__(self, file: CsvFile, entities: Mapping[str, UUID]) -> None:
        self.file = file
        cell_readers = readers({code: key.hex for code, key in entities.items()})
        self.readers = [
            (file.columns.index(name), place, cell_readers[name])
            for place, name in enumerate(COLUMNS, 1) if name in file.columns
        ]
        self.attributes = [
            (name, position) for position, name in enumerate(file.header) if name.lower() not in COLUMNS
        ]
        self.repeated: set[int] = set()
        self.skipped = 0

    def check(self, bad: Report, progress: Progress) -> bool:
        """Reports every fault of every row; whether there was none."""
        sound = True
        hashes = [array("q") for _ in range(BUCKETS)]
        for row in self._rows(progress):
            if isinstance(row, tuple):
                number = hash(_key(row))
                hashes[number % BUCKETS].append(number)
                continue
            sound = False
            for fault in row:
                bad(fault)
        suspects = {number for bucket in hashes for number in _repeated(bucket)}
        if suspects:
            self._find_repeated(suspects, bad)
        return sound and not self.repeated

    async def write(self, database: Database, progress: Progress) -> int:
        """Upserts every good row by e-mail and entity, in transactions of many; gives their number."""
        statement, order = upsert(database.engine.dialect, self.file.columns, attributes=bool(self.attributes))
        good, written = map(itemgetter(*order), self._good_rows(progress)), 0
        chunks = iter(lambda: list(islice(good, CHUNK)), [])
        while chunk := next(chunks, None):
            async with database.transaction(alone=True) as session:
                connection = await session.connection()
                for each in chain([chunk], islice(chunks, CHUNKS - 1)):
                    await connection.exec_driver_sql(statement, each)
                    written += len(each)
        return written

    def _good_rows(self, progress: Progress) -> Iterator[list[Any]]:
        for row in self._rows(progress):
            if not isinstance(row, tuple) or row[0] in self.repeated:
                self.skipped += 1
                continue
            _, values, cells = row
            values[0] = uuid_utils.uuid7().hex  # what new_id gives, five times faster
            if self.attributes:
                values[-1] = orjson.dumps({name: cells[place].strip() for name, place in self.attributes}).decode()
            yield values

    def _rows(self, progress: Progress) -> Iterator[Good | list[BadRow]]:
        """The good rows, and the faults of each bad one."""
        for row in self.file.rows(progress):
            if isinstance(row, BadRow):
                yield [row]
                continue
            line, cells = row
            values, faults = list(BLANK), []
            for position, place, read in self.readers:
                try:
                    values[place] = read(cells[position].strip())
                except ValueError as error:
                    faults.append(self.file.bad(line, self.file.header[position], str(error)))
            yield faults or (line, values, cells)

    def _find_repeated(self, suspects: set[int], bad: Report) -> None:
        """Reads the rows again whose hash came twice, and compares what they really hold."""
        first: dict[tuple[str, str], int] = {}
        for row in self._rows(lambda _: None):
            if isinstance(row, tuple) and hash(key := _key(row)) in suspects:
                line, start = first.setdefault(key, row[0]), row[0]
                if line != start:
                    self.repeated.add(start)
                    reason = f"{key[0]} stands in line {line} already, for the same entity; each contact comes once."
                    bad(self.file.bad(start, "email", reason))


def _key(row: Good) -> tuple[str, str]:
    """E-mail and entity."""
    return row[1][1], row[1][2]


def _repeated(hashes: "array[int]") -> list[int]:
    if len(set(hashes)) == len(hashes):
        return []
    return [number for number, times in Counter(hashes).items() if times > 1]
