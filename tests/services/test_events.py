"""Every message is an event first, written once, with the change that causes it, and not without it [7]."""

from collections import Counter
from collections.abc import Callable

import pytest

from server.domain.approval import Approval
from server.domain.package import Package
from server.domain.record import Event, EventKind
from server.services.approvals import Approvals, Decision
from server.services.orders import Orders
from server.services.packages import LiveOrders
from tests.builders import NOW
from tests.services.acts import (
    PackageAct,
    cancel,
    offer,
    reinitialize,
    submit,
    take_back,
    update,
    withdraw,
)
from tests.services.conftest import World

K = EventKind
Act = Callable[[Package, World], PackageAct]

# the number in the table of section 7, the package, what is done to it, and all the events of that
CASES: list[tuple[str, str, dict[str, str], Act, Counter[EventKind]]] = [
    ("N1", "package", {}, lambda p, w: submit(p), Counter({K.PACKAGE_SUBMITTED: 1})),
    ("N12", "published", {}, lambda p, w: cancel(p), Counter({K.PACKAGE_CANCELED: 1})),
    ("N12 and N18", "submitted", {}, lambda p, w: cancel(p),
     Counter({K.PACKAGE_CANCELED: 1, K.APPROVAL_WITHDRAWN: 1})),
    ("N13", "published", {"approval_mode": "AUTOMATIC"}, lambda p, w: reinitialize(p, LiveOrders.CANCEL),
     Counter({K.ORDER_CANCELED: 2})),
    ("N13 removed", "published", {"approval_mode": "AUTOMATIC"},
     lambda p, w: take_back(p, w.paris, live_orders=LiveOrders.CANCEL), Counter({K.ORDER_CANCELED: 1})),
    ("none", "published", {"approval_mode": "AUTOMATIC"},
     lambda p, w: take_back(p, w.paris, live_orders=LiveOrders.KEEP), Counter()),
    ("N17", "published", {}, lambda p, w: offer(p, w.oslo), Counter({K.ENTITY_ADDED: 1})),
    ("N18 withdrawn", "submitted", {}, lambda p, w: withdraw(p), Counter({K.APPROVAL_WITHDRAWN: 1})),
    ("N18 changed", "submitted", {}, lambda p, w: update(p, reviewers=[{"operator_id": w.admin.id}]),
     Counter({K.REVIEWERS_CHANGED: 1})),
    ("none", "package", {}, lambda p, w: update(p, reviewers=[{"operator_id": w.admin.id}]), Counter()),
    ("none", "published", {}, lambda p, w: update(p, message="Hi"), Counter()),
]


@pytest.mark.parametrize(("number", "made", "fields", "act", "expected"), CASES, ids=[case[0] for case in CASES])
async def test_an_act_writes_its_events_once_and_none_when_it_is_taken_back(
    world: World, number: str, made: str, fields: dict[str, str], act: Act, expected: Counter[EventKind]
) -> None:
    package = await getattr(world, made)(**fields)
    before = Counter(await world.events())
    await world.rehearsed(world.owner, act(package, world))
    assert Counter(await world.events()) == before  # [7] in the same transaction as the change
    await world.do(world.owner, act(package, world))
    assert Counter(await world.events()) - before == expected
    if expected:
        event = (await world.all(Event))[-1]
        assert (event.at, event.actor_id, event.delivered_at) == (NOW, world.owner.id, None)


# N3, N5 and N6 come with the decision
@pytest.mark.parametrize(("mode", "decision", "expected"), [
    ("MANUAL", Decision.REJECT, K.PACKAGE_REJECTED),
    ("MANUAL", Decision.APPROVE, K.PACKAGE_PUBLISHED),
    ("AUTOMATIC", Decision.APPROVE, K.PACKAGE_SUBSCRIBED),
])
async def test_a_decision_writes_its_event_once_and_none_when_it_is_taken_back(
    world: World, mode: str, decision: Decision, expected: EventKind
) -> None:
    package = await world.submitted(approval_mode=mode)
    before = Counter(await world.events())
    question = await world.read(Approval)
    await world.rehearsed(
        world.colleague, lambda work: Approvals(work).decide(question.id, package.revision, decision, "So be it")
    )
    assert Counter(await world.events()) == before
    await world.decide(world.colleague, package, decision, "So be it")
    assert Counter(await world.events()) - before == Counter({expected: 1})


async def test_a_rejection_is_told_with_its_comment(world: World) -> None:  # [N3]
    package = await world.submitted()
    await world.decide(world.colleague, package, Decision.REJECT, "Too early")
    event = (await world.all(Event))[-1]
    assert (event.kind, event.package_id, event.payload) == (K.PACKAGE_REJECTED, package.id, {"comment": "Too early"})


async def test_the_submission_names_the_question(world: World) -> None:  # [N1]
    package = await world.submitted()
    event = (await world.all(Event))[-1]
    assert (event.package_id, event.approval_id) == (package.id, (await world.read(Approval)).id)


async def test_those_who_were_and_those_who_are_asked_hear_of_the_change(world: World) -> None:  # [N18]
    package = await world.submitted(reviewers=[{"operator_id": world.colleague.id}])
    await world.do(world.owner, update(package, reviewers=[{"group_id": world.order_reviewers.id}]))
    event = (await world.all(Event))[-1]
    assert event.payload == {
        "before": [[str(world.colleague.id), None]], "after": [[None, str(world.order_reviewers.id)]]
    }


async def test_an_order_that_central_cancels_is_told_to_its_entity(world: World) -> None:  # [N13]
    order = await world.ordered(await world.published())
    await world.do(world.owner, lambda work: Orders(work).cancel(order.id, order.revision, "No stock"))
    event = (await world.all(Event))[-1]
    assert (event.kind, event.order_id, event.entity_id) == (K.ORDER_CANCELED, order.id, world.paris.id)
    assert (event.actor_id, event.payload) == (world.owner.id, {"comment": "No stock"})
