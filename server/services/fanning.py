"""Work on the many rows of a package after the commit that caused it: in chunks of one short transaction each, so that
reading and ordering go on meanwhile, and from the last chunk on when it was interrupted."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.changes import Subject, changed
from server.database import Database
from server.domain.base import new_id
from server.domain.later import FanOut, FanOutKind
from server.domain.lifecycles import STANDING_ORDERS, PackageStatus
from server.domain.network import Entity, EntityKind
from server.domain.order import Order
from server.domain.package import Package, PackageEntity
from server.jobs.enqueue import JobKind, enqueue
from server.plugins import CampaignTypes
from server.reads.visibility import SYSTEM, Caller
from server.services.loading import load_package
from server.services.offering import COLUMNS, EntityRow
from server.services.subscribing import default_values, order_for
from server.services.work import Work
from server.settings import Settings

CHUNK = 250
"""Entities of one transaction: whoever orders meanwhile waits for one at most."""
GOING_ON = (PackageStatus.PUBLISHED, PackageStatus.ENDED)
"""A package that ended before its audience was subscribed, in an outage, has been published all the same."""


def subscribe_later(work: Work, package: Package, total: int) -> None:
    """Orders for so many entities of the audience of a published package, after the commit."""
    fan_out = FanOut(
        id=new_id(), kind=FanOutKind.SUBSCRIBE, package_id=package.id, actor_id=work.caller.id, total=total,
        started_at=work.now,
    )
    work.session.add(fan_out)
    _put_off(work.session, fan_out.id)
    changed(work.session, Subject.FAN_OUT, package.id)
    work.impact.count("ORDER", total)


class FanOuts:
    """What was begun and is to be finished. Called twice, also at once, it makes every order once."""

    def __init__(self, database: Database, types: CampaignTypes, settings: Settings, rows: int = CHUNK) -> None:
        self.database = database
        self.types = types
        self.settings = settings
        self.rows = rows

    async def wake(self) -> None:
        """Puts off anew what is not finished: nothing where its job is there still."""
        unfinished = select(FanOut.id).where(FanOut.kind == FanOutKind.SUBSCRIBE, FanOut.finished_at.is_(None))
        async with self.database.transaction() as session:
            for fan_out_id in await session.scalars(unfinished):
                _put_off(session, fan_out_id)

    async def run(self, fan_out_id: UUID, now: datetime) -> None:
        """Does what is left of it."""
        while await self.chunk(fan_out_id, now):
            pass

    async def chunk(self, fan_out_id: UUID, now: datetime) -> bool:
        """Does one chunk, and says whether there may be more."""
        async with self.database.transaction(alone=True) as session:
            fan_out = await session.scalar(
                select(FanOut).where(FanOut.id == fan_out_id, FanOut.finished_at.is_(None)).with_for_update()
            )
            if fan_out is None:
                return False
            work = Work(session, Caller(fan_out.actor_id, SYSTEM.right), now, self.types, self.settings)
            package = await load_package(work, fan_out.package_id)
            entities = await _next(work, package, fan_out, self.rows)
            if entities:
                await order_for(work, package, entities, await default_values(work, package))
            _count(work, fan_out, entities, last=len(entities) < self.rows)
            return fan_out.finished_at is None


def _put_off(session: AsyncSession, fan_out_id: UUID) -> None:
    enqueue(session, JobKind.FAN_OUT, key=str(fan_out_id), fan_out=str(fan_out_id))


def _count(work: Work, fan_out: FanOut, entities: Sequence[EntityRow], *, last: bool) -> None:
    fan_out.done += len(entities)
    fan_out.cursor = entities[-1].id if entities else fan_out.cursor
    if last:
        fan_out.done, fan_out.finished_at = fan_out.total, work.now
        enqueue(work.session, JobKind.DELIVER)  # those who were subscribed are told now (N6)
    changed(work.session, Subject.FAN_OUT, fan_out.package_id)


async def _next(work: Work, package: Package, fan_out: FanOut, most: int) -> Sequence[EntityRow]:
    """The next entities to subscribe; none when the package is no more what it was when this began."""
    published = package.published_at
    if package.status not in GOING_ON or published is None or published > fan_out.started_at:
        return []
    behind = fan_out.cursor or UUID(int=0)
    served = _served(package).where(Order.entity_id > behind)
    left = select(*COLUMNS).where(Entity.active, Entity.id > behind, Entity.id.not_in(served))
    if package.offered_to_all:
        left = left.where(Entity.kind == EntityKind.LOCAL)
    else:
        left = left.join(PackageEntity, PackageEntity.entity_id == Entity.id).where(
            PackageEntity.package_id == package.id
        )
    return (await work.session.execute(left.order_by(Entity.id).limit(most))).all()


def _served(package: Package) -> Select[UUID]:
    """Entities that have a standing order in this cycle, or have had one since the package was offered to them: who has
    rejected the subscription is not subscribed again."""
    orders = select(Order.entity_id).where(Order.package_id == package.id, Order.cycle == package.cycle)
    if package.offered_to_all:
        return orders
    own = (PackageEntity.package_id == Order.package_id) & (PackageEntity.entity_id == Order.entity_id)
    return orders.join(PackageEntity, own).where(
        or_(Order.status.in_(STANDING_ORDERS), Order.created_at >= PackageEntity.added_at)
    )
