"""Who may do what: the decision tables of [2.2, 2.4, 4.7, 5.5, 5.6, 6.2, 6.4, 6.5]."""

from datetime import timedelta

import pytest

from server.domain import lifecycles
from server.domain.approval import ApprovalStatus, ApprovalSubject
from server.domain.lifecycles import Action, OrderStatus, PackageStatus
from server.domain.network import Right
from server.domain.package import ApprovalMode
from server.domain.permissions import (
    Decision,
    can_cancel_order,
    can_cancel_package,
    can_decide,
    can_edit_order,
    can_edit_package,
    can_order,
    operator_actions,
    registration_open,
)
from tests.builders import NOW

PACKAGE, ORDER, TARGET = ApprovalSubject.PACKAGE, ApprovalSubject.ORDER, ApprovalSubject.TARGET
CENTRAL, LOCAL, ADMIN = Right.CENTRAL, Right.LOCAL, Right.ADMIN
NO, REVIEWER, OVERRIDE = Decision.NO, Decision.REVIEWER, Decision.OVERRIDE
MANUAL, AUTOMATIC = ApprovalMode.MANUAL, ApprovalMode.AUTOMATIC
PAST, FUTURE = NOW - timedelta(seconds=1), NOW + timedelta(days=1)

DECISIONS = [
    # subject, right, reviewers named, caller is one, caller owns the package, what holds
    (PACKAGE, CENTRAL, False, False, False, REVIEWER),  # nobody named: any central operator
    (PACKAGE, CENTRAL, False, False, True, REVIEWER),  # ... the owner included
    (PACKAGE, CENTRAL, True, True, False, REVIEWER),
    (PACKAGE, CENTRAL, True, False, False, OVERRIDE),  # reviewers who do not answer
    (PACKAGE, CENTRAL, True, False, True, NO),  # not on one's own package while others are asked
    (PACKAGE, CENTRAL, True, True, True, NO),
    (PACKAGE, ADMIN, True, False, False, OVERRIDE),  # administrators may decide anything
    (PACKAGE, ADMIN, True, True, True, OVERRIDE),
    (PACKAGE, ADMIN, False, False, False, OVERRIDE),
    (PACKAGE, ADMIN, True, True, False, REVIEWER),
    (PACKAGE, LOCAL, False, False, False, NO),  # packages are central's business
    (PACKAGE, LOCAL, True, True, False, NO),
    (ORDER, LOCAL, True, True, False, REVIEWER),  # the entity's order reviewers
    (ORDER, LOCAL, True, False, False, NO),
    (ORDER, LOCAL, False, False, False, NO),
    (ORDER, CENTRAL, True, False, False, OVERRIDE),  # central may decide any order
    (ORDER, CENTRAL, True, False, True, OVERRIDE),
    (ORDER, CENTRAL, False, False, False, REVIEWER),  # none named: central and the owner
    (ORDER, ADMIN, False, False, True, REVIEWER),
    (ORDER, ADMIN, False, False, False, OVERRIDE),
    (TARGET, LOCAL, True, False, False, REVIEWER),  # the entity confirms its own list
    (TARGET, LOCAL, False, False, False, REVIEWER),
    (TARGET, CENTRAL, False, False, False, OVERRIDE),
    (TARGET, CENTRAL, True, True, False, REVIEWER),
    (TARGET, ADMIN, True, False, False, OVERRIDE),
]


@pytest.mark.parametrize(("subject", "right", "named", "reviewer", "owner", "answer"), DECISIONS)
def test_who_decides(
    subject: ApprovalSubject, right: Right, named: bool, reviewer: bool, owner: bool, answer: Decision
) -> None:
    decision = can_decide(subject, ApprovalStatus.PENDING, right, named=named, reviewer=reviewer, owner=owner)
    assert decision is answer


@pytest.mark.parametrize("status", sorted(set(ApprovalStatus) - {ApprovalStatus.PENDING}))
def test_the_first_decision_is_final(status: ApprovalStatus) -> None:  # [5.2]
    assert can_decide(PACKAGE, status, ADMIN, named=False, reviewer=False, owner=False) is NO


@pytest.mark.parametrize("status", PackageStatus)
def test_local_operators_change_no_packages(status: PackageStatus) -> None:
    assert not can_edit_package(LOCAL, status) and not can_cancel_package(LOCAL, status)


@pytest.mark.parametrize("status", PackageStatus)
def test_central_changes_packages_until_they_are_over(status: PackageStatus) -> None:  # [4.4, 4.7]
    assert can_edit_package(CENTRAL, status) is (status not in (PackageStatus.ENDED, PackageStatus.CANCELED))
    assert can_cancel_package(ADMIN, status) is (status is not PackageStatus.CANCELED)


@pytest.mark.parametrize(
    ("status", "deadline", "is_open"),
    [
        (PackageStatus.PUBLISHED, NOW, True),  # bounds are inclusive [4.3]
        (PackageStatus.PUBLISHED, PAST, False),
        (PackageStatus.PUBLISHED, None, True),
        (PackageStatus.APPROVED, FUTURE, False),
        (PackageStatus.ENDED, FUTURE, False),
    ],
)
def test_ordering_is_open_until_the_deadline(status: PackageStatus, deadline: None, is_open: bool) -> None:  # [6.4]
    assert registration_open(status, deadline, NOW) is is_open
    assert can_order(status, deadline, NOW, orderable=True, entity_free=True) is is_open


@pytest.mark.parametrize(("orderable", "entity_free"), [(False, True), (True, False)])
def test_ordering_needs_a_type_that_lets_and_an_entity_that_may(orderable: bool, entity_free: bool) -> None:
    assert not can_order(PackageStatus.PUBLISHED, FUTURE, NOW, orderable=orderable, entity_free=entity_free)


EDITS = [
    (OrderStatus.DRAFT, MANUAL, FUTURE, True),
    (OrderStatus.DRAFT, MANUAL, PAST, False),  # drafts expire
    (OrderStatus.REJECTED, MANUAL, FUTURE, True),
    (OrderStatus.REJECTED, MANUAL, PAST, False),  # before the deadline
    (OrderStatus.ORDERED, MANUAL, PAST, True),
    (OrderStatus.APPROVED, MANUAL, PAST, True),  # needs approval again
    (OrderStatus.APPROVED, AUTOMATIC, FUTURE, True),
    (OrderStatus.APPROVED, AUTOMATIC, PAST, False),  # subscriptions until the deadline [6.5]
    (OrderStatus.AVAILABLE, MANUAL, FUTURE, False),
    (OrderStatus.FINISHED, MANUAL, FUTURE, False),
    (OrderStatus.EXPIRED, MANUAL, FUTURE, False),
    (OrderStatus.CANCELED, MANUAL, FUTURE, False),
]


@pytest.mark.parametrize(("status", "mode", "deadline", "answer"), EDITS)
def test_when_an_order_changes(status: OrderStatus, mode: ApprovalMode, deadline: None, answer: bool) -> None:  # [6.2]
    assert can_edit_order(status, mode, deadline, NOW, current_cycle=True) is answer
    assert not can_edit_order(status, mode, deadline, NOW, current_cycle=False)  # [10.2]


@pytest.mark.parametrize(
    ("right", "mode", "deadline", "answer"),
    [
        (LOCAL, MANUAL, PAST, True),
        (LOCAL, AUTOMATIC, FUTURE, True),
        (LOCAL, AUTOMATIC, PAST, False),  # [6.5]
        (CENTRAL, AUTOMATIC, PAST, True),
    ],
)
def test_who_cancels_a_live_order(right: Right, mode: ApprovalMode, deadline: None, answer: bool) -> None:
    assert can_cancel_order(right, OrderStatus.APPROVED, mode, deadline, NOW) is answer


@pytest.mark.parametrize("status", sorted(set(OrderStatus) - set(lifecycles.LIVE_ORDERS)))
def test_orders_that_are_over_are_not_cancelled(status: OrderStatus) -> None:
    assert not can_cancel_order(CENTRAL, status, MANUAL, FUTURE, NOW)


def test_clients_are_offered_no_moves_that_time_makes() -> None:
    assert operator_actions(lifecycles.PACKAGE, PackageStatus.PUBLISHED) == (Action.CANCEL, Action.REINITIALIZE)
