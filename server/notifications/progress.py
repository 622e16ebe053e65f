"""How far an event that reaches very many has come, for those who look at its package [7]."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.changes import Subject, changed
from server.domain.base import new_id
from server.domain.later import FanOut, FanOutKind
from server.notifications.reach.receivers import Addressed, receivers

NO_LIMIT = 2**31 - 1


async def note_progress(
    session: AsyncSession, events: Sequence[Addressed], people: Sequence[Any], done: Collection[UUID], now: datetime
) -> None:
    """Counts those who were told of the last of these events, when it takes more than one transaction: from its first
    one on, which counts all whom it reaches, to its last."""
    reached = people[-1].event_id if people else events[0].event.id
    last = next(each for each in events if each.event.id == reached)
    event, told = last.event, sum(row.event_id == reached for row in people)
    going_on: FanOut | None = await session.scalar(
        select(FanOut).where(FanOut.package_id == event.package_id, FanOut.event_id == event.id)
    )
    if event.package_id is None or (going_on is None and event.id in done):
        return
    if going_on is None:
        everybody = receivers([last], (), NO_LIMIT)
        total = await session.scalar(_number(everybody[0]), everybody[1]) if everybody else 0
        going_on = FanOut(
            id=new_id(), kind=FanOutKind.NOTIFY, package_id=event.package_id, event_id=event.id,
            actor_id=event.actor_id, total=total or 0, done=0, started_at=now,
        )
        session.add(going_on)
    going_on.done = min(going_on.done + told, going_on.total)
    if reached in done:
        going_on.done, going_on.finished_at = going_on.total, now
    await session.flush()
    changed(session, Subject.FAN_OUT, event.package_id)


def _number(rows: Select[*tuple[Any, ...]]) -> Select[int]:
    return select(func.count()).select_from(rows.subquery())
