"""Writes groups, entities and operators that have passed every check; what is new is added to `Known`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.orm.attributes import flag_modified

from server.changes import Subject
from server.changes import changed as tell
from server.domain.base import Json, new_id
from server.domain.network import Entity, GroupMember, Operator, OperatorEntity, OperatorGroup
from server.identity.passwords import hash_password
from server.services.importing.checks import GROUP_COLUMNS
from server.services.importing.known import Known
from server.services.importing.records import Record
from server.services.network import changed
from server.services.tree import rebuild, tell_linked

T = TypeVar("T", Entity, Operator, OperatorGroup)


class Change(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass
class Written:
    """What became of the rows of one kind, by key; `before` and `after` hold the rights that changed [12.1]."""

    changes: dict[str, Change] = field(default_factory=dict)
    before: Json = field(default_factory=dict)
    after: Json = field(default_factory=dict)

    def count(self, change: Change) -> int:
        return sum(each is change for each in self.changes.values())


@dataclass
class Writing:
    """One transaction's writing at one moment."""

    session: AsyncSession
    now: datetime
    known: Known

    async def write_groups(self, records: Sequence[Record]) -> Written:
        written = Written()
        for record in records:
            self._write(written, OperatorGroup, self.known.groups, record, record.fields)
        await self.session.flush()
        return written

    async def write_entities(self, records: Sequence[Record]) -> Written:
        """Parents before their children, then the closure of the whole tree."""
        written = Written()
        parents = {entity.id: entity.parent_id for entity in self.known.entities.values()}
        for record in _parents_first(records):
            columns = record.fields
            if "parent" in record.cells:
                columns["parent_id"] = _id(self.known.entities, record.cells["parent"])
            for column in GROUP_COLUMNS:
                if column in record.cells:
                    columns[f"{column}_id"] = _id(self.known.groups, record.cells[column])
            self._write(written, Entity, self.known.entities, record, columns)
        await self.session.flush()
        now = {entity.id: entity.parent_id for entity in self.known.entities.values()}
        moved = [id for id, parent_id in parents.items() if now[id] != parent_id]
        await tell_linked(self.session, moved)
        await rebuild(self.session)
        await tell_linked(self.session, moved)
        return written

    async def write_operators(self, records: Sequence[Record]) -> Written:
        """A password in the file is for operators that have none yet; equal ones are hashed once. `groups` are all
        groups that the operator is a member of."""
        written, hashed = Written(), cache(hash_password)
        for record in records:
            columns, known = record.fields, self.known.operators.get(record.key)
            if (password := record.cells.get("password")) and not (known and known.password_hash):
                columns["password_hash"] = hashed(password)
            if known and known.right != columns["right"]:
                written.before[record.key], written.after[record.key] = known.right.value, columns["right"]
            self._write(written, Operator, self.known.operators, record, columns)
        await self.session.flush()
        linked, _ = await self._link(records, "entities", self.known.entities, OperatorEntity.entity_id)
        joined, groups = await self._link(records, "groups", self.known.groups, GroupMember.group_id)
        moved = linked | joined
        for login, change in written.changes.items():
            operator = self.known.operators[login]
            if change is Change.UNCHANGED and operator.id in moved:
                written.changes[login] = Change.UPDATED
            if change is not Change.CREATED and operator.id in linked:
                self._mark(operator)
        for group in self.known.groups.values():
            if group.id in groups:
                self._mark(group)
        await self.session.flush()
        updated = (login for login, change in written.changes.items() if change is Change.UPDATED)
        tell(self.session, Subject.OPERATOR, *(self.known.operators[login].id for login in updated))
        return written

    def _write(
        self, written: Written, kind: type[T], known: dict[str, T], record: Record, columns: Mapping[str, Any]
    ) -> None:
        thing, change = known.get(record.key), Change.UNCHANGED
        if thing is None:
            thing = known[record.key] = kind(id=new_id(), created_at=self.now, modified_at=self.now, **columns)
            self.session.add(thing)
            change = Change.CREATED
        elif changed(thing, columns):
            thing.modified_at = self.now
            change = Change.UPDATED
        written.changes[record.key] = change

    async def _link(
        self, records: Sequence[Record], column: str, targets: Mapping[str, Any], other: InstrumentedAttribute[UUID]
    ) -> tuple[set[UUID], set[UUID]]:
        """Makes the codes in `column` all that each operator is linked to; gives both ends of what changed."""
        table, own = other.class_, other.class_.operator_id
        operators = {self.known.operators[record.key].id: record for record in records if column in record.cells}
        wanted = {(key, targets[code].id) for key, record in operators.items() for code in record.many(column)}
        present = {(key, target) for key, target in await self.session.execute(select(own, other)) if key in operators}
        connection = await self.session.connection()
        for statement, pairs in (
            (delete(table).where(own == bindparam("own"), other == bindparam("other")), present - wanted),
            (insert(table).values({own.key: bindparam("own"), other.key: bindparam("other")}), wanted - present),
        ):
            if pairs:
                await connection.execute(statement, [{"own": key, "other": target} for key, target in pairs])
        differing = present ^ wanted
        return {key for key, _ in differing}, {target for _, target in differing}

    def _mark(self, thing: Operator | OperatorGroup) -> None:
        """Links changed: that is a new revision too."""
        thing.modified_at = self.now
        flag_modified(thing, "modified_at")


def _id(known: Mapping[str, Entity] | Mapping[str, OperatorGroup], code: str) -> UUID | None:
    return known[code].id if code else None


def _parents_first(records: Sequence[Record]) -> list[Record]:
    """The order in which each entity finds its parent; there are no cycles any more."""
    parents = {record.key: record.cells.get("parent", "") for record in records}

    def depth(code: str) -> int:
        steps = 0
        while code := parents.get(code, ""):
            steps += 1
        return steps

    return sorted(records, key=lambda record: depth(record.key))
