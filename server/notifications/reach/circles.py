"""The table of messages as a decision: which circles of people hear of an event [7]."""

from enum import StrEnum
from typing import Any

from server.campaign_type import Receivers
from server.domain.network import Right
from server.domain.record import EventKind


class Circle(StrEnum):
    """People who have one thing in common with an event."""

    AUDIENCE = "AUDIENCE"  # the entities that the package is offered to and that see it
    ADDED = "ADDED"  # the event's entity, as one of them
    UNORDERED = "UNORDERED"  # those of them that hold no standing order
    CONCERNED = "CONCERNED"  # the entities that the event names by code
    ENTITY = "ENTITY"  # the event's entity
    SUPERVISORS = "SUPERVISORS"  # those who decide for the event's entity what becomes of its contacts
    ASKED = "ASKED"  # the reviewers that the approval names
    DECIDERS = "DECIDERS"  # those who decide when it names none [5.5, 5.6]
    OWNER = "OWNER"  # the package's owner
    SUBMITTER = "SUBMITTER"  # who submitted the package
    NAMED = "NAMED"  # those who were and those who are reviewers


K, C = EventKind, Circle

CIRCLES: dict[EventKind, tuple[Circle, ...]] = {
    K.PACKAGE_SUBMITTED: (C.ASKED, C.DECIDERS),  # N1
    K.PACKAGE_APPROVAL_REMINDER: (C.ASKED, C.DECIDERS),  # N2
    K.PACKAGE_REJECTED: (C.OWNER, C.SUBMITTER),  # N3
    K.PACKAGE_PUBLISHED: (C.AUDIENCE,),  # N5
    K.PACKAGE_SUBSCRIBED: (C.AUDIENCE,),  # N6
    K.ORDER_SUBMITTED: (C.ASKED, C.DECIDERS, C.OWNER),  # N7
    K.ORDER_APPROVAL_REMINDER: (C.ASKED, C.DECIDERS),  # N8
    K.ORDER_REJECTED: (C.ENTITY,),  # N9
    K.CAMPAIGN_AVAILABLE: (C.ENTITY,),  # N10
    K.REGISTRATION_DEADLINE_NEAR: (C.UNORDERED,),  # N11
    K.REGISTRATION_DEADLINE_REACHED: (C.UNORDERED,),  # N11
    K.PACKAGE_CANCELED: (C.CONCERNED,),  # N12
    K.TARGET_APPROVAL_ASKED: (C.SUPERVISORS,),  # N14
    K.TARGET_APPROVAL_REMINDER: (C.SUPERVISORS,),  # N15
    K.DELIVERY_FEEDBACK: (C.SUPERVISORS,),  # N16
    K.ENTITY_ADDED: (C.ADDED,),  # N17
    K.REVIEWERS_CHANGED: (C.NAMED,),  # N18
    K.APPROVAL_WITHDRAWN: (C.ASKED, C.DECIDERS),  # N18
}
"""Whom a kind reaches, whoever caused it; N13 and messages of campaign types depend on more."""

TYPE_MESSAGES = {
    Receivers.ENTITY: (C.ENTITY,), Receivers.OWNER: (C.OWNER,), Receivers.REVIEWERS: (C.ASKED, C.DECIDERS),
}

TELLS_ACTOR: dict[Circle, frozenset[EventKind]] = {
    **dict.fromkeys((C.AUDIENCE, C.ADDED, C.UNORDERED, C.SUPERVISORS), frozenset(K)),
    C.ASKED: frozenset({K.PACKAGE_SUBMITTED, K.ORDER_SUBMITTED, K.TYPE_MESSAGE}),
    C.ENTITY: frozenset({K.CAMPAIGN_AVAILABLE, K.TYPE_MESSAGE}),
    C.OWNER: frozenset({K.TYPE_MESSAGE}),
}
"""Where the one who caused it is told as well, since there is something to do or to have. Elsewhere nobody hears of
what they have just done themselves."""

WHILE_PENDING = frozenset({K.PACKAGE_APPROVAL_REMINDER, K.ORDER_APPROVAL_REMINDER, K.TARGET_APPROVAL_REMINDER})
"""What nobody needs to hear any more once the question is closed."""


def circles_of(
    kind: EventKind, payload: dict[str, Any], actor: Right | None, *, of_the_entity: bool
) -> tuple[Circle, ...]:
    """Who hears of it. `actor`: the right of the one who caused it, None for the server; `of_the_entity`: they are
    linked to the very entity of the event."""
    if kind is K.TYPE_MESSAGE:
        return TYPE_MESSAGES[Receivers(payload["receivers"])]
    if kind is not K.ORDER_CANCELED:
        return CIRCLES[kind]
    if actor is not Right.LOCAL:
        return (C.ENTITY,)
    other_side = (C.OWNER, C.ASKED, C.DECIDERS)
    return other_side if of_the_entity else (*other_side, C.ENTITY)  # a region that acts for its store
