"""A package is published when its start has come; in automatic mode that orders for the whole audience [4.4, 6.5]."""

from collections.abc import Iterable

import pytest
from sqlalchemy import update as sql_update

from server.campaign_type import Effect, PackageSnapshot
from server.domain.approval import Approval
from server.domain.lifecycles import OrderStatus, PackageStatus
from server.domain.network import Entity
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import Event, EventKind, History, TypeJob
from server.errors import CampaignTypeFailed
from server.services.approvals import Approvals, Decision
from server.services.packages import Packages
from server.services.publishing import publish_if_due
from server.services.work import Impact, Work
from tests.builders import DAY, NOW, an_entity, given
from tests.plugins.every_hook import EveryHook
from tests.services.acts import submit, update
from tests.services.conftest import World
from tests.statements import sent_statements


async def test_approval_publishes_a_package_whose_start_is_past(world: World) -> None:  # [4.4]
    package = await world.published()
    assert (package.status, package.published_at) == (PackageStatus.PUBLISHED, NOW)


async def test_an_approved_package_waits_for_its_start(world: World) -> None:  # [4.4] bounds are inclusive [4.3]
    package = await world.published(start=NOW + DAY)
    assert (package.status, package.published_at) == (PackageStatus.APPROVED, None)
    assert EventKind.PACKAGE_PUBLISHED not in await world.events()
    await world.advance(NOW + DAY)
    package = await world.read(Package)
    assert (package.status, package.published_at) == (PackageStatus.PUBLISHED, NOW + DAY)
    assert (await world.events()).count(EventKind.PACKAGE_PUBLISHED) == 1


async def test_in_manual_mode_the_audience_is_told_once(world: World) -> None:  # [N5]
    package = await world.published()
    [told] = [each for each in await world.all(Event) if each.kind == EventKind.PACKAGE_PUBLISHED]
    assert (told.package_id, told.campaign_id, told.entity_id) == (package.id, package.campaign_id, None)
    assert EventKind.PACKAGE_SUBSCRIBED not in await world.events() and not await world.all(Order)


async def test_in_automatic_mode_every_entity_takes_part_and_is_told_once(world: World) -> None:  # [6.5, N6]
    package = await world.published(approval_mode="AUTOMATIC")
    orders = await world.all(Order)
    assert {order.entity_id for order in orders} == {world.paris.id, world.lyon.id}
    assert {(order.status, order.subscribed, order.label) for order in orders} == {
        (OrderStatus.APPROVED, True, package.label)
    }
    assert {order.approved_at for order in orders} == {NOW}
    events = await world.events()
    assert (events.count(EventKind.PACKAGE_SUBSCRIBED), events.count(EventKind.PACKAGE_PUBLISHED)) == (1, 0)


async def test_each_subscription_stands_in_the_history(world: World) -> None:  # [12.1]
    await world.published(approval_mode="AUTOMATIC")
    entries = await world.all(History, action="SUBSCRIBE")
    assert {entry.entity_id for entry in entries} == {world.paris.id, world.lyon.id}
    assert {(entry.actor_id, entry.after["status"]) for entry in entries} == {(world.colleague.id, "APPROVED")}


async def test_without_notification_entities_take_part_untold(world: World) -> None:  # [4.1]
    await world.published(approval_mode="AUTOMATIC", notify_on_publication=False)
    assert EventKind.PACKAGE_SUBSCRIBED not in await world.events() and len(await world.all(Order)) == 2


async def test_an_entity_that_does_not_take_part_any_more_is_not_subscribed(world: World) -> None:
    package = await world.submitted(approval_mode="AUTOMATIC")
    async with world.database.transaction() as session:
        await session.execute(sql_update(Entity).where(Entity.id == world.lyon.id).values(active=False))
    await world.decide(world.colleague, package)
    assert [order.entity_id for order in await world.all(Order)] == [world.paris.id]


async def test_target_approval_subscribes_nobody_at_publication(world: World) -> None:  # [9.13]
    world = await world.with_type(type("Waiting", (EveryHook,), {
        "package": world.types.require("by_target_approval").rules, "template": "waiting", "fields": lambda *_: (),
    }), "waiting")
    campaign = await world.campaign("waiting")
    fields = {"campaign_id": campaign.id, "start": NOW, "end": NOW + DAY, "approval_mode": "AUTOMATIC"}
    package = await world.do(world.owner, lambda work: Packages(work).create(fields))
    package = await world.do(world.owner, submit(package))
    await world.decide(world.colleague, package)
    assert (await world.read(Package)).status == PackageStatus.PUBLISHED and not await world.all(Order)


# --- set-based [6.5]


async def statements(world: World, entities: int) -> int:
    """How many SQL statements it takes to approve, publish and subscribe to so many entities."""
    stores = [an_entity(f"Store {number}") for number in range(entities)]
    await given(world.database, stores)
    package = await world.submitted(approval_mode="AUTOMATIC", entity_ids=[store.id for store in stores])
    with sent_statements() as seen:
        await world.decide(world.colleague, package)
    assert len(await world.all(Order, package_id=package.id)) == entities
    return len(seen)


async def test_publication_takes_as_many_statements_for_200_entities_as_for_30(world: World) -> None:  # [6.5]
    assert await statements(world, 200) == await statements(world, 30)


# --- what publication would change [10.3]


@pytest.mark.parametrize(("mode", "kind", "orders"), [
    ("MANUAL", EventKind.PACKAGE_PUBLISHED, 0), ("AUTOMATIC", EventKind.PACKAGE_SUBSCRIBED, 2),
])
async def test_a_dry_run_of_the_approval_counts_what_publication_would_do(
    world: World, mode: str, kind: EventKind, orders: int
) -> None:
    package = await world.submitted(approval_mode=mode)
    before = await world.events()
    impact = await rehearsed_approval(world, package)
    assert (impact.counts["ENTITY"], impact.counts.get("ORDER", 0), impact.counts["MESSAGE"]) == (2, orders, 2)
    assert {item.change for item in impact.items if item.kind == "MESSAGE"} == {kind}
    assert {item.code for item in impact.items if item.kind == "ENTITY"} == {"PARIS", "LYON"}
    assert (await world.read(Package)).status == PackageStatus.PENDING_APPROVAL
    assert not await world.all(Order) and await world.events() == before


async def test_a_dry_run_counts_entities_that_are_not_told(world: World) -> None:  # [10.3]
    package = await world.submitted(notify_on_publication=False)
    impact = await rehearsed_approval(world, package)
    assert (impact.counts["ENTITY"], impact.counts.get("MESSAGE", 0)) == (2, 0)


async def rehearsed_approval(world: World, package: Package) -> Impact:
    question = await world.read(Approval, package_id=package.id)
    return await world.rehearsed(
        world.colleague, lambda work: Approvals(work).decide(question.id, package.revision, Decision.APPROVE)
    )


# --- what the type has to say [3]


async def ready(world: World, kind: type[EveryHook]) -> tuple[World, Package]:
    world = await world.with_type(kind)
    campaign = await world.campaign("every_hook", default_values={"slogan": "Spring"})
    fields = {
        "campaign_id": campaign.id, "start": NOW, "end": NOW + DAY, "approval_mode": "AUTOMATIC",
        "entity_ids": [world.paris.id],
    }
    package = await world.do(world.owner, lambda work: Packages(work).create(fields))
    return world, await world.do(world.owner, submit(package))


async def test_the_effects_of_the_type_s_hook_are_done(world: World) -> None:
    world, package = await ready(world, EveryHook)
    await world.decide(world.colleague, package)
    assert [(job.name, job.arguments) for job in await world.all(TypeJob)] == [("published", {"package": package.code})]
    [message] = await world.all(Event, kind=EventKind.TYPE_MESSAGE)
    assert message.payload == {"receivers": "OWNER", "text": f"{package.label} is out."}


class Failing(EveryHook):
    """Fails when its package is out."""

    def after_publication(self, package: PackageSnapshot) -> Iterable[Effect]:
        raise ValueError("no such region")


async def test_a_hook_that_fails_undoes_the_publication(world: World) -> None:  # [3.2]
    world, package = await ready(world, Failing)
    before = await world.events()
    with pytest.raises(CampaignTypeFailed):
        await world.decide(world.colleague, package)
    assert (await world.read(Package)).status == PackageStatus.PENDING_APPROVAL
    assert not await world.all(Order) and await world.events() == before


async def test_publication_before_the_start_does_nothing(world: World) -> None:  # [4.4]
    package = await world.published(start=NOW + DAY)

    async def publish(work: Work) -> bool:
        return await publish_if_due(work, await work.session.get_one(Package, package.id))

    assert await world.do(world.owner, publish) is False
    assert (await world.do(world.owner, update(package, message="Soon"))).status == PackageStatus.APPROVED
