"""Campaigns: made from templates and from others, with forms in versions and default values [8.1, 9.3]."""

from typing import Any

import pytest

from server.campaign_type import Interface
from server.domain.base import new_id
from server.domain.campaign import Campaign, FormVersion, NoResponse
from server.domain.lifecycles import CampaignStatus
from server.domain.order import Order
from server.domain.target import DataDistribution
from server.services.distributions import DataDistributions
from server.services.orders import Orders
from tests.builders import DAY, NOW
from tests.plugins.every_hook import EveryHook
from tests.services.acts import cancel_campaign, change_campaign, copy_campaign, faults, make_campaign, start_campaign
from tests.services.conftest import FORM, TEMPLATES, World
from tests.services.family import parent

KEY = new_id()


async def test_a_campaign_starts_as_its_template_is(world: World) -> None:  # [8.1]
    template = await world.read(Campaign, code=TEMPLATES["by_target_approval"])
    campaign = await world.campaign("by_target_approval", nature="Our own")
    assert (campaign.type, campaign.template_id, campaign.status) == (
        "by_target_approval", template.id, CampaignStatus.BEING_EDITED
    )
    assert (campaign.code, campaign.label, campaign.nature, campaign.max_documents) == ("OP1", "Spring", "Our own", 0)
    assert not campaign.is_template and campaign.owner_id == world.owner.id


async def test_a_campaign_needs_a_template_that_exists(world: World) -> None:
    await world.campaign()
    for code in ("none", "OP1"):  # a campaign is no template
        problems = await world.refused(world.owner, make_campaign(code))
        assert faults(problems) == [("NOT_FOUND", ("template",))]


# [8.1, 8.2] shapes that no field has, each refused where it is wrong
@pytest.mark.parametrize(("fields", "fault"), [
    ({"label": " "}, ("REQUIRED", ("label",))),
    ({"label": "x" * 201}, ("TOO_LONG", ("label",))),
    ({"main_channel": "x" * 41}, ("TOO_LONG", ("main_channel",))),
    ({"start": NOW, "end": NOW - DAY}, ("END_BEFORE_START", ("end",))),
    ({"targeting": "everyone"}, ("TYPE", ("targeting",))),
    ({"targeting": None}, ("TYPE", ("targeting",))),
    ({"targeting": [{"filter": {}}]}, ("TYPE", ("targeting",))),
    ({"targeting": {"fitler": {}}}, ("UNKNOWN_FIELD", ("targeting", "fitler"))),
    ({"targeting": {"filter": "score > 3"}}, ("INVALID_FILTER", ("targeting", "filter"))),
    ({"targeting": {"filter": {"not": {"field": "age", "operator": "GT", "value": 3}}}},
     ("UNKNOWN_FIELD", ("targeting", "filter", "not", "field"))),
    ({"typology": 3}, ("TYPE", ("typology",))),
    ({"personalization": {"score": float("inf")}}, ("TYPE", ("personalization",))),
    ({"content": ["Hi"]}, ("TYPE", ("content",))),
    ({"content": {"subject": None}}, ("TYPE", ("content", "subject"))),
    ({"content": {"body": "Hi"}}, ("UNKNOWN_FIELD", ("content", "body"))),
    ({"unit_costs": [1]}, ("TYPE", ("unit_costs",))),
    ({"unit_costs": {"email": 1.5}}, ("FORMAT", ("unit_costs", "email"))),
    ({"unit_costs": {"email": True}}, ("FORMAT", ("unit_costs", "email"))),
    ({"unit_costs": {"email": -1}}, ("FORMAT", ("unit_costs", "email"))),
    ({"default_values": "none"}, ("TYPE", ("default_values",))),
    ({"default_values": {"colour": "red"}}, ("UNKNOWN_FIELD", ("default_values", "colour"))),
    ({"interface": "BY_PHONE"}, ("CHOICE", ("interface",))),
    ({"interface": None}, ("CHOICE", ("interface",))),
    ({"on_no_response": "GUESS"}, ("CHOICE", ("on_no_response",))),
    ({"go_on_when_all_answered": None}, ("TYPE", ("go_on_when_all_answered",))),
    ({"budget": -1}, ("OUT_OF_RANGE", ("budget",))),
    ({"budget": 2**53}, ("OUT_OF_RANGE", ("budget",))),
    ({"max_documents": None}, ("OUT_OF_RANGE", ("max_documents",))),
    ({"max_reviewers": 51}, ("OUT_OF_RANGE", ("max_reviewers",))),
    ({"target_deadline_hours": 0}, ("OUT_OF_RANGE", ("target_deadline_hours",))),
    ({"currency": "EURO"}, ("FORMAT", ("currency",))),
    ({"currency": None}, ("FORMAT", ("currency",))),
    ({"data_distribution_id": new_id()}, ("NOT_FOUND", ("data_distribution_id",))),
    ({"form": {"name": "headline"}}, ("TYPE", ("form",))),
    ({"form": [{"name": "1st", "label": "First"}]}, ("NAME", ("form", "0", "name"))),
])
async def test_a_value_that_does_not_fit_is_refused_where_it_is_wrong(
    world: World, fields: dict[str, Any], fault: tuple[str, tuple[str, ...]]
) -> None:
    campaign = await world.campaign("by_form", form=FORM)
    assert faults(await world.refused(world.owner, change_campaign(campaign, **fields))) == [fault]
    assert faults(await world.refused(world.owner, make_campaign(TEMPLATES["by_form"], **fields))) == [fault]


async def test_every_fault_is_told_at_once(world: World) -> None:  # [6.7]
    fields = {"label": "", "budget": -1, "currency": "E", "targeting": 1, "form": [{}], "data_distribution_id": KEY}
    problems = await world.refused(world.owner, make_campaign(TEMPLATES["by_form"], **fields))
    assert {problem.path[0] for problem in problems} == fields.keys()


async def test_fitting_values_are_stored(world: World) -> None:  # [8.1]
    distribution: DataDistribution = await world.do(
        world.owner, lambda work: DataDistributions(work).create({"label": "By store", "field": "entity", "rows": []})
    )
    fields = {
        "description": "<b>Hi</b><script>x</script>", "budget": 5_000_000_000, "currency": "sek",
        "unit_costs": {"email": 0, "post": 120}, "on_no_response": None, "interface": Interface.BY_BRIEF,
        "content": {"subject": "Hi {{ contact.first_name }}"}, "data_distribution_id": distribution.id,
        "targeting": {"filter": {"field": "city", "operator": "EQ", "value": "Paris"}},
    }
    made = await world.campaign("by_form", **fields)
    stored = await world.read(Campaign, id=made.id)
    expected = fields | {"description": "<b>Hi</b>", "currency": "SEK"}
    assert {field: getattr(stored, field) for field in fields} == expected
    stored = await world.do(world.owner, change_campaign(stored, on_no_response="EXCLUDE_ALL", budget=None))
    assert (stored.on_no_response, stored.budget) == (NoResponse.EXCLUDE_ALL, None)


@pytest.mark.parametrize("field", ["type", "code", "status", "entity_id", "parent_id"])
async def test_some_fields_of_a_campaign_never_change(world: World, field: str) -> None:  # [4.2]
    campaign = await world.campaign()
    problems = await world.refused(world.owner, change_campaign(campaign, **{field: "by_form"}))
    assert faults(problems) == [("NOT_EDITABLE", (field,))]


async def test_a_campaign_is_copied_with_its_form(world: World) -> None:
    source = await world.campaign("by_form", form=FORM, nature="Our own", default_values={"headline": "Hi"})
    copy = await world.do(world.owner, copy_campaign(source, "Summer"))
    assert (copy.label, copy.nature, copy.default_values) == ("Summer", "Our own", {"headline": "Hi"})
    version = await world.read(FormVersion, campaign_id=copy.id)
    assert (version.version, [field["name"] for field in version.fields]) == (1, ["headline", "discount"])


async def test_a_campaign_becomes_a_template_from_which_others_are_made(world: World) -> None:
    source = await world.campaign("by_form", form=FORM)
    template = await world.do(world.owner, copy_campaign(source, "Ours", as_template=True, code="ourForm"))
    made = await world.do(world.owner, make_campaign("ourForm"))
    assert (made.template_id, made.form_version, made.label) == (template.id, 1, "Ours")


@pytest.mark.parametrize(("code", "as_template", "fault"), [
    ("opCollaborativeSimple", True, "TAKEN"),
    ("with space", True, "INVALID"),
    ("x" * 61, True, "INVALID"),
    ("OP2", True, "INVALID"),  # the server's own codes: a template that took one would stop every new campaign
    ("ou1_OP1", True, "INVALID"),
    ("mine", False, "NOT_EDITABLE"),
])
async def test_a_template_s_code_is_its_own(world: World, code: str, as_template: bool, fault: str) -> None:
    source = await world.campaign()
    problems = await world.refused(world.owner, copy_campaign(source, as_template=as_template, code=code))
    assert faults(problems) == [(fault, ("code",))]


async def test_a_template_does_not_run(world: World) -> None:  # [8.1]
    template = await world.read(Campaign, code=TEMPLATES["simple"])
    for act in (start_campaign(template), cancel_campaign(template)):
        assert [problem.code for problem in await world.refused(world.owner, act)] == ["IS_TEMPLATE"]


async def test_a_new_form_is_a_new_version_and_orders_keep_theirs(world: World) -> None:  # [9.3]
    package = await world.published("by_form")
    order = await world.ordered(package)
    campaign = await parent(world)
    campaign = await world.do(world.owner, change_campaign(campaign, form=FORM[:1]))
    assert campaign.form_version == 2
    assert [version.version for version in await world.all(FormVersion, campaign_id=campaign.id)] == [1, 2]
    assert (await world.read(Order, id=order.id)).form_version == 1


async def test_drafts_that_no_longer_fit_are_named_as_warnings(world: World) -> None:  # [9.3]
    package = await world.published("by_form")
    draft = await world.draft(package, parameters={"headline": "A headline that is long", "discount": 40})
    await world.do(world.owner, lambda work: Orders(work).create(package.id, world.lyon.id, {}))  # still incomplete
    campaign = await parent(world)
    form = [FORM[0] | {"max_length": 5}, FORM[1]]
    warnings = await warned(world, campaign, form=form)
    assert [(warning.code, warning.path) for warning in warnings] == [
        ("DRAFT_NO_LONGER_FITS", ("parameters", "headline"))
    ]
    assert draft.code in warnings[0].message


async def test_a_form_that_drafts_still_fit_warns_of_nothing(world: World) -> None:  # [9.3]
    package = await world.published("by_form")
    await world.draft(package)
    form = [*FORM, {"name": "footer", "label": "Footer"}]
    assert await warned(world, await parent(world), form=form) == []


async def warned(world: World, campaign: Campaign, **fields: Any) -> list[Any]:
    async def change(work: Any) -> list[Any]:
        await change_campaign(campaign, **fields)(work)
        return list(work.warnings)

    return await world.do(world.owner, change)


@pytest.mark.parametrize("fields", [
    {"form": [{"name": "headline", "label": "Headline", "max_length": 3}]},  # the default does not fit any more
    {"default_values": {"headline": "x" * 41}},
    {"default_values": {"discount": "much"}},
    {"interface": "PRE_SET"},  # asks for nothing
])
async def test_default_values_fit_what_orders_are_asked(world: World, fields: dict[str, Any]) -> None:  # [8.1, 9.2]
    campaign = await world.campaign("by_form", form=FORM, default_values={"headline": "Spring"})
    [problem] = await world.refused(world.owner, change_campaign(campaign, **fields))
    assert problem.path[0] == "default_values"


async def test_default_values_fit_the_fields_of_the_type_too(world: World) -> None:  # [3]
    world = await world.with_type(EveryHook)
    campaign = await world.campaign("every_hook", default_values={"slogan": "Spring", "own_campaign": True})
    [problem] = await world.refused(world.owner, change_campaign(campaign, default_values={"own_campaign": "perhaps"}))
    assert problem.path == ("default_values", "own_campaign")


@pytest.mark.parametrize("fields", [
    {"default_values": {}}, {"form": [FORM[0], {"name": "footer", "label": "Footer", "required": True}]},
])
async def test_a_package_in_automatic_mode_keeps_its_defaults(world: World, fields: dict[str, Any]) -> None:  # [6.5]
    package = await world.published("by_form", approval_mode="AUTOMATIC", campaign={
        "default_values": {"headline": "Spring"},
    })
    problems = await world.refused(world.owner, change_campaign(await parent(world), **fields))
    assert {problem.code for problem in problems} == {"DEFAULT_MISSING"} and package.code in problems[0].message
