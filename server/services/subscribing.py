"""Orders that publication makes in automatic mode: approved, with default values, one for each entity [6.5]."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from server.domain import form
from server.domain.base import new_id
from server.domain.campaign import Campaign
from server.domain.lifecycles import STANDING_ORDERS, OrderStatus
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import SubjectKind
from server.reads.ids import one_of
from server.services.alarms import set_alarm
from server.services.bulk import Rows, add_history, entry
from server.services.codes import next_codes
from server.services.offering import EntityRow
from server.services.rows import insert_rows
from server.services.snapshots import order_fields
from server.services.work import Work


async def without_order(work: Work, package: Package, entities: Sequence[EntityRow]) -> list[EntityRow]:
    """Those of the entities that have no standing order in this cycle."""
    standing = set(await work.session.scalars(select(Order.entity_id).where(
        Order.package_id == package.id, Order.cycle == package.cycle, Order.status.in_(STANDING_ORDERS),
        one_of(Order.entity_id, [entity.id for entity in entities]),
    )))
    return [entity for entity in entities if entity.id not in standing]


async def default_values(work: Work, package: Package) -> dict[str, Any]:
    """The parameters of an order that nobody has filled in."""
    campaign = await work.session.get_one(Campaign, package.campaign_id)
    return form.with_defaults(await order_fields(work, package), campaign.default_values)


async def order_for(work: Work, package: Package, entities: Sequence[EntityRow], values: dict[str, Any]) -> None:
    """Makes the orders and their history; none of the entities may have a standing one."""
    if not entities:
        return
    orders = await _orders(work, package, entities, values)
    after = {"status": OrderStatus.APPROVED, "parameters": values}
    await insert_rows(work.session, Order, orders)
    await add_history(work, [
        entry(work, SubjectKind.ORDER, order["id"], order["code"], order["entity_id"], 1, "SUBSCRIBE", after=after)
        for order in orders
    ])
    set_alarm(work.session, package.campaign_available_at or package.effective_registration_deadline or work.now)
    for order in orders:
        work.impact.add("ORDER", order["code"], package.label, OrderStatus.APPROVED)


async def _orders(work: Work, package: Package, entities: Sequence[EntityRow], values: dict[str, Any]) -> Rows:
    campaign = await work.session.get_one(Campaign, package.campaign_id)
    codes = await next_codes(work.session, "ORD", len(entities))
    common: dict[str, Any] = {
        "label": package.label, "comment": "", "package_id": package.id, "cycle": package.cycle,
        "status": OrderStatus.APPROVED, "parameters": values, "form_version": campaign.form_version,
        "exclusive": True, "subscribed": True, "cancel_comment": "", "revision": 1, "created_at": work.now,
        "modified_at": work.now, "submitted_at": work.now, "approved_at": work.now,
    }
    return [
        common | {"id": new_id(), "code": code, "entity_id": entity.id}
        for code, entity in zip(codes, entities, strict=True)
    ]
