"""Whom a package is offered to: its audience, read and written, set-based [4.5, 4.7]."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, delete, insert, select

from server.campaign_type import Need
from server.domain.lifecycles import PackageStatus
from server.domain.network import Entity, EntityKind
from server.domain.package import Package, PackageEntity
from server.errors import Problem
from server.services.tree import tell_linked
from server.services.work import Work

MOST_ENTITIES = 20_000
"""At most so many entities are named at once: what one statement of every database can bear."""
EntityRow = Row[UUID, str, str]
"""Id, code and label of an entity."""
COLUMNS = (Entity.id, Entity.code, Entity.label)


async def audience(work: Work, package: Package) -> Sequence[EntityRow]:
    """The local entities that the package is offered to, as far as they still take part."""
    everyone, listed = Entity.kind == EntityKind.LOCAL, Entity.id.in_(_listed(package.id))
    offered = everyone if package.offered_to_all else listed
    return (await work.session.execute(select(*COLUMNS).where(offered, Entity.active).order_by(Entity.code))).all()


async def check_entities(work: Work, package: Package, entity_ids: Sequence[UUID]) -> list[Problem]:
    """An audience is made of existing local entities that still take part; some types have none of their own [3]."""
    kind = work.types.require(package.type)
    if entity_ids and kind.rules.audience is Need.ABSENT:
        message = f"A package of type {kind.label} has no chosen entities: its audience follows from the contacts."
        return [Problem("NOT_OF_THIS_TYPE", message, ("entity_ids",))]
    if len(entity_ids) > MOST_ENTITIES:
        message = f"At most {MOST_ENTITIES} entities can be named at once, not {len(entity_ids)}: add them in parts."
        return [Problem("TOO_MANY", message, ("entity_ids",))]
    rows = await work.session.execute(
        select(*COLUMNS, Entity.kind, Entity.active).where(Entity.id.in_(set(entity_ids)))
    )
    known = {row.id: row for row in rows}
    found = ((position, _check(known.get(entity_id))) for position, entity_id in enumerate(entity_ids))
    return [Problem(*fault, ("entity_ids", str(position))) for position, fault in found if fault]


async def codes_of(work: Work, entity_ids: Collection[UUID]) -> list[str]:
    return list(await work.session.scalars(select(Entity.code).where(Entity.id.in_(entity_ids)).order_by(Entity.code)))


async def add_entities(work: Work, package: Package, entity_ids: Collection[UUID]) -> Sequence[EntityRow]:
    """Offers the package to those of the entities that are not in its audience yet, and gives them."""
    new = (await work.session.execute(
        select(*COLUMNS).where(Entity.id.in_(entity_ids), Entity.id.not_in(_listed(package.id))).order_by(Entity.code)
    )).all()
    if new:
        await work.session.execute(insert(PackageEntity), [
            {"package_id": package.id, "entity_id": entity.id, "added_at": work.now} for entity in new
        ])
    work.known.pop((PackageEntity, package.id), None)
    return new


async def remove_entities(work: Work, package: Package, which: ColumnElement[bool]) -> Sequence[EntityRow]:
    """Takes the entities that satisfy `which` out of the audience, and gives them."""
    gone = (await work.session.execute(
        select(*COLUMNS).where(Entity.id.in_(_listed(package.id)), which).order_by(Entity.code)
    )).all()
    await work.session.execute(delete(PackageEntity).where(
        PackageEntity.package_id == package.id, PackageEntity.entity_id.in_(select(Entity.id).where(which))
    ))
    work.known.pop((PackageEntity, package.id), None)
    if package.status is PackageStatus.PUBLISHED:
        await tell_linked(work.session, [entity.id for entity in gone])
    return gone


def audited(entities: Sequence[EntityRow]) -> dict[str, Any]:
    """What the history shows: those who left as `before`, those who came as `after`."""
    return {"audience": [entity.code for entity in entities]}


def _listed(package_id: UUID) -> Select[UUID]:
    return select(PackageEntity.entity_id).where(PackageEntity.package_id == package_id)


def _check(entity: Any) -> tuple[str, str] | None:
    if entity is None:
        return "NOT_FOUND", "There is no such entity."
    if entity.kind is not EntityKind.LOCAL:
        return "NOT_LOCAL", f"{entity.label} ({entity.code}) is central: packages are offered to local entities."
    if not entity.active:
        return "NOT_ACTIVE", f"{entity.label} ({entity.code}) does not take part any more."
    return None
