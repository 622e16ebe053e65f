"""What administrators do with organizational entities [2.1]."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from server.domain.base import new_id
from server.domain.network import Entity, EntityClosure, OperatorGroup
from server.domain.network_rules import ENTITY, check_fields, check_place
from server.domain.record import SubjectKind
from server.errors import Problem, refuse_any
from server.reads.visibility import visible_entities
from server.services.loading import check_revision
from server.services.network import Fields, changed, check_free, load, unique
from server.services.tree import below, lock_network, move, place
from server.services.work import Work

GROUPS = ("notification_group_id", "order_reviewers_id", "campaign_reviewers_id")
CLEARABLE = ("email", "phone", "address")


class Entities:
    """Entities and their tree. Fields: kind, code, label, parent_id, email, phone, address, locale, time_zone, active,
    notification_group_id, order_reviewers_id, campaign_reviewers_id. The kind of an entity never changes: orders,
    audiences and contacts rest on it."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def create(self, fields: Fields) -> Entity:
        """A new entity under `parent_id`, or a root without one."""
        self.work.require_admin("create entities")
        await lock_network(self.work.session)
        fields = _filled(fields)
        refuse_any(await self._problems(None, fields))
        entity = Entity(id=new_id(), **fields)
        with unique("code", entity.code):
            await self.work.record(SubjectKind.ENTITY, entity, "CREATE", entity_id=entity.id)
        await place(self.work.session, entity.id, entity.parent_id)
        return entity

    async def update(self, entity_id: UUID, revision: int, fields: Fields) -> Entity:
        """Changes the given fields; a new parent takes everything below the entity along."""
        entity = await load(self.work, Entity, entity_id, visible_entities(self.work.caller), "entity")
        await check_revision(self.work, entity, revision, "entity")
        fields = _filled(fields)
        refuse_any(await self._problems(entity, fields))
        parent_id = entity.parent_id
        if changed(entity, fields):
            with unique("code", entity.code):
                await self.work.record(SubjectKind.ENTITY, entity, "EDIT", entity_id=entity.id)
        if entity.parent_id != parent_id:
            await move(self.work.session, entity.id, entity.parent_id)
        return entity

    async def _problems(self, entity: Entity | None, fields: Fields) -> list[Problem]:
        problems = list(check_fields(ENTITY, fields, new=entity is None))
        if entity and fields.get("kind", entity.kind) != entity.kind:
            message = f"{entity.label} ({entity.code}) stays {entity.kind}: create another entity instead."
            problems.append(Problem("NOT_EDITABLE", message, ("kind",)))
        if fields.get("code"):
            problems += await check_free(self.work, Entity.code, fields["code"], entity)
        if fields.get("parent_id"):
            problems += await self._check_parent(entity, fields)
        return problems + await self._check_groups(fields)

    async def _check_parent(self, entity: Entity | None, fields: Fields) -> list[Problem]:
        session, path = self.work.session, ("parent_id",)
        parent = await session.get(Entity, fields["parent_id"])
        if parent is None:
            return [Problem("NOT_FOUND", "There is no such entity.", path)]
        named = f"{parent.label} ({parent.code})"
        if entity and await session.scalar(below(entity.id).where(EntityClosure.entity_id == parent.id)):
            message = f"{named} is {entity.label} ({entity.code}) itself or stands below it: the tree has no cycles."
            return [Problem("CYCLE", message, path)]
        message = check_place(entity.kind if entity else fields.get("kind", ""), parent.kind)
        return [Problem("INVALID", message, path)] if message else []

    async def _check_groups(self, fields: Fields) -> list[Problem]:
        given = {field: fields[field] for field in GROUPS if fields.get(field)}
        ids = select(OperatorGroup.id).where(OperatorGroup.id.in_(given.values()))
        found = set(await self.work.session.scalars(ids)) if given else set()
        missing = [field for field, key in given.items() if key not in found]
        return [Problem("NOT_FOUND", "There is no such group.", (field,)) for field in missing]


def _filled(fields: Fields) -> dict[str, Any]:
    """Null clears a contact detail."""
    return {field: "" if value is None and field in CLEARABLE else value for field, value in fields.items()}
