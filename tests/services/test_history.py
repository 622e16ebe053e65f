"""Every change of a package or campaign stands in the history: who, when, what, before, after and why [12.1]."""

from collections.abc import Callable
from typing import Any

import pytest

from server.domain.campaign import Campaign
from server.domain.lifecycles import OrderStatus
from server.domain.package import Package, PackageTemplate
from server.domain.record import History, SubjectKind
from server.errors import Refused
from server.services.approvals import Decision
from server.services.packages import LiveOrders
from server.services.templates import PackageTemplates
from tests.builders import DAY, NOW
from tests.services.acts import (
    PackageAct,
    cancel,
    change_campaign,
    offer,
    reinitialize,
    start_campaign,
    submit,
    take_back,
    update,
    withdraw,
)
from tests.services.conftest import FORM, World

LATER = NOW + DAY
Entry = tuple[str, dict[str, Any], dict[str, Any], str]


async def entries(world: World, subject: SubjectKind, **where: Any) -> list[History]:
    return await world.all(History, subject=subject, **where)


async def last(world: World, package: Package) -> History:
    return (await entries(world, SubjectKind.PACKAGE, subject_id=package.id))[-1]


# [12.1] the status in which a package is, what is done to it, and what the history tells of it
@pytest.mark.parametrize(("made", "act", "entry"), [
    ("package", lambda p, w: update(p, label="New", message="Hi"),
     ("EDIT", {"label": "Spring package", "message": ""}, {"label": "New", "message": "Hi"}, "")),
    ("package", lambda p, w: update(p, entity_ids=[w.lyon.id, w.oslo.id]),
     ("EDIT", {"audience": ["PARIS"]}, {"audience": ["OSLO"]}, "")),
    ("package", lambda p, w: submit(p), ("SUBMIT", {"status": "BEING_EDITED"}, {"status": "PENDING_APPROVAL"}, "")),
    ("submitted", lambda p, w: withdraw(p, "Too early"),
     ("WITHDRAW", {"status": "PENDING_APPROVAL"}, {"status": "BEING_EDITED"}, "Too early")),
    ("published", lambda p, w: cancel(p, "No stock"),
     ("CANCEL", {"status": "PUBLISHED", "cancel_comment": ""}, {"status": "CANCELED", "cancel_comment": "No stock"},
      "No stock")),
    ("published", lambda p, w: reinitialize(p, LiveOrders.KEEP, "Again"),
     ("REINITIALIZE", {"status": "PUBLISHED", "cycle": 1}, {"status": "BEING_EDITED", "cycle": 2}, "Again")),
    ("published", lambda p, w: offer(p, w.oslo), ("ADD_TO_AUDIENCE", {}, {"audience": ["OSLO"]}, "")),
    ("published", lambda p, w: take_back(p, w.paris, comment="Closed"),
     ("REMOVE_FROM_AUDIENCE", {"audience": ["PARIS"]}, {"audience": []}, "Closed")),
])
async def test_a_change_tells_who_when_what_and_why(
    world: World, made: str, act: Callable[[Package, World], PackageAct], entry: Entry
) -> None:
    package = await getattr(world, made)()
    changed = await world.do(world.colleague, act(package, world), at=LATER)
    told = await last(world, package)
    action, before, after, comment = entry
    assert (told.actor_id, told.at, told.subject_code) == (world.colleague.id, LATER, package.code)
    assert (told.action, told.comment, told.revision) == (action, comment, changed.revision)
    assert before.items() <= told.before.items() and after.items() <= told.after.items()
    assert changed.modified_at == LATER


async def test_the_making_of_a_package_stands_with_its_people(world: World) -> None:  # [12.1]
    package = await world.package(reviewers=[{"operator_id": world.colleague.id}])
    told = await last(world, package)
    assert (told.action, told.before, told.actor_id) == ("CREATE", {}, world.owner.id)
    assert (told.after["audience"], told.after["label"]) == (["LYON", "PARIS"], "Spring package")
    assert told.after["reviewers"] == [[str(world.colleague.id), None]]


async def test_a_change_of_reviewers_tells_who_was_and_who_is_asked(world: World) -> None:  # [12.1, N18]
    package = await world.submitted(reviewers=[{"operator_id": world.colleague.id}])
    await world.do(world.owner, update(package, reviewers=[{"group_id": world.order_reviewers.id}]))
    told = await last(world, package)
    assert told.before == {"reviewers": [[str(world.colleague.id), None]]}
    assert told.after == {"reviewers": [[None, str(world.order_reviewers.id)]]}


async def test_decision_and_publication_are_two_entries(world: World) -> None:  # [12.1, 4.4]
    package = await world.published()
    told = await entries(world, SubjectKind.PACKAGE, subject_id=package.id)
    assert [(each.action, each.before.get("status"), each.after.get("status")) for each in told[-2:]] == [
        ("APPROVE", "PENDING_APPROVAL", "APPROVED"), ("PUBLISH", "APPROVED", "PUBLISHED"),
    ]
    assert [each.revision for each in told] == list(range(1, len(told) + 1))


async def test_a_rejection_stands_with_its_comment(world: World) -> None:  # [12.1, 5.2]
    package = await world.submitted()
    await world.decide(world.colleague, package, Decision.REJECT, "Too early")
    told = await last(world, package)
    assert (told.action, told.comment, told.after) == ("REJECT", "Too early", {"status": "REJECTED"})


async def test_what_the_server_does_has_no_actor(world: World) -> None:  # [12.1]
    package = await world.published(start=LATER)
    await world.advance(LATER)
    told = await last(world, package)
    assert (told.action, told.actor_id, told.at) == ("PUBLISH", None, LATER)


async def test_orders_and_campaigns_that_go_with_a_package_have_entries_of_their_own(world: World) -> None:  # [12.1]
    package = await world.published("by_campaign")
    order = await world.ordered(package)
    await world.decide(world.order_reviewer, order)
    await world.do(world.owner, cancel(package, "No stock"))
    [of_order] = await entries(world, SubjectKind.ORDER, action="CANCEL")
    assert (of_order.subject_id, of_order.entity_id, of_order.comment) == (order.id, world.paris.id, "No stock")
    assert (of_order.before["status"], of_order.after["status"]) == (OrderStatus.AVAILABLE, OrderStatus.CANCELED)
    of_campaigns = await entries(world, SubjectKind.CAMPAIGN, action="CANCEL")
    assert {each.entity_id for each in of_campaigns} == {None, world.paris.id}


async def test_a_campaign_s_changes_stand_with_its_form(world: World) -> None:  # [12.1, 9.3]
    campaign = await world.campaign("by_form", form=FORM)
    campaign = await world.do(world.colleague, change_campaign(campaign, nature="Ours", form=FORM[:1]), at=LATER)
    await world.do(world.owner, start_campaign(campaign), at=LATER)
    made, edited, started = await entries(world, SubjectKind.CAMPAIGN, subject_id=campaign.id)
    assert (made.action, [field["name"] for field in made.after["form"]]) == ("CREATE", ["headline", "discount"])
    assert (edited.before["nature"], edited.before["form_version"]) == ("collaborative", 1)
    assert (edited.after["nature"], edited.after["form_version"]) == ("Ours", 2)
    assert (edited.after["form"], edited.actor_id) == (FORM[:1], world.colleague.id)
    assert (started.before, started.after) == ({"status": "BEING_EDITED"}, {"status": "IN_PROGRESS"})


async def test_a_child_s_changes_can_be_read_by_its_entity(world: World) -> None:  # [12.1, 2.3]
    package = await world.published("by_campaign")
    await world.decide(world.order_reviewer, await world.ordered(package))
    child = await world.read(Campaign, entity_id=world.paris.id)
    await world.do(world.paris_manager, change_campaign(child, typology={"rules": ["quiet"]}))
    reference = await world.read(Campaign, id=package.campaign_id)
    await world.do(world.owner, change_campaign(reference, start=LATER))
    told = await entries(world, SubjectKind.CAMPAIGN, subject_id=child.id)
    assert [each.entity_id for each in told] == [world.paris.id] * 3
    assert told[1].after == {"typology": {"rules": ["quiet"]}, "overrides": ["typology"]}
    assert (told[2].actor_id, told[2].after) == (world.owner.id, {"start": LATER.isoformat()})


async def test_templates_have_a_history_too(world: World) -> None:  # [12.1]
    empty = await world.read(PackageTemplate, code="mutualizedEmpty")
    await world.do(world.owner, lambda work: PackageTemplates(work).update(empty.id, 1, {"preset": {"folder": "New"}}))
    [told] = await entries(world, SubjectKind.TEMPLATE)
    assert (told.before, told.after) == ({"preset": {}}, {"preset": {"folder": "New"}})


async def test_what_is_refused_leaves_no_trace(world: World) -> None:  # [12.1]
    package = await world.published()
    before = len(await world.all(History))
    for act in (update(package, label="New"), submit(package), withdraw(package), take_back(package, world.oslo)):
        with pytest.raises(Refused):
            await world.do(world.owner, act)
    assert len(await world.all(History)) == before
