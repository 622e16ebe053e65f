"""The people whom events reach, many events in one statement: each person once per event, in the order of both [7]."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, select, true, union_all

from server.domain.approval import Approval, ApprovalStatus
from server.domain.network import Entity, Operator, OperatorEntity, Right
from server.domain.notification import Preference
from server.domain.record import Event
from server.notifications.reach.circles import WHILE_PENDING, Circle, circles_of
from server.notifications.reach.members import MEMBERS, Branch, named
from server.reads.ids import ids_named

EMAIL = "email"
FIRST_CHANNEL = 4
"""Where the channels begin in a row of receivers."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """An event with what decides whom it reaches."""

    event: Event
    actor: Right | None
    of_the_entity: bool
    question: ApprovalStatus | None

    @property
    def circles(self) -> tuple[Circle, ...]:
        if self.event.kind in WHILE_PENDING and self.question is not ApprovalStatus.PENDING:
            return ()
        return circles_of(self.event.kind, self.event.payload, self.actor, of_the_entity=self.of_the_entity)


def addressed() -> Select[*tuple[Any, ...]]:
    """Events with what makes them Addressed, to be narrowed down."""
    linked = exists().where(
        OperatorEntity.operator_id == Event.actor_id, OperatorEntity.entity_id == Event.entity_id
    ).correlate(Event)
    return (
        select(Event, Operator.right, linked.label("linked"), Approval.status)
        .outerjoin(Operator, Operator.id == Event.actor_id).outerjoin(Approval, Approval.id == Event.approval_id)
    )


Receivers = tuple[Select[*tuple[Any, ...]], dict[str, Any]]
"""A statement and the values that it is run with."""


def receivers(
    events: Sequence[Addressed], channels: Iterable[str], most: int, after: UUID | None = None
) -> Receivers | None:
    """Up to `most` rows of event_id, operator_id, entity_id (for whose sake), locale, and for each of `channels`
    whether they are to get it that way; ordered by event and operator. `after`: only operators behind that
    one. None: nobody."""
    by_circle: dict[Circle, list[Event]] = defaultdict(list)
    for each in events:
        for circle in each.circles:
            by_circle[circle].append(each.event)
    if not by_circle:
        return None
    branches = [named(event) for event in by_circle.pop(Circle.NAMED, ())]
    values = {circle.value: [event.id for event in theirs] for circle, theirs in by_circle.items()}
    circles, asked = tuple(sorted(by_circle)), (tuple(channels), after is not None)
    statement = _statement(_branches(circles) + branches, *asked) if branches else _kept(circles, *asked)
    return statement, values | {"most": most} | ({"after": after} if after else {})


@lru_cache(maxsize=200)
def _kept(circles: tuple[Circle, ...], channels: tuple[str, ...], goes_on: bool) -> Select[*tuple[Any, ...]]:
    """Made once for the same circles: making it takes longer than running it."""
    return _statement(_branches(circles), channels, goes_on)


def _branches(circles: Iterable[Circle]) -> list[Branch]:
    return [branch for circle in circles for branch in MEMBERS[circle](ids_named(circle.value))]


def _statement(branches: Iterable[Branch], channels: Iterable[str], goes_on: bool) -> Select[*tuple[Any, ...]]:
    behind = Operator.id > bindparam("after") if goes_on else true()
    reached = union_all(*(branch.where(Operator.active, behind) for branch in branches)).subquery("reached")
    once = (
        select(reached.c.event_id, reached.c.operator_id, func.min(reached.c.code).label("code"))
        .group_by(reached.c.event_id, reached.c.operator_id)
        .order_by(reached.c.event_id, reached.c.operator_id).limit(bindparam("most")).subquery("once")
    )
    return (
        select(
            once.c.event_id, once.c.operator_id, func.coalesce(Entity.id, Event.entity_id).label("entity_id"),
            Operator.locale, *(_by(channel).label(f"by_{place}") for place, channel in enumerate(channels)),
        )
        .select_from(once).join(Event, Event.id == once.c.event_id).join(Operator, Operator.id == once.c.operator_id)
        .outerjoin(Entity, Entity.code == once.c.code).order_by(once.c.event_id, once.c.operator_id)
    )


def _by(channel: str) -> ColumnElement[bool]:
    """Whether a message goes to an operator through a channel: unless they said that they do not want it; e-mail needs
    an address."""
    unwanted = exists().where(
        Preference.operator_id == Operator.id, Preference.kind == Event.kind, Preference.channel == channel,
        ~Preference.wanted,
    ).correlate(Operator, Event)
    return and_(Operator.email != "", ~unwanted) if channel == EMAIL else ~unwanted
