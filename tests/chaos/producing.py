"""Who makes work for the workers: real acts of operators, whose consequences fall due a moment later."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select

from server.database import Database
from server.domain.approval import Approval, ApprovalStatus
from server.domain.lifecycles import OrderStatus, PackageStatus
from server.domain.network import Entity, Operator
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import Event, EventKind
from server.plugins import CampaignTypes
from server.services.approvals import Approvals, Decision
from server.services.campaigns import Campaigns
from server.services.orders import Orders
from server.services.packages import Packages
from server.services.work import Work
from server.settings import Settings
from tests.builders import caller_of
from tests.chaos.network import Network

T = TypeVar("T")
DAY = timedelta(days=1)


def soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


@dataclass
class Expected:
    """What must have come of it, known without looking at what the server wrote.

    `subscribed`: the audience of automatic packages, `canceled`: of those that are cancelled; `children`: child
    campaigns by parent; `jobs`: packages that a job is done for; `moves`: history entries by subject and action;
    `must`: who is told of which event; `may`: who is told if it came to that before something else did."""

    packages: dict[UUID, PackageStatus] = field(default_factory=dict)
    orders: dict[UUID, OrderStatus] = field(default_factory=dict)
    subscribed: dict[UUID, frozenset[UUID]] = field(default_factory=dict)
    canceled: dict[UUID, frozenset[UUID]] = field(default_factory=dict)
    children: Counter[UUID] = field(default_factory=Counter)
    jobs: set[str] = field(default_factory=set)
    moves: Counter[tuple[UUID, str]] = field(default_factory=Counter)
    must: Counter[tuple[UUID, EventKind, UUID]] = field(default_factory=Counter)
    may: set[tuple[UUID, EventKind, UUID]] = field(default_factory=set)

    def tell(self, subject: UUID, kind: EventKind, people: Iterable[UUID]) -> None:
        self.must.update((subject, kind, person) for person in set(people))


class Producer:
    """Acts as operators do, each act in a transaction; `luck` chooses, so that a seed gives the same work again, and
    `ago` is how long ago they did."""

    def __init__(
        self, database: Database, types: CampaignTypes, settings: Settings, network: Network, luck: random.Random,
        ago: timedelta = timedelta(0),
    ) -> None:
        self.database = database
        self.types = types
        self.settings = settings
        self.network = network
        self.luck = luck
        self.ago = ago
        self.open_packages: list[Package] = []
        self.closing: list[asyncio.Task[None]] = []
        self.expected = Expected()

    async def do(self, who: Operator, act: Callable[[Work], Awaitable[T]], at: datetime | None = None) -> T:
        async with self.database.transaction() as session:
            return await act(Work(session, caller_of(who), at or soon(0) - self.ago, self.types, self.settings))

    def stores(self, number: int) -> list[Entity]:
        return self.luck.sample(self.network.stores, number)

    def told(self, stores: Iterable[Entity]) -> frozenset[UUID]:
        return frozenset().union(*(self.network.told[store.id] for store in stores))

    async def submitted(
        self, template: str, stores: Iterable[Entity], at: datetime | None = None, **fields: Any
    ) -> Package:
        """A package of a running campaign, in the hands of its reviewer, who is told (N1)."""
        owner = self.network.owner
        reference = await self.do(owner, lambda w: Campaigns(w).create(template, {"label": "Chaos"}))
        await self.do(owner, lambda w: Campaigns(w).start(reference.id, reference.revision))
        given = {
            "campaign_id": reference.id, "entity_ids": [store.id for store in stores],
            "reviewers": [{"operator_id": self.network.reviewer.id}], **fields,
        }
        package = await self.do(owner, lambda w: Packages(w).create(given))
        package = await self.do(owner, lambda w: Packages(w).submit(package.id, package.revision), at)
        self.expected.packages[package.id] = PackageStatus.ENDED
        self.expected.moves.update({
            (package.id, "PUBLISH"): 1, (package.id, "END"): 1, (reference.id, "FINISH"): 1,
        })
        self.open_packages.append(package)
        self.expected.tell(package.id, EventKind.PACKAGE_SUBMITTED, [self.network.reviewer.id])
        return package

    async def approved(self, package: Package) -> Package:
        """The reviewer says yes."""
        self.expected.moves[package.id, "APPROVE"] += 1
        return await self.decide(self.network.reviewer, package, Approval.order_id.is_(None))

    async def ordered(self, package: Package, store: Entity, at: datetime | None = None, **fields: Any) -> Order:
        """The store's person orders; the reviewers and the package's owner are told (N7)."""
        person = self.network.orderer_of[store.id]
        draft = await self.drafted(package, store, **fields)
        order = await self.do(person, lambda w: Orders(w).submit(draft.id, draft.revision), at)
        asked = [*(each.id for each in self.network.order_reviewers), self.network.owner.id]
        self.expected.tell(order.id, EventKind.ORDER_SUBMITTED, asked)
        return order

    async def drafted(self, package: Package, store: Entity, **fields: Any) -> Order:
        person = self.network.orderer_of[store.id]
        return await self.do(person, lambda w: Orders(w).create(package.id, store.id, fields))

    async def confirmed(self, order: Order) -> None:
        """A reviewer says yes to an order; the entity hears of it when its campaign is available (N10)."""
        self.takes_part(order)
        await self.decide(self.luck.choice(self.network.order_reviewers), order, Approval.order_id == order.id)

    def takes_part(self, order: Order) -> None:
        """It becomes approved and available, once, and ends with its campaign."""
        self.expected.moves.update((order.id, move) for move in ("APPROVE", "MAKE_AVAILABLE", "FINISH"))
        self.expected.orders[order.id] = OrderStatus.FINISHED
        self.expected.tell(order.id, EventKind.CAMPAIGN_AVAILABLE, self.network.told[order.entity_id])

    async def is_told(self, package: Package) -> bool:
        """Whether those whom it is offered to have been told of it, or it is not offered at all."""
        told = Event.kind.in_((EventKind.PACKAGE_PUBLISHED, EventKind.PACKAGE_SUBSCRIBED, EventKind.PACKAGE_REJECTED))
        async with self.database.reading() as session:
            return bool(await session.scalar(
                select(Event.id).where(Event.package_id == package.id, told, Event.delivered_at.is_not(None))
            ))

    async def decide(self, who: Operator, subject: Any, which: Any) -> Any:
        async with self.database.reading() as session:
            pending = Approval.status == ApprovalStatus.PENDING
            asked = (await session.scalars(select(Approval).where(
                Approval.package_id.in_((subject.id, getattr(subject, "package_id", None))), which, pending
            ))).one()
        await self.do(who, lambda w: Approvals(w).decide(asked.id, subject.revision, Decision.APPROVE))
        async with self.database.reading() as session:
            return await session.get_one(type(subject), subject.id)

    async def breathe(self) -> None:
        await asyncio.sleep(self.luck.uniform(0, 0.1))
