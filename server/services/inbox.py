"""What operators do with their inbox: mark what is read, and say what they want to be told where [7]."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, literal, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from server.changes import IDS_TOLD, Subject, changed
from server.domain.notification import Notification, Preference, kinds_for
from server.errors import Problem, refuse, refuse_any
from server.reads.visibility import visible_notifications
from server.services.work import Work

MOST = 100
"""Notifications at once by their ids, as on a page."""


class Inbox:
    """The caller's own: there is no way to anybody else's [2.3]."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self._mine = visible_notifications(work.caller)

    async def mark_read(self, ids: Sequence[UUID]) -> None:
        """What was read before keeps the moment when it was."""
        await self._check(ids)
        await self._read(Notification.id.in_(ids))

    async def mark_unread(self, ids: Sequence[UUID]) -> None:
        await self._check(ids)
        await self._mark(Notification.id.in_(ids), None)

    async def mark_read_up_to(self, last: UUID) -> None:
        """This one and all before it, in the order of the inbox."""
        at = await self.work.session.scalar(select(Notification.at).where(Notification.id == last, self._mine))
        if at is None:
            raise refuse("NOT_FOUND", "There is no such notification.", "up_to")
        here = tuple_(Notification.at, Notification.id)
        await self._read(here <= tuple_(literal(at, Notification.at.type), literal(last)))

    async def mark_read_before(self, moment: datetime) -> None:
        await self._read(Notification.at < moment)

    async def prefer(self, wishes: Sequence[Mapping[str, Any]], channels: Sequence[str]) -> None:
        """Each wish says of one kind and channel whether it is `wanted`; the others stay as they are. `channels` are
        those that reach people."""
        refuse_any(self._unfit(wishes, channels))
        chosen = {(wish["kind"], wish["channel"]): wish["wanted"] for wish in wishes}
        if chosen:
            insert = postgresql.insert if self.work.session.get_bind().dialect.name == "postgresql" else sqlite.insert
            statement = insert(Preference).values([
                {"operator_id": self.work.caller.id, "kind": kind, "channel": channel, "wanted": wanted}
                for (kind, channel), wanted in chosen.items()
            ])
            await self.work.session.execute(statement.on_conflict_do_update(
                index_elements=["operator_id", "kind", "channel"], set_={"wanted": statement.excluded.wanted}
            ))

    def _unfit(self, wishes: Iterable[Mapping[str, Any]], channels: Sequence[str]) -> Iterator[Problem]:
        kinds = kinds_for(self.work.caller.right)
        for place, wish in enumerate(wishes):
            if wish["kind"] not in kinds:
                yield Problem("INVALID", f"Nobody with your right is told of {wish['kind']}.",
                              ("preferences", str(place), "kind"))
            if wish["channel"] not in channels:
                known = ", ".join(channels) or "none"
                yield Problem("NOT_FOUND", f"{wish['channel']:.40} is no channel to people; known: {known}.",
                              ("preferences", str(place), "channel"))

    async def _check(self, ids: Sequence[UUID]) -> None:
        if len(ids) > MOST:
            raise refuse("TOO_MANY", f"Take at most {MOST} notifications at once, not {len(ids)}.", "ids")
        seen = select(Notification.id).where(Notification.id.in_(ids), self._mine)
        found = set(await self.work.session.scalars(seen))
        refuse_any(
            Problem("NOT_FOUND", "There is no such notification.", ("ids", str(place)))
            for place, id in enumerate(ids) if id not in found
        )

    async def _read(self, chosen: ColumnElement[bool]) -> None:
        await self._mark(chosen & Notification.read_at.is_(None), self.work.now)

    async def _mark(self, chosen: ColumnElement[bool], read_at: datetime | None) -> None:
        """Told to the other windows of their reader; with as many as fill a message, these read the inbox again."""
        marked = await self.work.session.scalars(
            update(Notification).where(self._mine, chosen).values(read_at=read_at).returning(Notification.id)
            .execution_options(synchronize_session=False)
        )
        changed(self.work.session, Subject.NOTIFICATION, *marked.all()[:IDS_TOLD])
