"""Administrators keep entities in a tree: places, codes, faults, history [2.1, 12.1]."""

import asyncio
import random

import pytest

from server.domain.base import new_id
from server.errors import Refused
from server.services.entities import Entities
from server.services.groups import Groups
from server.services.tree import rebuild
from tests.services.networks import Begin, an_entity, closure, codes_and_paths, history_of, problems_of


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
