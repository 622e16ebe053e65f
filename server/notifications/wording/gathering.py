"""What the messages of a batch of notifications are about, read in a few statements however many they are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.campaign_type import Field
from server.domain.approval import Approval
from server.domain.base import Base
from server.domain.campaign import Campaign
from server.domain.lifecycles import LIVE_ORDERS
from server.domain.network import Entity, EntityClosure, Operator, OperatorEntity
from server.domain.notification import Notification
from server.domain.order import Document, Order
from server.domain.package import Package
from server.domain.record import Event, EventKind
from server.errors import CampaignTypeFailed
from server.plugins import CampaignTypes
from server.reads.ids import one_of
from server.reads.visibility import SYSTEM
from server.services.snapshots import order_fields
from server.services.work import Work
from server.settings import Settings

T = TypeVar("T", bound=Base)
OFFERS = frozenset({EventKind.PACKAGE_PUBLISHED, EventKind.PACKAGE_SUBSCRIBED, EventKind.ENTITY_ADDED})
ORDERS = frozenset({EventKind.ORDER_SUBMITTED, EventKind.ORDER_APPROVAL_REMINDER})


@dataclass
class Gathered:
    """Rows by id, and what belongs to them."""

    events: dict[UUID, Event] = field(default_factory=dict)
    operators: dict[UUID, Operator] = field(default_factory=dict)
    packages: dict[UUID, Package] = field(default_factory=dict)
    campaigns: dict[UUID, Campaign] = field(default_factory=dict)
    orders: dict[UUID, Order] = field(default_factory=dict)
    approvals: dict[UUID, Approval] = field(default_factory=dict)
    entities: dict[UUID, Entity] = field(default_factory=dict)
    documents: dict[UUID, list[Document]] = field(default_factory=dict)
    """By the id of their package or order."""
    fields: dict[tuple[UUID, int], tuple[Field, ...]] = field(default_factory=dict)
    """The order parameters of a package in a version of its form."""
    subscriptions: dict[tuple[UUID, UUID], str] = field(default_factory=dict)
    """By operator and package: the code of the order, when there is exactly one that concerns them."""
    colleagues: set[tuple[UUID, UUID]] = field(default_factory=set)
    """Pairs of an actor and an entity that they work for."""


async def gather(
    session: AsyncSession, notifications: Sequence[Notification], types: CampaignTypes, settings: Settings
) -> Gathered:
    it = Gathered()
    it.events = await _by_id(session, Event, (each.event_id for each in notifications))
    events = it.events.values()
    people = (each.operator_id for each in notifications)
    it.operators = await _by_id(session, Operator, [*people, *(event.actor_id for event in events)])
    it.packages = await _by_id(session, Package, (event.package_id for event in events))
    it.orders = await _by_id(session, Order, (event.order_id for event in events))
    campaigns = [package.campaign_id for package in it.packages.values()]
    it.campaigns = await _by_id(session, Campaign, [*campaigns, *(event.campaign_id for event in events)])
    it.approvals = await _by_id(session, Approval, (event.approval_id for event in events))
    entities = [order.entity_id for order in it.orders.values()]
    it.entities = await _by_id(session, Entity, [*entities, *(each.entity_id for each in notifications)])
    it.documents = await _documents(session, events)
    it.fields = await _fields(Work(session, SYSTEM, max(each.at for each in notifications), types, settings), it)
    it.subscriptions = await _subscriptions(session, notifications, it)
    it.colleagues = await _colleagues(session, it)
    return it


async def _by_id(session: AsyncSession, kind: type[T], ids: Iterable[UUID | None]) -> dict[UUID, T]:
    wanted = {id for id in ids if id is not None}
    if not wanted:
        return {}
    rows: Any = kind
    found = await session.scalars(select(kind).where(one_of(rows.id, wanted)))
    return {row.id: row for row in found}  # type: ignore[attr-defined]  # every one of ours is Identified


async def _documents(session: AsyncSession, events: Iterable[Event]) -> dict[UUID, list[Document]]:
    wanted = {event.package_id for event in events if event.kind in OFFERS}
    wanted |= {event.order_id for event in events if event.kind in ORDERS}
    owner = func.coalesce(Document.order_id, Document.package_id)
    found: dict[UUID, list[Document]] = {}
    if ids := [id for id in wanted if id]:
        both = one_of(Document.order_id, ids) | one_of(Document.package_id, ids)
        for id, document in await session.execute(select(owner, Document).where(both).order_by(Document.id)):
            found.setdefault(id, []).append(document)
    return found


async def _fields(work: Work, it: Gathered) -> dict[tuple[UUID, int], tuple[Field, ...]]:
    """The labels of order parameters; what a type that is gone or fails does not tell, is shown by its name."""
    found: dict[tuple[UUID, int], tuple[Field, ...]] = {}
    for event in it.events.values():
        order, package = it.orders.get(event.order_id or event.id), it.packages.get(event.package_id or event.id)
        if order is None or package is None or event.kind not in ORDERS or work.types.get(package.type) is None:
            continue
        if (key := (package.id, order.form_version)) not in found:
            try:
                found[key] = await order_fields(work, package, order.form_version)
            except CampaignTypeFailed:
                found[key] = ()
    return found


async def _subscriptions(
    session: AsyncSession, notifications: Sequence[Notification], it: Gathered
) -> dict[tuple[UUID, UUID], str]:
    """The one order that each receiver can change or reject; who looks after several finds them at the package."""
    told = [each for each in notifications if each.kind in OFFERS and each.package_id]
    packages = {each.package_id for each in told if each.package_id}
    if not packages:
        return {}
    rows = await session.execute(
        select(OperatorEntity.operator_id, Order.package_id, func.min(Order.code))
        .join(EntityClosure, EntityClosure.entity_id == Order.entity_id)
        .join(OperatorEntity, OperatorEntity.entity_id == EntityClosure.ancestor_id)
        .join(Package, Package.id == Order.package_id)
        .where(one_of(Order.package_id, packages), one_of(OperatorEntity.operator_id, {e.operator_id for e in told}))
        .where(Order.cycle == Package.cycle, Order.subscribed, Order.status.in_(LIVE_ORDERS))
        .group_by(OperatorEntity.operator_id, Order.package_id).having(func.count(Order.id.distinct()) == 1)
    )
    return {(operator_id, package_id): code for operator_id, package_id, code in rows}


async def _colleagues(session: AsyncSession, it: Gathered) -> set[tuple[UUID, UUID]]:
    actors = {event.actor_id for event in it.events.values() if event.actor_id}
    if not actors:
        return set()
    rows = await session.execute(
        select(OperatorEntity.operator_id, OperatorEntity.entity_id).where(one_of(OperatorEntity.operator_id, actors))
    )
    return {(row.operator_id, row.entity_id) for row in rows}
