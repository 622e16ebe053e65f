"""Until when and how often an entity orders, and how orders end [6.3-6.6]."""


import pytest

from server.campaign_type import Need, PackageRules
from server.domain.approval import Approval, ApprovalStatus
from server.domain.campaign import Campaign
from server.domain.lifecycles import CampaignStatus, OrderStatus, PackageStatus
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import EventKind, History
from server.services.orders import Orders
from server.services.packages import LiveOrders, Packages
from tests.builders import DAY, NOW
from tests.plugins.every_hook import EveryHook
from tests.services.conftest import World
from tests.services.order_stories import AUTOMATIC, DEADLINE, TICK, acts, an_order_that_is, approved


class TestOneStandingOrder:
    """[6.3]"""

    @pytest.mark.parametrize("status", [OrderStatus.DRAFT, OrderStatus.ORDERED])
    async def test_an_entity_orders_a_package_once(self, world: World, status: OrderStatus) -> None:
        order = await an_order_that_is(world, status)
        [problem] = await world.refused(
            world.paris_manager, lambda w: Orders(w).create(order.package_id, world.paris.id, {})
        )
        assert (problem.code, problem.path) == ("ALREADY_ORDERED", ("entity_id",))
        assert f"{order.label} ({order.code})" in problem.message

    @pytest.mark.parametrize("status", [OrderStatus.REJECTED, OrderStatus.CANCELED])
    async def test_rejected_and_cancelled_orders_do_not_count(self, world: World, status: OrderStatus) -> None:
        order = await an_order_that_is(world, status)
        other = await world.draft(await world.read(Package, id=order.package_id))
        assert other.status == OrderStatus.DRAFT

    async def test_expired_orders_do_not_count_when_the_deadline_is_moved(self, world: World) -> None:
        order = await an_order_that_is(world, OrderStatus.EXPIRED)
        package = await world.read(Package, id=order.package_id)
        later, later_still = DEADLINE + DAY, {"registration_deadline": DEADLINE + 2 * DAY}
        await world.do(world.owner, lambda w: Packages(w).update(package.id, package.revision, later_still), at=later)
        again = await world.do(
            world.paris_manager, lambda w: Orders(w).create(package.id, world.paris.id, {}), at=later
        )
        assert again.status == OrderStatus.DRAFT

    async def test_a_rejected_order_is_not_submitted_again_beside_a_new_one(self, world: World) -> None:
        order = await an_order_that_is(world, OrderStatus.REJECTED)
        await world.draft(await world.read(Package, id=order.package_id))
        [problem] = await world.refused(world.paris_manager, acts(order)["submit"])
        assert problem.code == "ALREADY_ORDERED"

    async def test_every_entity_has_its_own(self, world: World) -> None:
        package = await world.published()
        await world.draft(package)
        lyon = await world.do(world.regional, lambda w: Orders(w).create(package.id, world.lyon.id, {}))
        assert lyon.entity_id == world.lyon.id

    async def test_a_type_can_allow_several(self, world: World) -> None:
        class Many(EveryHook):
            package = PackageRules(several_orders=True, schedule_per_order=True)

        world = await world.with_type(Many)
        package = await world.published("every_hook")
        orders = [await world.draft(package, start=NOW, end=NOW + day * DAY) for day in (1, 2)]
        assert [order.end for order in orders] == [NOW + DAY, NOW + 2 * DAY]

    async def test_an_order_of_an_earlier_cycle_does_not_count_and_is_not_edited(self, world: World) -> None:
        """[10.2]"""
        order = await world.ordered(await world.published())
        package = await world.read(Package, id=order.package_id)
        await world.do(
            world.owner, lambda w: Packages(w).reinitialize(package.id, package.revision, LiveOrders.KEEP)
        )
        kept = await world.read(Order, id=order.id)
        assert await world.outcome(world.paris_manager, acts(kept)["edit"]) == "NOT_EDITABLE"
        package = await world.read(Package, id=package.id)
        await world.do(world.owner, lambda w: Packages(w).submit(package.id, package.revision))
        await world.decide(world.colleague, await world.read(Package, id=package.id))
        assert (await world.draft(await world.read(Package, id=package.id))).cycle == 2
        assert (await world.decide(world.order_reviewer, kept)).status == ApprovalStatus.APPROVED

    async def test_a_rejected_order_of_an_earlier_cycle_is_not_submitted_again(self, world: World) -> None:
        """[10.2]"""
        order = await an_order_that_is(world, OrderStatus.REJECTED)
        package = await world.read(Package, id=order.package_id)
        await world.do(world.owner, lambda w: Packages(w).reinitialize(package.id, package.revision))
        package = await world.read(Package, id=package.id)
        await world.do(world.owner, lambda w: Packages(w).submit(package.id, package.revision))
        await world.decide(world.colleague, await world.read(Package, id=package.id))
        [problem] = await world.refused(world.paris_manager, acts(order)["submit"])
        assert problem.code == "EARLIER_CYCLE"


class TestOpenForOrdering:
    """[6.4]"""

    async def test_the_deadline_itself_is_still_in_time(self, world: World) -> None:
        order = await world.draft(await world.published())
        outcomes = [
            await world.outcome(world.paris_manager, acts(order)["submit"], at=at) for at in (DEADLINE, DEADLINE + TICK)
        ]
        assert outcomes == ["ORDERED", "REGISTRATION_CLOSED"]

    async def test_without_a_registration_deadline_the_end_counts(self, world: World) -> None:
        class NoDeadline(EveryHook):
            package = PackageRules(registration_deadline=Need.OPTIONAL)

        world = await world.with_type(NoDeadline)
        package = await world.published("every_hook", registration_deadline=None)
        assert package.end is not None
        outcomes = [
            await world.outcome(
                world.paris_manager, lambda w: Orders(w).create(package.id, world.paris.id, {}), at=at
            )
            for at in (package.end, package.end + TICK)
        ]
        assert outcomes == ["DRAFT", "REGISTRATION_CLOSED"]

    @pytest.mark.parametrize("status", [status for status in PackageStatus if status is not PackageStatus.PUBLISHED])
    async def test_only_published_packages_are_ordered(self, world: World, status: PackageStatus) -> None:
        package = await world.published()
        async with world.database.transaction() as session:
            (await session.get_one(Package, package.id)).status = status
        [problem] = await world.refused(world.owner, lambda w: Orders(w).create(package.id, world.paris.id, {}))
        assert (problem.code, problem.path) == ("NOT_OPEN", ("package_id",))
        assert str(status) in problem.message

    async def test_a_type_whose_orders_come_from_the_server_is_not_ordered(self, world: World) -> None:
        class FromTheServer(EveryHook):
            package = PackageRules(orderable=False)

        world = await world.with_type(FromTheServer)
        package = await world.published("every_hook")
        [problem] = await world.refused(world.owner, lambda w: Orders(w).create(package.id, world.paris.id, {}))
        assert problem.code == "NOT_ORDERABLE"

    async def test_submitted_orders_stay_approvable_and_drafts_expire(self, world: World) -> None:
        package = await world.published()
        order = await world.ordered(package)
        draft = await world.do(world.regional, lambda w: Orders(w).create(package.id, world.lyon.id, {}))
        await world.advance(DEADLINE + TICK)
        assert (await world.read(Order, id=draft.id)).status == OrderStatus.EXPIRED
        decided = await world.decide(world.order_reviewer, order, at=DEADLINE + DAY)
        assert decided.status == ApprovalStatus.APPROVED


class TestAutomaticMode:
    """[6.5]"""

    async def test_publication_subscribes_the_audience_with_default_values(self, world: World) -> None:
        await world.published("by_campaign", **AUTOMATIC)
        orders = await world.all(Order)
        assert {order.entity_id for order in orders} == {world.paris.id, world.lyon.id}
        assert {(order.status, order.parameters["headline"], order.parameters["discount"]) for order in orders} == {
            (OrderStatus.APPROVED, "Spring", 10)
        }

    async def test_parameters_change_without_approval(self, world: World) -> None:
        order = await an_order_that_is(world, OrderStatus.APPROVED, **AUTOMATIC)
        values = {"parameters": {"headline": "Our spring"}}
        await world.do(world.paris_manager, lambda w: Orders(w).update(order.id, order.revision, values))
        changed = await world.read(Order, id=order.id)
        assert (changed.status, changed.parameters["headline"]) == (OrderStatus.APPROVED, "Our spring")
        assert await world.all(Approval, order_id=order.id) == []

    async def test_an_entity_that_left_can_come_back_without_anybodys_decision(self, world: World) -> None:
        order = await an_order_that_is(world, OrderStatus.CANCELED, **AUTOMATIC)
        draft = await world.draft(await world.read(Package, id=order.package_id))
        back = await world.do(world.paris_manager, acts(draft)["submit"])
        assert (back.status, await world.all(Approval, order_id=draft.id)) == (OrderStatus.APPROVED, [])

    async def test_without_an_availability_date_a_subscription_waits_for_the_deadline(self, world: World) -> None:
        """docs/decisions/0001."""
        automatic = AUTOMATIC | {"campaign_available_at": None}
        order = await an_order_that_is(world, OrderStatus.APPROVED, **automatic)
        statuses = []
        for at in (DEADLINE - TICK, DEADLINE):
            await world.advance(at)
            statuses.append((await world.read(Order, id=order.id)).status)
        assert statuses == [OrderStatus.APPROVED, OrderStatus.AVAILABLE]


class TestCancelling:
    """[6.6]"""

    async def test_who_when_and_why_stay_on_record(self, world: World) -> None:
        order = await world.ordered(await world.published())
        at = NOW + DAY
        await world.do(world.paris_manager, lambda w: Orders(w).cancel(order.id, order.revision, "no staff"), at=at)
        gone = await world.read(Order, id=order.id)
        assert (gone.status, gone.canceled_at, gone.canceled_by_id, gone.cancel_comment) == (
            OrderStatus.CANCELED, at, world.paris_manager.id, "no staff"
        )
        *_, entry = await world.all(History, subject_id=order.id)
        assert (entry.action, entry.actor_id, entry.comment) == ("CANCEL", world.paris_manager.id, "no staff")

    async def test_the_question_to_the_reviewers_is_taken_back(self, world: World) -> None:
        order = await world.ordered(await world.published())
        await world.do(world.paris_manager, acts(order)["cancel"])
        question = await world.read(Approval, order_id=order.id)
        *_, entry = await world.all(History, subject_id=question.id)
        assert (question.status, entry.action, entry.revision) == (
            ApprovalStatus.WITHDRAWN, "WITHDRAW", question.revision
        )

    async def test_its_child_campaign_is_cancelled_with_it(self, world: World) -> None:
        order = await approved(world, await world.draft(await world.published("by_campaign")))
        await world.do(world.paris_manager, acts(order)["cancel"])
        child = await world.read(Campaign, id=order.campaign_id)
        assert (child.entity_id, child.status) == (world.paris.id, CampaignStatus.CANCELED)

    async def test_the_reference_campaign_is_nobodys_child(self, world: World) -> None:
        package = await world.published()
        order = await approved(world, await world.draft(package))
        await world.do(world.paris_manager, acts(order)["cancel"])
        assert (await world.read(Campaign, id=package.campaign_id)).status == CampaignStatus.BEING_EDITED

    async def test_the_other_side_is_told(self, world: World) -> None:
        """N13 [7]."""
        order = await world.ordered(await world.published())
        await world.do(world.colleague, acts(order)["cancel"])
        assert (await world.events())[-1] == EventKind.ORDER_CANCELED

    async def test_a_deleted_draft_leaves_its_history(self, world: World) -> None:
        order = await world.draft(await world.published(), reviewers=[{"operator_id": world.paris_manager.id}])
        await world.do(world.paris_manager, acts(order)["delete"])
        assert await world.all(Order, id=order.id) == []
        *_, entry = await world.all(History, subject_id=order.id)
        assert (entry.action, entry.subject_code, entry.before["status"]) == ("DELETE", order.code, "DRAFT")
