"""What tests of entities, operators and groups share: fields, and what came of a change."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from sqlalchemy import select

from server.domain.network import Entity, EntityClosure, Right
from server.domain.record import History
from server.errors import Problem, Refused
from server.services.work import Work

PASSWORD = "correct horse battery"
Begin = Callable[..., AbstractAsyncContextManager[Work]]


def an_entity(code: str, **fields: Any) -> dict[str, Any]:
    return {"code": code, "label": f"Entity {code}", "kind": "LOCAL", **fields}


def an_operator(login: str, **fields: Any) -> dict[str, Any]:
    return {"login": login, "name": f"Operator {login}", "right": Right.ADMIN, **fields}


async def problems_of(work: Awaitable[Any]) -> list[Problem]:
    with pytest.raises(Refused) as refused:
        await work
    return list(refused.value.problems)


async def codes_and_paths(work: Awaitable[Any]) -> set[tuple[str, str]]:
    return {(problem.code, problem.path[0]) for problem in await problems_of(work)}


async def closure(work: Work) -> set[tuple[str, str, int]]:
    rows = await work.session.execute(select(EntityClosure.ancestor_id, EntityClosure.entity_id, EntityClosure.depth))
    codes = {row.id: row.code for row in await work.session.execute(select(Entity.id, Entity.code))}
    return {(codes[ancestor], codes[entity], depth) for ancestor, entity, depth in rows}


async def history_of(work: Work, thing: Any) -> list[History]:
    await work.session.flush()
    statement = select(History).where(History.subject_id == thing.id).order_by(History.id)
    return list(await work.session.scalars(statement))
