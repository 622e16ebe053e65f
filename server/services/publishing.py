"""Publication, and in automatic mode the subscription of the audience, set-based [4.4, 6.5]."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select

from server.domain import form
from server.domain.base import new_id
from server.domain.campaign import Campaign
from server.domain.lifecycles import STANDING_ORDERS, Action, OrderStatus
from server.domain.order import Order
from server.domain.package import ApprovalMode, DeadlineNotice, Package
from server.domain.record import EventKind, History, SubjectKind
from server.services.codes import next_codes
from server.services.effects import perform
from server.services.offering import EntityRow, audience
from server.services.snapshots import order_fields, package_snapshot
from server.services.work import Work

CHUNK = 1000


async def publish_if_due(work: Work, package: Package) -> bool:
    """Publishes an approved package whose start is reached or past; automatic mode subscribes its audience."""
    if package.start is None or package.start > work.now:
        return False
    kind = work.types.require(package.type)
    package.apply(Action.PUBLISH)
    package.published_at = work.now
    package.deadline_notice = DeadlineNotice.NONE
    await work.record(SubjectKind.PACKAGE, package, Action.PUBLISH)
    work.impact.add("PACKAGE", package.code, package.label, package.status)
    entities = await audience(work, package)
    subscribes = package.approval_mode is ApprovalMode.AUTOMATIC and kind.rules.subscribes
    _tell(work, package, entities, EventKind.PACKAGE_SUBSCRIBED if subscribes else EventKind.PACKAGE_PUBLISHED)
    if subscribes:
        await subscribe(work, package, entities)
    await perform(work, package, None, kind.after_publication(await package_snapshot(work, package)))
    return True


async def subscribe(work: Work, package: Package, entities: Sequence[EntityRow]) -> int:
    """One approved order with default values for each of the entities that has none standing in this cycle [6.5]."""
    standing = set(await work.session.scalars(
        select(Order.entity_id).where(
            Order.package_id == package.id, Order.cycle == package.cycle, Order.status.in_(STANDING_ORDERS)
        )
    ))
    joining = [entity for entity in entities if entity.id not in standing]
    campaign = await work.session.get_one(Campaign, package.campaign_id)
    values = form.with_defaults(await order_fields(work, package), campaign.default_values)
    for start in range(0, len(joining), CHUNK):
        await _subscribe(work, package, campaign, values, joining[start:start + CHUNK])
    return len(joining)


async def _subscribe(
    work: Work, package: Package, campaign: Campaign, values: dict[str, Any], entities: Sequence[EntityRow]
) -> None:
    codes = await next_codes(work.session, "ORD", len(entities))
    common: dict[str, Any] = {
        "label": package.label, "comment": "", "package_id": package.id, "cycle": package.cycle,
        "status": OrderStatus.APPROVED, "parameters": values, "form_version": campaign.form_version,
        "exclusive": True, "subscribed": True, "cancel_comment": "", "revision": 1, "created_at": work.now,
        "modified_at": work.now, "submitted_at": work.now, "approved_at": work.now,
    }
    orders = [
        common | {"id": new_id(), "code": code, "entity_id": entity.id}
        for code, entity in zip(codes, entities, strict=True)
    ]
    await work.session.execute(insert(Order), orders)
    await work.session.execute(insert(History), [
        {
            "id": new_id(), "at": work.now, "actor_id": work.caller.id, "subject": SubjectKind.ORDER,
            "subject_id": order["id"], "subject_code": order["code"], "entity_id": order["entity_id"], "revision": 1,
            "action": "SUBSCRIBE", "before": {}, "after": {"status": OrderStatus.APPROVED.value, "parameters": values},
            "comment": "",
        }
        for order in orders
    ])
    for order in orders:
        work.impact.add("ORDER", order["code"], package.label, OrderStatus.APPROVED)


def _tell(work: Work, package: Package, entities: Sequence[EntityRow], kind: EventKind) -> None:
    """N5 or N6: one event that reaches every entity of the audience, unless central wants none."""
    if package.notify_on_publication:
        work.emit(kind, package_id=package.id, campaign_id=package.campaign_id)
        for entity in entities:
            work.impact.add("MESSAGE", entity.code, entity.label, kind)
    for entity in entities:
        work.impact.add("ENTITY", entity.code, entity.label, "OFFERED")
