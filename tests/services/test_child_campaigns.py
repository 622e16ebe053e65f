"""Children of a reference campaign: made once, locked in part, and true to the schedule [9.7 to 9.10]."""

from dataclasses import replace

import pytest

from server.domain.campaign import LOCKABLE, Campaign, Origin
from server.domain.package import Package
from server.services.campaign_fields import locked_in
from tests.builders import DAY, NOW
from tests.plugins.every_hook import EveryHook
from tests.services.acts import change_campaign, faults, start_campaign
from tests.services.conftest import World
from tests.services.family import child, parent, published_package


async def test_a_child_is_made_once_and_starts_as_its_parent(world: World) -> None:  # [9.7]
    made = await child(world, campaign={"nature": "Ours", "start": NOW + 40 * DAY})
    reference = await parent(world)
    assert (made.code, made.parent_id, made.label) == (f"OU1_{reference.code}", reference.id, "Spring package")
    assert (made.nature, made.start) == ("Ours", NOW + 40 * DAY)
    assert made.personalization == {"headline": "Spring in town", "discount": 10}
    await world.advance(NOW + DAY)
    assert len(await world.all(Campaign, parent_id=reference.id)) == 1


async def test_the_entity_changes_targeting_typology_and_personalization(world: World) -> None:  # [9.8]
    made = await child(world)
    fields = {
        "targeting": {"filter": {"field": "score", "operator": "GE", "value": 50}}, "typology": {"rules": ["quiet"]},
        "personalization": {"headline": "Paris"},
    }
    made = await world.do(world.paris_manager, change_campaign(made, **fields))
    assert made.overrides == ["personalization", "targeting", "typology"]
    locked = locked_in(await world.read(Package))
    assert [made.origin(field, locked) for field in ("targeting", "label")] == [Origin.OVERRIDDEN, Origin.LOCKED]


@pytest.mark.parametrize("field", ["label", "start", "content", "form", "default_values", "unit_costs"])
async def test_a_refused_change_names_the_lock(world: World, field: str) -> None:  # [9.8]
    made = await child(world)
    [problem] = await world.refused(world.paris_manager, change_campaign(made, **{field: None}))
    package = await world.read(Package)
    assert (problem.code, problem.path) == ("LOCKED", (field,))
    assert all(name in problem.message for name in (field, made.code, package.code))


async def test_the_lock_list_is_data_on_the_package(world: World) -> None:  # [9.8]
    made = await child(world, locked_fields=[field for field in LOCKABLE if field != "label"])
    assert (await world.do(world.paris_manager, change_campaign(made, label="Paris"))).label == "Paris"
    made = await world.read(Campaign, id=made.id)
    problems = await world.refused(world.paris_manager, change_campaign(made, typology={}))
    assert faults(problems) == [("LOCKED", ("typology",))]


async def test_each_field_of_a_child_tells_where_its_value_comes_from(world: World) -> None:  # [9.10]
    made = await child(world)
    made = await world.do(world.paris_manager, change_campaign(made, typology={"rules": ["quiet"]}))
    locked = locked_in(await world.read(Package))
    assert {field: made.origin(field, locked) for field in ("typology", "targeting", "start")} == {
        "typology": Origin.OVERRIDDEN, "targeting": Origin.INHERITED, "start": Origin.LOCKED,
    }


async def test_the_parent_s_schedule_goes_to_children_that_have_not_started(world: World) -> None:  # [9.9]
    made = await child(world)
    await world.do(world.owner, change_campaign(await parent(world), start=NOW + DAY, end=NOW + 9 * DAY))
    after = await world.read(Campaign, id=made.id)
    assert (after.start, after.end, after.overrides) == (NOW + DAY, NOW + 9 * DAY, [])
    assert after.revision == made.revision + 1


async def test_the_schedule_of_the_entity_is_never_overwritten(world: World) -> None:  # [9.9]
    made = await child(world, locked_fields=[])
    made = await world.do(world.paris_manager, change_campaign(made, end=NOW + 5 * DAY))
    await world.do(world.owner, change_campaign(await parent(world), start=NOW + DAY, end=NOW + 9 * DAY))
    after = await world.read(Campaign, id=made.id)
    assert (after.start, after.end) == (NOW + DAY, NOW + 5 * DAY)


async def test_a_started_child_keeps_its_schedule(world: World) -> None:  # [9.9]
    made = await child(world)
    await world.do(world.owner, start_campaign(await parent(world)))
    made = await world.do(world.paris_manager, start_campaign(await world.read(Campaign, id=made.id)))
    await world.do(world.owner, change_campaign(await parent(world), start=NOW + DAY))
    assert (await world.read(Campaign, id=made.id)).start is None


async def test_an_order_s_own_schedule_is_its_child_s(world: World) -> None:  # [9.9] for types whose entities choose
    rules = replace(EveryHook.package, schedule_per_order=True)
    world = await world.with_type(type("Scheduled", (EveryHook,), {"package": rules}))
    campaign = await world.campaign("every_hook")
    package = await published_package(world, campaign)
    order = await world.ordered(
        package, start=NOW + DAY, parameters={"slogan": "Paris", "own_campaign": True}
    )
    await world.decide(world.order_reviewer, order)
    await world.do(world.owner, change_campaign(await world.read(Campaign, id=campaign.id), start=NOW + 3 * DAY,
                                                end=NOW + 4 * DAY))
    made = await world.read(Campaign, parent_id=campaign.id)
    assert (made.start, made.end, made.overrides) == (NOW + DAY, NOW + 4 * DAY, ["start"])
