"""What is to be sent: due dispatches by queue, taken under a lease, so that nobody else sends them at the same time."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.domain.notification import Dispatch, DispatchStatus, Webhook
from server.jobs.enqueue import JobKind, enqueue
from server.reads.ids import one_of

BATCH = 50
LEASE = timedelta(minutes=3)
"""Longer than a batch may take. What a process that ended had in hand is due when it is found dead, or else then."""
SLOT_SECONDS = 5

PENDING = Dispatch.status == DispatchStatus.PENDING


@dataclass(frozen=True, slots=True)
class Queue:
    """Messages that wait together: those of a channel to people, or those to one webhook."""

    channel: str
    webhook_id: UUID | None

    @property
    def waiting(self) -> ColumnElement[bool]:
        return and_(PENDING, Dispatch.channel == self.channel, Dispatch.webhook_id == self.webhook_id)


@dataclass(frozen=True, slots=True)
class Batch:
    """Dispatches that are ours until `lease`, which stands in their `due_at` meanwhile."""

    ids: tuple[UUID, ...]
    lease: datetime


async def due_queues(session: AsyncSession, channels: Collection[str], now: datetime) -> list[Queue]:
    """Those with something to send; left alone are webhooks that have asked for it."""
    rows = await session.execute(
        select(Dispatch.channel, Dispatch.webhook_id).distinct()
        .outerjoin(Webhook, Webhook.id == Dispatch.webhook_id)
        .where(PENDING, Dispatch.due_at <= now, Dispatch.channel.in_(channels))
        .where(or_(Webhook.paused_until.is_(None), Webhook.paused_until <= now))
    )
    return [Queue(*row) for row in rows]


async def claim(session: AsyncSession, queue: Queue, now: datetime, by: str = "") -> Batch:
    """Takes the next due dispatches of the queue, the longest due ones first, for the process `by`."""
    due = (
        select(Dispatch.id).where(queue.waiting, Dispatch.due_at <= now).order_by(Dispatch.due_at, Dispatch.id)
        .limit(BATCH).with_for_update(skip_locked=True)
    )
    ids = tuple(await session.scalars(due))
    lease = slot(now + LEASE)
    if ids:
        await postpone(session, one_of(Dispatch.id, ids), lease, by)
    return Batch(ids, lease)


async def release(session: AsyncSession, dead: str, now: datetime) -> None:
    """What a process that is no more had in hand is due at once. Only for who holds its lock: a live one would send on
    what somebody else then sends too."""
    await postpone(session, Dispatch.claimed_by == dead, now)


async def postpone(
    session: AsyncSession, which: ColumnElement[bool], until: datetime, by: str | None = None
) -> None:
    """Pending dispatches become due then, and somebody looks after them then; meanwhile `by` has them in hand, if it is
    given. What another process is just marking is left to it."""
    free = select(Dispatch.id).where(which, PENDING).with_for_update(skip_locked=True)
    await session.execute(
        update(Dispatch).where(Dispatch.id.in_(free)).values(due_at=until, claimed_by=by)
        .execution_options(synchronize_session=False)
    )
    wake(session, until)


def wake(session: AsyncSession, at: datetime) -> None:
    enqueue(session, JobKind.SEND, at.isoformat(), at=at)


def slot(moment: datetime) -> datetime:
    """The next moment at which something may become due: so few that one job wakes many."""
    return datetime.fromtimestamp(ceil(moment.timestamp() / SLOT_SECONDS) * SLOT_SECONDS, UTC)
