"""What is still to be done, so that nobody waits by the clock."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import func, select

from server.database import Database
from server.domain.approval import Reminder, ReminderStatus
from server.domain.campaign import Campaign
from server.domain.later import FanOut
from server.domain.lifecycles import CampaignStatus, OrderStatus, PackageStatus
from server.domain.notification import Dispatch, DispatchStatus
from server.domain.order import Order
from server.domain.package import DeadlineNotice, Package
from server.domain.record import Event, TypeJob

LONG = 300.0
"""Seconds for what workers have to do while they are killed, on a machine that has other things to do."""
PENDING: dict[str, Any] = {
    "packages": select(func.count()).where(
        Package.status.in_((PackageStatus.PENDING_APPROVAL, PackageStatus.APPROVED, PackageStatus.PUBLISHED))
    ),
    "orders": select(func.count()).where(
        Order.status.in_((OrderStatus.DRAFT, OrderStatus.ORDERED, OrderStatus.APPROVED))
    ),
    "campaigns": select(func.count()).where(
        Campaign.status == CampaignStatus.IN_PROGRESS, Campaign.end.is_not(None)
    ),
    "notices": select(func.count()).where(
        Package.status == PackageStatus.ENDED, Package.deadline_notice != DeadlineNotice.REACHED
    ),
    "reminders": select(func.count()).where(Reminder.status == ReminderStatus.SCHEDULED),
    "events": select(func.count()).where(Event.delivered_at.is_(None)),
    "messages": select(func.count()).where(Dispatch.status == DispatchStatus.PENDING),
    "work in chunks": select(func.count()).where(FanOut.finished_at.is_(None)),
    "jobs of types": select(func.count()).where(TypeJob.done_at.is_(None)),
}
"""In a world in which everything ends."""


async def pending(database: Database) -> dict[str, int]:
    """How much of each is not done yet."""
    async with database.reading() as session:
        counts = {what: await session.scalar(statement) for what, statement in PENDING.items()}
    return {what: count for what, count in counts.items() if count}


async def busy(database: Database) -> bool:
    """Whether there is work that only workers do."""
    async with database.reading() as session:
        for what in ("events", "messages", "work in chunks", "jobs of types"):
            if await session.scalar(PENDING[what]):
                return True
    return False


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 60, every: float = 0.1) -> bool:
    """Whether the condition came about before the time was over."""
    deadline = time.monotonic() + seconds
    while not (met := await condition()) and time.monotonic() < deadline:  # noqa: ASYNC110 (of another process)
        await asyncio.sleep(every)
    return met


async def until_nothing_is_pending(database: Database, seconds: float) -> dict[str, int]:
    """What is pending still when the time is over."""
    async def done() -> bool:
        return not await pending(database)

    await until(done, seconds)
    return await pending(database)
