"""Administrators keep the network: entities in a tree, operators with their rights, groups [2.1, 2.2, 12.1]."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from server.database import Database
from server.domain.base import new_id
from server.domain.network import (
    Entity,
    EntityClosure,
    GroupMember,
    Login,
    Operator,
    OperatorEntity,
    OperatorGroup,
    Right,
)
from server.domain.record import History
from server.errors import NotAllowed, NotFound, Problem, Refused
from server.identity.passwords import verify
from server.plugins import CampaignTypes
from server.reads.visibility import SYSTEM, Caller
from server.services.entities import Entities
from server.services.groups import Groups
from server.services.operators import Operators
from server.services.tree import rebuild
from server.services.work import Work
from server.settings import Settings

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
Begin = Callable[..., AbstractAsyncContextManager[Work]]


@pytest.fixture
def begin(database: Database, settings: Settings) -> Begin:
    """Opens a transaction for a caller, by default the server itself."""
    @asynccontextmanager
    async def begin(caller: Caller = SYSTEM) -> AsyncIterator[Work]:
        async with database.transaction() as session:
            yield Work(session, caller, NOW, CampaignTypes([]), settings)
    return begin


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


# --- entities


async def test_a_new_entity_stands_below_all_ancestors_of_its_parent(begin: Begin) -> None:  # [2.1]
    async with begin() as work:
        head = await Entities(work).create(an_entity("HEAD", kind="CENTRAL"))
        region = await Entities(work).create(an_entity("R1", parent_id=head.id))
        await Entities(work).create(an_entity("S1", parent_id=region.id))
        assert await closure(work) == {
            ("HEAD", "HEAD", 0), ("R1", "R1", 0), ("S1", "S1", 0),
            ("HEAD", "R1", 1), ("R1", "S1", 1), ("HEAD", "S1", 2),
        }


async def test_a_new_parent_takes_the_subtree_along(begin: Begin) -> None:
    async with begin() as work:
        entities = Entities(work)
        north, south = [await entities.create(an_entity(code)) for code in ("NORTH", "SOUTH")]
        region = await entities.create(an_entity("R1", parent_id=north.id))
        await entities.create(an_entity("S1", parent_id=region.id))
        await entities.update(region.id, region.revision, {"parent_id": south.id})
        assert {(above, depth) for above, below, depth in await closure(work) if below == "S1"} == {
            ("S1", 0), ("R1", 1), ("SOUTH", 2),
        }


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_moves_the_closure_follows_the_parents(begin: Begin, seed: int) -> None:
    chance = random.Random(seed)
    async with begin() as work:
        entities = Entities(work)
        known = [await entities.create(an_entity(f"E{number}")) for number in range(9)]
        refused = 0
        for _ in range(40):
            moved, parent = chance.choice(known), chance.choice([None, *known])
            try:
                await entities.update(moved.id, moved.revision, {"parent_id": parent and parent.id})
            except Refused as error:
                assert error.problems[0].code == "CYCLE"
                refused += 1
        kept = await closure(work)
        await rebuild(work.session)
        assert kept == await closure(work) and refused


async def test_an_entity_cannot_stand_below_itself(begin: Begin) -> None:
    async with begin() as work:
        region = await Entities(work).create(an_entity("R1"))
        store = await Entities(work).create(an_entity("S1", parent_id=region.id))
        [problem] = await problems_of(Entities(work).update(region.id, 1, {"parent_id": store.id}))
        assert problem.message == "Entity S1 (S1) is Entity R1 (R1) itself or stands below it: the tree has no cycles."


async def test_every_fault_of_an_entity_is_told_at_once(begin: Begin) -> None:
    async with begin() as work:
        await Entities(work).create(an_entity("S1"))
        faulty = {
            "kind": "REGIONAL", "code": "S1", "label": " ", "parent_id": new_id(), "email": "nobody",
            "locale": "swedish!", "time_zone": "Europe/Atlantis", "order_reviewers_id": new_id(),
        }
        assert await codes_and_paths(Entities(work).create(faulty)) == {
            ("INVALID", "kind"), ("TAKEN", "code"), ("INVALID", "label"), ("NOT_FOUND", "parent_id"),
            ("INVALID", "email"), ("INVALID", "locale"), ("INVALID", "time_zone"), ("NOT_FOUND", "order_reviewers_id"),
        }


async def test_a_new_entity_needs_kind_code_and_label(begin: Begin) -> None:
    async with begin() as work:
        assert await codes_and_paths(Entities(work).create({})) == {
            ("REQUIRED", "kind"), ("REQUIRED", "code"), ("REQUIRED", "label"),
        }


async def test_a_central_entity_never_stands_below_a_local_one(begin: Begin) -> None:
    async with begin() as work:
        store = await Entities(work).create(an_entity("S1"))
        team = an_entity("TEAM", kind="CENTRAL", parent_id=store.id)
        assert await codes_and_paths(Entities(work).create(team)) == {("INVALID", "parent_id")}


async def test_the_kind_of_an_entity_stays(begin: Begin) -> None:
    async with begin() as work:
        store = await Entities(work).create(an_entity("S1"))
        change = Entities(work).update(store.id, store.revision, {"kind": "CENTRAL"})
        assert await codes_and_paths(change) == {("NOT_EDITABLE", "kind")}


@pytest.mark.parametrize("locale", ["sv", "nb-NO", "zh-Hant", "es-419", "de-CH-1996"])
async def test_languages_are_bcp_47_tags(begin: Begin, locale: str) -> None:
    async with begin() as work:
        assert (await Entities(work).create(an_entity("S1", locale=locale))).locale == locale


async def test_an_entity_that_changed_meanwhile_is_not_overwritten(begin: Begin) -> None:
    async with begin() as work:
        store = await Entities(work).create(an_entity("S1"))
        await Entities(work).update(store.id, 1, {"label": "Renamed", "phone": "1"})
        [problem] = await problems_of(Entities(work).update(store.id, 1, {"label": "Mine"}))
        assert problem.code == "STALE_REVISION" and "revision 2" in problem.message


async def test_a_change_of_an_entity_stands_in_the_history(begin: Begin) -> None:  # [12.1]
    async with begin() as work:
        store = await Entities(work).create(an_entity("S1", phone="1"))
        await Entities(work).update(store.id, 1, {"phone": "2", "label": store.label})
        created, edited = await history_of(work, store)
        assert (created.action, edited.action, edited.revision, edited.entity_id) == ("CREATE", "EDIT", 2, store.id)
        assert (edited.before, edited.after) == ({"phone": "1"}, {"phone": "2"})


async def test_writing_what_stands_there_already_is_no_change(begin: Begin) -> None:
    async with begin() as work:
        store = await Entities(work).create(an_entity("S1"))
        await Entities(work).update(store.id, 1, {"label": store.label})
        assert store.revision == 1 and len(await history_of(work, store)) == 1


async def test_two_that_take_the_same_code_at_once_are_told_apart(begin: Begin) -> None:
    async def take() -> str:
        try:
            async with begin() as work:
                await Groups(work).create({"code": "G1", "label": "Reviewers"})
        except Refused as refused:
            return refused.problems[0].code
        return "made"

    assert sorted(await asyncio.gather(take(), take())) == ["TAKEN", "made"]


# --- who may


@pytest.mark.parametrize("right", [Right.CENTRAL, Right.LOCAL])
async def test_only_administrators_create(begin: Begin, right: Right) -> None:  # [2.2]
    async with begin(Caller(new_id(), right)) as work:
        with pytest.raises(NotAllowed):
            await Entities(work).create(an_entity("S1"))
        with pytest.raises(NotAllowed):
            await Operators(work).create(an_operator("anna"))
        with pytest.raises(NotAllowed):
            await Groups(work).create({"code": "G1", "label": "Reviewers"})


async def test_out_of_scope_does_not_exist_and_in_scope_is_not_editable(begin: Begin) -> None:  # [2.3]
    async with begin() as work:
        store = await Entities(work).create(an_entity("S1"))
        other = await Entities(work).create(an_entity("S2"))
        anna = await Operators(work).create(an_operator("anna", right=Right.LOCAL, entity_ids=[store.id]))
    async with begin(Caller(anna.id, Right.LOCAL)) as work:
        with pytest.raises(NotAllowed):
            await Entities(work).update(store.id, 1, {"label": "Mine"})
        with pytest.raises(NotFound):
            await Entities(work).update(other.id, 1, {"label": "Mine"})


# --- operators


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


# --- groups


async def test_members_replace_the_whole_set(begin: Begin) -> None:
    async with begin() as work:
        anna, bo, cia = [await Operators(work).create(an_operator(login)) for login in ("anna", "bo", "cia")]
        group = await Groups(work).create({"code": "G1", "label": "Reviewers", "members": [anna.id, bo.id]})
        await Groups(work).update(group.id, group.revision, {"members": [bo.id, cia.id]})
        assert set(await work.session.scalars(select(GroupMember.operator_id))) == {bo.id, cia.id}
        edited = (await history_of(work, group))[1]
        assert edited.before["members"] == sorted([str(anna.id), str(bo.id)]) and edited.revision == group.revision == 2


async def test_every_fault_of_a_group_is_told_at_once(begin: Begin) -> None:
    async with begin() as work:
        await Groups(work).create({"code": "G1", "label": "Reviewers"})
        faulty = {"code": "G1", "label": "", "members": [new_id()]}
        assert await codes_and_paths(Groups(work).create(faulty)) == {
            ("TAKEN", "code"), ("INVALID", "label"), ("NOT_FOUND", "members"),
        }


async def test_a_group_named_by_an_entity_exists(begin: Begin) -> None:
    async with begin() as work:
        group = await Groups(work).create({"code": "G1", "label": "Reviewers"})
        store = await Entities(work).create(an_entity("S1", order_reviewers_id=group.id))
        held = await work.session.get_one(OperatorGroup, store.order_reviewers_id)
        assert held.code == "G1"
