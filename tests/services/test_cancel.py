"""Cancelling and reinitializing packages, and what a dry run of the dangerous acts answers with [10]."""

import pytest
from sqlalchemy import update as sql_update

from server.domain.approval import Approval, ApprovalStatus
from server.domain.campaign import Campaign
from server.domain.lifecycles import CampaignStatus, OrderStatus, PackageStatus
from server.domain.order import Order
from server.domain.package import Package, PackageEntity
from server.domain.record import Event, EventKind, History, TypeJob
from server.errors import NotFound
from server.services.orders import Orders
from server.services.packages import LiveOrders
from server.services.work import Work
from tests.builders import DAY, NOW, an_entity, given, offered
from tests.plugins.every_hook import EveryHook
from tests.services.acts import (
    cancel,
    cancel_campaign,
    create,
    finish_campaign,
    offer,
    reinitialize,
    start_campaign,
    submit,
    take_back,
    update,
)
from tests.services.conftest import World
from tests.statements import sent_statements


async def busy(world: World) -> Package:
    """A package by campaign: Paris runs its child campaign, Lyon waits for a decision."""
    package = await world.published("by_campaign")
    await world.decide(world.order_reviewer, await world.ordered(package))
    draft = await world.do(world.owner, lambda work: Orders(work).create(
        package.id, world.lyon.id, {"parameters": {"headline": "Lyon"}}
    ))
    await world.do(world.owner, lambda work: Orders(work).submit(draft.id, draft.revision))
    return package


async def reference(world: World, package: Package) -> Campaign:
    return await world.read(Campaign, id=package.campaign_id)


# --- cancelling [10.1]


async def test_a_package_is_cancelled_with_its_orders_and_campaigns(world: World) -> None:  # [10.1]
    package = await busy(world)
    package = await world.do(world.owner, cancel(package, "The supplier left"))
    assert (package.status, package.canceled_at, package.cancel_comment) == (
        PackageStatus.CANCELED, NOW, "The supplier left"
    )
    orders = await world.all(Order)
    assert {(order.status, order.canceled_at, order.canceled_by_id, order.cancel_comment) for order in orders} == {
        (OrderStatus.CANCELED, NOW, world.owner.id, "The supplier left")
    }
    campaigns = await world.all(Campaign, is_template=False)
    assert [campaign.status for campaign in campaigns] == [CampaignStatus.CANCELED] * 2
    assert not await world.all(Approval, status=ApprovalStatus.PENDING)


async def test_every_entity_concerned_is_told_once_with_the_comment(world: World) -> None:  # [10.1, N12]
    package = await busy(world)
    await given(world.database, offered(package, world.oslo))  # holds no order, but could see it
    await world.do(world.owner, cancel(package, "The supplier left"))
    [event] = await world.all(Event, kind=EventKind.PACKAGE_CANCELED)
    assert event.payload == {"comment": "The supplier left", "entities": ["LYON", "OSLO", "PARIS"]}
    assert EventKind.ORDER_CANCELED not in await world.events()  # the package's message is the one


async def test_an_entity_that_left_with_its_order_kept_is_told_too(world: World) -> None:  # [N12, 4.7]
    package = await world.published()
    await world.ordered(package)
    package = await world.do(world.owner, take_back(package, world.paris, live_orders=LiveOrders.KEEP))
    await world.do(world.owner, cancel(package))
    [event] = await world.all(Event, kind=EventKind.PACKAGE_CANCELED)
    assert event.payload["entities"] == ["LYON", "PARIS"]


async def test_entities_do_not_hear_of_a_package_that_they_never_saw(world: World) -> None:  # [2.3, N12]
    package = await world.submitted()
    await world.do(world.owner, cancel(package))
    [event] = await world.all(Event, kind=EventKind.PACKAGE_CANCELED)
    assert event.payload["entities"] == []
    assert (await world.read(Approval)).status == ApprovalStatus.WITHDRAWN
    assert EventKind.APPROVAL_WITHDRAWN in await world.events()  # its reviewers do [N18]


async def test_a_finished_campaign_and_its_orders_stay_finished(world: World) -> None:  # [6.2, 10.1]
    package = await world.published()
    await world.decide(world.order_reviewer, await world.ordered(package))
    campaign = await world.do(world.owner, start_campaign(await reference(world, package)))
    await world.do(world.owner, finish_campaign(campaign))
    await world.do(world.owner, cancel(package))
    assert (await reference(world, package)).status == CampaignStatus.FINISHED
    assert (await world.read(Order)).status == OrderStatus.FINISHED


async def test_a_campaign_that_another_package_offers_goes_on(world: World) -> None:  # [4.2, 10.1]
    first = await world.published()
    second = await world.do(world.owner, create(
        campaign_id=first.campaign_id, start=NOW, end=NOW + DAY, registration_deadline=NOW, entity_ids=[world.oslo.id],
    ))
    second = await world.do(world.owner, submit(second))

    async def act(work: Work) -> list[str]:
        await cancel(first)(work)
        return [warning.message for warning in work.warnings]

    [warning] = await world.do(world.owner, act)
    assert second.code in warning
    assert (await reference(world, first)).status == CampaignStatus.BEING_EDITED
    await world.do(world.owner, cancel(second))
    assert (await reference(world, first)).status == CampaignStatus.CANCELED


async def test_a_cancelled_package_stays_readable_to_central_alone(world: World) -> None:  # [10.2]
    package = await world.published()
    await world.do(world.owner, cancel(package))
    assert await world.outcome(world.owner, reinitialize(await world.read(Package))) == PackageStatus.BEING_EDITED
    with pytest.raises(NotFound):
        await world.do(world.paris_manager, update(package, message="Hi"))


async def test_the_type_has_its_say_on_approved_orders(world: World) -> None:  # [10.1]
    world = await world.with_type(EveryHook)
    campaign = await world.campaign("every_hook", default_values={"slogan": "Spring"})
    package = await world.do(world.owner, create(
        campaign_id=campaign.id, start=NOW, end=NOW + DAY, approval_mode="AUTOMATIC", entity_ids=[world.paris.id],
    ))
    package = await world.do(world.owner, submit(package))
    await world.decide(world.colleague, package)
    await world.do(world.owner, cancel(await world.read(Package)))
    order = await world.read(Order)
    assert [job.arguments for job in await world.all(TypeJob, name="cancelled")] == [{"order": order.code}]


async def statements(world: World, entities: int) -> int:
    """How many SQL statements it takes to cancel a package with so many orders."""
    stores = [an_entity(f"Store {number}") for number in range(entities)]
    await given(world.database, stores)
    package = await world.published(approval_mode="AUTOMATIC", entity_ids=[store.id for store in stores])
    with sent_statements() as seen:
        await world.do(world.owner, cancel(package))
    assert len(await world.all(Order, package_id=package.id, status=OrderStatus.CANCELED)) == entities
    return len(seen)


async def test_a_cancellation_takes_as_many_statements_for_200_orders_as_for_30(world: World) -> None:  # [10.1]
    assert await statements(world, 200) == await statements(world, 30)


# --- the next cycle [10.2]


async def test_live_orders_need_an_explicit_choice(world: World) -> None:  # [10.2]
    package = await busy(world)
    [problem] = await world.refused(world.owner, reinitialize(package))
    assert (problem.code, problem.path) == ("LIVE_ORDERS", ("live_orders",)) and "2 live orders" in problem.message
    assert (await world.read(Package)).cycle == 1


async def test_live_orders_are_cancelled_and_their_entities_told(world: World) -> None:  # [10.2, N13]
    package = await busy(world)
    package = await world.do(world.owner, reinitialize(package, LiveOrders.CANCEL, "Once more"))
    assert (package.status, package.cycle, package.published_at) == (PackageStatus.BEING_EDITED, 2, None)
    assert {order.status for order in await world.all(Order)} == {OrderStatus.CANCELED}
    told = await world.all(Event, kind=EventKind.ORDER_CANCELED)
    assert sorted(event.entity_id for event in told) == sorted([world.paris.id, world.lyon.id])
    assert {event.payload["comment"] for event in told} == {"Once more"}
    assert (await world.read(Campaign, entity_id=world.paris.id)).status == CampaignStatus.CANCELED


async def test_kept_orders_go_on_in_their_cycle(world: World) -> None:  # [10.2]
    package = await busy(world)
    await world.do(world.owner, reinitialize(package, LiveOrders.KEEP))
    assert {(order.status, order.cycle) for order in await world.all(Order)} == {
        (OrderStatus.AVAILABLE, 1), (OrderStatus.ORDERED, 1)
    }
    assert EventKind.ORDER_CANCELED not in await world.events()
    assert (await world.read(Campaign, entity_id=world.paris.id)).status == CampaignStatus.BEING_EDITED


async def test_without_live_orders_nothing_has_to_be_said(world: World) -> None:  # [10.2]
    package = await world.published()
    assert (await world.do(world.owner, reinitialize(package))).cycle == 2


@pytest.mark.parametrize("choice", LiveOrders)
async def test_an_entity_orders_again_in_the_next_cycle(world: World, choice: LiveOrders) -> None:  # [10.2, 6.3]
    package = await world.published()
    first = await world.ordered(package)
    package = await world.do(world.owner, reinitialize(package, choice))
    package = await world.do(world.owner, submit(package))
    await world.decide(world.colleague, package)
    second = await world.ordered(await world.read(Package))
    assert (second.cycle, second.status) == (2, OrderStatus.ORDERED)
    kept = OrderStatus.ORDERED if choice is LiveOrders.KEEP else OrderStatus.CANCELED
    assert (await world.read(Order, id=first.id)).status == kept


async def test_the_next_cycle_subscribes_everybody_anew(world: World) -> None:  # [6.5, 10.2]
    package = await world.published(approval_mode="AUTOMATIC")
    package = await world.do(world.owner, reinitialize(package, LiveOrders.KEEP))
    package = await world.do(world.owner, submit(package))
    await world.decide(world.colleague, package)
    assert sorted(order.cycle for order in await world.all(Order)) == [1, 1, 2, 2]


async def test_a_cancelled_campaign_comes_back_with_its_package(world: World) -> None:  # [10.2]
    package = await world.published()
    package = await world.do(world.owner, cancel(package, "A mistake"))
    package = await world.do(world.owner, reinitialize(package))
    assert (await reference(world, package)).status == CampaignStatus.BEING_EDITED
    assert (package.canceled_at, package.cancel_comment) == (None, "")
    assert (await world.do(world.owner, submit(package))).status == PackageStatus.PENDING_APPROVAL


async def test_a_campaign_with_kept_orders_is_not_cancelled_under_them(world: World) -> None:  # [10.2, 9.9]
    package = await busy(world)
    await world.do(world.owner, reinitialize(package, LiveOrders.KEEP))
    [problem] = await world.refused(world.owner, cancel_campaign(await reference(world, package)))
    assert problem.code == "PACKAGE_USES_CAMPAIGN" and package.code in problem.message


async def test_the_audience_of_target_approval_follows_from_the_next_contacts(world: World) -> None:  # [3, 10.2]
    package = await world.package("by_target_approval")
    await given(world.database, offered(package, world.paris))  # as the distribution left it
    async with world.database.transaction() as session:
        await session.execute(sql_update(Package).values(status=PackageStatus.ENDED))
    await world.do(world.owner, reinitialize(await world.read(Package)))
    assert await world.rows(PackageEntity) == []


async def test_orders_of_an_earlier_cycle_do_not_hold_an_entity_in_the_audience(world: World) -> None:  # [4.7, 10.2]
    package = await world.published()
    await world.ordered(package)
    package = await world.do(world.owner, reinitialize(package, LiveOrders.KEEP))
    await world.do(world.owner, take_back(package, world.paris, live_orders=LiveOrders.CANCEL))
    assert (await world.read(Order)).status == OrderStatus.ORDERED


# --- dry runs [10.3]


async def everything(world: World) -> list[object]:
    """What a change would change: statuses, revisions, events, history."""
    found: list[object] = [
        (thing.id, thing.status, thing.revision)
        for kind in (Package, Order, Campaign, Approval) for thing in await world.all(kind)
    ]
    return found + [event.id for event in await world.all(Event)] + [entry.id for entry in await world.all(History)]


async def test_a_dry_run_of_a_cancellation_counts_and_changes_nothing(world: World) -> None:  # [10.3]
    package = await busy(world)
    before = await everything(world)
    impact = await world.rehearsed(world.owner, cancel(package, "Once"))
    assert impact.counts == {"PACKAGE": 1, "ORDER": 2, "CAMPAIGN": 2, "ENTITY": 2, "MESSAGE": 2}
    assert {(item.code, item.change) for item in impact.items if item.kind == "ENTITY"} == {
        ("LYON", "TOLD"), ("PARIS", "TOLD")
    }
    assert await everything(world) == before


async def test_a_dry_run_of_a_reinitialization_counts_and_changes_nothing(world: World) -> None:  # [10.3]
    package = await world.do(world.owner, cancel(await busy(world)))
    before = await everything(world)
    impact = await world.rehearsed(world.owner, reinitialize(package))
    assert impact.counts == {"PACKAGE": 1, "CAMPAIGN": 1} and await everything(world) == before


async def test_a_dry_run_tells_what_the_choice_for_live_orders_means(world: World) -> None:  # [10.2, 10.3]
    package = await busy(world)
    kept = await world.rehearsed(world.owner, reinitialize(package, LiveOrders.KEEP))
    assert kept.counts == {"PACKAGE": 1}
    cancelled = await world.rehearsed(world.owner, reinitialize(package, LiveOrders.CANCEL))
    assert cancelled.counts == {"PACKAGE": 1, "ORDER": 2, "CAMPAIGN": 1, "MESSAGE": 2}


async def test_a_dry_run_of_a_removal_counts_and_changes_nothing(world: World) -> None:  # [10.3]
    package = await busy(world)
    before = await everything(world)
    impact = await world.rehearsed(world.owner, take_back(package, world.paris, live_orders=LiveOrders.CANCEL))
    assert impact.counts == {"ENTITY": 1, "ORDER": 1, "CAMPAIGN": 1, "MESSAGE": 1}
    assert await everything(world) == before


async def test_a_dry_run_of_an_addition_counts_who_is_told_and_subscribed(world: World) -> None:  # [10.3]
    package = await world.published(approval_mode="AUTOMATIC")
    impact = await world.rehearsed(world.owner, offer(package, world.oslo))
    assert impact.counts == {"ENTITY": 1, "MESSAGE": 1, "ORDER": 1}


async def test_a_dry_run_names_the_first_200_changes_and_counts_all(world: World) -> None:  # [10.3]
    stores = [an_entity(f"Store {number}") for number in range(150)]
    await given(world.database, stores)
    package = await world.published(entity_ids=[store.id for store in stores])
    impact = await world.rehearsed(world.owner, cancel(package))
    assert (impact.counts["ENTITY"], impact.counts["MESSAGE"], len(impact.items)) == (150, 150, 200)
