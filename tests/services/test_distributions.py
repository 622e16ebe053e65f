"""Data distributions: central makes and changes them, every fault comes at once [9.12]."""

from typing import Any

import pytest

from server.domain.record import History
from server.domain.target import Assignment, DataDistribution, DistributionRow, Ranking, SizeKind
from server.errors import NotAllowed, NotFound
from server.services.distributions import DataDistributions
from tests.builders import a_distribution, a_group, given, new_id
from tests.services.conftest import World


async def create(world: World, **fields: Any) -> DataDistribution:
    return await world.do(world.owner, lambda w: DataDistributions(w).create(by_postal_code(world) | fields))


def by_postal_code(world: World, **fields: Any) -> dict[str, Any]:
    rows = [
        {"value": "75001", "size": 10, "label": "Inner", "entity_id": world.paris.id},
        {"value": "75002", "entity_id": world.paris.id},
        {"value": "69001", "size": 5, "entity_id": world.lyon.id},
    ]
    return {"label": "By postal code", "field": "postalCode", "rows": rows} | fields


async def test_a_distribution_gets_the_next_code_and_the_defaults(world: World) -> None:
    first, second = await create(world), await create(world)
    assert (first.code, second.code) == ("DIST1", "DIST2")
    assert (first.assignment, first.size_kind, first.ranking, first.preselect) == (
        Assignment.LOCAL_ENTITY, SizeKind.FIXED, Ranking.SORT, True,
    )


async def test_its_rows_stay_in_their_order_and_several_values_may_share_an_entity(world: World) -> None:
    distribution = await create(world)
    rows = sorted(await world.all(DistributionRow, distribution_id=distribution.id), key=lambda row: row.position)
    assert [(row.value, row.size, row.label, row.entity_id) for row in rows] == [
        ("75001", 10, "Inner", world.paris.id), ("75002", 0, "", world.paris.id), ("69001", 5, "", world.lyon.id),
    ]


async def test_every_fault_of_a_distribution_comes_at_once(world: World) -> None:
    group = a_group()
    await given(world.database, group, a_distribution(code="TAKEN"))
    rows = [
        {"value": "75001", "entity_id": world.paris.id},
        {"value": "75001", "entity_id": world.paris.id},
        {"value": "75002", "size": -1, "entity_id": world.paris.id},
        {"value": "75003", "entity_id": world.head.id},  # not a local entity
        {"value": "75004", "entity_id": new_id()},
        {"value": "75005", "group_id": group.id},
    ]
    fields = {"label": "", "code": "TAKEN", "field": "shoeSize", "dimension": "visitor", "seed": -1, "rows": rows}
    problems = await world.refused(world.owner, lambda w: DataDistributions(w).create(fields))
    assert {problem.path for problem in problems} == {
        ("label",), ("code",), ("field",), ("dimension",), ("seed",), ("rows", "1", "value"), ("rows", "2", "size"),
        ("rows", "3", "entity_id"), ("rows", "4", "entity_id"), ("rows", "5", "entity_id"),
    }


@pytest.mark.parametrize("who", ["owner", "admin"])
async def test_an_update_replaces_the_rows_and_keeps_what_is_not_given(world: World, who: str) -> None:
    distribution = await create(world)
    rows = [{"value": "75001", "size": 50, "entity_id": world.lyon.id}]
    changed = await world.do(getattr(world, who), lambda w: DataDistributions(w).update(
        distribution.id, distribution.revision, {"size_kind": "PERCENTAGE", "rows": rows}
    ))
    [row] = await world.all(DistributionRow, distribution_id=distribution.id)
    assert (row.value, row.size, row.entity_id) == ("75001", 50, world.lyon.id)
    assert (changed.label, changed.size_kind, changed.revision) == ("By postal code", SizeKind.PERCENTAGE, 2)


async def test_rows_that_stay_are_checked_against_what_changes(world: World) -> None:
    rows = [{"value": "75001", "size": 500, "entity_id": world.paris.id}]
    distribution = await create(world, rows=rows)
    [problem] = await world.refused(
        world.owner, lambda w: DataDistributions(w).update(distribution.id, 1, {"size_kind": SizeKind.PERCENTAGE})
    )
    assert problem.path == ("rows", "0", "size")


async def test_a_change_of_rows_alone_is_a_change(world: World) -> None:  # [5.7]
    distribution = await create(world)
    await world.do(world.owner, lambda w: DataDistributions(w).update(distribution.id, 1, {"rows": []}))
    [problem] = await world.refused(
        world.owner, lambda w: DataDistributions(w).update(distribution.id, 1, {"label": "Mine"})
    )
    assert (problem.code, problem.path) == ("STALE_REVISION", ("revision",))
    assert "Changed since: rows" in problem.message


async def test_the_history_shows_rows_before_and_after(world: World) -> None:  # [12.1]
    distribution = await create(world)
    await world.do(world.owner, lambda w: DataDistributions(w).update(distribution.id, 1, {"label": "New", "rows": []}))
    created, edited = await world.all(History, subject_id=distribution.id)
    assert (created.action, edited.action, edited.actor_id) == ("CREATE", "EDIT", world.owner.id)
    assert len(created.after["rows"]) == 3
    assert edited.before["rows"][2] == {"value": "69001", "size": 5, "entity_id": str(world.lyon.id)}
    assert edited.after == {"label": "New", "rows": []}


async def test_distributions_are_centrals_business(world: World) -> None:  # [2.3]
    distribution = await create(world)
    with pytest.raises(NotAllowed):
        await world.do(world.paris_manager, lambda w: DataDistributions(w).create(by_postal_code(world)))
    with pytest.raises(NotFound):
        await world.do(world.paris_manager, lambda w: DataDistributions(w).update(distribution.id, 1, {"label": "x"}))


async def test_operators_and_groups_may_be_assigned(world: World) -> None:
    rows = [
        {"value": "75001", "operator_id": world.paris_manager.id},
        {"value": "75002", "group_id": world.order_reviewers.id},
        {"value": "75003", "group_id": new_id()},
    ]
    fields = by_postal_code(world, assignment="GROUP_OR_OPERATOR", rows=rows)
    [problem] = await world.refused(world.owner, lambda w: DataDistributions(w).create(fields))
    assert (problem.code, problem.path) == ("NOT_FOUND", ("rows", "2", "group_id"))
