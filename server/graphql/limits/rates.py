"""Token buckets: what an operator, or an address without a login, may spend in a minute.

A server takes a portion from the caller's row and spends it without a statement until it is used up. On PostgreSQL the
row is in the database: servers share it. The first portion of a caller is granted without asking and booked with the
next one, so that whoever comes once, as thousands do at the same moment, costs none. On SQLite it stands in memory.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Protocol

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.database import Database
from server.domain.access import RateBucket
from server.graphql.context import Context
from server.graphql.documents import DocumentRefusedError
from server.identity.attempts import address_key
from server.settings import Settings

KEPT = 100_000
"""Buckets that a server remembers; the one that was used longest ago is forgotten first."""
PORTIONS = 20
"""A full bucket has that many."""
FULL_AFTER = timedelta(minutes=1)
"""However empty it was: its row need not be stored any longer."""
CLOSED_FOR = timedelta(seconds=1)
"""After a refusal the row is not looked at for so long: being refused must be cheap."""


class RateLimitedError(DocumentRefusedError):
    """The caller has spent what may be spent; there will be enough in so many seconds."""

    def __init__(self, seconds: int) -> None:
        message = f"Too much was asked for in the last minute: try again in {seconds} seconds."
        error = {"message": message, "extensions": {"code": "RATE_LIMITED", "seconds": seconds}}
        super().__init__([error], 429, (("retry-after", str(seconds)),))
        self.seconds = seconds


class Row(Protocol):
    """How much was left in a bucket, and when."""

    left: float
    at: datetime


@dataclass(slots=True)
class Bucket:
    """A caller's bucket in this server: the portion that was taken, what of it the row does not know yet, and the row
    itself if no other server has it."""

    left: float
    at: datetime
    portion: float = 0
    owed: float = 0
    refused: RateLimitedError | None = None
    closed_until: datetime | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


def take(row: Row, wanted: float, per_minute: int, now: datetime) -> float:
    """Fills the row up to now and takes a portion from it, or what is wanted if that is more; RateLimitedError when
    there is not so much."""
    seconds = max((now - row.at).total_seconds(), 0)
    left = min(row.left + seconds * per_minute / 60, per_minute)
    if left < wanted:
        raise RateLimitedError(ceil((wanted - left) * 60 / per_minute))
    portion = max(wanted, min(left, per_minute / PORTIONS))
    row.left, row.at = left - portion, max(now, row.at)
    return portion


class Rates:
    """The buckets of one server. A bucket holds what may be spent in a minute; full, it lets any operation through."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._per_operator = settings.operator_cost_per_minute
        self._per_address = settings.address_cost_per_minute
        self._shared = None if database.is_sqlite else database
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    async def spend(self, context: Context, cost: int) -> None:
        """Takes the cost from the caller's bucket; RateLimitedError when it is not there."""
        if context.visitor is not None and context.visitor.id is not None:
            key, per_minute = context.visitor.id.hex, self._per_operator
        else:
            key, per_minute = address_key(context.address), self._per_address
        if per_minute == 0:
            return
        bucket, cost = self._bucket(key, per_minute, context.now), min(cost, per_minute)
        if bucket.portion < cost:
            async with bucket.turn:
                await self._refill(bucket, key, cost, per_minute, context.now)
        bucket.portion -= cost

    async def sweep(self, now: datetime) -> None:
        """Deletes the rows that are full again."""
        if self._shared is not None:
            async with self._shared.transaction() as session:
                await session.execute(delete(RateBucket).where(RateBucket.at < now - FULL_AFTER))

    def _bucket(self, key: str, per_minute: int, now: datetime) -> Bucket:
        if bucket := self._buckets.get(key):
            self._buckets.move_to_end(key)
            return bucket
        first = per_minute / PORTIONS if self._shared else 0
        bucket = self._buckets[key] = Bucket(per_minute, now, first, first)
        if len(self._buckets) > KEPT:
            self._buckets.popitem(last=False)
        return bucket

    async def _refill(self, bucket: Bucket, key: str, cost: int, per_minute: int, now: datetime) -> None:
        """So that the portion is at least the cost."""
        if (wanted := cost - bucket.portion) <= 0:
            return  # while this one waited for its turn
        if bucket.refused and bucket.closed_until and now < bucket.closed_until:
            raise RateLimitedError(bucket.refused.seconds)
        try:
            if self._shared is None:
                bucket.portion += take(bucket, wanted, per_minute, now)
            else:
                async with self._shared.transaction() as session:
                    row = await _locked(session, key, per_minute, now)
                    row.left -= bucket.owed if now < bucket.at + FULL_AFTER else 0
                    taken = take(row, wanted, per_minute, now)
                bucket.portion, bucket.owed = bucket.portion + taken, 0
        except RateLimitedError as refused:
            bucket.refused, bucket.closed_until = refused, now + CLOSED_FOR
            raise


async def _locked(session: AsyncSession, key: str, per_minute: int, now: datetime) -> RateBucket:
    """The caller's row, which is full when there is none."""
    await session.execute(insert(RateBucket).values(key=key, left=per_minute, at=now).on_conflict_do_nothing())
    return (await session.scalars(select(RateBucket).where(RateBucket.key == key).with_for_update())).one()
