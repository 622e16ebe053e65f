"""The closure of the entity tree, kept right by a few statements whatever the size of the tree [2.1]."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Select, delete, insert, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from server.changes import Subject, changed
from server.domain.network import Entity, EntityClosure, OperatorEntity
from server.reads.ids import one_of

COLUMNS = ("ancestor_id", "entity_id", "depth")


async def lock_network(session: AsyncSession) -> None:
    """Lets one transaction at a time change the network; readers go on. SQLite has one writer anyway.

    Two moves that are right one by one can make a cycle together, and two demotions can leave no administrator.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("LOCK TABLE entity, operator, operator_group IN SHARE ROW EXCLUSIVE MODE"))


def below(entity_id: UUID) -> Select[UUID]:
    """Ids of the entity and of everything below it."""
    return select(EntityClosure.entity_id).where(EntityClosure.ancestor_id == entity_id)


async def place(session: AsyncSession, entity_id: UUID, parent_id: UUID | None) -> None:
    """Puts a new entity under its parent."""
    session.add(EntityClosure(ancestor_id=entity_id, entity_id=entity_id, depth=0))
    await session.flush()
    await _hang(session, entity_id, parent_id)


async def move(session: AsyncSession, entity_id: UUID, parent_id: UUID | None) -> None:
    """Takes an entity, with all that is below it, to another parent."""
    await tell_linked(session, [entity_id])
    subtree = below(entity_id).scalar_subquery()
    await session.execute(
        delete(EntityClosure).where(EntityClosure.entity_id.in_(subtree), EntityClosure.ancestor_id.not_in(subtree))
    )
    await _hang(session, entity_id, parent_id)
    await tell_linked(session, [entity_id])


async def tell_linked(session: AsyncSession, entity_ids: Collection[UUID]) -> None:
    """Tells that whoever is linked to one of the entities, or above it, sees other things now."""
    concerned = select(OperatorEntity.operator_id).distinct().join(
        EntityClosure, EntityClosure.ancestor_id == OperatorEntity.entity_id
    ).where(one_of(EntityClosure.entity_id, entity_ids))
    changed(session, Subject.OPERATOR, *await session.scalars(concerned))


async def rebuild(session: AsyncSession) -> None:
    """Computes the whole closure anew from the parents."""
    up = select(Entity.id.label("entity_id"), Entity.id.label("ancestor_id"), literal(0).label("depth")).cte(
        "up", recursive=True
    )
    up = up.union_all(
        select(up.c.entity_id, Entity.parent_id, up.c.depth + 1)
        .join(Entity, Entity.id == up.c.ancestor_id)
        .where(Entity.parent_id.is_not(None))
    )
    await session.execute(delete(EntityClosure))
    await session.execute(
        insert(EntityClosure).from_select(COLUMNS, select(up.c.ancestor_id, up.c.entity_id, up.c.depth))
    )


async def _hang(session: AsyncSession, entity_id: UUID, parent_id: UUID | None) -> None:
    """Every ancestor of the parent, and the parent itself, becomes an ancestor of the whole subtree."""
    if parent_id is None:
        return
    above, under = aliased(EntityClosure), aliased(EntityClosure)
    await session.execute(
        insert(EntityClosure).from_select(
            COLUMNS,
            select(above.ancestor_id, under.entity_id, above.depth + under.depth + 1)
            .join_from(above, under, under.ancestor_id == entity_id)
            .where(above.entity_id == parent_id),
        )
    )
