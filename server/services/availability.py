"""When an approved order becomes available, and the type's post-approval work [6.2, 9.7]."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from server.campaign_type import Effect, PackageSnapshot
from server.domain.approval import Approval, ApprovalStatus, ApprovalSubject
from server.domain.campaign import Campaign
from server.domain.lifecycles import Action, CampaignStatus, OrderStatus
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import EventKind, SubjectKind
from server.reads.ids import one_of
from server.services.bulk import emit_all, record_all
from server.services.effects import perform
from server.services.moves import move_orders
from server.services.snapshots import order_snapshot, package_snapshot
from server.services.work import Work


def available_from(package: Package, order: Order) -> datetime:
    """max(approval, availability). An order that publication subscribed, on a package without an availability date,
    waits for the registration deadline: until then its entity may withdraw or change it [6.5]."""
    approved = order.approved_at or order.created_at
    waits = package.campaign_available_at
    if waits is None and order.subscribed:
        waits = package.effective_registration_deadline
    return max(approved, waits or approved)


async def make_available_if_due(work: Work, package: Package, *orders: Order) -> int:
    """Makes those of the approved orders available whose time has come, does the type's post-approval work once, and
    says how many they were. An entity that has not answered about its contacts yet is waited for [9.13]."""
    due = [
        order for order in orders
        if order.status is OrderStatus.APPROVED and available_from(package, order) <= work.now
    ]
    asked = await _asked(work, due) if due else set()
    answered = [order for order in due if order.id not in asked]
    if answered:
        await _make_available(work, package, answered)
    return len(answered)


async def _make_available(work: Work, package: Package, orders: Sequence[Order]) -> None:
    for order in orders:
        order.apply(Action.MAKE_AVAILABLE)
        order.available_at = work.now
    await perform(work, package, await _decided(work, package, orders))
    await record_all(work, SubjectKind.ORDER, orders, Action.MAKE_AVAILABLE)
    await emit_all(work, EventKind.CAMPAIGN_AVAILABLE, [
        {
            "package_id": package.id, "order_id": order.id, "campaign_id": order.campaign_id,
            "entity_id": order.entity_id,
        }
        for order in orders
    ])
    for order in orders:
        work.impact.add("ORDER", order.code, order.label, order.status)
        work.impact.add("MESSAGE", order.code, order.label, EventKind.CAMPAIGN_AVAILABLE)
    await _finish_late(work, package, orders)


async def _finish_late(work: Work, package: Package, orders: Sequence[Order]) -> None:
    """Orders that come to a campaign when it is over are finished with it [6.2]."""
    campaign = await work.session.get_one(Campaign, package.campaign_id)
    if campaign.status is CampaignStatus.FINISHED:
        theirs = Order.campaign_id == campaign.id
        await move_orders(work, one_of(Order.id, [order.id for order in orders]) & theirs, Action.FINISH)


async def _decided(
    work: Work, package: Package, orders: Sequence[Order]
) -> list[tuple[Order | None, tuple[Effect, ...]]]:
    kind = work.types.require(package.type)
    seen: dict[int, PackageSnapshot] = {}
    for version in {order.form_version for order in orders}:
        seen[version] = await package_snapshot(work, package, version)
    return [
        (order, kind.after_approval(seen[order.form_version], await order_snapshot(work, order))) for order in orders
    ]


async def _asked(work: Work, orders: Sequence[Order]) -> set[UUID]:
    """Whose entity has still to answer about its contacts."""
    return set(await work.session.scalars(select(Approval.order_id).where(
        one_of(Approval.order_id, [order.id for order in orders]), Approval.subject == ApprovalSubject.TARGET,
        Approval.status == ApprovalStatus.PENDING,
    )))
