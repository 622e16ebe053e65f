"""One piece of work: the transaction, who does it, when, and what is written beside it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import event, inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from server.changes import changed
from server.domain.base import Json, Versioned, new_id
from server.domain.record import Event, EventKind, History, SubjectKind
from server.errors import NotAllowed, Problem
from server.jobs.enqueue import JobKind, enqueue
from server.plugins import CampaignTypes
from server.reads.visibility import Caller
from server.services.alarms import NOTICE
from server.settings import Settings

UNAUDITED = frozenset({"id", "revision", "created_at", "modified_at", "password_hash", "secret", "paused_until"})
"""Columns that the history leaves out; so are `…_by_id` columns, since every entry names its actor."""
IMPACT_ITEMS = 200
UNRECORDED = "unrecorded"
"""Key in `session.info`: rows that were flushed but not recorded, with what they held before and hold now."""


@dataclass(frozen=True, slots=True)
class ImpactItem:
    """One thing that changes: `kind` is ENTITY, ORDER, CAMPAIGN, PACKAGE or MESSAGE."""

    kind: str
    code: str
    label: str
    change: str


@dataclass
class Impact:
    """What an operation changes, counted by kind while it runs; `items` names the first 200 [10.3]."""

    counts: dict[str, int] = field(default_factory=dict)
    items: list[ImpactItem] = field(default_factory=list)

    def add(self, kind: str, code: str, label: str, change: str) -> None:
        self.count(kind, 1)
        if len(self.items) < IMPACT_ITEMS:
            self.items.append(ImpactItem(kind, code, label, change))

    def count(self, kind: str, number: int) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + number

    def clear(self) -> None:
        self.counts.clear()
        self.items.clear()


class Alone(Exception):
    """What a service for many answers about something that it does only when nothing else is asked for: by `act`."""

    def __init__(self, act: Callable[["Work", Sequence[Any]], Awaitable[Sequence[Any]]]) -> None:
        self.act = act


@dataclass(frozen=True)
class Work:
    """What every service needs: one transaction, the caller, the time, the installed types, the settings.

    A service adds, changes and flushes; it never commits. It raises Refused with every problem at once, NotFound or
    NotAllowed, and the transaction is rolled back at the edge.
    """

    session: AsyncSession
    caller: Caller
    now: datetime
    types: CampaignTypes
    settings: Settings
    impact: Impact = field(default_factory=Impact)
    warnings: list[Problem] = field(default_factory=list)
    """What the operation accepted but its author should look at: drafts that a new form no longer fits [9.3]."""
    known: dict[Any, Any] = field(default_factory=dict)
    """What was read once and stays so in this transaction; a session itself forgets rows that nobody holds."""

    def __post_init__(self) -> None:
        self.session.info[NOTICE] = timedelta(hours=self.settings.registration_notice_hours)

    def require_central(self, what: str) -> None:
        """Raises NotAllowed unless the caller is a central operator, an administrator or the server itself."""
        if self.caller.is_local:
            raise NotAllowed(f"Only a central operator can {what}.")

    def require_admin(self, what: str) -> None:
        if not self.caller.is_admin:
            raise NotAllowed(f"Only an administrator can {what}.")

    def touch(self, thing: Any) -> None:
        """Stamps a created or changed row; a changed one gets its next revision, also when all that changed stands in
        other tables [5.7]."""
        if thing.created_at is None:
            thing.created_at = self.now
        thing.modified_at = self.now
        if inspect(thing).persistent:
            flag_modified(thing, "modified_at")

    def emit(self, kind: EventKind, *, payload: Json | None = None, **about: UUID | None) -> Event:
        """Writes an event to the outbox; `about` names package_id, order_id, approval_id, campaign_id or entity_id."""
        written = Event(kind=kind, at=self.now, actor_id=self.caller.id, payload=payload or {}, **about)
        self.session.add(written)
        enqueue(self.session, JobKind.DELIVER)
        return written

    async def record(
        self, subject: SubjectKind, thing: Any, action: str, *, comment: str = "", entity_id: UUID | None = None,
        before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None,
    ) -> None:
        """Flushes `thing` and adds its history entry: what its columns held at the last entry and hold now, however
        often it was flushed meanwhile, plus `before` and `after` for what stands in other tables [12.1]. The entry is
        written by the next flush; its id tells already what came after what."""
        self.touch(thing)
        self.session.add(thing)
        await self.session.flush()
        was, became = self.session.info[UNRECORDED].pop(thing)
        self.session.add(History(
            id=new_id(), at=self.now, actor_id=self.caller.id, subject=subject, subject_id=thing.id,
            subject_code=getattr(thing, "code", "") or getattr(thing, "login", ""), entity_id=entity_id,
            revision=thing.revision, action=action, comment=comment,
            before=was | plain(before or {}), after=became | plain(after or {}),
        ))
        changed(self.session, subject, thing.id)


@event.listens_for(Session, "before_flush")
def _keep_changes(session: Session, _context: object, _instances: object) -> None:
    """Keeps what rows held before a flush, for their history entries."""
    kept = session.info.setdefault(UNRECORDED, {})
    new = session.new  # made anew on every access
    for thing in (*new, *session.dirty):
        if isinstance(thing, Versioned):
            was, became = kept.get(thing, ({}, {}))
            before, after = changes(thing)
            kept[thing] = {} if thing in new else before | was, became | after


def changes(thing: Any) -> tuple[Json, Json]:
    """The audited columns that a not yet flushed change touches: their old and their new values."""
    before: Json = {}
    after: Json = {}
    state = inspect(thing)
    for attribute in state.mapper.column_attrs:
        change = state.attrs[attribute.key].history
        if attribute.key in UNAUDITED or attribute.key.endswith("_by_id") or not change.has_changes():
            continue
        old, new = (change.deleted or [None])[0], (change.added or [None])[0]
        if old != new:
            before[attribute.key], after[attribute.key] = old, new
    return plain(before), plain(after)


def plain(values: Mapping[str, Any]) -> Json:
    """Values as JSON can hold them: moments as ISO 8601, ids as text."""
    return {key: _plain(value) for key, value in values.items()}


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case UUID():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case Mapping():
            return plain(value)
        case str() | bytes():
            return value
        case Iterable():
            return [_plain(item) for item in value]
        case _:
            return value
