"""Statuses of packages, what may change in each, who may change it, and in which revision [2.2, 4.4, 4.7, 5.7]."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update as sql_update

from server.domain import lifecycles
from server.domain.approval import Approval, ApprovalReviewer, ApprovalStatus
from server.domain.lifecycles import Action, PackageStatus
from server.domain.package import DeadlineNotice, Package, PackageReviewer
from server.domain.record import EventKind
from server.errors import NotAllowed, NotFound
from server.plugins import CampaignTypes
from server.services.approvals import Decision
from tests.builders import DAY, NOW, a_package
from tests.services.acts import (
    cancel,
    codes,
    create,
    offer,
    reinitialize,
    submit,
    take_back,
    update,
    withdraw,
)
from tests.services.conftest import World

MANAGED = {"submit": submit, "withdraw": withdraw, "cancel": cancel, "reinitialize": reinitialize}


async def in_status(world: World, status: PackageStatus) -> Package:
    """A complete package that got into the status somehow."""
    package = await world.package("simple")
    async with world.database.transaction() as session:
        await session.execute(sql_update(Package).values(status=status))
    return await world.read(Package, id=package.id)


async def test_a_rejected_package_is_edited_and_submitted_again(world: World) -> None:  # [4.4]
    package = await world.submitted()
    await world.decide(world.colleague, package, Decision.REJECT, "Too early")
    package = await world.read(Package, id=package.id)
    assert package.status == PackageStatus.REJECTED
    package = await world.do(world.owner, update(package, start=NOW + DAY))
    assert package.status == PackageStatus.BEING_EDITED
    await world.do(world.owner, submit(package))
    assert [each.status for each in await world.all(Approval)] == [ApprovalStatus.REJECTED, ApprovalStatus.PENDING]


async def test_new_entities_take_a_rejected_package_up_again_too(world: World) -> None:  # [4.4]
    package = await in_status(world, PackageStatus.REJECTED)
    assert (await world.do(world.owner, offer(package, world.oslo))).status == PackageStatus.BEING_EDITED


async def test_a_withdrawn_package_is_edited_and_its_question_is_closed(world: World) -> None:  # [4.4]
    package = await world.submitted()
    package = await world.do(world.owner, withdraw(package, "A mistake"))
    assert package.status == PackageStatus.BEING_EDITED
    assert (await world.read(Approval)).status == ApprovalStatus.WITHDRAWN
    package = await world.do(world.owner, update(package, label="Better"))
    assert (await world.do(world.owner, submit(package))).status == PackageStatus.PENDING_APPROVAL


@pytest.mark.parametrize("status", PackageStatus)
async def test_an_illegal_move_names_the_status_and_what_is_allowed(world: World, status: PackageStatus) -> None:
    package = await in_status(world, status)  # [4.4]
    for action, act in MANAGED.items():
        if (status, Action(action.upper())) in lifecycles.PACKAGE:
            continue
        [problem] = await world.refused(world.owner, act(package))
        assert (problem.code, problem.path) == ("ILLEGAL_TRANSITION", ("id",))
        assert f"is {status}" in problem.message and package.code in problem.message
        assert all(allowed in problem.message for allowed in package.actions())


@pytest.mark.parametrize("status", PackageStatus)
async def test_a_legal_move_leads_where_the_table_says(world: World, status: PackageStatus) -> None:  # [4.4]
    package = await in_status(world, status)
    for action, act in MANAGED.items():
        if becomes := lifecycles.PACKAGE.get((status, Action(action.upper()))):
            assert await world.outcome(world.owner, act(package)) == becomes


async def test_submitting_twice_is_refused_as_stale(world: World) -> None:  # [5.7]
    package = await world.package()
    await world.do(world.owner, submit(package))
    [problem] = await world.refused(world.colleague, submit(package))
    assert problem.code == "STALE_REVISION" and "status" in problem.message


LATER = NOW + 20 * DAY


# [4.7] description, message, owner, reviewers, later dates; nothing else
@pytest.mark.parametrize(("fields", "allowed"), [
    ({"description": "New", "message": "New"}, True),
    ({"end": NOW + 40 * DAY, "registration_deadline": LATER, "personalization_deadline": LATER}, True),
    ({"label": "New"}, False),
    ({"start": NOW - 2 * DAY}, False),
    ({"approval_mode": "AUTOMATIC"}, False),
    ({"locked_fields": []}, False),
    ({"entity_ids": []}, False),
    ({"folder": "New"}, False),
])
@pytest.mark.parametrize("status", [PackageStatus.APPROVED, PackageStatus.PUBLISHED])
async def test_what_may_change_on_a_package_that_entities_see(
    world: World, status: PackageStatus, fields: dict[str, Any], allowed: bool
) -> None:
    package = await in_status(world, status)
    if allowed:
        assert (await world.do(world.owner, update(package, **fields))).status == status
    else:
        problems = await world.refused(world.owner, update(package, **fields))
        assert codes(problems) == [("NOT_EDITABLE", field) for field in fields] and status in problems[0].message


@pytest.mark.parametrize(("fields", "faulty"), [
    ({"end": NOW + 29 * DAY}, {"end"}),
    ({"end": None}, {"end"}),
    ({"registration_deadline": NOW + 9 * DAY}, {"registration_deadline"}),
    ({"registration_deadline": None}, set()),  # none means the end, which is later
    ({"registration_deadline": NOW + 11 * DAY, "end": NOW + 10 * DAY}, {"registration_deadline", "end"}),
])
async def test_dates_of_a_published_package_only_move_later(  # [4.7]
    world: World, fields: dict[str, Any], faulty: set[str]
) -> None:
    package = await world.published()
    if not faulty:
        assert (await world.do(world.owner, update(package, **fields))).registration_deadline is None
        return
    problems = await world.refused(world.owner, update(package, **fields))
    assert {problem.path[0] for problem in problems} == faulty
    assert "ONLY_EXTEND" in {problem.code for problem in problems}


async def test_a_registration_deadline_before_the_end_shortens_a_package_that_had_none(world: World) -> None:  # [4.7]
    package = await world.published("simple")
    package = await world.do(world.owner, update(package, registration_deadline=None))
    problems = await world.refused(world.owner, update(package, registration_deadline=NOW + 29 * DAY))
    assert codes(problems) == [("ONLY_EXTEND", "registration_deadline")]


async def test_a_later_registration_deadline_is_announced_anew(world: World) -> None:  # [4.7, N11]
    package = await world.published()
    await world.advance(NOW + 11 * DAY)
    package = await world.read(Package, id=package.id)
    assert package.deadline_notice == DeadlineNotice.REACHED
    await world.do(world.owner, update(package, registration_deadline=NOW + 12 * DAY), at=NOW + 11 * DAY)
    await world.advance(NOW + 12 * DAY)
    assert (await world.read(Package, id=package.id)).deadline_notice == DeadlineNotice.NEAR
    assert (await world.events()).count(EventKind.REGISTRATION_DEADLINE_NEAR) == 1


@pytest.mark.parametrize("status", [PackageStatus.ENDED, PackageStatus.CANCELED])
async def test_nothing_changes_on_a_package_that_is_over(world: World, status: PackageStatus) -> None:  # [4.7]
    package = await in_status(world, status)
    for fields in ({}, {"label": "New"}, {"end": NOW + 90 * DAY}):
        problems = await world.refused(world.owner, update(package, **fields))
        assert ("NOT_EDITABLE", "id") in codes(problems)


async def test_while_reviewers_decide_only_people_change(world: World) -> None:  # [4.4, N18]
    package = await world.submitted()
    assert codes(await world.refused(world.owner, update(package, message="New"))) == [("NOT_EDITABLE", "message")]
    package = await world.do(world.owner, update(package, owner_id=world.colleague.id))
    assert (package.status, package.owner_id) == (PackageStatus.PENDING_APPROVAL, world.colleague.id)


async def test_reviewers_named_while_pending_are_asked(world: World) -> None:  # [5.5, N18]
    package = await world.submitted()
    reviewers = [{"operator_id": world.colleague.id}, {"group_id": world.order_reviewers.id}]
    package = await world.do(world.owner, update(package, reviewers=reviewers))
    assert [row.operator_id for row in await world.all(ApprovalReviewer)] == [world.colleague.id, None]
    with pytest.raises(NotAllowed):  # the owner may not decide while reviewers are named
        await world.decide(world.owner, package)


async def test_the_owner_decides_once_nobody_is_named_any_more(world: World) -> None:  # [5.5]
    package = await world.submitted(reviewers=[{"operator_id": world.colleague.id}])
    package = await world.do(world.owner, update(package, reviewers=[]))
    assert not await world.all(PackageReviewer) and not await world.all(ApprovalReviewer)
    approval = await world.decide(world.owner, package)
    assert (approval.status, approval.override) == (ApprovalStatus.APPROVED, False)


async def test_naming_the_same_reviewers_again_tells_nobody(world: World) -> None:  # [N18]
    reviewers = [{"operator_id": world.colleague.id}]
    package = await world.submitted(reviewers=reviewers)
    await world.do(world.owner, update(package, reviewers=reviewers))
    assert EventKind.REVIEWERS_CHANGED not in await world.events()


def everything(package: Package, world: World) -> list[Any]:
    return [
        update(package, message="Mine"), submit(package), withdraw(package), cancel(package), reinitialize(package),
        offer(package, world.oslo), take_back(package, world.paris),
    ]


async def test_a_package_out_of_scope_does_not_exist(world: World) -> None:  # [2.3]
    package = await world.package()
    published = await world.published()
    ghost = a_package(await world.campaign(), world.owner)
    for who, unseen in ((world.regional, package), (world.oslo_manager, published), (world.owner, ghost)):
        unseen.revision = unseen.revision or 1
        for act in everything(unseen, world):
            with pytest.raises(NotFound, match="There is no such package"):
                await world.do(who, act)


async def test_local_operators_change_no_package_that_they_see(world: World) -> None:  # [2.2]
    package = await world.published()
    for act in everything(package, world):
        with pytest.raises(NotAllowed, match="central operator"):
            await world.do(world.regional, act)
    with pytest.raises(NotAllowed):
        await world.do(world.regional, create(campaign_id=package.campaign_id))


async def test_a_stale_revision_is_refused_with_the_fields_that_differ(world: World) -> None:  # [5.7]
    package = await world.published()
    await world.do(world.colleague, update(package, message="New", registration_deadline=LATER))
    for act in everything(package, world):
        [problem] = await world.refused(world.owner, act)
        assert (problem.code, problem.path) == ("STALE_REVISION", ("revision",))
        assert "message, registrationDeadline" in problem.message


async def test_a_change_of_reviewers_or_audience_alone_makes_a_revision(world: World) -> None:  # [5.7]
    package = await world.package()
    for fields in ({"reviewers": [{"operator_id": world.colleague.id}]}, {"entity_ids": [world.oslo.id]}):
        changed = await world.do(world.owner, update(package, **fields))
        assert changed.revision == package.revision + 1
        package = changed


async def test_a_package_whose_type_is_gone_stays_readable_and_refuses_changes(world: World) -> None:  # [3.2]
    package = await world.published()
    without = replace(world, types=CampaignTypes(kind for kind in world.types if kind.name != "simple"))
    for act in everything(package, world):
        [problem] = await without.refused(world.owner, act)
        assert problem.code == "TYPE_NOT_INSTALLED" and "simple" in problem.message
    [problem] = await without.refused(world.owner, create(campaign_id=package.campaign_id))
    assert problem.code == "TYPE_NOT_INSTALLED"
    assert (await world.read(Package, id=package.id)).revision == package.revision
