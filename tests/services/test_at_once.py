"""What is due for many orders is done for all of them at once, and comes to the same as for one [6.2, 9.7, 9.15]."""

from collections.abc import Iterable
from typing import Any

import pytest

from server.campaign_type import Effect, OrderSnapshot, PackageSnapshot
from server.domain.approval import Approval, ApprovalReviewer, ApprovalStatus, ApprovalSubject
from server.domain.campaign import Campaign
from server.domain.lifecycles import OrderStatus
from server.domain.network import Entity
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import Event, EventKind, History, TypeJob
from server.services.due import Due
from tests.builders import DAY, NOW, an_entity, an_order, given
from tests.plugins.every_hook import EveryHook
from tests.services.conftest import World
from tests.services.lists import people, spread
from tests.statements import sent_statements

AVAILABLE_AT = NOW + 5 * DAY


async def stores(world: World, number: int, **fields: Any) -> list[Entity]:
    made = [an_entity(f"Store {index}", **fields) for index in range(number)]
    await given(world.database, made)
    return made


async def waiting(world: World, number: int, **fields: Any) -> Package:
    """A package of the type with every hook, and so many approved orders that wait for its availability date."""
    campaign = await world.campaign("every_hook", default_values={"slogan": "Spring"})
    package = await world.published(
        "every_hook", campaign_id=campaign.id, entity_ids=[], campaign_available_at=AVAILABLE_AT
    )
    parameters = {"slogan": "Spring", "own_campaign": True} | fields
    await given(world.database, [
        an_order(package, place, OrderStatus.APPROVED, approved_at=NOW, parameters=parameters)
        for place in await stores(world, number)
    ])
    return package


async def make_available(world: World) -> int:
    return await Due(world.database, world.types, world.settings).make_available(AVAILABLE_AT)


@pytest.fixture
async def hooked(world: World) -> World:
    return await world.with_type(EveryHook)


class TestAvailability:
    async def test_of_many_does_every_effect_for_each(self, hooked: World) -> None:
        package = await waiting(hooked, 5)
        assert await make_available(hooked) == 5
        orders = await hooked.all(Order, status=OrderStatus.AVAILABLE)
        children = await hooked.all(Campaign, parent_id=package.campaign_id)
        assert {(order.campaign_id, order.entity_id) for order in orders} == {
            (child.id, child.entity_id) for child in children
        }
        assert len({child.code for child in children}) == 5
        assert len(await hooked.all(TypeJob, name="approved")) == 5
        assert len(await hooked.all(Event, kind=EventKind.TYPE_MESSAGE)) == 3 * 5 + 1  # one of the publication
        told = await hooked.all(Event, kind=EventKind.CAMPAIGN_AVAILABLE)
        assert {(event.order_id, event.campaign_id) for event in told} == {
            (order.id, order.campaign_id) for order in orders
        }

    @pytest.mark.parametrize("own_campaign", [True, False])
    async def test_of_many_is_recorded_like_that_of_one(self, hooked: World, own_campaign: bool) -> None:  # [12.1]
        await waiting(hooked, 1, own_campaign=own_campaign)
        await make_available(hooked)
        alone = await hooked.all(History, actor_id=None)
        await waiting(hooked, 3, own_campaign=own_campaign)
        await make_available(hooked)
        many = [entry for entry in await hooked.all(History, actor_id=None) if entry.id > alone[-1].id]
        assert sorted(_shape(entry) for entry in many) == sorted(3 * [_shape(entry) for entry in alone])

    async def test_of_many_counts_their_revisions_once(self, hooked: World) -> None:  # [5.7]
        await waiting(hooked, 3)
        await make_available(hooked)
        assert {order.revision for order in await hooked.all(Order)} == {2}
        assert {entry.revision for entry in await hooked.all(History, action="MAKE_AVAILABLE")} == {2}

    async def test_takes_as_many_statements_for_60_orders_as_for_20(self, hooked: World) -> None:
        counts = []
        for number in (20, 60):
            await waiting(hooked, number)
            with sent_statements() as seen:
                assert await make_available(hooked) == number
            counts.append(len(seen))
        assert counts[0] == counts[1]

    async def test_an_order_whose_type_fails_holds_up_no_other(self, world: World) -> None:  # [3.2]
        world = await world.with_type(Picky)
        await waiting(world, 4)
        bad, *good = await world.all(Order)
        async with world.database.transaction() as session:
            stored = await session.get_one(Order, bad.id)
            stored.parameters = {"slogan": "forbidden"}
        assert await make_available(world) == 3
        done = await world.all(Order, status=OrderStatus.AVAILABLE)
        assert {order.id for order in done} == {order.id for order in good}
        assert len(await world.all(Event, kind=EventKind.CAMPAIGN_AVAILABLE)) == 3

    async def test_done_again_changes_nothing(self, hooked: World) -> None:
        await waiting(hooked, 3)
        await make_available(hooked)
        before = len(await hooked.all(History))
        assert await make_available(hooked) == 0 and len(await hooked.all(History)) == before


class Picky(EveryHook):
    """Fails for one slogan."""

    def after_approval(self, package: PackageSnapshot, order: OrderSnapshot) -> Iterable[Effect]:
        if order.parameters["slogan"] == "forbidden":
            raise ValueError("no such slogan")
        return super().after_approval(package, order)


def _shape(entry: History) -> str:
    """What an entry says, without whom it is about."""
    own = (
        "code", "entity_id", "campaign_id", "order", "label", "parent_id", "template_id", "package_id", "order_id",
    )
    before, after = ({key: "" if key in own else value for key, value in each.items()}
                     for each in (entry.before, entry.after))
    return f"{entry.subject} {entry.action} {entry.revision} {sorted(before.items())} {sorted(after.items())}"


class TestSilence:
    """Lists whose deadline passes without an answer [9.15]."""

    @pytest.mark.parametrize(("mode", "silence", "answer", "status"), [
        ("MANUAL", None, ApprovalStatus.REJECTED, OrderStatus.EXPIRED),
        ("MANUAL", "KEEP_PRESELECTED", ApprovalStatus.APPROVED, OrderStatus.ORDERED),
        ("AUTOMATIC", None, ApprovalStatus.APPROVED, OrderStatus.AVAILABLE),
        ("AUTOMATIC", "EXCLUDE_ALL", ApprovalStatus.REJECTED, OrderStatus.AVAILABLE),
    ])
    async def test_of_many_comes_to_the_same_as_that_of_one(
        self, world: World, mode: str, silence: str | None, answer: ApprovalStatus, status: OrderStatus
    ) -> None:
        shapes = []
        for number in (1, 3):
            package = await listed(world, number, mode, silence)
            assert await close_lists(world) == number
            questions = await world.all(Approval, package_id=package.id, subject=ApprovalSubject.TARGET)
            orders = await world.all(Order, package_id=package.id)
            assert ({each.status for each in questions}, {each.status for each in orders}) == ({answer}, {status})
            assert {order.approved_contacts for order in orders} == {0 if answer is ApprovalStatus.REJECTED else 2}
            questions = await world.all(Approval, package_id=package.id)  # those that it caused, too
            mine = {*(each.id for each in questions), *(each.id for each in orders)}
            entries = [entry for entry in await world.all(History, actor_id=None) if entry.subject_id in mine]
            shapes.append({_shape(entry) for entry in entries})
            assert len(entries) == number * len(shapes[-1])
        assert shapes[0] == shapes[1]

    async def test_in_manual_mode_asks_the_reviewers_of_each_order(self, world: World) -> None:  # [5.6]
        await listed(world, 3, "MANUAL", "KEEP_PRESELECTED", order_reviewers_id=world.order_reviewers.id)
        await close_lists(world)
        orders = await world.all(Order)
        asked = await world.all(Approval, subject=ApprovalSubject.ORDER, status=ApprovalStatus.PENDING)
        revisions = {each.id: each.revision for each in orders}
        assert {each.order_id: each.subject_revision for each in asked} == revisions
        reviewers = [each for each in await world.all(ApprovalReviewer) if each.approval_id in {a.id for a in asked}]
        assert [each.group_id for each in reviewers] == [world.order_reviewers.id] * 3
        assert (await world.events()).count(EventKind.ORDER_SUBMITTED) == 3

    @pytest.mark.parametrize(("mode", "silence"), [
        ("MANUAL", "EXCLUDE_ALL"), ("MANUAL", "KEEP_PRESELECTED"), ("AUTOMATIC", "KEEP_PRESELECTED"),
    ])
    async def test_takes_as_many_statements_for_24_lists_as_for_8(
        self, world: World, mode: str, silence: str
    ) -> None:
        counts = []
        for number in (8, 24):
            await listed(world, number, mode, silence)
            with sent_statements() as seen:
                assert await close_lists(world) == number
            counts.append(len(seen))
        assert counts[0] == counts[1]


async def listed(world: World, number: int, mode: str, silence: str | None = None, **fields: Any) -> Package:
    """Open target lists of so many stores with two contacts each."""
    places = await stores(world, number, **fields)
    contacts = [person for place in places for person in people(place, 2)]
    return await spread(
        world, [(place.code, 0, place) for place in places], contacts, campaign={"on_no_response": silence},
        package={"approval_mode": mode},
    )


async def close_lists(world: World) -> int:
    return await Due(world.database, world.types, world.settings).close_lists(NOW + 4 * DAY)
