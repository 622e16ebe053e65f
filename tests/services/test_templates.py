"""Package templates preset the other fields, and every campaign type ships a campaign template [3, 4.1]."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from server.campaign_type import Field
from server.database import Database
from server.domain.base import new_id
from server.domain.campaign import Campaign, FormVersion
from server.domain.lifecycles import PackageStatus
from server.domain.package import ApprovalMode, NoDecision, PackageTemplate
from server.errors import NotAllowed, NotFound
from server.plugins import CampaignTypes
from server.services.templates import PackageTemplates, ensure_templates
from tests.builders import NOW
from tests.services.acts import create
from tests.services.conftest import World

SETTINGS = {
    "approval_mode": "AUTOMATIC", "folder": "Spring", "approval_delay_hours": 24, "on_no_decision": "APPROVE",
    "reminders": [{"anchor": "DEADLINE", "hours": 4}], "locked_fields": ["label"], "notify_on_publication": False,
}


async def template(world: World, code: str = "strict", **preset: Any) -> PackageTemplate:
    fields = {"code": code, "label": "Strict", "preset": preset or SETTINGS}
    return await world.do(world.owner, lambda work: PackageTemplates(work).create(fields))


async def test_a_package_starts_from_the_empty_template(world: World) -> None:  # [4.1]
    campaign = await world.campaign()
    package = await world.do(world.owner, create(campaign_id=campaign.id))
    empty = await world.read(PackageTemplate, code="mutualizedEmpty")
    assert package.template_id == empty.id and (package.label, package.type) == ("Spring", "simple")
    assert (package.status, package.cycle) == (PackageStatus.BEING_EDITED, 1)
    assert (package.owner_id, package.approval_delay_hours) == (world.owner.id, 72)  # [5.3] three days by default
    assert (package.approval_mode, package.on_no_decision) == (ApprovalMode.MANUAL, NoDecision.NOTHING)


async def test_a_template_presets_what_is_not_given(world: World) -> None:  # [4.1]
    await template(world)
    campaign = await world.campaign()
    package = await world.do(world.owner, create(campaign_id=campaign.id, template="strict", folder="Mine"))
    assert package.folder == "Mine" and package.reminders == SETTINGS["reminders"]
    assert (package.approval_mode, package.on_no_decision) == (ApprovalMode.AUTOMATIC, NoDecision.APPROVE)
    assert (package.notify_on_publication, package.locked_fields) == (False, ["label"])


async def test_a_package_needs_a_template_that_exists(world: World) -> None:
    campaign = await world.campaign()
    [problem] = await world.refused(world.owner, create(campaign_id=campaign.id, template="none"))
    assert (problem.code, problem.path) == ("NOT_FOUND", ("template",))


async def test_a_duplicate_has_the_same_preset_and_a_code_of_its_own(world: World) -> None:  # [4.1]
    source = await template(world)
    copy = await world.do(world.owner, lambda work: PackageTemplates(work).duplicate(source.id, "copy", "Copy"))
    assert (copy.code, copy.label, copy.preset) == ("copy", "Copy", SETTINGS)
    await world.do(world.owner, lambda work: PackageTemplates(work).update(copy.id, copy.revision, {"preset": {}}))
    assert (await world.read(PackageTemplate, id=source.id)).preset == SETTINGS


# [4.1] whatever a package would refuse, its template refuses: null, wrong kinds, unknown words, foreign fields
@pytest.mark.parametrize(("preset", "path"), [
    ({"approval_mode": "SOMETIMES"}, ("approval_mode",)),
    ({"approval_mode": None}, ("approval_mode",)),
    ({"on_no_decision": ["APPROVE"]}, ("on_no_decision",)),
    ({"notify_on_publication": "yes"}, ("notify_on_publication",)),
    ({"approval_delay_hours": "three"}, ("approval_delay_hours",)),
    ({"approval_delay_hours": True}, ("approval_delay_hours",)),
    ({"approval_delay_hours": 0}, ("approval_delay_hours",)),
    ({"message": {"text": "Hi"}}, ("message",)),
    ({"message": "x" * 4001}, ("message",)),
    ({"reminders": None}, ("reminders",)),
    ({"reminders": "daily"}, ("reminders",)),
    ({"reminders": ["daily"]}, ("reminders", "0")),
    ({"reminders": [{"anchor": "DEADLINE", "hours": 1}, {"anchor": "NOON", "hours": 1}]}, ("reminders", "1", "anchor")),
    ({"reminders": [{"anchor": "DEADLINE", "hours": -1}]}, ("reminders", "0", "hours")),
    ({"reminders": [{"at": "tomorrow"}]}, ("reminders", "0", "at")),
    ({"reminders": [{"at": "9999-12-31T23:59:59-12:00"}]}, ("reminders", "0", "at")),
    ({"locked_fields": "label"}, ("locked_fields",)),
    ({"locked_fields": [["label"]]}, ("locked_fields",)),
    ({"locked_fields": ["owner"]}, ("locked_fields",)),
    ({"label": "Spring"}, ("label",)),
    ({"status": "PUBLISHED"}, ("status",)),
])
async def test_a_preset_that_no_package_could_have_is_refused(
    world: World, preset: dict[str, Any], path: tuple[str, ...]
) -> None:
    fields = {"code": "odd", "label": "Odd", "preset": preset}
    problems = await world.refused(world.owner, lambda work: PackageTemplates(work).create(fields))
    assert [problem.path for problem in problems] == [("preset", *path)]


async def test_scripts_do_not_get_into_a_preset(world: World) -> None:
    made = await template(world, description="<p onclick='x()'>Hi<script>steal()</script></p>")
    assert made.preset == {"description": "<p>Hi</p>"}


@pytest.mark.parametrize(("fields", "faults"), [
    ({"code": "strict", "label": "Again"}, [("TAKEN", "code")]),
    ({"code": " ", "label": None}, [("REQUIRED", "code"), ("REQUIRED", "label")]),
    ({"code": "x" * 61, "label": "y" * 201}, [("TOO_LONG", "code"), ("TOO_LONG", "label")]),
    ({"preset": {}}, [("REQUIRED", "code"), ("REQUIRED", "label")]),
])
async def test_a_template_has_a_label_and_a_code_of_its_own(
    world: World, fields: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    await template(world)
    problems = await world.refused(world.owner, lambda work: PackageTemplates(work).create(fields))
    assert sorted((problem.code, problem.path[0]) for problem in problems) == faults


async def test_the_empty_template_keeps_its_code(world: World) -> None:  # [4.1] it is what packages start from
    empty = await world.read(PackageTemplate, code="mutualizedEmpty")
    [problem] = await world.refused(
        world.owner, lambda work: PackageTemplates(work).update(empty.id, 1, {"code": "other"})
    )
    assert problem.path == ("code",)


async def test_a_stale_revision_of_a_template_is_refused(world: World) -> None:  # [5.7]
    made = await template(world)
    await world.do(world.owner, lambda work: PackageTemplates(work).update(made.id, 1, {"label": "Newer"}))
    [problem] = await world.refused(
        world.colleague, lambda work: PackageTemplates(work).update(made.id, 1, {"label": "Mine"})
    )
    assert problem.code == "STALE_REVISION" and "label" in problem.message


async def test_templates_are_central_business(world: World) -> None:  # [2.3]
    made = await template(world)
    with pytest.raises(NotAllowed):
        await world.do(world.regional, lambda work: PackageTemplates(work).create({"code": "mine", "label": "Mine"}))
    for key in (made.id, new_id()):
        with pytest.raises(NotFound):
            await world.do(world.regional, lambda work, key=key: PackageTemplates(work).update(key, 1, {}))
        with pytest.raises(NotFound):
            await world.do(world.regional, lambda work, key=key: PackageTemplates(work).duplicate(key, "mine", "Mine"))


async def test_each_type_ships_its_campaign_template_once(world: World, types: CampaignTypes) -> None:  # [3, 6.1]
    async with world.database.transaction() as session:
        await ensure_templates(session, types, NOW)
    shipped = {made.code: made for made in await world.all(Campaign, is_template=True)}
    assert shipped.keys() == {kind.template for kind in types} and len(await world.all(PackageTemplate)) == 1
    assert shipped["opCollaborativeByTargetApproval"].max_documents == 0


async def test_the_form_of_a_type_s_preset_is_that_of_its_campaigns(world: World) -> None:  # [9.2]
    plugin = type(world.types.require("simple").plugin)
    preset = plugin.preset.__class__(fields=(Field("slogan", "Slogan", required=True),))
    asking = type("Asking", (plugin,), {"template": "asking", "preset": preset, "label": "Asking"})
    types = CampaignTypes.of({"asking": asking})
    async with world.database.transaction() as session:
        await ensure_templates(session, types, NOW)
    shipped = await world.read(Campaign, code="asking")
    assert (await world.read(FormVersion, campaign_id=shipped.id)).fields[0]["name"] == "slogan"


async def test_servers_that_start_at_the_same_moment_make_them_once(database: Database, types: CampaignTypes) -> None:
    async def start() -> None:
        async with database.transaction() as session:
            await ensure_templates(session, types, NOW)

    await asyncio.gather(*(start() for _ in range(4)))
    async with database.reading() as session:
        made = list(await session.scalars(select(Campaign.code)))
    assert sorted(made) == sorted(kind.template for kind in types)
