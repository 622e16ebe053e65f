"""Entities are added to a package and taken out of it, also while they see it [4.7]."""

import pytest
from sqlalchemy import update as sql_update

from server.domain.base import new_id
from server.domain.lifecycles import OrderStatus, PackageStatus
from server.domain.network import EntityKind
from server.domain.order import Order
from server.domain.package import Package, PackageEntity
from server.domain.record import Event, EventKind
from server.services.orders import Orders
from server.services.packages import LiveOrders
from tests.builders import a_package, an_entity
from tests.plugins.every_hook import EveryHook
from tests.services.acts import offer, submit, take_back, update
from tests.services.conftest import FORM, World


async def audience(world: World) -> set[str]:
    codes = {entity.id: entity.code for entity in (world.paris, world.lyon, world.oslo)}
    return {codes[row.entity_id] for row in await world.rows(PackageEntity)}


async def added(world: World) -> list[Event]:
    return await world.all(Event, kind=EventKind.ENTITY_ADDED)


async def test_an_entity_added_to_a_published_package_is_told(world: World) -> None:  # [4.7, N17]
    package = await world.published()
    package = await world.do(world.owner, offer(package, world.oslo, world.oslo, world.paris))
    [event] = await added(world)  # those who were there already are not told again
    assert (event.package_id, event.entity_id, event.payload) == (package.id, world.oslo.id, {"subscribed": False})
    assert await audience(world) == {"PARIS", "LYON", "OSLO"} and not await world.all(Order)


async def test_an_entity_added_in_automatic_mode_is_subscribed(world: World) -> None:  # [4.7, 6.5]
    package = await world.published("by_form", approval_mode="AUTOMATIC", campaign={
        "form": FORM, "default_values": {"headline": "Spring"},
    })
    await world.do(world.owner, offer(package, world.oslo))
    order = await world.read(Order, entity_id=world.oslo.id)
    assert (order.status, order.subscribed) == (OrderStatus.APPROVED, True)
    assert order.parameters == {"headline": "Spring", "discount": 10}
    assert [event.payload for event in await added(world)] == [{"subscribed": True}]
    assert len(await world.all(Order)) == 3


@pytest.mark.parametrize("status", [PackageStatus.BEING_EDITED, PackageStatus.APPROVED])
async def test_before_publication_nobody_is_told(world: World, status: PackageStatus) -> None:
    package = await world.package(approval_mode="AUTOMATIC")
    async with world.database.transaction() as session:
        await session.execute(sql_update(Package).values(status=status))
    await world.do(world.owner, offer(package, world.oslo))
    assert not await added(world) and not await world.all(Order)


@pytest.mark.parametrize("status", [PackageStatus.PENDING_APPROVAL, PackageStatus.ENDED, PackageStatus.CANCELED])
async def test_the_audience_stands_while_reviewers_decide_and_when_all_is_over(
    world: World, status: PackageStatus
) -> None:
    package = await world.package()
    async with world.database.transaction() as session:
        await session.execute(sql_update(Package).values(status=status))
    for act in (offer(package, world.oslo), take_back(package, world.paris)):
        [problem] = await world.refused(world.owner, act)
        assert problem.code == "ILLEGAL_TRANSITION" and f"is {status}" in problem.message
        assert "PUBLISHED" in problem.message  # what would be right


async def test_an_entity_without_an_order_leaves_at_once(world: World) -> None:  # [4.7]
    package = await world.published()
    await world.do(world.owner, take_back(package, world.paris))
    assert await audience(world) == {"LYON"}


async def test_an_entity_with_a_live_order_leaves_by_an_explicit_choice(world: World) -> None:  # [4.7]
    package = await world.published()
    await world.ordered(package)
    [problem] = await world.refused(world.owner, take_back(package, world.paris))
    assert (problem.code, problem.path) == ("LIVE_ORDERS", ("live_orders",))
    assert "1 live order" in problem.message and "CANCEL or KEEP" in problem.message
    assert await audience(world) == {"PARIS", "LYON"}


async def test_its_order_is_cancelled_when_central_says_so(world: World) -> None:  # [4.7, N13]
    package = await world.published()
    order = await world.ordered(package)
    other = await world.do(world.owner, lambda work: Orders(work).create(package.id, world.lyon.id, {}))
    await world.do(world.owner, take_back(package, world.paris, live_orders=LiveOrders.CANCEL, comment="Closing"))
    order = await world.read(Order, id=order.id)
    assert (order.status, order.cancel_comment) == (OrderStatus.CANCELED, "Closing")
    [event] = await world.all(Event, kind=EventKind.ORDER_CANCELED)
    assert (event.entity_id, event.payload["comment"]) == (world.paris.id, "Closing")
    assert (await world.read(Order, id=other.id)).status == OrderStatus.DRAFT


async def test_its_order_is_kept_when_central_says_so(world: World) -> None:  # [4.7]
    package = await world.published()
    order = await world.ordered(package)
    package = await world.do(world.owner, take_back(package, world.paris, live_orders=LiveOrders.KEEP))
    assert (await world.read(Order)).status == OrderStatus.ORDERED and await audience(world) == {"LYON"}
    await world.decide(world.order_reviewer, order)
    assert (await world.read(Order)).status == OrderStatus.AVAILABLE


async def test_an_entity_that_comes_back_to_its_kept_order_is_not_subscribed_twice(world: World) -> None:  # [6.3]
    package = await world.published(approval_mode="AUTOMATIC")
    package = await world.do(world.owner, take_back(package, world.paris, live_orders=LiveOrders.KEEP))
    await world.do(world.owner, offer(package, world.paris))
    assert [order.status for order in await world.all(Order)] == [OrderStatus.APPROVED] * 2


async def test_faulty_entities_are_named_one_by_one(world: World) -> None:
    package = await world.published()
    ghost = an_entity("Ghost", kind=EntityKind.LOCAL, id=new_id())
    problems = await world.refused(world.owner, offer(package, world.oslo, world.head, ghost))
    assert [(problem.code, problem.path) for problem in problems] == [
        ("NOT_LOCAL", ("entity_ids", "1")), ("NOT_FOUND", ("entity_ids", "2"))
    ]
    problems = await world.refused(world.owner, take_back(package, world.paris, world.oslo, ghost))
    assert [(problem.code, problem.path) for problem in problems] == [
        ("NOT_IN_AUDIENCE", ("entity_ids", "1")), ("NOT_IN_AUDIENCE", ("entity_ids", "2"))
    ]
    assert await audience(world) == {"PARIS", "LYON"}


async def test_nobody_is_no_audience_to_add_or_remove(world: World) -> None:
    package = await world.published()
    for act in (offer(package), take_back(package)):
        [problem] = await world.refused(world.owner, act)
        assert (problem.code, problem.path) == ("REQUIRED", ("entity_ids",))


async def test_a_package_for_everybody_has_no_list_to_change(world: World) -> None:  # [3] none means everyone
    world = await world.with_type(EveryHook)
    campaign = await world.campaign("every_hook")
    package = a_package(campaign, world.owner, PackageStatus.BEING_EDITED)
    async with world.database.transaction() as session:
        session.add(package)
    package = await world.do(world.owner, submit(package))
    assert package.offered_to_all
    await world.decide(world.colleague, package)
    package = await world.read(Package, id=package.id)
    for act in (offer(package, world.oslo), take_back(package, world.paris)):
        assert [problem.code for problem in await world.refused(world.owner, act)] == ["OFFERED_TO_ALL"]


async def test_an_optional_audience_that_is_given_is_the_audience(world: World) -> None:  # [3]
    world = await world.with_type(EveryHook)
    campaign = await world.campaign("every_hook")
    package = a_package(campaign, world.owner, PackageStatus.BEING_EDITED)
    async with world.database.transaction() as session:
        session.add(package)
    package = await world.do(world.owner, update(package, entity_ids=[world.lyon.id]))
    assert not (await world.do(world.owner, submit(package))).offered_to_all
