"""What administrators do with operators: accounts, rights and the entities that they act for [2.1, 2.2]."""

import asyncio
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select

from server.domain.base import Json, new_id
from server.domain.network import Entity, Operator, OperatorEntity, Right
from server.domain.network_rules import OPERATOR, check_fields
from server.domain.record import SubjectKind
from server.errors import Problem, refuse_any
from server.identity.logins import revoke_logins
from server.identity.passwords import check_password, hash_password
from server.reads.visibility import visible_operators
from server.services.calendar_feeds import revoke_feeds
from server.services.loading import check_revision
from server.services.network import Fields, changed, check_exist, check_free, load, relink, unique
from server.services.tree import lock_network
from server.services.work import Work

ELSEWHERE = frozenset({"entity_ids", "password"})
"""Fields that are not columns of the same name."""


class Operators:
    """Accounts. Fields: login, name, email, right, locale, active, password, entity_ids (the whole set).

    Without a password nobody can log in as the operator. A new password or deactivation ends every login, and the
    secret address of the operator's calendar."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def create(self, fields: Fields) -> Operator:
        self.work.require_admin("create operators")
        await lock_network(self.work.session)
        fields = _filled(fields)
        refuse_any(await self._problems(None, fields))
        operator = Operator(id=new_id(), **_columns(fields), **await _hashed(fields))
        linked = set(fields.get("entity_ids") or ())
        with unique("login", operator.login):
            after = {"entity_ids": sorted(linked)}
            await self.work.record(SubjectKind.OPERATOR, operator, "CREATE", after=after)
        await self._relink(operator, linked)
        return operator

    async def update(self, operator_id: UUID, revision: int, fields: Fields) -> Operator:
        """Changes the given fields; `entity_ids` replaces the whole set."""
        operator = await load(self.work, Operator, operator_id, visible_operators(self.work.caller), "operator")
        await check_revision(self.work, operator, revision, "operator")
        fields = _filled(fields)
        refuse_any(await self._problems(operator, fields))
        linked = fields.get("entity_ids")
        before, after = ({}, {}) if linked is None else await self._relink(operator, linked)
        hashed = await _hashed(fields)
        if changed(operator, _columns(fields) | hashed) or after:
            after |= {"password": "changed"} if hashed else {}
            with unique("login", operator.login):
                await self.work.record(SubjectKind.OPERATOR, operator, "EDIT", before=before, after=after)
        if hashed or not operator.active:
            await revoke_logins(self.work.session, operator.id, self.work.now)
            await revoke_feeds(self.work.session, operator.id, self.work.now)
        return operator

    async def _relink(self, operator: Operator, ids: Iterable[UUID]) -> tuple[Json, Json]:
        own, other = OperatorEntity.operator_id, OperatorEntity.entity_id
        return await relink(self.work, "entity_ids", own, operator.id, other, ids)

    async def _problems(self, operator: Operator | None, fields: Fields) -> list[Problem]:
        problems = list(check_fields(OPERATOR, fields, new=operator is None))
        if fields.get("login"):
            problems += await check_free(self.work, Operator.login, fields["login"], operator)
        if fields.get("password"):
            problems += check_password(fields["password"], fields.get("login") or (operator.login if operator else ""))
        linked = fields.get("entity_ids")
        problems += await check_exist(self.work, Entity, linked or (), "entity_ids", "entity")
        right = fields.get("right", operator and operator.right)
        if right == Right.LOCAL and not await self._is_linked(operator, linked):
            message = "A local operator acts for one entity or more: name at least one."
            problems.append(Problem("REQUIRED", message, ("entity_ids",)))
        return problems + await self._check_last_admin(operator, fields)

    async def _is_linked(self, operator: Operator | None, linked: Iterable[UUID] | None) -> bool:
        if linked is not None or operator is None:
            return bool(linked)
        return bool(await self.work.session.scalar(select(exists().where(OperatorEntity.operator_id == operator.id))))

    async def _check_last_admin(self, operator: Operator | None, fields: Fields) -> list[Problem]:
        """Somebody must be able to manage the network: the last administrator stays one."""
        if operator is None or not (operator.active and operator.right == Right.ADMIN):
            return []
        if fields.get("active", True) and fields.get("right", Right.ADMIN) == Right.ADMIN:
            return []
        other = exists().where(Operator.right == Right.ADMIN, Operator.active, Operator.id != operator.id)
        if await self.work.session.scalar(select(other)):
            return []
        message = f"{operator.name} ({operator.login}) is the last active administrator: name another one first."
        return [Problem("LAST_ADMIN", message, ("active" if fields.get("active") is False else "right",))]


def _columns(fields: Fields) -> dict[str, Any]:
    return {field: value for field, value in fields.items() if field not in ELSEWHERE}


async def _hashed(fields: Fields) -> dict[str, str]:
    """The hash of a given password, computed beside the event loop."""
    password = fields.get("password")
    return {"password_hash": await asyncio.to_thread(hash_password, password)} if password else {}


def _filled(fields: Fields) -> dict[str, Any]:
    """Null clears the e-mail address."""
    return {field: "" if value is None and field == "email" else value for field, value in fields.items()}
