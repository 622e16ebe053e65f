"""Orders brought to where a test begins, by what operators and time do."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from server.domain.approval import Approval
from server.domain.lifecycles import OrderStatus
from server.domain.network import Entity
from server.domain.order import Order
from server.domain.package import ApprovalMode, Package
from server.services.approvals import Approvals, Decision
from server.services.orders import Orders
from server.services.work import Work
from tests.builders import DAY, NOW
from tests.services.conftest import World

DEADLINE = NOW + 10 * DAY
"""The registration deadline of the world's packages."""
AVAILABLE_AT = NOW + 20 * DAY
TICK = timedelta(microseconds=1)
AUTOMATIC = {
    "approval_mode": ApprovalMode.AUTOMATIC, "campaign_available_at": AVAILABLE_AT,
    "campaign": {"default_values": {"headline": "Spring"}},
}
Act = Callable[[Work], Awaitable[Any]]


def acts(order: Order) -> dict[str, Act]:
    """What an entity can try to do with an order."""
    return {
        "edit": lambda w: Orders(w).update(order.id, order.revision, {"comment": "please"}),
        "submit": lambda w: Orders(w).submit(order.id, order.revision),
        "cancel": lambda w: Orders(w).cancel(order.id, order.revision, "closed"),
        "delete": lambda w: Orders(w).delete(order.id, order.revision),
    }


def ordering(package: Package, entity: Entity, **fields: Any) -> Act:
    return lambda w: Orders(w).create(package.id, entity.id, fields)


def deciding(asked: Approval, subject: Order | Package, decision: Decision = Decision.APPROVE) -> Act:
    return lambda w: Approvals(w).decide(asked.id, subject.revision, decision, "because")


async def an_order_that_is(world: World, status: OrderStatus, **package: Any) -> Order:
    """An order of Paris whose campaign becomes available at AVAILABLE_AT."""
    offered = await world.published("by_campaign", **{"campaign_available_at": AVAILABLE_AT} | package)
    if offered.approval_mode is ApprovalMode.AUTOMATIC:
        order = await world.read(Order, entity_id=world.paris.id)
    else:
        order = await world.draft(offered)
        if status not in (OrderStatus.DRAFT, OrderStatus.EXPIRED, OrderStatus.CANCELED):
            order = await world.do(world.paris_manager, acts(order)["submit"])
        if status is OrderStatus.REJECTED:
            await world.decide(world.order_reviewer, order, Decision.REJECT, "too late")
        if status in (OrderStatus.APPROVED, OrderStatus.AVAILABLE):
            await world.decide(world.order_reviewer, order)
    if status is OrderStatus.CANCELED:
        await world.do(world.paris_manager, acts(order)["cancel"])
    if status is OrderStatus.EXPIRED:
        await world.advance(DEADLINE + TICK)
    if status is OrderStatus.AVAILABLE:
        await world.advance(AVAILABLE_AT)
    return await world.read(Order, id=order.id)


async def approved(world: World, order: Order) -> Order:
    """The draft, submitted and approved."""
    await world.decide(world.order_reviewer, await world.do(world.paris_manager, acts(order)["submit"]))
    return await world.read(Order, id=order.id)
