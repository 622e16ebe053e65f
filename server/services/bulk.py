"""Many rows at once: what `Work.record` and `Work.emit` write for one, in as many statements for any number."""

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import inspect
from sqlalchemy.orm.attributes import set_committed_value

from server.changes import changed
from server.domain.base import Json, new_id
from server.domain.record import Event, EventKind, History, SubjectKind
from server.jobs.enqueue import JobKind, enqueue
from server.services.rows import ID, REVISION, insert_rows, update_rows
from server.services.work import UNAUDITED, Work, plain

Rows = list[dict[str, Any]]


async def record_all(
    work: Work, subject: SubjectKind, things: Sequence[Any], action: str, *, comment: str = "",
    after: Callable[[Any], Mapping[str, Any]] = lambda _: {},
) -> None:
    """`Work.record` for rows of one kind that are locked, all with an `entity_id`: one UPDATE and one INSERT."""
    if len(things) == 1:
        [thing] = things
        await work.record(subject, thing, action, comment=comment, entity_id=thing.entity_id, after=after(thing))
    elif things:
        await add_history(work, [
            changed_entry(work, subject, thing, action, comment, after(thing)) for thing in things
        ])
        await save(work, things)


async def record_new(
    work: Work, subject: SubjectKind, kind: type[Any], rows: Sequence[Mapping[str, Any]], action: str,
    after: Sequence[Mapping[str, Any]], works: Sequence[Work] = (),
) -> None:
    """Inserts rows of one kind, all with an `entity_id`, and records them; `after` is what stands in other tables,
    `works` say who made each, if not all are made by the same."""
    stamps = {"revision": 1, "created_at": work.now, "modified_at": work.now}
    await insert_rows(work.session, kind, [{**row, **stamps} for row in rows])
    await add_history(work, [
        entry(own, subject, row["id"], row.get("code", ""), row["entity_id"], 1, action, after=_audited(row) | {**more})
        for row, more, own in zip(rows, after, works or repeat(work, len(rows)), strict=True)
    ])


async def add(work: Work, kind: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows. A single one waits for the next flush and shares its statement."""
    if len(rows) == 1:
        work.session.add(kind(**rows[0]))
    elif rows:
        await insert_rows(work.session, kind, rows)


async def add_history(work: Work, entries: Rows) -> None:
    await add(work, History, entries)
    for row in entries:
        changed(work.session, row["subject"], row["subject_id"])


async def emit_all(work: Work, kind: EventKind, events: Sequence[Mapping[str, Any]]) -> None:
    """Writes events to the outbox; each mapping holds the ids that it is about, and perhaps a payload."""
    same = {"kind": kind, "at": work.now, "actor_id": work.caller.id}
    await add(work, Event, [{"id": new_id(), "payload": {}, **same, **event} for event in events])
    if events:
        enqueue(work.session, JobKind.DELIVER)


def entry(
    work: Work, subject: SubjectKind, id: UUID, code: str, entity_id: UUID | None, revision: int, action: str, *,
    before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None, comment: str = "",
) -> Json:
    """A row of the history."""
    return {
        "id": new_id(), "at": work.now, "actor_id": work.caller.id, "subject": subject, "subject_id": id,
        "subject_code": code, "entity_id": entity_id, "revision": revision, "action": action,
        "before": plain(before or {}), "after": plain(after or {}), "comment": comment,
    }


def changed_entry(
    work: Work, subject: SubjectKind, thing: Any, action: str, comment: str = "",
    more: Mapping[str, Any] = MappingProxyType({}),
) -> Json:
    """The row of the history for what was set on a row of a table."""
    work.touch(thing)
    was = inspect(thing).committed_state
    before = {key: old for key, old in was.items() if old != getattr(thing, key)}
    after = {key: getattr(thing, key) for key in before}
    return entry(
        work, subject, thing.id, getattr(thing, "code", ""), thing.entity_id, thing.revision + 1, action,
        before=_audited(before, none=True), after=_audited(after, none=True) | {**more}, comment=comment,
    )


def _audited(values: Mapping[str, Any], *, none: bool = False) -> Json:
    return {
        key: value for key, value in values.items()
        if key not in UNAUDITED and not key.endswith("_by_id") and (none or value is not None)
    }


async def save(work: Work, things: Sequence[Any]) -> None:
    """Writes what was set, if the rows are as they were read. The objects are like their rows then, and leave the
    session, which would look at every column of theirs for what there is to write."""
    keys = sorted({key for thing in things for key in inspect(thing).committed_state})
    await update_rows(work.session, type(things[0]), keys, [
        {ID: thing.id, REVISION: thing.revision} | {key: getattr(thing, key) for key in keys} for thing in things
    ])
    for thing in things:
        if thing in work.session:
            work.session.expunge(thing)
        for key in keys:
            set_committed_value(thing, key, getattr(thing, key))
        set_committed_value(thing, "revision", thing.revision + 1)
