"""Cancelling orders with their children, and finishing campaigns with their orders [6.2, 6.6, 9.9, 10.1]."""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, and_, exists, or_, select

from server.domain import snapshots
from server.domain.campaign import Campaign
from server.domain.lifecycles import CAMPAIGN, LIVE_ORDERS, Action, CampaignStatus, OrderStatus, PackageStatus
from server.domain.network import Entity
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import EventKind, SubjectKind
from server.reads.due import ends_with_its_package
from server.services.approving import withdraw_all
from server.services.bulk import emit_all
from server.services.effects import Decided, perform
from server.services.moves import CHUNK, Moved, move_campaigns, move_orders
from server.services.snapshots import package_snapshot
from server.services.work import Work

USING = (PackageStatus.PENDING_APPROVAL, PackageStatus.APPROVED, PackageStatus.PUBLISHED, PackageStatus.ENDED)
CANCELABLE = [status for status, action in CAMPAIGN if action is Action.CANCEL]


async def cancel_orders(
    work: Work, package: Package, which: ColumnElement[bool], comment: str, *, tell: bool
) -> list[Moved]:
    """Cancels the live orders of the package that satisfy `which`, with their child campaigns and open questions.
    `tell`: the entities hear of each order (N13); a cancelled package tells them once itself (N12)."""
    orders = await move_orders(
        work, (Order.package_id == package.id) & which, Action.CANCEL, comment,
        canceled_at=work.now, canceled_by_id=work.caller.id, cancel_comment=comment,
    )
    for chunk in _chunks(orders):
        await withdraw_all(work, [order.id for order in chunk])
        children = [o.campaign_id for o in chunk if o.campaign_id and o.campaign_id != package.campaign_id]
        if children:
            await move_campaigns(work, Campaign.id.in_(children), Action.CANCEL, comment)
    told = orders if tell else []
    await emit_all(work, EventKind.ORDER_CANCELED, [
        {
            "package_id": package.id, "order_id": order.id, "entity_id": order.entity_id,
            "payload": {"comment": comment},
        }
        for order in told
    ])
    for order in told:
        work.impact.add("MESSAGE", order.code, order.label, EventKind.ORDER_CANCELED)
    await _after_cancellation(work, package, orders)
    return orders


def live_of(package: Package) -> ColumnElement[bool]:
    """The orders that end when the package is cancelled."""
    return and_(Order.package_id == package.id, Order.status.in_(LIVE_ORDERS))


async def foresee_cancellation(work: Work, package: Package) -> int:
    """Counts what ends with the package after the commit, as it would if it ended now: how many orders."""
    orders = (await work.session.execute(
        select(Order.code, Order.label).where(live_of(package)).order_by(Order.id)
    )).all()
    children = await work.session.execute(
        select(Campaign.code, Campaign.label).join(Order, Order.campaign_id == Campaign.id)
        .where(live_of(package), Campaign.id != package.campaign_id, Campaign.status.in_(CANCELABLE))
        .order_by(Campaign.id)
    )
    for order in orders:
        work.impact.add(SubjectKind.ORDER, order.code, order.label, OrderStatus.CANCELED)
    for child in children:
        work.impact.add(SubjectKind.CAMPAIGN, child.code, child.label, CampaignStatus.CANCELED)
    return len(orders)


async def cancel_campaign(work: Work, campaign: Campaign, comment: str) -> None:
    """Cancels a campaign and its children [9.9]. A child whose order lives on is about to end with it."""
    live = exists().where(Order.campaign_id == Campaign.id, Order.status.in_(LIVE_ORDERS))
    family = or_(Campaign.id == campaign.id, and_(Campaign.parent_id == campaign.id, ~live))
    await move_campaigns(work, family, Action.CANCEL, comment)


async def package_using(work: Work, campaign: Campaign, besides: Package | None = None) -> Package | None:
    """A package that keeps the campaign busy: it was submitted, or holds live orders still [10.2]."""
    live = exists().where(Order.package_id == Package.id, Order.status.in_(LIVE_ORDERS))
    kept = and_(Package.status != PackageStatus.CANCELED, live)  # those of a cancelled one are about to end
    using = select(Package).where(Package.campaign_id == campaign.id, or_(Package.status.in_(USING), kept))
    if besides:
        using = using.where(Package.id != besides.id)
    found: Package | None = await work.session.scalar(using.order_by(Package.id).limit(1))
    return found


async def finish_campaigns(work: Work, which: ColumnElement[bool]) -> int:
    """Finishes running campaigns, their running children, and the available orders of both [6.2, 9.9]."""
    finished = await move_campaigns(work, which, Action.FINISH)
    ids = [campaign.id for campaign in finished]
    if ids:
        children = await move_campaigns(work, Campaign.parent_id.in_(ids), Action.FINISH)
        ids += [campaign.id for campaign in children]
        await move_orders(work, Order.campaign_id.in_(ids) & ~ends_with_its_package, Action.FINISH)
    return len(ids)


async def holders(work: Work, package: Package) -> dict[str, str]:
    """Code and label of the entities that hold live orders of the package."""
    theirs = select(Order.entity_id).where(live_of(package))
    rows = await work.session.execute(select(Entity.code, Entity.label).where(Entity.id.in_(theirs)))
    return {row.code: row.label for row in rows}


async def _after_cancellation(work: Work, package: Package, orders: Sequence[Moved]) -> None:
    """The type's own say, for orders that had been approved; skipped for types that have none."""
    kind = work.types.get(package.type)
    approved = [order for order in orders if order.status in (OrderStatus.APPROVED, OrderStatus.AVAILABLE)]
    if kind is None or not approved or not kind.overrides("after_cancellation"):
        return
    seen = await package_snapshot(work, package)
    for chunk in _chunks(approved):
        rows = await work.session.execute(
            select(Order, Entity).join(Entity, Entity.id == Order.entity_id)
            .where(Order.id.in_([order.id for order in chunk])).order_by(Order.id)
        )
        await perform(work, [
            Decided(work, package, order, kind.after_cancellation(seen, snapshots.order_snapshot(order, entity)))
            for order, entity in rows.all()
        ])


def _chunks(orders: Sequence[Moved]) -> Iterator[Sequence[Moved]]:
    return (orders[start:start + CHUNK] for start in range(0, len(orders), CHUNK))
