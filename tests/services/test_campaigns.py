"""Campaigns: made from templates, with forms in versions, and with children that follow their parent [8.1, 9]."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update as sql_update

from server.campaign_type import Interface
from server.domain.base import new_id
from server.domain.campaign import LOCKABLE, Campaign, FormVersion, NoResponse, Origin
from server.domain.lifecycles import CampaignStatus, OrderStatus
from server.domain.network import Right
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import Event, EventKind
from server.domain.target import DataDistribution
from server.errors import NotAllowed, NotFound
from server.plugins import CampaignTypes
from server.services.campaign_fields import locked_in
from server.services.distributions import DataDistributions
from server.services.orders import Orders
from tests.builders import DAY, NOW, an_operator, given, linked
from tests.plugins.every_hook import EveryHook
from tests.services.acts import (
    cancel_campaign,
    change_campaign,
    copy_campaign,
    create,
    finish_campaign,
    make_campaign,
    start_campaign,
    submit,
    update,
)
from tests.services.conftest import FORM, TEMPLATES, World

KEY = new_id()


def faults(problems: Any) -> list[tuple[str, tuple[str, ...]]]:
    return sorted((problem.code, problem.path) for problem in problems)


async def child(world: World, **fields: Any) -> Campaign:
    """The child campaign of Paris, made when its order became available [9.7]."""
    package = await world.published("by_campaign", **fields)
    await world.decide(world.order_reviewer, await world.ordered(package))
    return await world.read(Campaign, entity_id=world.paris.id)


async def parent(world: World) -> Campaign:
    return await world.read(Campaign, is_template=False, parent_id=None)


# --- making campaigns [8.1]


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


# --- copies [4.1, 8.1]


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


# --- form versions [9.3]


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


# --- child campaigns [9.7 to 9.10]


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


async def published_package(world: World, campaign: Campaign) -> Package:
    fields = {"campaign_id": campaign.id, "start": NOW, "end": NOW + 30 * DAY, "entity_ids": [world.paris.id]}
    package = await world.do(world.owner, create(**fields))
    package = await world.do(world.owner, submit(package))
    await world.decide(world.colleague, package)
    return await world.read(Package, id=package.id)


# --- starting, finishing, cancelling [9.9, 6.6]


async def test_the_parent_s_start_opens_its_children(world: World) -> None:  # [9.9]
    made = await child(world)
    [problem] = await world.refused(world.paris_manager, start_campaign(made))
    assert problem.code == "PARENT_NOT_STARTED"
    await world.do(world.owner, start_campaign(await parent(world)))
    made = await world.read(Campaign, id=made.id)
    assert made.status == CampaignStatus.READY
    assert (await world.do(world.paris_manager, start_campaign(made))).status == CampaignStatus.IN_PROGRESS


async def test_a_child_made_after_the_start_is_open_at_once(world: World) -> None:  # [9.9]
    package = await world.published("by_campaign")
    await world.do(world.owner, start_campaign(await parent(world)))
    await world.decide(world.order_reviewer, await world.ordered(package))
    assert (await world.read(Campaign, entity_id=world.paris.id)).status == CampaignStatus.READY


async def test_finishing_the_parent_finishes_running_children_and_their_orders(world: World) -> None:  # [9.9, 6.2]
    made = await child(world)
    await world.do(world.owner, start_campaign(await parent(world)))
    await world.do(world.paris_manager, start_campaign(await world.read(Campaign, id=made.id)))
    assert (await world.do(world.owner, finish_campaign(await parent(world)))).status == CampaignStatus.FINISHED
    assert (await world.read(Campaign, id=made.id)).status == CampaignStatus.FINISHED
    assert (await world.read(Order)).status == OrderStatus.FINISHED


async def test_cancelling_a_child_cancels_its_order_and_tells(world: World) -> None:  # [6.6, 9.9, N13]
    made = await child(world)
    made = await world.do(world.paris_manager, cancel_campaign(made, "No staff"))
    order = await world.read(Order)
    assert (made.status, order.status, order.cancel_comment) == (
        CampaignStatus.CANCELED, OrderStatus.CANCELED, "No staff"
    )
    assert (await world.events()).count(EventKind.ORDER_CANCELED) == 1
    assert (await parent(world)).status == CampaignStatus.BEING_EDITED


async def test_a_subscription_cannot_be_left_through_its_child_after_the_deadline(world: World) -> None:  # [6.5]
    await world.published("by_campaign", approval_mode="AUTOMATIC", campaign_available_at=NOW + DAY, campaign={
        "default_values": {"headline": "Spring"},
    })
    await world.advance(NOW + DAY)
    made = await world.read(Campaign, entity_id=world.paris.id)
    late = NOW + 11 * DAY
    [problem] = await world.refused(world.paris_manager, cancel_campaign(made), at=late)
    assert problem.code == "REGISTRATION_CLOSED"
    assert (await world.do(world.owner, cancel_campaign(made), at=late)).status == CampaignStatus.CANCELED


async def test_a_campaign_on_offer_is_cancelled_with_its_package(world: World) -> None:  # [10.1]
    package = await world.published()
    [problem] = await world.refused(world.owner, cancel_campaign(await parent(world)))
    assert problem.code == "PACKAGE_USES_CAMPAIGN" and package.code in problem.message


async def test_a_campaign_that_no_package_needs_can_be_cancelled(world: World) -> None:  # [8.1]
    package = await world.package()  # being edited: it does not need it yet
    campaign = await world.do(world.owner, cancel_campaign(await parent(world), "Not now"))
    assert (campaign.status, package.campaign_id) == (CampaignStatus.CANCELED, campaign.id)


# what is not in the table is refused, naming the status
@pytest.mark.parametrize(("status", "acts"), [
    (CampaignStatus.BEING_EDITED, [finish_campaign]),
    (CampaignStatus.IN_PROGRESS, [start_campaign]),
    (CampaignStatus.FINISHED, [start_campaign, finish_campaign, cancel_campaign]),
    (CampaignStatus.CANCELED, [start_campaign, finish_campaign, cancel_campaign]),
])
async def test_an_illegal_move_of_a_campaign_names_its_status(
    world: World, status: CampaignStatus, acts: list[Any]
) -> None:
    campaign = await in_status(world, status)
    for act in acts:
        [problem] = await world.refused(world.owner, act(campaign))
        assert problem.code == "ILLEGAL_TRANSITION" and f"is {status}" in problem.message


@pytest.mark.parametrize("status", [CampaignStatus.FINISHED, CampaignStatus.CANCELED])
async def test_a_campaign_that_is_over_is_not_edited(world: World, status: CampaignStatus) -> None:
    campaign = await in_status(world, status)
    [problem] = await world.refused(world.owner, change_campaign(campaign, label="New"))
    assert problem.code == "NOT_EDITABLE" and status in problem.message


async def in_status(world: World, status: CampaignStatus) -> Campaign:
    campaign = await world.campaign()
    async with world.database.transaction() as session:
        await session.execute(sql_update(Campaign).where(Campaign.id == campaign.id).values(status=status))
    return await world.read(Campaign, id=campaign.id)


async def test_target_approval_starts_once_its_package_is_published(world: World) -> None:  # [9.11]
    campaign = await world.campaign("by_target_approval")
    [problem] = await world.refused(world.owner, start_campaign(campaign))
    assert problem.code == "NO_PUBLISHED_PACKAGE"
    assert (await world.read(Campaign, id=campaign.id)).status == CampaignStatus.BEING_EDITED


# --- who may [2.2, 2.3], which revision [5.7], types that are gone [3.2]

ACTS = (
    lambda campaign: change_campaign(campaign, nature="Mine"), start_campaign, finish_campaign, cancel_campaign,
)


async def test_a_campaign_out_of_scope_does_not_exist(world: World) -> None:  # [2.3]
    made, hidden = await child(world), await world.campaign()
    for unseen in (made, hidden, Campaign(id=new_id(), revision=1)):
        for act in (*ACTS, copy_campaign):
            with pytest.raises(NotFound, match="There is no such campaign"):
                await world.do(world.oslo_manager, act(unseen))


async def test_the_reference_campaign_is_central_business(world: World) -> None:  # [2.2]
    await world.published()
    for act in (*ACTS, copy_campaign):
        with pytest.raises(NotAllowed, match="central operator"):
            await world.do(world.paris_manager, act(await parent(world)))
    with pytest.raises(NotAllowed):
        await world.do(world.paris_manager, make_campaign(TEMPLATES["simple"]))


async def test_a_child_is_run_by_whoever_works_for_its_entity(world: World) -> None:  # [2.2] or for a region above it
    made = await child(world)
    paris_too = an_operator(Right.LOCAL)
    await given(world.database, paris_too, linked(paris_too, world.paris))
    for who in (paris_too, world.regional, world.owner):
        assert await world.outcome(who, change_campaign(made, typology={"rules": []})) == CampaignStatus.BEING_EDITED


async def test_a_stale_revision_of_a_campaign_is_refused(world: World) -> None:  # [5.7]
    campaign = await world.campaign()
    await world.do(world.colleague, change_campaign(campaign, main_channel="post"))
    for act in ACTS:
        [problem] = await world.refused(world.owner, act(campaign))
        assert problem.code == "STALE_REVISION" and "mainChannel" in problem.message


async def test_a_campaign_whose_type_is_gone_refuses_changes(world: World) -> None:  # [3.2]
    campaign = await world.campaign()
    without = replace(world, types=CampaignTypes(()))
    for act in (*ACTS, copy_campaign):
        assert [problem.code for problem in await without.refused(world.owner, act(campaign))] == ["TYPE_NOT_INSTALLED"]
    problems = await without.refused(world.owner, make_campaign(TEMPLATES["simple"]))
    assert [problem.code for problem in problems] == ["TYPE_NOT_INSTALLED"]
    assert (await world.read(Campaign, id=campaign.id)).label == "Spring"


async def test_a_package_s_campaign_may_change_while_it_is_offered(world: World) -> None:  # [8.1]
    package = await world.published()
    await world.do(world.owner, change_campaign(await parent(world), nature="New"))
    assert (await world.do(world.owner, update(package, message="Hi"))).revision == package.revision + 1
    assert not [event for event in await world.all(Event) if event.kind == EventKind.PACKAGE_CANCELED]
