"""Campaigns start, finish and are cancelled, with their children; and who may have them do so [2.2, 6.6, 9.9]."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update as sql_update

from server.domain.base import new_id
from server.domain.campaign import Campaign
from server.domain.lifecycles import CampaignStatus, OrderStatus
from server.domain.network import Right
from server.domain.order import Order
from server.domain.record import Event, EventKind
from server.errors import NotAllowed, NotFound
from server.plugins import CampaignTypes
from tests.builders import DAY, NOW, an_operator, given, linked
from tests.services.acts import (
    cancel_campaign,
    change_campaign,
    copy_campaign,
    finish_campaign,
    make_campaign,
    start_campaign,
    update,
)
from tests.services.conftest import TEMPLATES, World
from tests.services.family import child, parent


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
