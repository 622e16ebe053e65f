"""What central makes of packages: campaign and type, dates, what submission demands, audience [4.1 to 4.5]."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import update as sql_update

from server.domain.approval import Approval, ApprovalStatus
from server.domain.base import new_id
from server.domain.campaign import Campaign
from server.domain.lifecycles import CampaignStatus, PackageStatus
from server.domain.network import Entity, Operator
from server.domain.package import Package, PackageEntity
from server.errors import NotFound, Refused
from tests.builders import DAY, NOW
from tests.services.acts import codes, create, offer, submit, update
from tests.services.conftest import World

DATED = ("registration_deadline", "personalization_deadline", "campaign_available_at")
ALL_TYPES = ("simple", "by_form", "by_campaign", "by_target_approval")


def paths(problems: Any) -> list[tuple[str, ...]]:
    return sorted(problem.path for problem in problems)


@pytest.mark.parametrize(("campaign", "code"), [
    ({"status": CampaignStatus.CANCELED}, "CAMPAIGN_CANCELED"),
    ({"is_template": True}, "IS_TEMPLATE"),
])
async def test_a_package_offers_a_campaign_that_is_not_cancelled(  # [4.2]
    world: World, campaign: dict[str, Any], code: str
) -> None:
    made = await world.campaign()
    async with world.database.transaction() as session:
        await session.execute(sql_update(Campaign).where(Campaign.id == made.id).values(**campaign))
    problems = await world.refused(world.owner, create(campaign_id=made.id))
    assert codes(problems) == [(code, "campaign_id")] and made.code in problems[0].message


async def test_a_campaign_that_was_cancelled_meanwhile_stops_the_submission(world: World) -> None:  # [4.2, 4.5]
    package = await world.package()
    async with world.database.transaction() as session:
        await session.execute(sql_update(Campaign).values(status=CampaignStatus.CANCELED))
    assert codes(await world.refused(world.owner, submit(package))) == [("CAMPAIGN_CANCELED", "campaign_id")]


@pytest.mark.parametrize("field", ["campaign_id", "type", "status", "cycle", "code"])
async def test_campaign_and_type_never_change(world: World, field: str) -> None:  # [4.2]
    package = await world.package()
    [problem] = await world.refused(world.owner, update(package, **{field: new_id()}))
    assert (problem.code, problem.path) == ("NOT_EDITABLE", (field,))
    assert "registrationDeadline" in problem.message  # says what can change, in the client's words


async def test_a_campaign_that_does_not_exist_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        await world.do(world.owner, create(campaign_id=new_id()))


# the table of SPEC 3: which dates packages of a type have
@pytest.mark.parametrize(("type", "absent"), [
    ("simple", {"campaign_available_at"}),
    ("by_form", {"campaign_available_at"}),
    ("by_campaign", set()),
    ("by_target_approval", {"registration_deadline", "personalization_deadline", "campaign_available_at"}),
])
async def test_a_type_refuses_the_dates_it_does_not_have(world: World, type: str, absent: set[str]) -> None:
    package = await world.package(type)
    dates = dict.fromkeys(DATED, NOW + 5 * DAY)
    expected = [("NOT_OF_THIS_TYPE", field) for field in sorted(absent)]
    if expected:
        assert codes(await world.refused(world.owner, update(package, **dates))) == expected
    fitting = {field: NOW + 5 * DAY for field in DATED if field not in absent}
    assert (await world.do(world.owner, update(package, **fitting))).revision == 2


async def test_contradicting_dates_are_named_all_at_once(world: World) -> None:  # [4.3]
    package = await world.package("by_campaign")
    problems = await world.refused(world.owner, update(
        package, start=NOW + 9 * DAY, end=NOW + 8 * DAY, registration_deadline=NOW,
        personalization_deadline=NOW + DAY, campaign_available_at=NOW,
    ))
    assert codes(problems) == [
        ("AVAILABLE_BEFORE_START", "campaign_available_at"), ("DEADLINE_OUTSIDE_PACKAGE", "personalization_deadline"),
        ("DEADLINE_OUTSIDE_PACKAGE", "registration_deadline"), ("END_BEFORE_START", "end"),
    ]


async def test_a_date_without_a_time_is_a_day_in_the_organisation_s_time_zone(world: World) -> None:  # [4.3]
    package = await world.package()
    day = date(2026, 6, 1)
    package = await world.do(
        world.owner, update(package, start=day, end=day, registration_deadline=day, personalization_deadline=day)
    )
    evening = datetime(2026, 6, 1, 21, 59, 59, 999999, tzinfo=UTC)  # midnight in Stockholm, in summer
    assert (package.start, package.end) == (datetime(2026, 5, 31, 22, tzinfo=UTC), evening)
    assert (package.registration_deadline, package.personalization_deadline) == (evening, evening)


async def test_availability_may_lie_after_the_end(world: World) -> None:  # [4.3]
    package = await world.package("by_campaign", campaign_available_at=NOW + 90 * DAY)
    assert (await world.do(world.owner, submit(package))).status == PackageStatus.PENDING_APPROVAL


@pytest.mark.parametrize("far", [date(9999, 12, 31), date(1, 1, 1), datetime(9999, 12, 31, 23, 59)])  # noqa: DTZ001
async def test_a_date_that_no_time_zone_can_bear_is_refused(world: World, far: date) -> None:
    package = await world.package()
    problems = await world.refused(world.owner, update(package, end=far, registration_deadline=far))
    assert {("OUT_OF_RANGE", "end"), ("OUT_OF_RANGE", "registration_deadline")} <= set(codes(problems))


# SPEC 3: the audience and the registration deadline by type; target approval never asks for them
@pytest.mark.parametrize(("type", "missing"), [
    ("simple", ["end", "entity_ids", "registration_deadline", "start"]),
    ("by_form", ["end", "entity_ids", "registration_deadline", "start"]),
    ("by_campaign", ["end", "entity_ids", "registration_deadline", "start"]),
    ("by_target_approval", ["campaign", "end", "start"]),
])
async def test_submission_demands_everything_at_once(world: World, type: str, missing: list[str]) -> None:  # [4.5]
    campaign = await world.campaign(type)
    package = await world.do(world.owner, create(campaign_id=campaign.id))
    problems = await world.refused(world.owner, submit(package))
    assert [path[0] for path in paths(problems)] == missing
    assert (await world.read(Package, id=package.id)).status == PackageStatus.BEING_EDITED


async def test_a_package_of_target_approval_has_no_chosen_entities(world: World) -> None:  # [3, 4.5]
    package = await world.package("by_target_approval")
    for act in (update(package, entity_ids=[world.paris.id]), offer(package, world.paris)):
        assert codes(await world.refused(world.owner, act)) == [("NOT_OF_THIS_TYPE", "entity_ids")]


async def test_approval_demands_the_same_as_submission(world: World) -> None:  # [4.5]
    package = await world.submitted()
    async with world.database.transaction() as session:
        await session.execute(sql_update(Package).values(registration_deadline=None))
    with pytest.raises(Refused, match="registration deadline"):
        await world.decide(world.colleague, package)
    assert (await world.read(Approval)).status == ApprovalStatus.PENDING


async def test_automatic_mode_needs_a_default_for_every_required_field(world: World) -> None:  # [4.5, 6.5]
    package = await world.package("by_form", approval_mode="AUTOMATIC")
    [problem] = await world.refused(world.owner, submit(package))
    assert (problem.code, problem.path) == ("DEFAULT_MISSING", ("approval_mode",)) and "Headline" in problem.message


async def test_the_campaign_s_default_values_count_in_automatic_mode(world: World) -> None:  # [8.1, 6.5]
    values = {"default_values": {"headline": "Spring is here"}}
    package = await world.submitted("by_form", approval_mode="AUTOMATIC", campaign=values)
    assert package.status == PackageStatus.PENDING_APPROVAL


async def test_manual_mode_needs_no_defaults(world: World) -> None:  # [6.7] entities fill in the form
    assert (await world.submitted("by_form")).status == PackageStatus.PENDING_APPROVAL


@pytest.mark.parametrize(("fields", "fault"), [
    ({"label": None}, ("REQUIRED", "label")),
    ({"label": "  "}, ("REQUIRED", "label")),
    ({"label": "x" * 201}, ("TOO_LONG", "label")),
    ({"label": 7}, ("TYPE", "label")),
    ({"folder": "x" * 201}, ("TOO_LONG", "folder")),
    ({"message": "x" * 4001}, ("TOO_LONG", "message")),
    ({"description": "x" * 100_001}, ("TOO_LONG", "description")),
    ({"approval_mode": None}, ("CHOICE", "approval_mode")),
    ({"approval_mode": "MAYBE"}, ("CHOICE", "approval_mode")),
    ({"notify_on_publication": None}, ("TYPE", "notify_on_publication")),
    ({"approval_delay_hours": 24 * 365 + 1}, ("OUT_OF_RANGE", "approval_delay_hours")),
    ({"approval_delay_hours": None}, ("OUT_OF_RANGE", "approval_delay_hours")),
    ({"reminders": {"anchor": "DEADLINE"}}, ("INVALID_REMINDERS", "reminders")),
    ({"reminders": [{"anchor": "DEADLINE", "hours": 1}] * 21}, ("INVALID_REMINDERS", "reminders")),
    ({"locked_fields": ["label", "status"]}, ("CHOICE", "locked_fields")),
    ({"owner_id": None}, ("NOT_FOUND", "owner_id")),
])
async def test_a_value_that_does_not_fit_is_refused_at_its_field(
    world: World, fields: dict[str, Any], fault: tuple[str, str]
) -> None:
    package = await world.package()
    assert codes(await world.refused(world.owner, update(package, **fields))) == [fault]


async def test_texts_are_trimmed_and_rich_ones_lose_their_scripts(world: World) -> None:
    rich = '<p style="color:red">Hi <a href="javascript:x()">you</a><script>steal()</script></p>'
    package = await world.package(label=" Spring  ", description=rich)
    assert package.label == "Spring"
    assert package.description == '<p>Hi <a rel="noopener noreferrer">you</a></p>'


async def test_a_reminder_s_date_without_a_time_is_the_start_of_that_day(world: World) -> None:  # [5.4]
    package = await world.package(reminders=[{"at": date(2026, 3, 4)}, {"anchor": "SUBMISSION", "hours": 2}])
    stored = (await world.read(Package, id=package.id)).reminders
    assert stored == [{"at": "2026-03-03T23:00:00+00:00"}, {"anchor": "SUBMISSION", "hours": 2}]


async def test_the_owner_is_a_central_operator(world: World) -> None:  # [4.1]
    package = await world.package()
    for unfit in (world.regional.id, new_id()):
        assert codes(await world.refused(world.owner, update(package, owner_id=unfit))) == [("NOT_FOUND", "owner_id")]
    assert (await world.do(world.owner, update(package, owner_id=world.colleague.id))).owner_id == world.colleague.id


async def test_reviewers_are_people_or_groups_who_may_decide(world: World) -> None:  # [5.5]
    package = await world.package()
    fit = {"operator_id": world.colleague.id}
    problems = await world.refused(world.owner, update(package, reviewers=[
        fit, {}, {"operator_id": world.admin.id, "group_id": world.order_reviewers.id}, fit,
        {"operator_id": new_id()}, {"group_id": world.colleague.id}, {"operator_id": world.regional.id},
        {"group_id": world.order_reviewers.id},
    ]))
    assert sorted((problem.path[1], problem.code) for problem in problems) == [
        ("1", "ONE_OF"), ("2", "ONE_OF"), ("3", "DUPLICATE"), ("4", "NOT_FOUND"), ("5", "NOT_FOUND"),
        ("6", "NOT_CENTRAL"),
    ]
    too_many = [{"operator_id": new_id()} for _ in range(51)]
    assert codes(await world.refused(world.owner, update(package, reviewers=too_many))) == [("TOO_MANY", "reviewers")]


async def test_the_audience_is_made_of_local_entities_that_take_part(world: World) -> None:  # [4.5]
    async with world.database.transaction() as session:
        await session.execute(sql_update(Entity).where(Entity.id == world.oslo.id).values(active=False))
    package = await world.package()
    problems = await world.refused(
        world.owner, update(package, entity_ids=[world.paris.id, world.head.id, new_id(), world.oslo.id])
    )
    assert [(problem.path[1], problem.code) for problem in problems] == [
        ("1", "NOT_LOCAL"), ("2", "NOT_FOUND"), ("3", "NOT_ACTIVE")
    ]
    assert "Head office (HQ)" in problems[0].message


async def test_an_entity_named_twice_is_offered_to_once(world: World) -> None:
    package = await world.package(entity_ids=[world.paris.id, world.paris.id])
    [row] = await world.rows(PackageEntity)
    assert (row.package_id, row.entity_id) == (package.id, world.paris.id)


async def test_a_given_audience_replaces_the_old_one_and_keeps_who_stays(world: World) -> None:
    package = await world.package()
    await world.do(world.owner, update(package, entity_ids=[world.lyon.id, world.oslo.id]), at=NOW + DAY)
    rows = {row.entity_id: row.added_at for row in await world.rows(PackageEntity)}
    assert rows == {world.lyon.id: NOW, world.oslo.id: NOW + DAY}


async def test_an_audience_that_no_statement_could_bear_is_refused(world: World) -> None:
    package = await world.package()
    many = [new_id() for _ in range(20_001)]
    assert codes(await world.refused(world.owner, update(package, entity_ids=many))) == [("TOO_MANY", "entity_ids")]


async def test_every_type_has_a_package_that_can_be_made(world: World) -> None:  # [3]
    for type in ALL_TYPES:
        package = await world.package(type)
        assert (package.type, package.status) == (type, PackageStatus.BEING_EDITED)


async def test_an_operator_who_left_is_neither_owner_nor_reviewer(world: World) -> None:
    async with world.database.transaction() as session:
        await session.execute(sql_update(Operator).where(Operator.id == world.colleague.id).values(active=False))
    package = await world.package()
    problems = await world.refused(world.owner, update(
        package, owner_id=world.colleague.id, reviewers=[{"operator_id": world.colleague.id}]
    ))
    assert codes(problems) == [("NOT_CENTRAL", "reviewers"), ("NOT_FOUND", "owner_id")]
