"""Administrators keep operators: rights, links, passwords, and what ends logins [2.1, 2.2, 12.1]."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from server.domain.base import new_id
from server.domain.network import Login, Operator, OperatorEntity, Right
from server.errors import Refused
from server.identity.passwords import verify
from server.services.entities import Entities
from server.services.operators import Operators
from tests.builders import NOW
from tests.services.networks import (
    PASSWORD,
    Begin,
    an_entity,
    an_operator,
    codes_and_paths,
    history_of,
    problems_of,
)


async def test_an_operator_gets_a_hash_and_links(begin: Begin) -> None:
    async with begin() as work:
        store = await Entities(work).create(an_entity("S1"))
        fields = an_operator("anna", right=Right.LOCAL, entity_ids=[store.id], password=PASSWORD)
        anna = await Operators(work).create(fields)
        linked = list(await work.session.scalars(select(OperatorEntity.entity_id)))
        assert linked == [store.id] and verify(PASSWORD, anna.password_hash) and not verify("other", anna.password_hash)


async def test_every_fault_of_an_operator_is_told_at_once(begin: Begin) -> None:
    async with begin() as work:
        await Operators(work).create(an_operator("anna"))
        faulty = an_operator(
            "anna", name="", right="BOSS", email="@", locale="", entity_ids=[new_id()], password="short"
        )
        assert await codes_and_paths(Operators(work).create(faulty)) == {
            ("TAKEN", "login"), ("INVALID", "name"), ("INVALID", "right"), ("INVALID", "email"), ("INVALID", "locale"),
            ("NOT_FOUND", "entity_ids"), ("INVALID", "password"),
        }


@pytest.mark.parametrize("fields", [
    {"right": Right.LOCAL},
    {"right": Right.LOCAL, "entity_ids": []},
])
async def test_a_local_operator_acts_for_at_least_one_entity(begin: Begin, fields: dict[str, Any]) -> None:
    async with begin() as work:
        creation = Operators(work).create(an_operator("anna") | fields)
        assert await codes_and_paths(creation) == {("REQUIRED", "entity_ids")}


async def test_becoming_local_needs_an_entity_too(begin: Begin) -> None:
    async with begin() as work:
        await Operators(work).create(an_operator("boss"))
        anna = await Operators(work).create(an_operator("anna"))
        change = Operators(work).update(anna.id, anna.revision, {"right": Right.LOCAL})
        assert await codes_and_paths(change) == {("REQUIRED", "entity_ids")}


@pytest.mark.parametrize("change", [{"active": False}, {"right": Right.CENTRAL}])
async def test_the_last_active_administrator_stays(begin: Begin, change: dict[str, Any]) -> None:
    async with begin() as work:
        boss = await Operators(work).create(an_operator("boss"))
        await Operators(work).create(an_operator("retired", active=False))
        await Operators(work).create(an_operator("marketing", right=Right.CENTRAL))
        [problem] = await problems_of(Operators(work).update(boss.id, boss.revision, change))
        assert problem.code == "LAST_ADMIN" and "Operator boss (boss)" in problem.message


async def test_two_administrators_cannot_demote_each_other_at_once(begin: Begin) -> None:
    async with begin() as work:
        pair = [await Operators(work).create(an_operator(login)) for login in ("anna", "bo")]

    async def demote(operator: Operator) -> str:
        try:
            async with begin() as work:
                await Operators(work).update(operator.id, 1, {"right": Right.CENTRAL})
        except Refused as refused:
            return refused.problems[0].code
        return "demoted"

    assert sorted(await asyncio.gather(*map(demote, pair))) == ["LAST_ADMIN", "demoted"]


@pytest.mark.parametrize(("change", "ended"), [
    ({"active": False}, True),
    ({"password": "another horse battery"}, True),
    ({"name": "Anna B."}, False),
])
async def test_deactivation_and_a_new_password_end_logins(begin: Begin, change: dict[str, Any], ended: bool) -> None:
    async with begin() as work:
        await Operators(work).create(an_operator("boss"))
        anna = await Operators(work).create(an_operator("anna"))
        login = Login(token_hash="x", operator_id=anna.id, created_at=NOW, expires_at=NOW + timedelta(days=1))
        work.session.add(login)
        await Operators(work).update(anna.id, anna.revision, change)
        await work.session.refresh(login)
        assert (login.revoked_at == NOW) is ended


async def test_the_history_tells_that_a_password_changed_and_never_which(begin: Begin) -> None:  # [12.1]
    async with begin() as work:
        anna = await Operators(work).create(an_operator("anna"))
        await Operators(work).update(anna.id, 1, {"password": PASSWORD})
        entries = await history_of(work, anna)
        assert entries[1].after == {"password": "changed"}
        assert not any("argon2" in str(entry.after) or PASSWORD in str(entry.after) for entry in entries)


async def test_a_change_of_rights_stands_in_the_history(begin: Begin) -> None:  # [12.1]
    async with begin() as work:
        store = await Entities(work).create(an_entity("S1"))
        await Operators(work).create(an_operator("boss"))
        anna = await Operators(work).create(an_operator("anna"))
        await Operators(work).update(anna.id, 1, {"right": Right.LOCAL, "entity_ids": [store.id]})
        edited = (await history_of(work, anna))[1]
        assert edited.before == {"right": "ADMIN", "entity_ids": []}
        assert edited.after == {"right": "LOCAL", "entity_ids": [str(store.id)]}
        assert edited.revision == anna.revision == 2
