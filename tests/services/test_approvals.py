"""Questions to reviewers: who is asked, who may decide, on which revision, by when, once [5]."""

from datetime import timedelta
from typing import Any

import pytest

from server.domain.approval import Approval, ApprovalReviewer, ApprovalStatus, ApprovalSubject
from server.domain.lifecycles import OrderStatus, PackageStatus
from server.domain.network import Entity, GroupMember, Operator
from server.domain.order import Order
from server.domain.package import ApprovalMode, Package
from server.domain.record import Event, EventKind, History
from server.errors import NotAllowed, NotFound
from server.services.approvals import Approvals, Decision
from server.services.orders import Orders
from server.services.packages import Packages
from server.services.work import Work
from tests.builders import DAY, NOW, an_operator, given, members
from tests.services.conftest import World

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


def people(world: World) -> dict[str, Operator]:
    return {name: getattr(world, name) for name in (
        "admin", "owner", "colleague", "order_reviewer", "paris_manager", "regional", "oslo_manager"
    )}


async def question(world: World, subject: Package | Order) -> Approval:
    about = {"package_id": subject.id, "order_id": None} if isinstance(subject, Package) else {"order_id": subject.id}
    return await world.read(Approval, status=ApprovalStatus.PENDING, **about)


async def who_may_decide(world: World, subject: Package | Order) -> dict[str, str]:
    """What comes of everybody's try; "OVERRIDE" where it would be recorded as one."""
    asked = await question(world, subject)

    async def tried(work: Work) -> Any:
        decided = await Approvals(work).decide(asked.id, subject.revision, Decision.APPROVE)
        return type("Done", (), {"status": "OVERRIDE" if decided.override else "REVIEWER"})

    return {name: await world.outcome(operator, tried) for name, operator in people(world).items()}


class TestWhoDecidesAPackage:
    """[5.5]"""

    async def test_when_nobody_is_named_any_central_operator_the_owner_included(self, world: World) -> None:
        assert await who_may_decide(world, await world.submitted()) == {
            "admin": "OVERRIDE", "owner": "REVIEWER", "colleague": "REVIEWER", "order_reviewer": "NotFound",
            "paris_manager": "NotFound", "regional": "NotFound", "oslo_manager": "NotFound",
        }

    async def test_when_reviewers_are_named_not_the_owner_and_others_as_an_override(self, world: World) -> None:
        reviewer = an_operator()
        await given(world.database, reviewer)
        package = await world.submitted(reviewers=[{"operator_id": reviewer.id}])
        tries = await who_may_decide(world, package)
        assert (tries["owner"], tries["colleague"], tries["admin"]) == ("NotAllowed", "OVERRIDE", "OVERRIDE")
        assert (await world.decide(reviewer, package)).override is False

    async def test_not_even_an_owner_who_is_among_the_reviewers(self, world: World) -> None:
        package = await world.submitted(
            reviewers=[{"operator_id": world.owner.id}, {"operator_id": world.colleague.id}]
        )
        tries = await who_may_decide(world, package)
        assert (tries["owner"], tries["colleague"]) == ("NotAllowed", "REVIEWER")

    async def test_an_override_is_recorded(self, world: World) -> None:
        package = await world.submitted(reviewers=[{"operator_id": world.admin.id}])
        decided = await world.decide(world.colleague, package)
        *_, entry = await world.all(History, subject_id=decided.id)
        assert (decided.override, entry.after["override"]) == (True, True)


class TestWhoDecidesAnOrder:
    """[5.6]"""

    async def test_the_entitys_group_and_central_as_an_override(self, world: World) -> None:
        assert await who_may_decide(world, await world.ordered(await world.published())) == {
            "admin": "OVERRIDE", "owner": "OVERRIDE", "colleague": "OVERRIDE", "order_reviewer": "REVIEWER",
            "paris_manager": "NotAllowed", "regional": "NotAllowed", "oslo_manager": "NotFound",
        }

    async def test_reviewers_that_the_orderer_named_decide_too_but_not_the_orderer(self, world: World) -> None:
        friend = await world.friend_of_paris()
        chosen = [{"operator_id": friend.id}, {"operator_id": world.paris_manager.id}]
        order = await world.ordered(await world.published(), reviewers=chosen)
        asked = await world.all(ApprovalReviewer, approval_id=(await question(world, order)).id)
        assert [(row.operator_id, row.group_id) for row in asked] == [
            (None, world.order_reviewers.id), (friend.id, None)
        ]
        tries = await who_may_decide(world, order)
        assert (tries["paris_manager"], tries["order_reviewer"], tries["regional"]) == (
            "NotAllowed", "REVIEWER", "NotAllowed"
        )
        assert (await world.decide(friend, order)).override is False

    async def test_whoever_the_orderer_named_an_entity_without_a_group_leaves_it_to_central(self, world: World) -> None:
        package = await world.published()
        chosen = {"reviewers": [{"operator_id": world.paris_manager.id}]}
        draft = await world.do(world.regional, lambda w: Orders(w).create(package.id, world.lyon.id, chosen))
        order = await world.do(world.regional, lambda w: Orders(w).submit(draft.id, draft.revision))
        assert await world.all(ApprovalReviewer, approval_id=(await question(world, order)).id) == []

    async def test_without_any_the_owner_and_central(self, world: World) -> None:
        package = await world.published()
        draft = await world.do(world.regional, lambda w: Orders(w).create(package.id, world.lyon.id, {}))
        order = await world.do(world.regional, lambda w: Orders(w).submit(draft.id, draft.revision))
        tries = await who_may_decide(world, order)
        assert tries == {
            "admin": "OVERRIDE", "owner": "REVIEWER", "colleague": "REVIEWER", "order_reviewer": "NotAllowed",
            "paris_manager": "NotFound", "regional": "NotAllowed", "oslo_manager": "NotFound",
        }


class TestAsking:
    """N1, N7 [7]"""

    async def test_a_submitted_package_is_put_to_its_reviewers(self, world: World) -> None:
        package = await world.submitted()
        event = await world.read(Event, kind=EventKind.PACKAGE_SUBMITTED)
        assert (event.approval_id, event.actor_id) == ((await question(world, package)).id, world.owner.id)

    async def test_so_is_a_submitted_order(self, world: World) -> None:
        order = await world.ordered(await world.published())
        event = await world.read(Event, kind=EventKind.ORDER_SUBMITTED)
        assert (event.approval_id, event.order_id, event.entity_id) == (
            (await question(world, order)).id, order.id, world.paris.id
        )

    async def test_those_whom_a_change_of_reviewers_concerns_are_told(self, world: World) -> None:
        """N18 [7]: who was asked, and who is asked now."""
        package = await world.submitted(reviewers=[{"operator_id": world.colleague.id}])
        named = {"reviewers": [{"operator_id": world.admin.id}]}
        await world.do(world.owner, lambda w: Packages(w).update(package.id, package.revision, named))
        event = await world.read(Event, kind=EventKind.REVIEWERS_CHANGED)
        assert event.payload == {
            "before": [[str(world.colleague.id), None]], "after": [[str(world.admin.id), None]]
        }


class TestGroups:
    """Expanded at decision time [5.1]."""

    async def test_someone_who_joined_the_group_after_the_submission_may_decide(self, world: World) -> None:
        order = await world.ordered(await world.published())
        await given(world.database, *members(world.order_reviewers, world.paris_manager))
        assert (await who_may_decide(world, order))["paris_manager"] == "REVIEWER"

    async def test_someone_who_left_it_may_not(self, world: World) -> None:
        order = await world.ordered(await world.published())
        async with world.database.transaction() as session:
            await session.delete(
                await session.get_one(GroupMember, (world.order_reviewers.id, world.order_reviewer.id))
            )
        assert (await who_may_decide(world, order))["order_reviewer"] == "NotAllowed"

    async def test_another_group_of_the_entity_is_not_asked_about_what_was_asked_before(self, world: World) -> None:
        order = await world.ordered(await world.published())
        async with world.database.transaction() as session:
            (await session.get_one(Entity, world.paris.id)).order_reviewers_id = None
        assert (await who_may_decide(world, order))["order_reviewer"] == "REVIEWER"


class TestDecidingOnce:
    """[5.2]"""

    async def test_the_first_decision_is_final_and_the_second_hears_who_and_when(self, world: World) -> None:
        package = await world.submitted()
        asked = await question(world, package)
        await world.decide(world.colleague, package, at=NOW + HOUR)
        [problem] = await world.refused(
            world.admin, lambda w: Approvals(w).decide(asked.id, package.revision, Decision.REJECT, "no")
        )
        assert problem.code == "ALREADY_DECIDED"
        assert problem.message == f"APPROVED by {world.colleague.name} at 2026-03-02 10:00:00 UTC already."

    async def test_a_local_reviewer_learns_no_name_from_head_office(self, world: World) -> None:
        """[2.3]"""
        order = await world.ordered(await world.published())
        asked = await question(world, order)
        await world.decide(world.colleague, order, Decision.REJECT, "no")
        [problem] = await world.refused(
            world.order_reviewer, lambda w: Approvals(w).decide(asked.id, order.revision, Decision.APPROVE)
        )
        assert problem.message == "REJECTED by another operator at 2026-03-02 09:00:00 UTC already."

    @pytest.mark.parametrize("comment", ["", "  \n"])
    async def test_a_rejection_needs_a_comment(self, world: World, comment: str) -> None:
        order = await world.ordered(await world.published())
        asked = await question(world, order)
        [problem] = await world.refused(
            world.order_reviewer, lambda w: Approvals(w).decide(asked.id, order.revision, Decision.REJECT, comment)
        )
        assert (problem.code, problem.path) == ("COMMENT_REQUIRED", ("comment",))

    async def test_a_rejected_order_tells_its_entity_why(self, world: World) -> None:
        """N9 [7]."""
        order = await world.ordered(await world.published())
        await world.decide(world.order_reviewer, order, Decision.REJECT, "wrong season")
        event = await world.read(Event, kind=EventKind.ORDER_REJECTED)
        assert (event.order_id, event.entity_id, event.payload["comment"]) == (
            order.id, world.paris.id, "wrong season"
        )
        assert (await world.read(Order, id=order.id)).status == OrderStatus.REJECTED

    async def test_who_decided_what_and_when_stays(self, world: World) -> None:
        order = await world.ordered(await world.published())
        await world.decide(world.order_reviewer, order, comment="fine", at=NOW + HOUR)
        decided = await world.read(Approval, order_id=order.id)
        assert (decided.status, decided.comment, decided.decided_by_id, decided.decided_at) == (
            ApprovalStatus.APPROVED, "fine", world.order_reviewer.id, NOW + HOUR
        )

    async def test_a_question_that_was_taken_back_is_not_decided(self, world: World) -> None:
        package = await world.submitted()
        asked = await question(world, package)
        await world.do(world.owner, lambda w: Packages(w).withdraw(package.id, package.revision))
        [problem] = await world.refused(
            world.colleague, lambda w: Approvals(w).decide(asked.id, package.revision, Decision.APPROVE)
        )
        assert problem.code == "WITHDRAWN"

    async def test_a_question_out_of_sight_does_not_exist(self, world: World) -> None:
        order = await world.ordered(await world.published())
        asked = await question(world, order)
        with pytest.raises(NotFound):
            await world.do(
                world.oslo_manager, lambda w: Approvals(w).decide(asked.id, order.revision, Decision.APPROVE)
            )

    async def test_nothing_of_a_type_that_is_gone_is_decided(self, world: World) -> None:
        """[3.2]"""
        order = await world.ordered(await world.published())
        asked, gone = await question(world, order), world.without_types()
        tries = [
            await gone.outcome(world.admin, lambda w: Approvals(w).decide(asked.id, order.revision, Decision.APPROVE)),
            await gone.outcome(world.admin, lambda w: Approvals(w).move_deadline(asked.id, NOW + DAY)),
        ]
        assert tries == ["TYPE_NOT_INSTALLED", "TYPE_NOT_INSTALLED"]


class TestRevisions:
    """[5.7]"""

    async def test_an_order_that_changed_since_it_was_read_is_read_again_first(self, world: World) -> None:
        order = await world.ordered(await world.published())
        asked = await question(world, order)
        changes = {"comment": "more", "label": "Ours"}
        await world.do(world.paris_manager, lambda w: Orders(w).update(order.id, order.revision, changes))
        [problem] = await world.refused(
            world.order_reviewer, lambda w: Approvals(w).decide(asked.id, order.revision, Decision.APPROVE)
        )
        assert (problem.code, problem.path) == ("STALE_REVISION", ("revision",))
        assert "Changed since: comment, label." in problem.message

    async def test_so_is_a_package(self, world: World) -> None:
        package = await world.submitted()
        asked = await question(world, package)
        await world.do(world.owner, lambda w: Packages(w).update(
            package.id, package.revision, {"owner_id": world.colleague.id}
        ))
        [problem] = await world.refused(
            world.admin, lambda w: Approvals(w).decide(asked.id, package.revision, Decision.APPROVE)
        )
        assert (problem.code, "ownerId" in problem.message) == ("STALE_REVISION", True)

    async def test_the_reviewer_who_read_it_again_decides(self, world: World) -> None:
        order = await world.ordered(await world.published())
        await world.do(world.paris_manager, lambda w: Orders(w).update(order.id, order.revision, {"comment": "more"}))
        decided = await world.decide(world.order_reviewer, await world.read(Order, id=order.id))
        assert decided.status == ApprovalStatus.APPROVED

    async def test_the_question_knows_the_revision_that_it_is_about(self, world: World) -> None:
        package = await world.published()
        order = await world.ordered(package)
        of_package = await world.read(Approval, subject=ApprovalSubject.PACKAGE)
        assert (await question(world, order)).subject_revision == order.revision
        assert of_package.subject_revision < package.revision


class TestDeadlines:
    """[5.3]"""

    async def test_it_is_three_days_from_the_submission(self, world: World) -> None:
        assert (await question(world, await world.submitted())).deadline == NOW + 3 * DAY

    async def test_or_the_packages_delay_for_its_orders_too(self, world: World) -> None:
        order = await world.ordered(await world.published(approval_delay_hours=5))
        assert (await question(world, order)).deadline == NOW + 5 * HOUR

    async def test_or_a_date_for_the_package_alone(self, world: World) -> None:
        package = await world.submitted(approval_deadline=NOW + 7 * DAY)
        assert (await question(world, package)).deadline == NOW + 7 * DAY
        await world.decide(world.colleague, package)
        assert (await question(world, await world.ordered(package))).deadline == NOW + 3 * DAY

    async def test_which_must_not_have_passed_at_the_submission(self, world: World) -> None:
        package = await world.package(approval_deadline=NOW)
        [problem] = await world.refused(world.owner, lambda w: Packages(w).submit(package.id, package.revision))
        assert (problem.code, problem.path) == ("IN_THE_PAST", ("approval_deadline",))

    async def test_when_it_passes_the_question_is_late_and_can_still_be_decided(self, world: World) -> None:
        package = await world.submitted()
        late = NOW + 3 * DAY + TICK
        await world.advance(late)
        asked = await question(world, package)
        assert [asked.is_late(at) for at in (late - TICK, late)] == [False, True]
        assert (await world.decide(world.colleague, package, at=late)).status == ApprovalStatus.APPROVED

    async def test_a_decided_question_is_never_late(self, world: World) -> None:
        package = await world.submitted()
        decided = await world.decide(world.colleague, package)
        assert decided.is_late(NOW + 9 * DAY) is False

    async def test_an_administrator_moves_it(self, world: World) -> None:
        """[9.17]"""
        asked = await question(world, await world.submitted())
        await world.do(world.admin, lambda w: Approvals(w).move_deadline(asked.id, NOW + 9 * DAY, "holidays"))
        *_, entry = await world.all(History, subject_id=asked.id)
        assert (entry.action, entry.comment, entry.after["deadline"]) == (
            "MOVE_DEADLINE", "holidays", "2026-03-11T09:00:00+00:00"
        )

    async def test_a_date_means_the_end_of_that_day(self, world: World) -> None:
        """[4.3] in the organisation's time zone, which is an hour ahead of UTC."""
        asked = await question(world, await world.submitted())
        day = (NOW + DAY).date()
        moved = await world.do(world.admin, lambda w: Approvals(w).move_deadline(asked.id, day))
        assert moved.deadline.isoformat() == "2026-03-03T22:59:59.999999+00:00"

    async def test_not_into_the_past(self, world: World) -> None:
        asked = await question(world, await world.submitted())
        [problem] = await world.refused(world.admin, lambda w: Approvals(w).move_deadline(asked.id, NOW))
        assert (problem.code, problem.path) == ("IN_THE_PAST", ("deadline",))

    async def test_nobody_else_does(self, world: World) -> None:
        asked = await question(world, await world.ordered(await world.published()))
        with pytest.raises(NotAllowed):
            await world.do(world.colleague, lambda w: Approvals(w).move_deadline(asked.id, NOW + DAY))
        with pytest.raises(NotFound):
            await world.do(world.oslo_manager, lambda w: Approvals(w).move_deadline(asked.id, NOW + DAY))


class TestAfterTheDecision:
    async def test_an_approved_package_is_published_when_its_start_is_past(self, world: World) -> None:
        """[4.4]"""
        package = await world.submitted()
        await world.decide(world.colleague, package)
        assert (await world.read(Package, id=package.id)).status == PackageStatus.PUBLISHED

    async def test_in_automatic_mode_its_audience_is_subscribed_with_it(self, world: World) -> None:
        """[6.5]"""
        await world.published(approval_mode=ApprovalMode.AUTOMATIC)
        assert {order.status for order in await world.all(Order)} == {OrderStatus.APPROVED}

    async def test_a_rejected_package_tells_owner_and_submitter_why(self, world: World) -> None:
        """N3 [7]."""
        package = await world.submitted()
        await world.decide(world.colleague, package, Decision.REJECT, "too dear")
        event = await world.read(Event, kind=EventKind.PACKAGE_REJECTED)
        assert (event.package_id, event.payload["comment"]) == (package.id, "too dear")

    async def test_a_package_that_became_incomplete_is_not_approved(self, world: World) -> None:
        """[4.5]"""
        package = await world.submitted()
        asked = await question(world, package)
        async with world.database.transaction() as session:
            (await session.get_one(Package, package.id)).registration_deadline = None
        stale = await world.read(Package, id=package.id)
        [problem] = await world.refused(
            world.colleague, lambda w: Approvals(w).decide(asked.id, stale.revision, Decision.APPROVE)
        )
        assert (problem.code, problem.path) == ("REQUIRED", ("registration_deadline",))
        assert (await question(world, package)).status == ApprovalStatus.PENDING
