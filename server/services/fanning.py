"""Work on the many rows of a package after the commit that caused it: in chunks of one short transaction each, so that
reading and ordering go on meanwhile, and from the last chunk on when it was interrupted."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
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
from server.reads.ids import one_of
from server.reads.visibility import SYSTEM, Caller
from server.services.ending import cancel_orders, live_of
from server.services.loading import load_package
from server.services.offering import COLUMNS, EntityRow
from server.services.subscribing import default_values, order_for
from server.services.work import Work
from server.settings import Settings

CHUNK = 250
"""Entities or orders of one transaction: whoever orders meanwhile waits for one at most."""
GOING_ON = (PackageStatus.PUBLISHED, PackageStatus.ENDED)
"""A package that ended before its audience was subscribed, in an outage, has been published all the same."""


def later(work: Work, kind: FanOutKind, package: Package, total: int) -> None:
    """Has it done to so many entities or orders of the package, after the commit."""
    fan_out = FanOut(
        id=new_id(), kind=kind, package_id=package.id, actor_id=work.caller.id, total=total, started_at=work.now,
    )
    work.session.add(fan_out)
    _put_off(work.session, fan_out.id)
    changed(work.session, Subject.FAN_OUT, package.id)


class FanOuts:
    """What was begun and is to be finished. Called twice, also at once, it makes or ends every order once."""

    def __init__(self, database: Database, types: CampaignTypes, settings: Settings, rows: int = CHUNK) -> None:
        self.database = database
        self.types = types
        self.settings = settings
        self.rows = rows

    async def wake(self) -> None:
        """Puts off anew what is not finished: nothing where its job is there still."""
        unfinished = select(FanOut.id).where(FanOut.kind.in_(STEPS), FanOut.finished_at.is_(None))
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
            done = await STEPS[fan_out.kind](work, package, fan_out, self.rows)
            _count(work, fan_out, done, last=len(done) < self.rows)
            return fan_out.finished_at is None


def _put_off(session: AsyncSession, fan_out_id: UUID) -> None:
    enqueue(session, JobKind.FAN_OUT, key=str(fan_out_id), fan_out=str(fan_out_id))


def _count(work: Work, fan_out: FanOut, done: Sequence[UUID], *, last: bool) -> None:
    fan_out.done += len(done)
    fan_out.cursor = done[-1] if done else fan_out.cursor
    if last:
        fan_out.done, fan_out.finished_at = fan_out.total, work.now
        enqueue(work.session, JobKind.DELIVER)  # those who were subscribed are told now (N6)
    changed(work.session, Subject.FAN_OUT, fan_out.package_id)


async def _cancel(work: Work, package: Package, fan_out: FanOut, most: int) -> Sequence[UUID]:
    """The next live orders end, unless the package has been taken up again since: those of a later cycle go on."""
    if package.canceled_at != fan_out.started_at:
        return []
    behind = fan_out.cursor or UUID(int=0)
    ids = (await work.session.scalars(
        select(Order.id).where(live_of(package), Order.id > behind).order_by(Order.id).limit(most)
    )).all()
    await cancel_orders(work, package, one_of(Order.id, ids), package.cancel_comment, tell=False)
    return ids


async def _subscribe(work: Work, package: Package, fan_out: FanOut, most: int) -> Sequence[UUID]:
    entities = await _unserved(work, package, fan_out, most)
    if entities:
        await order_for(work, package, entities, await default_values(work, package))
    return [entity.id for entity in entities]


STEPS: Mapping[FanOutKind, Callable[[Work, Package, FanOut, int], Awaitable[Sequence[UUID]]]] = {
    FanOutKind.SUBSCRIBE: _subscribe, FanOutKind.CANCEL: _cancel,
}
"""What is done to the next rows, in the order of the ids that each gives."""


async def _unserved(work: Work, package: Package, fan_out: FanOut, most: int) -> Sequence[EntityRow]:
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
