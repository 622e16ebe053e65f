"""Contacts are spread over entities: an order and a list for each [9.11-9.13]."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from server.domain.approval import Approval, ApprovalReviewer, ApprovalStatus, ApprovalSubject, Reminder
from server.domain.lifecycles import OrderStatus
from server.domain.order import Order
from server.domain.package import PackageEntity
from server.domain.record import Event, EventKind, History
from server.domain.target import DataDistribution
from server.services import target_lists
from server.services.distributions import DataDistributions
from server.services.target_lists import Opened
from tests.builders import DAY, NOW, a_contact, a_group, an_entity, an_order, given
from tests.services.conftest import World
from tests.services.lists import emails, listed, offered, opening, order_of, people, spread, targets

MANUAL, AUTOMATIC = {"approval_mode": "MANUAL"}, {"approval_mode": "AUTOMATIC"}


async def test_every_entity_gets_its_own_contacts(world: World) -> None:  # [9.11]
    paris, lyon, oslo = people(world.paris, 3), people(world.lyon, 2), people(world.oslo, 2)
    await spread(world, [("PARIS", 0, world.paris), ("LYON", 0, world.lyon)], paris + lyon + oslo)
    assert await listed(world, world.paris) == emails(paris)
    assert await listed(world, world.lyon) == emails(lyon)
    assert await listed(world, world.oslo) == []


@pytest.mark.parametrize(("kind", "size", "taken"), [
    ("FIXED", 3, 3),
    ("FIXED", 9, 7),
    ("FIXED", 0, 7),  # 0 means all
    ("PERCENTAGE", 50, 3),  # of that value's contacts, rounded down
    ("PERCENTAGE", 0, 7),
    ("PERCENTAGE", 100, 7),
])
async def test_a_size_takes_the_best_of_a_value(world: World, kind: str, size: int, taken: int) -> None:  # [9.12]
    paris = people(world.paris, 7)
    await spread(world, [("PARIS", size, world.paris)], paris + people(world.lyon, 2), size_kind=kind)
    assert await listed(world, world.paris) == emails(paris[:taken])


async def test_a_percentage_that_rounds_to_nothing_opens_no_list(world: World) -> None:  # [9.12]
    await spread(world, [("PARIS", 20, world.paris)], people(world.paris, 4), size_kind="PERCENTAGE")
    assert await world.all(Order) == []


async def test_several_values_of_an_entity_make_one_list_by_rank(world: World) -> None:  # [9.12]
    inner = [a_contact(world.oslo, postal_code="75001", score=score) for score in (90, 50, 10)]
    outer = [a_contact(world.oslo, postal_code="75002", score=score) for score in (70, 60)]
    rows = [("75001", 2, world.paris), ("75002", 0, world.paris)]
    await spread(world, rows, inner + outer, field="postalCode")
    assert await listed(world, world.paris) == emails([inner[0], outer[0], outer[1], inner[1]])
    assert [target.position for target in await targets(world)] == [1, 2, 3, 4]


async def test_values_without_a_row_go_to_the_complement(world: World) -> None:  # [9.12]
    contacts = [a_contact(world.oslo, city=city) for city in ("Paris", "Paris", "Lyon", "", "Oslo")]
    await given(world.database, contacts)
    package = await offered(world, [("Paris", 1, world.paris), ("Lyon", 0, world.lyon)], field="city")
    assert await world.do(world.owner, opening(package)) == Opened(orders=2, contacts=2, skipped=0, complement=3)


async def test_only_the_campaigns_target_is_spread(world: World) -> None:  # [9.11]
    young, old = people(world.paris, 2, birth_year=1999), people(world.paris, 2, birth_year=1950)
    gone = people(world.paris, 1, birth_year=2001, opted_out=True)
    wanted = {"filter": {"field": "birthYear", "operator": "GE", "value": 1990}}
    campaign = {"targeting": wanted}
    await spread(world, [("PARIS", 0, world.paris)], young + old + gone, campaign=campaign)
    assert await listed(world, world.paris) == emails(young)


@pytest.mark.parametrize(("field", "descending", "order"), [
    ("score", True, [2, 0, 1]),
    ("score", False, [1, 0, 2]),
    ("lastName", False, [0, 2, 1]),  # by code point on both databases
    ("birthYear", True, [1, 0, 2]),  # unknown comes last
    ("birthYear", False, [0, 1, 2]),
])
async def test_contacts_are_ranked_by_a_field(world: World, field: str, descending: bool, order: list[int]) -> None:
    contacts = [
        a_contact(world.paris, score=50, last_name="Zola", birth_year=1980),
        a_contact(world.paris, score=10, last_name="Åkesson", birth_year=1990),
        a_contact(world.paris, score=90, last_name="dupont", birth_year=None),
    ]
    ranking = {"sort_field": field, "descending": descending}
    await spread(world, [("PARIS", 0, world.paris)], contacts, **ranking)
    assert await listed(world, world.paris) == emails(contacts[index] for index in order)


def numbered(world: World) -> list[Any]:
    """Contacts whose ids are the same in every test, with three scores."""
    ids = [f"0195e2c0-0000-7000-8000-{index * 7919:012x}" for index in range(1, 13)]
    return [a_contact(world.paris, id=key, score=index // 4) for index, key in enumerate(map(UUID, ids))]


@pytest.mark.parametrize(("ranking", "seed", "order"), [
    ("RANDOM", 1, [10, 0, 2, 9, 7, 4, 11, 1, 8, 5, 6, 3]),
    ("RANDOM", 2, [10, 4, 1, 7, 9, 3, 0, 11, 6, 8, 2, 5]),
    ("SORT_THEN_RANDOM", 1, [10, 9, 11, 8, 7, 4, 5, 6, 0, 2, 1, 3]),
])
async def test_a_seed_gives_the_same_shuffle_on_both_databases_every_time(
    world: World, ranking: str, seed: int, order: list[int]
) -> None:  # [9.12]
    contacts = numbered(world)
    await spread(world, [("PARIS", 0, world.paris)], contacts, ranking=ranking, seed=seed)
    places = emails(contacts)
    assert [places.index(email) for email in await listed(world, world.paris)] == order


async def test_a_contact_is_preselected_unless_the_distribution_says_otherwise(world: World) -> None:  # [9.12]
    await spread(world, [("PARIS", 0, world.paris)], people(world.paris, 3), preselect=False)
    order = await order_of(world, world.paris)
    assert (order.targeted_contacts, order.approved_contacts) == (3, 0)
    assert await listed(world, world.paris, kept=True) == []


async def test_a_list_is_grouped_by_a_field(world: World) -> None:  # [9.12]
    contacts = [a_contact(world.paris, language=language) for language in ("fr", "sv")]
    await spread(world, [("PARIS", 0, world.paris)], contacts, grouping_field="language")
    assert sorted((target.grouping, target.value) for target in await targets(world)) == [
        ("fr", "PARIS"), ("sv", "PARIS"),
    ]


@pytest.mark.parametrize(("mode", "status"), [(MANUAL, OrderStatus.DRAFT), (AUTOMATIC, OrderStatus.APPROVED)])
async def test_an_order_is_made_per_entity_in_the_packages_mode(
    world: World, mode: dict[str, str], status: OrderStatus
) -> None:  # [9.13]
    rows = [("PARIS", 0, world.paris), ("LYON", 0, world.lyon)]
    package = await spread(world, rows, people(world.paris, 3) + people(world.lyon, 2), package=mode)
    lyon, paris = await order_of(world, world.lyon), await order_of(world, world.paris)
    assert (paris.status, paris.package_id, paris.label, paris.cycle) == (status, package.id, package.label, 1)
    assert (paris.targeted_contacts, paris.approved_contacts, paris.exclusive) == (3, 3, True)
    assert {lyon.code, paris.code} == {"ORD1", "ORD2"}
    assert (paris.approved_at is None) == (status is OrderStatus.DRAFT)


async def test_the_audience_follows_from_the_contacts(world: World) -> None:  # [3]
    package = await spread(world, [("PARIS", 0, world.paris), ("LYON", 0, world.lyon)], people(world.paris, 1))
    async with world.database.reading() as session:
        audience = select(PackageEntity.entity_id).where(PackageEntity.package_id == package.id)
        assert list(await session.scalars(audience)) == [world.paris.id]


async def test_each_entity_is_asked_about_its_list(world: World) -> None:  # [9.11, N14]
    supervisors, notified = a_group("Supervisors"), a_group("Staff")
    both = an_entity("Nice", code="NICE", campaign_reviewers_id=supervisors.id, notification_group_id=notified.id)
    told = an_entity("Lille", code="LILLE", notification_group_id=notified.id)
    await given(world.database, supervisors, notified, both, told)
    rows = [("NICE", 0, both), ("LILLE", 0, told), ("PARIS", 0, world.paris)]
    contacts = people(both, 2) + people(told, 1) + people(world.paris, 1)
    package = await spread(world, rows, contacts, campaign={"target_deadline_hours": 48}, package={
        "reminders": [{"anchor": "DEADLINE", "hours": 24}],
    })
    order = await order_of(world, both)
    approval = await world.read(Approval, order_id=order.id)
    assert (approval.subject, approval.status, approval.entity_id, approval.package_id, approval.deadline) == (
        ApprovalSubject.TARGET, ApprovalStatus.PENDING, both.id, package.id, NOW + 2 * DAY,
    )
    asked = {row.approval_id: row.group_id for row in await world.all(ApprovalReviewer)}
    other = await world.read(Approval, order_id=(await order_of(world, told)).id)
    assert asked == {approval.id: supervisors.id, other.id: notified.id}
    reminder = await world.read(Reminder, approval_id=approval.id)
    assert reminder.due_at == NOW + timedelta(hours=24)
    event = await world.read(Event, order_id=order.id)
    assert (event.kind, event.approval_id, event.entity_id) == (
        EventKind.TARGET_APPROVAL_ASKED, approval.id, both.id,
    )
    assert event.payload == {
        "deadline": (NOW + 2 * DAY).isoformat(), "contacts": 2, "on_no_response": "EXCLUDE_ALL",
    }


async def test_every_order_and_question_has_its_history(world: World) -> None:  # [12.1]
    await spread(world, [("PARIS", 2, world.paris)], people(world.paris, 3))
    order = await order_of(world, world.paris)
    made = await world.read(History, subject_id=order.id)
    assert (made.action, made.actor_id, made.entity_id, made.subject_code) == (
        "DISTRIBUTE", world.owner.id, world.paris.id, order.code,
    )
    assert made.after == {"status": "DRAFT", "targeted_contacts": 2, "approved_contacts": 2}
    asked = await world.read(History, action="ASK", entity_id=world.paris.id)
    assert (asked.after["contacts"], asked.after["order"]) == (2, order.code)


async def test_an_entity_with_a_standing_order_is_skipped_and_counted(world: World) -> None:  # [6.3]
    closed = an_entity("Nice", code="NICE", active=False)
    await given(world.database, closed)
    contacts = people(world.paris, 3) + people(world.lyon, 2) + people(closed, 1)
    await given(world.database, contacts)
    rows = [("PARIS", 2, world.paris), ("LYON", 0, world.lyon), ("NICE", 0, closed)]
    package = await offered(world, rows)
    await given(
        world.database, an_order(package, world.paris, OrderStatus.APPROVED),
        an_order(package, world.lyon, OrderStatus.CANCELED),
    )
    assert await world.do(world.owner, opening(package)) == Opened(orders=1, contacts=2, skipped=3, complement=1)
    assert await world.do(world.owner, opening(package)) == Opened(orders=0, contacts=0, skipped=5, complement=1)


async def test_blocks_of_lists_come_to_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target_lists, "BLOCK_CONTACTS", 4)
    paris, lyon, oslo = people(world.paris, 3), people(world.lyon, 2), people(world.oslo, 9)
    rows = [("PARIS", 0, world.paris), ("LYON", 0, world.lyon), ("OSLO", 1, world.oslo)]
    await spread(world, rows, paris + lyon + oslo)
    assert await listed(world, world.paris) == emails(paris)
    assert await listed(world, world.lyon) == emails(lyon)
    assert await listed(world, world.oslo) == emails(oslo[:1])


async def test_a_distribution_to_operators_opens_no_lists(world: World) -> None:  # [9.12]
    package = await offered(world, [("PARIS", 0, world.paris)])
    distribution = await world.read(DataDistribution)
    rows = [{"value": "PARIS", "operator_id": world.paris_manager.id}]
    await world.do(world.owner, lambda w: DataDistributions(w).update(
        distribution.id, distribution.revision, {"assignment": "GROUP_OR_OPERATOR", "rows": rows}
    ))
    [problem] = await world.refused(world.owner, opening(package))
    assert problem.code == "DATA_DISTRIBUTION_ASSIGNMENT"
    assert "assigned by GROUP_OR_OPERATOR; target lists need LOCAL_ENTITY" in problem.message


async def test_a_distribution_without_rows_opens_no_lists(world: World) -> None:
    package = await offered(world, [])
    [problem] = await world.refused(world.owner, opening(package))
    assert problem.code == "NO_ROWS"
