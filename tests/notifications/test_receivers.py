"""Who is told of what: the table of section 7, with those who must not be told among those who must [2.2, 5.5, 7]."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from server.database import Database
from server.domain.approval import ApprovalSubject
from server.domain.network import Operator
from server.domain.notification import Notification
from server.domain.record import Event, EventKind
from server.notifications.delivering import Deliveries
from tests.builders import DAY, NOW, given
from tests.notifications.stage import CLOSED, Stage

K = EventKind
PARIS = "paris_boss regional colleague"
"""The members of Paris's notification group who may see Paris: not Lyon's and Oslo's bosses, not its own clerk."""
TARGET = ApprovalSubject.TARGET


def named(stage: Stage, subject: Any, *chosen: Any) -> dict[str, Any]:
    return {"approval_id": stage.asked(subject, *chosen).id}


# what happened, and who hears of it
CASES: list[tuple[str, Callable[[Stage], Event], str]] = [
    ("N1 to the reviewers, but never to the owner while others are asked, nor to a local one [5.5]", lambda s: s.event(
        K.PACKAGE_SUBMITTED, package_id=s.pending.id, actor_id=s.owner.id,
        **named(s, s.pending, s.colleague, s.owner, s.deciders)), "colleague"),
    ("N1 to an administrator who is named [2.2]", lambda s: s.event(
        K.PACKAGE_SUBMITTED, package_id=s.pending.id, actor_id=s.owner.id, **named(s, s.pending, s.admin)), "admin"),
    ("N1 without reviewers to central, not to the submitter", lambda s: s.event(
        K.PACKAGE_SUBMITTED, package_id=s.pending.id, actor_id=s.owner.id, **named(s, s.pending)), "colleague"),
    ("N2 while pending", lambda s: s.event(
        K.PACKAGE_APPROVAL_REMINDER, package_id=s.pending.id, **named(s, s.pending, s.colleague)), "colleague"),
    ("N2 without reviewers to everybody who may decide", lambda s: s.event(
        K.PACKAGE_APPROVAL_REMINDER, package_id=s.pending.id, **named(s, s.pending)), "colleague owner"),
    ("N2 to nobody once it is decided", lambda s: s.event(
        K.PACKAGE_APPROVAL_REMINDER, package_id=s.pending.id,
        approval_id=s.asked(s.pending, s.colleague, status=CLOSED).id), ""),
    ("N3 to owner and submitter", lambda s: s.event(
        K.PACKAGE_REJECTED, package_id=s.pending.id, actor_id=s.colleague.id), "owner"),
    ("N3 not to who rejected it", lambda s: s.event(
        K.PACKAGE_REJECTED, package_id=s.pending.id, actor_id=s.owner.id), ""),
    ("N5 to the notification groups, where there are none to those who work there", lambda s: s.event(
        K.PACKAGE_PUBLISHED, package_id=s.published.id), f"{PARIS} lyon_boss oslo_boss"),
    ("N5 to nobody who cannot see it any more", lambda s: s.event(
        K.PACKAGE_PUBLISHED, package_id=s.canceled.id), ""),
    ("N5 to nobody who was offered it later and is told of that", lambda s: s.event(
        K.PACKAGE_PUBLISHED, package_id=s.published.id, at=NOW - DAY), ""),
    ("N6 of an ended package to those with an order [2.2]", lambda s: s.event(
        K.PACKAGE_SUBSCRIBED, package_id=s.ended.id), PARIS),
    ("N7 to the order's reviewers in whose scope it is, and the owner", lambda s: s.about(
        K.ORDER_SUBMITTED, s.order, actor_id=s.paris_boss.id, **named(s, s.order, s.deciders)), "regional owner"),
    ("N7 to a reviewer who ordered it too, not to the owner who did", lambda s: s.about(
        K.ORDER_SUBMITTED, s.order, actor_id=s.owner.id,
        approval_id=s.asked(s.order, s.deciders, status=CLOSED).id), "regional"),
    ("N7 without reviewers to the owner and central [5.6]", lambda s: s.about(
        K.ORDER_SUBMITTED, s.oslo_order, actor_id=s.oslo_boss.id, **named(s, s.oslo_order)), "owner colleague"),
    ("N8 while pending", lambda s: s.about(
        K.ORDER_APPROVAL_REMINDER, s.order, approval_id=s.asked(s.order, s.deciders, status=CLOSED).id), ""),
    ("N9 to the entity, not to who rejected it", lambda s: s.about(
        K.ORDER_REJECTED, s.order, actor_id=s.regional.id), "paris_boss colleague"),
    ("N10 to the entity, whoever did it [2.1]", lambda s: s.about(
        K.CAMPAIGN_AVAILABLE, s.order, actor_id=s.regional.id), PARIS),
    ("N10 without a group to those who work there, administrators not", lambda s: s.about(
        K.CAMPAIGN_AVAILABLE, s.oslo_order), "oslo_boss"),
    ("N11 to the entities without an order", lambda s: s.event(
        K.REGISTRATION_DEADLINE_NEAR, package_id=s.published.id), "lyon_boss regional colleague"),
    ("N11 when it has ended with the deadline", lambda s: s.event(
        K.REGISTRATION_DEADLINE_REACHED, package_id=s.ended.id), "lyon_boss regional colleague oslo_boss"),
    ("N12 to the entities that the event names, once", lambda s: s.event(
        K.PACKAGE_CANCELED, package_id=s.canceled.id, actor_id=s.owner.id,
        payload={"comment": "", "entities": ["B1", "B2"]}), f"{PARIS} lyon_boss"),
    ("N13 by central to the entity", lambda s: s.about(
        K.ORDER_CANCELED, s.order, actor_id=s.owner.id), PARIS),
    ("N13 by the entity to the owner and those who were asked", lambda s: s.about(
        K.ORDER_CANCELED, s.kept, actor_id=s.paris_boss.id, approval_id=s.asked(s.kept, s.deciders).id),
     "owner regional"),
    ("N13 by its region to both", lambda s: s.about(
        K.ORDER_CANCELED, s.order, actor_id=s.regional.id, approval_id=s.asked(s.order, s.deciders, status=CLOSED).id),
     "owner paris_boss colleague"),
    ("N14 to the supervisors", lambda s: s.about(
        K.TARGET_APPROVAL_ASKED, s.kept, approval_id=s.asked(s.kept, kind=TARGET).id), "supervisor"),
    ("N14 without campaign reviewers and without a group to those who work there", lambda s: s.about(
        K.TARGET_APPROVAL_ASKED, s.oslo_order, approval_id=s.asked(s.oslo_order, kind=TARGET).id), "oslo_boss"),
    ("N15 only while pending", lambda s: s.about(
        K.TARGET_APPROVAL_REMINDER, s.kept, approval_id=s.asked(s.kept, kind=TARGET, status=CLOSED).id), ""),
    ("N16 to the same supervisors", lambda s: s.about(K.DELIVERY_FEEDBACK, s.kept), "supervisor"),
    ("N17 to the entity", lambda s: s.event(
        K.ENTITY_ADDED, package_id=s.published.id, entity_id=s.lyon.id), "lyon_boss regional colleague"),
    ("N17 to nobody when the package is not there any more", lambda s: s.event(
        K.ENTITY_ADDED, package_id=s.canceled.id, entity_id=s.lyon.id), ""),
    ("N18 to those who were and those who are reviewers", lambda s: s.about(
        K.REVIEWERS_CHANGED, s.order, actor_id=s.owner.id, payload={
            "before": [[str(s.colleague.id), None]], "after": [[None, str(s.deciders.id)], [str(s.owner.id), None]],
        }), "colleague regional"),
    ("N18 of a package to nobody local", lambda s: s.event(
        K.REVIEWERS_CHANGED, package_id=s.pending.id, payload={
            "before": [[str(s.colleague.id), None]], "after": [[None, str(s.deciders.id)]]}), "colleague"),
    ("N18 withdrawn, to those who were asked", lambda s: s.event(
        K.APPROVAL_WITHDRAWN, package_id=s.pending.id, actor_id=s.owner.id,
        approval_id=s.asked(s.pending, s.colleague, status=CLOSED).id), "colleague"),
    ("a type's message to the entity", lambda s: s.about(
        K.TYPE_MESSAGE, s.order, payload={"receivers": "ENTITY", "text": "Hi"}), PARIS),
    ("a type's message to the owner", lambda s: s.event(
        K.TYPE_MESSAGE, package_id=s.published.id, payload={"receivers": "OWNER", "text": "Hi"}), "owner"),
    ("a type's message to the reviewers", lambda s: s.about(
        K.TYPE_MESSAGE, s.kept, payload={"receivers": "REVIEWERS", "text": "Hi"}), "regional"),
]


async def told(database: Database) -> dict[Any, set[str]]:
    """The names of those who were told, by event."""
    found: dict[Any, set[str]] = {}
    async with database.reading() as session:
        for event_id, name in await session.execute(
            select(Notification.event_id, Operator.name).join(Operator, Operator.id == Notification.operator_id)
        ):
            found.setdefault(event_id, set()).add(name)
    return found


async def test_each_event_reaches_those_whom_it_concerns_and_nobody_else(database: Database) -> None:
    stage = Stage()
    events = {case: make(stage) for case, make, _ in CASES}
    await given(database, list(stage.rows()))
    assert await Deliveries(database).deliver(NOW) == len(CASES)
    found = await told(database)
    assert {case: found.get(event.id, set()) for case, event in events.items()} == {
        case: set(names.split()) for case, _, names in CASES
    }


def test_every_kind_is_in_the_table() -> None:
    stage = Stage()
    assert {make(stage).kind for _, make, _ in CASES} == set(EventKind)
