"""Brings files in: the network in one transaction, then contacts file by file, with a history entry per kind [12.1]."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.database import Database
from server.domain.base import Json, new_id
from server.domain.network import Entity, Operator
from server.domain.record import History, SubjectKind
from server.domain.target import Contact
from server.errors import InvalidArgument
from server.services.importing.checks import Checks
from server.services.importing.contacts import ContactFile
from server.services.importing.csv_files import BadRow, CsvFile
from server.services.importing.kinds import Kind, check_header, kind_of
from server.services.importing.known import Known
from server.services.importing.records import Fault, Record, read_records
from server.services.importing.writing import Change, Writing, Written
from server.services.tree import lock_network

SUBJECTS = {
    Kind.GROUPS: SubjectKind.GROUP, Kind.ENTITIES: SubjectKind.ENTITY, Kind.OPERATORS: SubjectKind.OPERATOR,
    Kind.CONTACTS: SubjectKind.CONTACT,
}
Files = Mapping[Kind, Sequence[CsvFile]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the rows of one kind, in files of which anything was imported. `skipped` are bad rows that
    were left out. Contacts that were there already all count as updated."""

    kind: Kind
    created: int
    updated: int
    unchanged: int
    skipped: int


def find_files(paths: Iterable[Path]) -> list[CsvFile]:
    """The files named, and those ending in .csv in the folders named; InvalidArgument when one cannot be read."""
    files = [CsvFile(path) for each in paths for path in (_csv_in(each) if each.is_dir() else [each])]
    return list({file.path.resolve(): file for file in files}.values())


def bytes_to_read(files: Iterable[CsvFile]) -> int:
    """What progress adds up to: contacts are read once to check them and once to write them."""
    return sum(file.size * (2 if kind_of(file) is Kind.CONTACTS else 1) for file in files)


async def is_empty(database: Database) -> bool:
    """Whether there is no network yet."""
    async with database.reading() as session:
        entities = await session.scalar(select(func.count()).select_from(Entity))
        return not entities and not await session.scalar(select(func.count()).select_from(Operator))


class Import:
    """One import. `bad` hears of every fault as it is found, `progress` of every stretch of bytes that was read.

    `faults` counts them by file; a file with faults is not imported at all, unless `skip_bad_rows`.
    """

    def __init__(
        self, database: Database, now: datetime, *, skip_bad_rows: bool = False,
        bad: Callable[[BadRow], None] = lambda _: None, progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.database, self.now, self.skip_bad_rows = database, now, skip_bad_rows
        self.progress = progress
        self.faults: Counter[str] = Counter()
        self._report = bad
        self._id = new_id()

    async def run(self, files: Iterable[CsvFile]) -> list[Outcome]:
        """Imports what can be imported; one outcome per kind that there are readable files of."""
        sorted_files: dict[Kind, list[CsvFile]] = {}
        for file in files:
            if kind := self._recognised(file):
                sorted_files.setdefault(kind, []).append(file)
        contacts = sorted_files.pop(Kind.CONTACTS, None)
        outcomes = await self._import_network(sorted_files) if sorted_files else []
        return [*outcomes, await self._import_contacts(contacts)] if contacts else outcomes

    def _recognised(self, file: CsvFile) -> Kind | None:
        """The kind of the file, when its header does for that kind."""
        kind = kind_of(file)
        if kind is None:
            self._bad(file.bad(1, "", f"What is it? Let the file's name start with {', '.join(Kind)}."))
            return None
        faults = list(check_header(file, kind))
        for fault in faults:
            self._bad(fault)
        return None if faults else kind

    async def _import_network(self, files: Files) -> list[Outcome]:
        records = {kind: [row for file in files[kind] for row in self._read(file, kind)] for kind in files}
        unreadable = {kind: sum(self.faults[file.name] for file in files[kind]) for kind in files}
        outcomes = []
        async with self.database.transaction(alone=True) as session:
            await lock_network(session)
            known = await Known.load(session)
            checks, writing = Checks(known), Writing(session, self.now, known)
            for kind, check, write in (
                (Kind.GROUPS, checks.check_groups, writing.write_groups),
                (Kind.ENTITIES, checks.check_entities, writing.write_entities),
                (Kind.OPERATORS, checks.check_operators, writing.write_operators),
            ):
                if kind in files:
                    sound = self._sound(records[kind], check)
                    written = await write(sound)
                    skipped = len(records[kind]) - len(sound) + unreadable[kind] if self.skip_bad_rows else 0
                    created, updated, unchanged = map(written.count, Change)
                    outcomes.append(Outcome(kind, created, updated, unchanged, skipped))
                    self._record(session, outcomes[-1], files[kind], written)
        return outcomes

    def _read(self, file: CsvFile, kind: Kind) -> list[Record]:
        return read_records(file, kind, self._bad, self.progress)

    def _sound(self, records: list[Record], check: Callable[[list[Record]], Iterator[Fault]]) -> list[Record]:
        """Reports all faults and gives the rows that can be imported. Leaving rows out may make faults in others, which
        named them as parents: checked until nothing is left out any more."""
        while True:
            wrong = set()
            for fault in check(records):
                self._bad(fault.bad_row())
                wrong.add((fault.record.file, fault.record.line))
            kept = [
                record for record in records
                if (record.file, record.line) not in wrong and (self.skip_bad_rows or not self.faults[record.file])
            ]
            if len(kept) == len(records):
                return kept
            records = kept

    async def _import_contacts(self, files: Sequence[CsvFile]) -> Outcome:
        async with self.database.reading() as session:
            entities = {row.code: row.id for row in await session.execute(select(Entity.code, Entity.id))}
            before = await _count_contacts(session)
        imported, skipped, written = [], 0, 0
        for file in files:
            contacts = ContactFile(file, entities)
            if contacts.check(self._bad, self.progress) or self.skip_bad_rows:
                written += await contacts.write(self.database, self.progress)
                imported.append(file)
                skipped += contacts.skipped
            else:
                self.progress(file.size)
        async with self.database.transaction(alone=True) as session:
            created = await _count_contacts(session) - before
            outcome = Outcome(Kind.CONTACTS, created, written - created, 0, skipped)
            self._record(session, outcome, imported, Written())
        return outcome

    def _bad(self, row: BadRow) -> None:
        self.faults[row.file] += 1
        self._report(row)

    def _record(self, session: AsyncSession, outcome: Outcome, files: Iterable[CsvFile], written: Written) -> None:
        """One entry in the history for a kind of which anything changed."""
        if not outcome.created and not outcome.updated:
            return
        after: Json = {
            "files": [file.path.name for file in files], "created": outcome.created, "updated": outcome.updated,
            "unchanged": outcome.unchanged, "skipped": outcome.skipped,
        }
        session.add(History(
            at=self.now, subject=SUBJECTS[outcome.kind], subject_id=self._id, subject_code="", action="IMPORT",
            before={"rights": written.before} if written.before else {},
            after=after | ({"rights": written.after} if written.after else {}),
        ))


async def _count_contacts(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Contact)) or 0


def _csv_in(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".csv")
    if not found:
        raise InvalidArgument(f"{folder} holds no file that ends in .csv.")
    return found
