"""Who may do what, as pure rules: the mutation and the `viewerCan…` field ask the same function [2.4].

Scope is not asked here: the caller sees the object, or the query that loads it would not have found it [2.3].
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from server.domain import lifecycles
from server.domain.approval import ApprovalStatus, ApprovalSubject
from server.domain.lifecycles import Action, CampaignStatus, OrderStatus, PackageStatus
from server.domain.network import Right
from server.domain.package import ApprovalMode

AUTOMATIC = frozenset({Action.PUBLISH, Action.END, Action.EXPIRE, Action.MAKE_AVAILABLE})
"""Moves that time makes, never an operator."""


class Decision(StrEnum):
    """Whether the caller may decide an approval, and in what capacity it is recorded [5.5]."""

    NO = "NO"
    REVIEWER = "REVIEWER"
    OVERRIDE = "OVERRIDE"


def operator_actions(
    table: Mapping[tuple[lifecycles.S, Action], lifecycles.S], status: lifecycles.S
) -> tuple[Action, ...]:
    """What people can do from `status`: the lifecycle without the moves that time makes."""
    return tuple(action for action in lifecycles.actions(table, status) if action not in AUTOMATIC)


def can_edit_package(right: Right, status: PackageStatus) -> bool:
    """Central and administrators, until it has ended or is cancelled; which fields, depends on the status [4.7]."""
    return right != Right.LOCAL and status not in (PackageStatus.ENDED, PackageStatus.CANCELED)


def can_change_package_documents(right: Right, status: PackageStatus) -> bool:
    """Like other fields, but not while reviewers are deciding [4.7]."""
    return can_edit_package(right, status) and status != PackageStatus.PENDING_APPROVAL


def can_edit_campaign(right: Right, status: CampaignStatus, *, child: bool) -> bool:
    """Central and administrators any campaign, an entity its child campaign, until it is over; which fields of a child,
    the package's locks say [9.8]."""
    return (child or right != Right.LOCAL) and status not in (CampaignStatus.FINISHED, CampaignStatus.CANCELED)


def can_cancel_package(right: Right, status: PackageStatus) -> bool:
    return right != Right.LOCAL and (status, Action.CANCEL) in lifecycles.PACKAGE


def registration_open(status: PackageStatus, deadline: datetime | None, now: datetime) -> bool:
    """Whether the package takes orders; `deadline` is the effective registration deadline, inclusive [4.3, 6.4]."""
    return status == PackageStatus.PUBLISHED and (deadline is None or now <= deadline)


def can_order(
    status: PackageStatus, deadline: datetime | None, now: datetime, *, orderable: bool, entity_free: bool
) -> bool:
    """`orderable`: the type lets entities order. `entity_free`: an entity of the audience that the caller sees (or the
    one asked about) may still order [6.3, 6.4]."""
    return orderable and entity_free and registration_open(status, deadline, now)


def can_edit_order(
    status: OrderStatus, mode: ApprovalMode, deadline: datetime | None, now: datetime, *, current_cycle: bool
) -> bool:
    """Drafts, rejected orders and subscriptions can be changed until the effective registration deadline, submitted and
    approved ones until the campaign is available [6.2, 6.5]; orders of an earlier cycle never [10.2]."""
    in_time = deadline is None or now <= deadline
    match status:
        case OrderStatus.DRAFT | OrderStatus.REJECTED:
            return current_cycle and in_time
        case OrderStatus.APPROVED if mode == ApprovalMode.AUTOMATIC:
            return current_cycle and in_time
        case OrderStatus.ORDERED | OrderStatus.APPROVED:
            return current_cycle
    return False


def can_change_order_documents(
    status: OrderStatus, deadline: datetime | None, now: datetime, *, current_cycle: bool
) -> bool:
    """While the order is live, late ones included [4.3], and while a rejected one can be submitted again [6.2];
    `deadline` is the effective registration deadline."""
    if status == OrderStatus.REJECTED:
        return current_cycle and (deadline is None or now <= deadline)
    return current_cycle and status in lifecycles.LIVE_ORDERS


def can_cancel_order(
    right: Right, status: OrderStatus, mode: ApprovalMode, deadline: datetime | None, now: datetime
) -> bool:
    """Live orders; the entity leaves an automatic subscription only until the registration deadline [6.2, 6.5]."""
    if (status, Action.CANCEL) not in lifecycles.ORDER:
        return False
    return right != Right.LOCAL or mode == ApprovalMode.MANUAL or deadline is None or now <= deadline


def can_decide(
    subject: ApprovalSubject, status: ApprovalStatus, right: Right, *, named: bool, reviewer: bool, owner: bool
) -> Decision:
    """May the caller decide [5.5, 5.6, 2.2]? `named`: the approval names reviewers; `reviewer`: the caller is one of
    them, alone or through a group; `owner`: the caller owns the package."""
    if status != ApprovalStatus.PENDING:
        return Decision.NO
    return _decision(subject, right, named=named, reviewer=reviewer, owner=owner)


def _decision(subject: ApprovalSubject, right: Right, *, named: bool, reviewer: bool, owner: bool) -> Decision:
    expected = reviewer or (not named and right == Right.CENTRAL)
    match subject:
        case ApprovalSubject.PACKAGE if right == Right.LOCAL:
            return Decision.NO  # packages are central's business
        case ApprovalSubject.PACKAGE if owner and named and right == Right.CENTRAL:
            return Decision.NO  # not on one's own package while others are asked
        case ApprovalSubject.PACKAGE if owner and named:
            return Decision.OVERRIDE  # administrators may decide anything
        case ApprovalSubject.ORDER:
            expected = expected or (not named and owner)
        case ApprovalSubject.TARGET:
            expected = reviewer or right == Right.LOCAL  # the entity confirms its own list [9.14]
    if expected:
        return Decision.REVIEWER
    return Decision.NO if right == Right.LOCAL else Decision.OVERRIDE
