"""Form versions of orders and the child campaigns that they lead to [9.3, 9.7]."""



from server.domain.campaign import Campaign
from server.domain.lifecycles import OrderStatus
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import EventKind
from server.services.approvals import Decision
from server.services.campaigns import Campaigns
from server.services.orders import Orders
from tests.builders import DAY
from tests.services.conftest import World
from tests.services.order_stories import AVAILABLE_AT, TICK, acts, an_order_that_is, approved


class TestFormVersions:
    """[9.3]"""

    NEW = [
        {"name": "headline", "label": "Headline", "kind": "TEXT", "required": True, "max_length": 10},
        {"name": "price", "label": "Price", "kind": "INTEGER", "default": 12, "editable": False},
    ]

    async def republished(self, world: World, package: Package) -> None:
        campaign = await world.read(Campaign, id=package.campaign_id)
        await world.do(world.owner, lambda w: Campaigns(w).update(campaign.id, campaign.revision, {"form": self.NEW}))

    async def test_a_draft_is_submitted_in_the_newest_version(self, world: World) -> None:
        package = await world.published("by_form")
        draft = await world.draft(package, parameters={"headline": "Spring", "discount": None})
        await self.republished(world, package)
        order = await world.do(world.paris_manager, acts(draft)["submit"])
        assert (order.form_version, order.parameters) == (2, {"headline": "Spring", "price": 12})

    async def test_a_draft_that_no_longer_fits_says_what_to_change(self, world: World) -> None:
        package = await world.published("by_form")
        draft = await world.draft(package, parameters={"headline": "Spring in town", "discount": 5})
        await self.republished(world, package)
        problems = await world.refused(world.paris_manager, acts(draft)["submit"])
        assert {(problem.code, problem.path) for problem in problems} == {
            ("MAX_LENGTH", ("parameters", "headline")), ("UNKNOWN_FIELD", ("parameters", "discount"))
        }

    async def test_a_submitted_order_keeps_its_version_when_it_is_edited(self, world: World) -> None:
        package = await world.published("by_form")
        order = await world.ordered(package)
        await self.republished(world, package)
        values = {"parameters": {"headline": "Spring in all of town", "discount": 20}}
        changed = await world.do(
            world.paris_manager, lambda w: Orders(w).update(order.id, order.revision, values)
        )
        assert (changed.form_version, changed.parameters["discount"]) == (1, 20)

    async def test_a_rejected_order_keeps_its_version_when_it_is_submitted_again(self, world: World) -> None:
        package = await world.published("by_form")
        order = await world.ordered(package)
        await world.decide(world.order_reviewer, order, Decision.REJECT, "not yet")
        await self.republished(world, package)
        rejected = await world.read(Order, id=order.id)
        again = await world.do(world.paris_manager, acts(rejected)["submit"])
        assert (again.status, again.form_version) == (OrderStatus.ORDERED, 1)


class TestChildCampaigns:
    """[9.7]"""

    async def test_approval_after_availability_creates_the_child_at_once(self, world: World) -> None:
        order = await approved(world, await world.draft(await world.published("by_campaign")))
        child = await world.read(Campaign, id=order.campaign_id)
        assert (order.status, child.entity_id, child.personalization) == (
            OrderStatus.AVAILABLE, world.paris.id, {"headline": "Spring in town", "discount": 10}
        )

    async def test_approval_before_availability_waits_for_it_to_the_microsecond(self, world: World) -> None:
        order = await approved(world, await an_order_that_is(world, OrderStatus.DRAFT))
        children = []
        for at in (AVAILABLE_AT - TICK, AVAILABLE_AT):
            await world.advance(at)
            children.append(len(await world.all(Campaign, entity_id=world.paris.id)))
        assert children == [0, 1]
        assert (await world.read(Order, id=order.id)).available_at == AVAILABLE_AT

    async def test_there_is_one_child_however_often_time_is_looked_at(self, world: World) -> None:
        await approved(world, await an_order_that_is(world, OrderStatus.DRAFT))
        for at in (AVAILABLE_AT, AVAILABLE_AT, AVAILABLE_AT + DAY):
            await world.advance(at)
        assert len(await world.all(Campaign, entity_id=world.paris.id)) == 1

    async def test_the_entity_hears_of_it_once(self, world: World) -> None:
        """N10 [7]."""
        await approved(world, await an_order_that_is(world, OrderStatus.DRAFT))
        await world.advance(AVAILABLE_AT)
        await world.advance(AVAILABLE_AT)
        assert (await world.events()).count(EventKind.CAMPAIGN_AVAILABLE) == 1
