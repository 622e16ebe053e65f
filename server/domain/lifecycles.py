"""The legal moves of packages, orders and campaigns: one line each; what is not listed is illegal [4.4, 6.2, 8.1]."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from server.errors import Refused, refuse


class PackageStatus(StrEnum):
    BEING_EDITED = "BEING_EDITED"
    PENDING_APPROVAL = "PENDING_APPROVAL"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    PUBLISHED = "PUBLISHED"
    ENDED = "ENDED"
    CANCELED = "CANCELED"


class OrderStatus(StrEnum):
    DRAFT = "DRAFT"
    ORDERED = "ORDERED"
    APPROVED = "APPROVED"
    AVAILABLE = "AVAILABLE"
    FINISHED = "FINISHED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    CANCELED = "CANCELED"


class CampaignStatus(StrEnum):
    BEING_EDITED = "BEING_EDITED"
    READY = "READY"
    IN_PROGRESS = "IN_PROGRESS"
    FINISHED = "FINISHED"
    CANCELED = "CANCELED"


class Action(StrEnum):
    """The name of a move is the word in mutations, permissions and the history."""

    SUBMIT = "SUBMIT"
    APPROVE = "APPROVE"
    REJECT = "REJECT"
    WITHDRAW = "WITHDRAW"
    EDIT = "EDIT"
    EDIT_UNAPPROVED = "EDIT_UNAPPROVED"
    PUBLISH = "PUBLISH"
    END = "END"
    CANCEL = "CANCEL"
    REINITIALIZE = "REINITIALIZE"
    EXPIRE = "EXPIRE"
    MAKE_AVAILABLE = "MAKE_AVAILABLE"
    FINISH = "FINISH"
    OPEN = "OPEN"
    START = "START"


P, O, C, A = PackageStatus, OrderStatus, CampaignStatus, Action  # noqa: E741 (the tables read better)

PACKAGE: Mapping[tuple[PackageStatus, Action], PackageStatus] = {
    (P.BEING_EDITED, A.SUBMIT): P.PENDING_APPROVAL,
    (P.PENDING_APPROVAL, A.APPROVE): P.APPROVED,
    (P.PENDING_APPROVAL, A.REJECT): P.REJECTED,
    (P.PENDING_APPROVAL, A.WITHDRAW): P.BEING_EDITED,
    (P.REJECTED, A.EDIT): P.BEING_EDITED,
    (P.APPROVED, A.PUBLISH): P.PUBLISHED,  # start reached, or already past
    (P.PUBLISHED, A.END): P.ENDED,  # end passed
    (P.BEING_EDITED, A.CANCEL): P.CANCELED,
    (P.PENDING_APPROVAL, A.CANCEL): P.CANCELED,
    (P.APPROVED, A.CANCEL): P.CANCELED,
    (P.REJECTED, A.CANCEL): P.CANCELED,
    (P.PUBLISHED, A.CANCEL): P.CANCELED,
    (P.ENDED, A.CANCEL): P.CANCELED,
    (P.APPROVED, A.REINITIALIZE): P.BEING_EDITED,  # next cycle
    (P.REJECTED, A.REINITIALIZE): P.BEING_EDITED,
    (P.PUBLISHED, A.REINITIALIZE): P.BEING_EDITED,
    (P.ENDED, A.REINITIALIZE): P.BEING_EDITED,
    (P.CANCELED, A.REINITIALIZE): P.BEING_EDITED,
}

ORDER: Mapping[tuple[OrderStatus, Action], OrderStatus] = {
    (O.DRAFT, A.EDIT): O.DRAFT,
    (O.DRAFT, A.SUBMIT): O.ORDERED,
    (O.DRAFT, A.EXPIRE): O.EXPIRED,  # registration deadline passed
    (O.ORDERED, A.APPROVE): O.APPROVED,
    (O.ORDERED, A.REJECT): O.REJECTED,
    (O.ORDERED, A.EDIT): O.ORDERED,  # next revision
    (O.REJECTED, A.EDIT): O.REJECTED,  # still to be submitted again
    (O.REJECTED, A.SUBMIT): O.ORDERED,
    (O.APPROVED, A.EDIT): O.ORDERED,  # manual mode: needs approval again
    (O.APPROVED, A.EDIT_UNAPPROVED): O.APPROVED,  # automatic mode: no approval
    (O.APPROVED, A.MAKE_AVAILABLE): O.AVAILABLE,  # max(approval, availability) reached
    (O.AVAILABLE, A.FINISH): O.FINISHED,  # campaign finished
    (O.DRAFT, A.CANCEL): O.CANCELED,
    (O.ORDERED, A.CANCEL): O.CANCELED,
    (O.APPROVED, A.CANCEL): O.CANCELED,
    (O.AVAILABLE, A.CANCEL): O.CANCELED,
}

CAMPAIGN: Mapping[tuple[CampaignStatus, Action], CampaignStatus] = {
    (C.BEING_EDITED, A.OPEN): C.READY,  # a child, when its parent starts [9.9]
    (C.BEING_EDITED, A.START): C.IN_PROGRESS,
    (C.READY, A.START): C.IN_PROGRESS,
    (C.IN_PROGRESS, A.FINISH): C.FINISHED,
    (C.BEING_EDITED, A.CANCEL): C.CANCELED,
    (C.READY, A.CANCEL): C.CANCELED,
    (C.IN_PROGRESS, A.CANCEL): C.CANCELED,
    (C.CANCELED, A.REINITIALIZE): C.BEING_EDITED,  # with its package [10.2]
    (C.FINISHED, A.REINITIALIZE): C.BEING_EDITED,
}

LIVE_ORDERS = (O.DRAFT, O.ORDERED, O.APPROVED, O.AVAILABLE)
"""Statuses from which an order can still be cancelled."""
STANDING_ORDERS = (*LIVE_ORDERS, O.FINISHED)
"""Statuses that count for "one order per entity and package" [6.3]."""

S = TypeVar("S", PackageStatus, OrderStatus, CampaignStatus)


def actions(table: Mapping[tuple[S, Action], S], status: S) -> tuple[Action, ...]:
    """What can be done from `status`, in the table's order."""
    return tuple(action for (origin, action) in table if origin == status)


def move(table: Mapping[tuple[S, Action], S], status: S, action: Action, what: str) -> S:
    """The status that `action` leads to; refuses an unlisted move, naming the status and what is allowed [4.4]."""
    if (status, action) in table:
        return table[status, action]
    raise illegal(what, status, action, actions(table, status))


def illegal(what: str, status: StrEnum, action: Action, allowed: tuple[Action, ...]) -> Refused:
    """The refusal of a move that is not in the table."""
    choices = ", ".join(allowed) or "nothing"
    return refuse("ILLEGAL_TRANSITION", f"{what} is {status}: {action} is not possible, allowed: {choices}.", "id")
