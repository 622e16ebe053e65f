"""From events to what people and other systems are sent: notifications and dispatches, in bounded transactions [7]."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.changes import Subject, changed
from server.database import Database
from server.domain.base import new_id
from server.domain.campaign import Campaign
from server.domain.later import FanOut, FanOutKind
from server.domain.notification import Dispatch, DispatchStatus, Notification
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import Event, EventKind
from server.jobs.enqueue import JobKind, enqueue
from server.notifications.progress import note_progress
from server.notifications.reach.receivers import EMAIL, FIRST_CHANNEL, Addressed, addressed, receivers
from server.notifications.reach.subscribed import webhooks_for
from server.notifications.wording.wordings import load_wordings, subject_line
from server.reads.ids import one_of
from server.services.rows import insert_rows

EVENTS = 400
"""The most events of one transaction."""
SUBSCRIPTIONS = (EventKind.PACKAGE_SUBSCRIBED, EventKind.ENTITY_ADDED)
PLANNED = text(
    "SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_mergejoin', 'off', true)"
)
PEOPLE = 1_000
"""The most people told in one transaction: what reaches more of them is done in several, by their ids."""


class Deliveries:
    """Takes undelivered events in their order. Whatever interrupts it, nobody is told twice and nobody is left out: the
    notifications that are there say where it stopped, and an event counts as delivered with its last one."""

    def __init__(self, database: Database, channels: Iterable[str] = (EMAIL,)) -> None:
        """`channels`: names of those that reach people."""
        self.database = database
        self.channels = tuple(channels)

    async def deliver(self, now: datetime) -> int:
        """Delivers every event that is there, and says how many. Those that come meanwhile have a job of their own: in
        a rush it finds many at once, which costs less than a few at a time, without end."""
        delivered, goes_on = 0, True
        while goes_on:
            async with self.database.transaction(alone=True) as session:
                done, goes_on = await _Step(session, self.channels, now).deliver_some()
            delivered += done
        return delivered


class _Step:
    """One transaction of a delivery."""

    def __init__(self, session: AsyncSession, channels: Sequence[str], now: datetime) -> None:
        self.session, self.channels, self.now = session, channels, now

    async def deliver_some(self) -> tuple[int, bool]:
        """Takes up to 400 events and tells up to 1,000 people; how many events that finished, and whether there were
        more."""
        there = await self._undelivered()
        if not there:
            return 0, False
        events, after = await self._to_tell(there)
        await self._plan_well()
        found = receivers(events, self.channels, PEOPLE, after)
        people = (await self.session.execute(*found)).all() if found else []
        done = [each.event for each in events]
        if len(people) == PEOPLE:
            done = [event for event in done if event.id < people[-1].event_id]
        if people:
            await self._tell({each.event.id: each.event for each in events}, people)
        await note_progress(self.session, events, people, {event.id for event in done}, self.now)
        await self._finish(done)
        enqueue(self.session, JobKind.SEND)
        return len(done), len(done) < len(there) or len(there) == EVENTS

    async def _undelivered(self) -> list[Addressed]:
        """The next events, locked; passed over are those that somebody else is delivering, and news of subscriptions
        that are still being made."""
        subscribing = exists().where(
            FanOut.package_id == Event.package_id, FanOut.kind == FanOutKind.SUBSCRIBE, FanOut.finished_at.is_(None)
        )
        told_at_once = or_(Event.kind.not_in(SUBSCRIPTIONS), ~subscribing)
        rows = await self.session.execute(
            addressed().where(Event.delivered_at.is_(None), told_at_once).order_by(Event.id).limit(EVENTS)
            .with_for_update(of=Event, key_share=True, skip_locked=True)
        )
        return [Addressed(*row) for row in rows]

    async def _plan_well(self) -> None:
        """Planning the search for receivers takes PostgreSQL longer than the search itself: it is planned once. It
        believes that a merge with the packages ends early, and reads all events there have ever been."""
        if self.session.get_bind().dialect.name == "postgresql":
            await self.session.execute(PLANNED)

    async def _to_tell(self, events: list[Addressed]) -> tuple[list[Addressed], UUID | None]:
        """An interrupted event is finished by itself, behind whom was told last: people are told in the order of their
        ids. It need not be the first: an event that was committed late may stand before it."""
        told = exists().where(Notification.event_id == Event.id)
        begun = set(await self.session.scalars(
            select(Event.id).where(one_of(Event.id, [each.event.id for each in events]), told)
        ))
        untold = list(takewhile(lambda each: each.event.id not in begun, events))
        if untold:
            return untold, None
        return events[:1], await self.session.scalar(
            select(Notification.operator_id).where(Notification.event_id == events[0].event.id)
            .order_by(Notification.operator_id.desc()).limit(1)
        )

    async def _tell(self, events: dict[UUID, Event], people: Sequence[Any]) -> None:
        names = await _names(self.session, {row.event_id for row in people})
        wordings = await load_wordings(self.session)
        subjects = {
            (id, locale): subject_line(wordings.of(events[id].kind, locale).subject, *names[id])
            for id, locale in {(row.event_id, row.locale) for row in people}
        }
        told = [_notification(events[row.event_id], row, subjects[row.event_id, row.locale]) for row in people]
        sent = [
            self._dispatch(channel, row.event_id, notification_id=notification["id"])
            for row, notification in zip(people, told, strict=True)
            for channel, wanted in zip(self.channels, row[FIRST_CHANNEL:], strict=True) if wanted
        ]
        await insert_rows(self.session, Notification, told, unless_there=True)
        await insert_rows(self.session, Dispatch, sent, unless_there=True)
        changed(self.session, Subject.NOTIFICATION, *(each["id"] for each in told))

    async def _finish(self, events: Sequence[Event]) -> None:
        """Lets webhooks know of events, and marks them as delivered."""
        await insert_rows(self.session, Dispatch, [
            self._dispatch("webhook", event_id, webhook_id=webhook_id)
            for event_id, webhook_id in await webhooks_for(self.session, events)
        ], unless_there=True)
        await self.session.execute(
            update(Event).where(one_of(Event.id, [event.id for event in events])).values(delivered_at=self.now)
            .execution_options(synchronize_session=False)
        )

    def _dispatch(self, channel: str, event_id: UUID, **to: UUID) -> dict[str, Any]:
        return {
            "id": new_id(), "channel": channel, "event_id": event_id, "notification_id": None, "webhook_id": None,
            "status": DispatchStatus.PENDING, "attempts": 0, "created_at": self.now, "due_at": self.now,
            "last_error": "",
        } | to


def _notification(event: Event, row: Any, subject: str) -> dict[str, Any]:
    return {
        "id": new_id(), "event_id": event.id, "operator_id": row.operator_id, "kind": event.kind, "subject": subject,
        "at": event.at, "package_id": event.package_id, "order_id": event.order_id, "approval_id": event.approval_id,
        "campaign_id": event.campaign_id, "entity_id": row.entity_id,
    }


async def _names(session: AsyncSession, ids: set[UUID]) -> dict[UUID, tuple[str, str]]:
    """Label and code of what each event is about: the campaign that has become available, else the order or the
    package."""
    campaign = (Event.kind == EventKind.CAMPAIGN_AVAILABLE) & (Campaign.id == Event.campaign_id)
    rows = await session.execute(
        select(Event.id, func.coalesce(Campaign.label, Order.label, Package.label),
               func.coalesce(Campaign.code, Order.code, Package.code))
        .outerjoin(Campaign, campaign).outerjoin(Order, Order.id == Event.order_id)
        .outerjoin(Package, Package.id == Event.package_id).where(one_of(Event.id, ids))
    )
    return {id: (label, code) for id, label, code in rows}
