"""What happens to orders, by whom: made, filled in, moved; out of sight; of types that are gone [2.3, 3.2, 6.1-6.2]."""

from datetime import datetime
from typing import Any

import pytest

from server.domain.approval import Approval, ApprovalStatus
from server.domain.campaign import Campaign
from server.domain.lifecycles import OrderStatus
from server.domain.order import Order, OrderReviewer
from server.domain.record import EventKind, History, TypeJob
from server.errors import CampaignTypeFailed, NotFound
from server.services.campaigns import Campaigns
from server.services.orders import Orders
from tests.builders import DAY, NOW
from tests.plugins.every_hook import EveryHook
from tests.services.conftest import World
from tests.services.order_stories import AUTOMATIC, AVAILABLE_AT, DEADLINE, TICK, Act, acts, an_order_that_is, approved


class TestMaking:
    """[6.1]"""

    async def test_an_order_starts_as_a_draft_with_the_packages_label_and_default_values(self, world: World) -> None:
        package = await world.published("by_form")
        order = await world.draft(package, parameters={})
        seen = (order.status, order.label, order.comment, order.assignee_id, order.parameters, order.revision)
        assert seen == (OrderStatus.DRAFT, package.label, "", world.paris_manager.id, {"discount": 10}, 1)

    async def test_the_campaigns_default_values_come_before_those_of_the_form(self, world: World) -> None:
        package = await world.published("by_form", campaign={"default_values": {"discount": 25}})
        assert (await world.draft(package, parameters={})).parameters == {"discount": 25}

    async def test_label_comment_and_assignee_can_be_chosen(self, world: World) -> None:
        package = await world.published()
        order = await world.draft(package, label=" Ours ", comment="soon", assignee_id=world.paris_manager.id)
        assert (order.label, order.comment, order.assignee_id) == ("Ours", "soon", world.paris_manager.id)

    async def test_an_empty_label_is_the_packages_again(self, world: World) -> None:
        package = await world.published()
        order = await world.draft(package, label="Ours")
        await world.do(world.paris_manager, lambda w: Orders(w).update(order.id, order.revision, {"label": ""}))
        assert (await world.read(Order, id=order.id)).label == package.label

    async def test_codes_count_up(self, world: World) -> None:
        package = await world.published()
        codes = [(await world.draft(package)).code]
        codes.append((await world.do(world.regional, lambda w: Orders(w).create(package.id, world.lyon.id, {}))).code)
        assert codes == ["ORD1", "ORD2"]

    async def test_central_orders_for_an_entity_and_leaves_the_assignee_open(self, world: World) -> None:
        package = await world.published()
        order = await world.do(world.colleague, lambda w: Orders(w).create(package.id, world.paris.id, {}))
        assert (order.entity_id, order.assignee_id) == (world.paris.id, None)

    async def test_all_that_is_wrong_is_told_at_once(self, world: World) -> None:
        package = await world.published("by_form")
        problems = await world.refused(world.colleague, lambda w: Orders(w).create(package.id, world.oslo.id, {
            "label": "x" * 201, "comment": "x" * 4001, "parameters": {"discount": 51, "colour": "red"},
            "assignee_id": package.id, "reviewers": [{}], "start": NOW,
        }), at=DEADLINE + TICK)
        assert {(problem.code, problem.path) for problem in problems} == {
            ("REGISTRATION_CLOSED", ("package_id",)), ("NOT_IN_AUDIENCE", ("entity_id",)), ("TOO_LONG", ("label",)),
            ("TOO_LONG", ("comment",)), ("MAXIMUM", ("parameters", "discount")),
            ("UNKNOWN_FIELD", ("parameters", "colour")), ("NOT_FOUND", ("assignee_id",)),
            ("ONE_OF", ("reviewers", "0")), ("NOT_OF_THIS_TYPE", ("start",)),
        }


class TestReviewersOfTheOrderersChoice:
    """Up to the template's number; 0: none accepted [6.1]."""

    async def test_they_are_kept_in_their_order(self, world: World) -> None:
        package = await world.published()
        chosen = [{"operator_id": world.paris_manager.id}, {"group_id": world.order_reviewers.id}]
        order = await world.draft(package, reviewers=chosen)
        rows = await world.all(OrderReviewer, order_id=order.id)
        assert [(row.position, row.operator_id, row.group_id) for row in rows] == [
            (0, world.paris_manager.id, None), (1, None, world.order_reviewers.id)
        ]

    @pytest.mark.parametrize(("most", "code"), [(0, "TOO_MANY"), (1, "DRAFT")])
    async def test_more_than_the_template_allows_are_refused(self, world: World, most: int, code: str) -> None:
        package = await world.published(campaign={"max_reviewers": most})
        fields = {"reviewers": [{"operator_id": world.paris_manager.id}]}
        outcome = await world.outcome(
            world.paris_manager, lambda w: Orders(w).create(package.id, world.paris.id, fields)
        )
        assert outcome == code

    async def test_people_out_of_sight_do_not_exist(self, world: World) -> None:
        package = await world.published()
        [problem] = await world.refused(world.paris_manager, lambda w: Orders(w).create(
            package.id, world.paris.id, {"reviewers": [{"operator_id": world.oslo_manager.id}]}
        ))
        assert (problem.code, problem.path) == ("NOT_FOUND", ("reviewers", "0"))

    async def test_nobody_is_named_twice(self, world: World) -> None:
        package = await world.published()
        twice = [{"operator_id": world.paris_manager.id}] * 2
        [problem] = await world.refused(
            world.paris_manager, lambda w: Orders(w).create(package.id, world.paris.id, {"reviewers": twice})
        )
        assert (problem.code, problem.path) == ("DUPLICATE", ("reviewers", "1"))

    async def test_a_change_of_reviewers_is_on_record_and_reaches_the_open_question(self, world: World) -> None:
        order, friend = await world.ordered(await world.published()), await world.friend_of_paris()
        named = {"reviewers": [{"operator_id": friend.id}]}
        await world.do(world.paris_manager, lambda w: Orders(w).update(order.id, order.revision, named), at=NOW + DAY)
        *_, entry = await world.all(History, subject_id=order.id, action="EDIT")
        assert (entry.before["reviewers"], entry.after["reviewers"]) == ([], [[str(friend.id), None]])
        changed = await world.read(Order, id=order.id)
        assert (await world.decide(friend, changed)).override is False


MANUAL_TABLE = [
    # [6.2] status, when, what becomes of: edit, submit, cancel, delete
    (OrderStatus.DRAFT, NOW, "DRAFT", "ORDERED", "CANCELED", "done"),
    (OrderStatus.DRAFT, DEADLINE + TICK, "NOT_EDITABLE", "REGISTRATION_CLOSED", "CANCELED", "done"),
    (OrderStatus.ORDERED, NOW, "ORDERED", "ILLEGAL_TRANSITION", "CANCELED", "ONLY_DRAFTS"),
    (OrderStatus.ORDERED, DEADLINE + TICK, "ORDERED", "ILLEGAL_TRANSITION", "CANCELED", "ONLY_DRAFTS"),
    (OrderStatus.REJECTED, NOW, "REJECTED", "ORDERED", "ILLEGAL_TRANSITION", "ONLY_DRAFTS"),
    (OrderStatus.REJECTED, DEADLINE + TICK, "NOT_EDITABLE", "REGISTRATION_CLOSED", "ILLEGAL_TRANSITION", "ONLY_DRAFTS"),
    (OrderStatus.APPROVED, NOW, "ORDERED", "ILLEGAL_TRANSITION", "CANCELED", "ONLY_DRAFTS"),
    (OrderStatus.APPROVED, DEADLINE + TICK, "ORDERED", "ILLEGAL_TRANSITION", "CANCELED", "ONLY_DRAFTS"),
    (OrderStatus.AVAILABLE, AVAILABLE_AT, "NOT_EDITABLE", "ILLEGAL_TRANSITION", "CANCELED", "ONLY_DRAFTS"),
    (OrderStatus.EXPIRED, DEADLINE + TICK, "NOT_EDITABLE", "ILLEGAL_TRANSITION", "ILLEGAL_TRANSITION", "ONLY_DRAFTS"),
    (OrderStatus.CANCELED, NOW, "NOT_EDITABLE", "ILLEGAL_TRANSITION", "ILLEGAL_TRANSITION", "ONLY_DRAFTS"),
]
AUTOMATIC_TABLE = [
    # [6.2, 6.5] subscriptions: without approval until the deadline, then only central can still cancel
    (OrderStatus.APPROVED, NOW, "APPROVED", "ILLEGAL_TRANSITION", "CANCELED", "ONLY_DRAFTS"),
    (OrderStatus.APPROVED, DEADLINE, "APPROVED", "ILLEGAL_TRANSITION", "CANCELED", "ONLY_DRAFTS"),
    (OrderStatus.APPROVED, DEADLINE + TICK, "NOT_EDITABLE", "ILLEGAL_TRANSITION", "REGISTRATION_CLOSED", "ONLY_DRAFTS"),
    (OrderStatus.AVAILABLE, AVAILABLE_AT, "NOT_EDITABLE", "ILLEGAL_TRANSITION", "REGISTRATION_CLOSED", "ONLY_DRAFTS"),
    (OrderStatus.CANCELED, NOW, "NOT_EDITABLE", "ILLEGAL_TRANSITION", "ILLEGAL_TRANSITION", "ONLY_DRAFTS"),
]


class TestTheTable:
    """Every row of [6.2] through the services; what is not listed is refused."""

    @pytest.mark.parametrize(("status", "at", "edit", "submit", "cancel", "delete"), MANUAL_TABLE)
    async def test_in_manual_mode(
        self, world: World, status: OrderStatus, at: datetime, edit: str, submit: str, cancel: str, delete: str
    ) -> None:
        order = await an_order_that_is(world, status)
        assert order.status == status
        outcomes = [await world.outcome(world.paris_manager, act, at=at) for act in acts(order).values()]
        assert outcomes == [edit, submit, cancel, delete]

    @pytest.mark.parametrize(("status", "at", "edit", "submit", "cancel", "delete"), AUTOMATIC_TABLE)
    async def test_in_automatic_mode(
        self, world: World, status: OrderStatus, at: datetime, edit: str, submit: str, cancel: str, delete: str
    ) -> None:
        order = await an_order_that_is(world, status, **AUTOMATIC)
        assert order.status == status
        outcomes = [await world.outcome(world.paris_manager, act, at=at) for act in acts(order).values()]
        assert outcomes == [edit, submit, cancel, delete]

    async def test_central_cancels_a_subscription_after_the_deadline(self, world: World) -> None:
        order = await an_order_that_is(world, OrderStatus.APPROVED, **AUTOMATIC)
        assert await world.outcome(world.colleague, acts(order)["cancel"], at=DEADLINE + TICK) == "CANCELED"

    async def test_a_finished_order_stays_as_it_is(self, world: World) -> None:
        package = await world.published()
        order = await approved(world, await world.draft(package))
        reference = await world.read(Campaign, id=package.campaign_id)
        started = await world.do(world.owner, lambda w: Campaigns(w).start(reference.id, reference.revision))
        await world.do(world.owner, lambda w: Campaigns(w).finish(reference.id, started.revision))
        order = await world.read(Order, id=order.id)
        assert order.status == OrderStatus.FINISHED
        outcomes = [await world.outcome(world.paris_manager, act) for act in acts(order).values()]
        assert outcomes == ["NOT_EDITABLE", "ILLEGAL_TRANSITION", "ILLEGAL_TRANSITION", "ONLY_DRAFTS"]

    async def test_an_edited_order_is_the_next_revision_of_the_same_question(self, world: World) -> None:
        order = await world.ordered(await world.published())
        await world.do(world.paris_manager, acts(order)["edit"])
        changed, question = await world.read(Order, id=order.id), await world.read(Approval, order_id=order.id)
        assert (changed.revision, question.subject_revision) == (order.revision + 1, order.revision + 1)

    async def test_an_approved_order_that_is_edited_is_put_to_its_reviewers_again(self, world: World) -> None:
        order = await approved(world, await an_order_that_is(world, OrderStatus.DRAFT))
        await world.do(world.paris_manager, acts(order)["edit"])
        asked = [approval.status for approval in await world.all(Approval, order_id=order.id)]
        assert (asked, (await world.read(Order, id=order.id)).approved_at) == (
            [ApprovalStatus.APPROVED, ApprovalStatus.PENDING], None
        )

    async def test_a_rejected_order_is_edited_and_submitted_again(self, world: World) -> None:
        order = await an_order_that_is(world, OrderStatus.REJECTED)
        edited = await world.do(world.paris_manager, acts(order)["edit"])
        again = await world.do(world.paris_manager, acts(edited)["submit"])
        assert again.status == OrderStatus.ORDERED
        assert [approval.status for approval in await world.all(Approval, order_id=order.id)] == [
            ApprovalStatus.REJECTED, ApprovalStatus.PENDING
        ]

    async def test_the_history_tells_every_move(self, world: World) -> None:
        """[12.1] What a check reads in between costs no entry its status."""
        order = await approved(world, await an_order_that_is(world, OrderStatus.DRAFT))
        await world.advance(AVAILABLE_AT)
        moves = [
            (entry.action, entry.before.get("status"), entry.after["status"])
            for entry in await world.all(History, subject_id=order.id)
        ]
        assert moves == [
            ("CREATE", None, "DRAFT"), ("SUBMIT", "DRAFT", "ORDERED"), ("APPROVE", "ORDERED", "APPROVED"),
            ("MAKE_AVAILABLE", "APPROVED", "AVAILABLE"),
        ]


class TestScope:
    """What is out of scope does not exist [2.3]."""

    @pytest.mark.parametrize("act", ["edit", "submit", "cancel", "delete"])
    async def test_another_entitys_operator_does_not_find_the_order(self, world: World, act: str) -> None:
        order = await world.draft(await world.published())
        with pytest.raises(NotFound):
            await world.do(world.oslo_manager, acts(order)[act])

    async def test_nor_the_package_that_is_not_offered_to_it(self, world: World) -> None:
        package = await world.published()
        with pytest.raises(NotFound):
            await world.do(world.oslo_manager, lambda w: Orders(w).create(package.id, world.oslo.id, {}))

    async def test_nor_an_entity_that_is_not_its_own(self, world: World) -> None:
        package = await world.published()
        with pytest.raises(NotFound):
            await world.do(world.paris_manager, lambda w: Orders(w).create(package.id, world.lyon.id, {}))

    async def test_a_regional_operator_acts_for_the_stores_below(self, world: World) -> None:
        order = await world.draft(await world.published())
        outcomes = [await world.outcome(world.regional, act) for act in acts(order).values()]
        assert outcomes == ["DRAFT", "ORDERED", "CANCELED", "done"]

    async def test_a_stale_revision_is_refused_with_the_fields_that_differ(self, world: World) -> None:
        """[5.7]"""
        order = await world.draft(await world.published())
        changes = {"comment": "new", "label": "Ours"}
        await world.do(world.regional, lambda w: Orders(w).update(order.id, order.revision, changes))
        for act in acts(order).values():
            [problem] = await world.refused(world.paris_manager, act)
            assert (problem.code, problem.path) == ("STALE_REVISION", ("revision",))
            assert "Changed since: comment, label." in problem.message


class TestCampaignTypes:
    """[3.2]"""

    async def test_orders_of_a_type_that_is_gone_refuse_every_change(self, world: World) -> None:
        order = await world.draft(await world.published())
        gone = world.without_types()
        tries: list[Act] = [*acts(order).values(), lambda w: Orders(w).create(order.package_id, world.lyon.id, {})]
        assert {await gone.outcome(world.regional, act) for act in tries} == {"TYPE_NOT_INSTALLED"}

    async def test_a_hook_that_raises_undoes_the_decision(self, world: World) -> None:
        class Raising(EveryHook):
            def after_approval(self, package: Any, order: Any) -> Any:
                raise ValueError("no such region")

        world = await world.with_type(Raising)
        order = await world.ordered(await world.published("every_hook"), parameters={"slogan": "Hi"})
        with pytest.raises(CampaignTypeFailed):
            await world.decide(world.order_reviewer, order)
        assert (await world.read(Order, id=order.id)).status == OrderStatus.ORDERED
        assert (await world.read(Approval, order_id=order.id)).status == ApprovalStatus.PENDING

    async def test_its_effects_are_done_with_the_approval(self, world: World) -> None:
        world = await world.with_type(EveryHook)
        order = await world.ordered(await world.published("every_hook"), parameters={"slogan": "Hi"})
        await world.decide(world.order_reviewer, order)
        jobs = [job.name for job in await world.all(TypeJob)]
        assert (jobs, (await world.events()).count(EventKind.TYPE_MESSAGE)) == (["published", "approved"], 4)

    async def test_and_its_say_about_a_cancellation(self, world: World) -> None:
        world = await world.with_type(EveryHook)
        order = await world.ordered(await world.published("every_hook"), parameters={"slogan": "Hi"})
        await world.decide(world.order_reviewer, order)
        order = await world.read(Order, id=order.id)
        await world.do(world.paris_manager, acts(order)["cancel"])
        assert [job.name for job in await world.all(TypeJob)] == ["published", "approved", "cancelled"]
