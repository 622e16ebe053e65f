"""Which webhooks hear of which events: those that are active and whose filter lets them through [7]."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.domain.network import Entity, EntityKind
from server.domain.notification import Webhook
from server.domain.package import Package, PackageEntity
from server.domain.record import Event
from server.reads.ids import one_of


async def webhooks_for(session: AsyncSession, events: Sequence[Event]) -> list[tuple[UUID, UUID]]:
    """Pairs of an event's and a webhook's id."""
    hooks = (await session.scalars(select(Webhook).where(Webhook.active).order_by(Webhook.id))).all()
    if not hooks or not events:
        return []
    packages = {event.package_id for event in events if event.package_id}
    rows = await session.execute(select(Package.id, Package.type).where(one_of(Package.id, packages)))
    types: dict[UUID | None, str] = {row.id: row.type for row in rows}
    audiences = await _audiences(session, packages, {id for hook in hooks for id in _entities(hook)})
    return [
        (event.id, hook.id) for event in events for hook in hooks
        if all(_passes(hook, event, types.get(event.package_id), audiences))
    ]


def _passes(
    hook: Webhook, event: Event, type: str | None, audiences: set[tuple[UUID | None, UUID]]
) -> Iterator[bool]:
    """A filter names kinds, types and entities; an event without an entity of its own concerns the whole audience."""
    kinds, types, entities = hook.filter.get("kinds"), hook.filter.get("types"), _entities(hook)
    yield not kinds or event.kind in kinds
    yield not types or type in types
    if event.entity_id:
        yield not entities or event.entity_id in entities
    else:
        yield not entities or any((event.package_id, entity) in audiences for entity in entities)


def _entities(hook: Webhook) -> set[UUID]:
    return {UUID(id) for id in hook.filter.get("entity_ids") or ()}


async def _audiences(session: AsyncSession, packages: set[Any], entities: set[UUID]) -> set[tuple[UUID | None, UUID]]:
    """Which of the entities the packages are offered to."""
    if not entities:
        return set()
    rows = await session.execute(
        select(Package.id, Entity.id).join(Entity, one_of(Entity.id, entities))
        .outerjoin(PackageEntity, (PackageEntity.package_id == Package.id) & (PackageEntity.entity_id == Entity.id))
        .where(one_of(Package.id, packages), Entity.kind == EntityKind.LOCAL)
        .where(or_(Package.offered_to_all, PackageEntity.entity_id.is_not(None)))
    )
    return {(row[0], row[1]) for row in rows}
