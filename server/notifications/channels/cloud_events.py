"""Events as other systems get them: CloudEvents 1.0 with ids, codes and labels, and nothing about people [7]."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.domain.campaign import Campaign
from server.domain.global_ids import encode
from server.domain.network import Entity
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import Event
from server.reads.ids import one_of

CloudEvent = Mapping[str, Any]


async def cloud_events(session: AsyncSession, ids: Iterable[UUID], source: str) -> dict[UUID, CloudEvent]:
    """The events by their ids, all read at once."""
    rows = await session.execute(
        select(Event, Package, Order, Campaign, Entity)
        .outerjoin(Package, Package.id == Event.package_id).outerjoin(Order, Order.id == Event.order_id)
        .outerjoin(Campaign, Campaign.id == Event.campaign_id).outerjoin(Entity, Entity.id == Event.entity_id)
        .where(one_of(Event.id, ids))
    )
    return {
        event.id: _cloud_event(event, source, package, order, campaign, entity)
        for event, package, order, campaign, entity in rows
    }


def trial(source: str, at: datetime) -> CloudEvent:
    """An event about nothing, for `testWebhook`."""
    return _envelope(str(uuid4()), "test", source, "test", at, {})


def type_of(kind: str) -> str:
    """PACKAGE_APPROVAL_REMINDER is package.approval_reminder."""
    return kind.lower().replace("_", ".", 1)


def _cloud_event(
    event: Event, source: str, package: Package | None, order: Order | None, campaign: Campaign | None,
    entity: Entity | None,
) -> CloudEvent:
    data: dict[str, Any] = {
        type(thing).__name__.lower(): {
            "id": encode(type(thing).__name__, thing.id), "code": thing.code, "label": thing.label,
        }
        for thing in (package, order, campaign, entity) if thing
    }
    if package:
        data["package"]["type"] = package.type
    if event.approval_id:
        data["approval"] = {"id": encode("Approval", event.approval_id)}
    about = order or package or campaign or entity
    return _envelope(str(event.id), type_of(event.kind), source, about.code if about else "", event.at, data)


def _envelope(
    id: str, kind: str, source: str, subject: str, at: datetime, data: Mapping[str, Any]
) -> CloudEvent:
    envelope = {
        "specversion": "1.0", "id": id, "source": source, "type": f"org.samverkan.{kind}",
        "time": at.astimezone(UTC).isoformat().replace("+00:00", "Z"), "datacontenttype": "application/json",
        "data": data,
    }
    return {**envelope, "subject": subject} if subject else envelope
