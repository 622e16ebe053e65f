"""Two people at an order at the same moment: one wins, the other hears what happened [5.2, 5.7, 6.3]."""

import asyncio

from structlog.testing import capture_logs

from server.domain.approval import Approval
from server.domain.campaign import Campaign
from server.domain.lifecycles import OrderStatus
from server.domain.order import Order
from server.domain.package import ApprovalMode, NoDecision
from server.services.approvals import Decision
from server.services.orders import Orders
from tests.builders import DAY, NOW
from tests.services.acts import change_campaign
from tests.services.conftest import World
from tests.services.interleaving import DONE, at_once, held
from tests.services.order_stories import acts, deciding, ordering

ROUNDS = 20


class TestOrders:
    async def test_the_same_order_submitted_twice(self, world: World, other: World) -> None:
        draft = await world.draft(await world.published())
        submit = acts(draft)["submit"]
        problem = await held((world, world.paris_manager, submit), (other, world.regional, submit))
        assert problem is not None and problem.code == "ILLEGAL_TRANSITION"
        assert f"order {draft.label} ({draft.code}) is ORDERED: SUBMIT is not possible" in problem.message
        assert len(await world.all(Approval, order_id=draft.id)) == 1

    async def test_whoever_comes_first(self, world: World, other: World) -> None:
        package = await world.published()
        for _ in range(ROUNDS):
            draft = await world.draft(package)
            submit = acts(draft)["submit"]
            outcome = await at_once((world, world.paris_manager, submit), (other, world.regional, submit))
            assert outcome == ["ILLEGAL_TRANSITION", DONE]
            order = await world.read(Order, id=draft.id)
            await world.do(world.paris_manager, acts(order)["cancel"])

    async def test_two_drafts_of_one_entity_and_package(self, world: World, other: World) -> None:
        """[6.3] The database has the last word."""
        package = await world.published()
        order = ordering(package, world.paris)
        problem = await held((world, world.paris_manager, order), (other, world.regional, order))
        assert problem is not None and (problem.code, problem.path) == ("ALREADY_ORDERED", ("entity_id",))
        assert len(await world.all(Order)) == 1

    async def test_whoever_drafts_first(self, world: World, other: World) -> None:
        package = await world.published()
        order = ordering(package, world.paris)
        for _ in range(ROUNDS):
            outcome = await at_once(
                (world, world.paris_manager, order), (other, world.regional, order), (world, world.owner, order)
            )
            assert outcome == ["ALREADY_ORDERED", "ALREADY_ORDERED", DONE]
            [draft] = await world.all(Order)
            await world.do(world.paris_manager, acts(draft)["delete"])

    async def test_orders_of_different_entities_do_not_hinder_each_other(self, world: World, other: World) -> None:
        package = await world.published()
        for _ in range(ROUNDS):
            outcome = await at_once(
                (world, world.paris_manager, ordering(package, world.paris)),
                (other, world.regional, ordering(package, world.lyon)),
            )
            assert outcome == [DONE, DONE]
            for draft in await world.all(Order):
                await world.do(world.regional, acts(draft)["delete"])

    async def test_two_operators_change_an_order(self, world: World, other: World) -> None:
        """[5.7] No change is lost."""
        draft = await world.draft(await world.published())
        problem = await held(
            (world, world.paris_manager, lambda w: Orders(w).update(draft.id, draft.revision, {"label": "Ours"})),
            (other, world.regional, lambda w: Orders(w).update(draft.id, draft.revision, {"comment": "theirs"})),
        )
        assert problem is not None and problem.code == "STALE_REVISION"
        assert "Changed since: label." in problem.message

    async def test_a_draft_is_deleted_while_it_is_submitted(self, world: World, other: World) -> None:
        draft = await world.draft(await world.published())
        problem = await held(
            (world, world.paris_manager, acts(draft)["submit"]), (other, world.regional, acts(draft)["delete"])
        )
        assert problem is not None and problem.code == "STALE_REVISION"

    async def test_a_form_that_changes_while_an_order_is_submitted(self, world: World, other: World) -> None:
        """[9.3] The order is checked against the version that it is stored with."""
        package = await world.published("by_form")
        draft = await world.draft(package)
        campaign = await world.read(Campaign, id=package.campaign_id)
        form = [{"name": "headline", "label": "Headline", "kind": "TEXT", "max_length": 3}]
        problem = await held(
            (world, world.owner, change_campaign(campaign, form=form)),
            (other, world.paris_manager, acts(draft)["submit"]),
        )
        assert problem is not None and problem.path[0] == "parameters"


class TestDecisions:
    async def test_two_reviewers_decide(self, world: World, other: World) -> None:
        """[5.2]"""
        order = await world.ordered(await world.published())
        asked = await world.read(Approval, order_id=order.id)
        problem = await held(
            (world, world.order_reviewer, deciding(asked, order)),
            (other, world.colleague, deciding(asked, order, Decision.REJECT)),
        )
        assert problem is not None and problem.code == "ALREADY_DECIDED"
        assert problem.message == f"APPROVED by {world.order_reviewer.name} at 2026-03-02 09:00:00 UTC already."
        assert (await world.read(Order, id=order.id)).status == OrderStatus.AVAILABLE

    async def test_whoever_decides_first(self, world: World, other: World) -> None:
        package = await world.published()
        for _ in range(ROUNDS):
            order = await world.ordered(package)
            asked = await world.read(Approval, order_id=order.id)
            outcome = await at_once(
                (world, world.order_reviewer, deciding(asked, order, Decision.REJECT)),
                (other, world.colleague, deciding(asked, order, Decision.REJECT)),
            )
            assert outcome == ["ALREADY_DECIDED", DONE]

    async def test_two_reviewers_of_a_package(self, world: World, other: World) -> None:
        package = await world.submitted(approval_mode=ApprovalMode.AUTOMATIC)
        asked = await world.read(Approval)
        approve = deciding(asked, package)
        problem = await held((world, world.colleague, approve), (other, world.admin, approve))
        assert problem is not None and problem.code == "ALREADY_DECIDED"
        assert len(await world.all(Order)) == 2

    async def test_an_order_is_edited_before_it_is_approved(self, world: World, other: World) -> None:
        """[5.7]"""
        order = await world.ordered(await world.published())
        asked = await world.read(Approval, order_id=order.id)
        problem = await held(
            (world, world.paris_manager, acts(order)["edit"]), (other, world.order_reviewer, deciding(asked, order))
        )
        assert problem is not None and problem.code == "STALE_REVISION"
        assert "Changed since: comment." in problem.message
        assert (await world.read(Order, id=order.id)).status == OrderStatus.ORDERED

    async def test_an_order_is_approved_before_it_is_edited(self, world: World, other: World) -> None:
        order = await world.ordered(await world.published())
        asked = await world.read(Approval, order_id=order.id)
        problem = await held(
            (world, world.order_reviewer, deciding(asked, order)), (other, world.paris_manager, acts(order)["edit"])
        )
        assert problem is not None and problem.code == "STALE_REVISION"
        assert "status" in problem.message

    async def test_whichever_of_editing_and_approving_comes_first(self, world: World, other: World) -> None:
        package = await world.published()
        for _ in range(ROUNDS):
            order = await world.ordered(package)
            asked = await world.read(Approval, order_id=order.id)
            outcome = await at_once(
                (world, world.paris_manager, acts(order)["edit"]), (other, world.order_reviewer, deciding(asked, order))
            )
            assert outcome == ["STALE_REVISION", DONE]
            order = await world.read(Order, id=order.id)
            await world.do(world.paris_manager, acts(order)["cancel"])

    async def test_the_deadline_passes_while_a_reviewer_decides(self, world: World, other: World) -> None:
        """[5.3] One of them decides, and nothing fails."""
        package = await world.published(on_no_decision=NoDecision.REJECT)
        for _ in range(ROUNDS // 4):
            order = await world.ordered(package)
            asked = await world.read(Approval, order_id=order.id)
            with capture_logs() as logs:
                [outcome], _ = await asyncio.gather(
                    at_once((world, world.order_reviewer, deciding(asked, order, Decision.REJECT))),
                    other.advance(NOW + 4 * DAY),
                )
            decided = await world.read(Approval, order_id=order.id)
            assert (outcome, decided.decided_by_id) in (
                (DONE, world.order_reviewer.id), ("ALREADY_DECIDED", None)
            )
            assert logs == []
