"""Who may change the network, and the members of groups [2.1, 2.2, 2.3]."""


import pytest
from sqlalchemy import select

from server.domain.base import new_id
from server.domain.network import GroupMember, OperatorGroup, Right
from server.errors import NotAllowed, NotFound
from server.reads.visibility import Caller
from server.services.entities import Entities
from server.services.groups import Groups
from server.services.operators import Operators
from tests.services.networks import Begin, an_entity, an_operator, codes_and_paths, history_of


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
