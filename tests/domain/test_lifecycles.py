"""The lifecycles as tables: every status reachable, every unlisted move refused [4.4, 6.2, 8.1]."""

from itertools import product
from typing import Any

import pytest

from server.domain.lifecycles import (
    CAMPAIGN,
    ORDER,
    PACKAGE,
    Action,
    CampaignStatus,
    OrderStatus,
    PackageStatus,
    actions,
    move,
)
from server.errors import Refused

TABLES: list[tuple[Any, Any, set[Any]]] = [
    (PACKAGE, PackageStatus, {PackageStatus.BEING_EDITED}),
    (ORDER, OrderStatus, {OrderStatus.DRAFT, OrderStatus.APPROVED}),  # automatic mode starts with approved orders
    (CAMPAIGN, CampaignStatus, {CampaignStatus.BEING_EDITED}),
]
ILLEGAL = [
    (table, status, action)
    for table, statuses, _ in TABLES for status, action in product(statuses, Action) if (status, action) not in table
]


@pytest.mark.parametrize(("table", "statuses", "reached"), TABLES)
def test_every_status_can_be_reached(table: Any, statuses: Any, reached: set[Any]) -> None:
    reached = set(reached)
    for _ in statuses:
        reached |= {target for (origin, _), target in table.items() if origin in reached}
    assert reached == set(statuses)


@pytest.mark.parametrize(("table", "status", "action"), ILLEGAL)
def test_an_unlisted_move_is_refused_and_says_what_is_allowed(table: Any, status: Any, action: Action) -> None:
    with pytest.raises(Refused) as refusal:
        move(table, status, action, "package Spring (CAT1)")
    [problem] = refusal.value.problems
    assert problem.code == "ILLEGAL_TRANSITION"
    assert f"is {status}" in problem.message
    assert all(allowed in problem.message for allowed in actions(table, status))


# [4.4] word for word: status, action, status
@pytest.mark.parametrize(("origin", "action", "target"), [
    ("BEING_EDITED", "SUBMIT", "PENDING_APPROVAL"),
    ("PENDING_APPROVAL", "APPROVE", "APPROVED"),
    ("PENDING_APPROVAL", "REJECT", "REJECTED"),
    ("PENDING_APPROVAL", "WITHDRAW", "BEING_EDITED"),
    ("REJECTED", "EDIT", "BEING_EDITED"),
    ("APPROVED", "PUBLISH", "PUBLISHED"),
    ("PUBLISHED", "END", "ENDED"),
    *((status, "CANCEL", "CANCELED") for status in PackageStatus if status != "CANCELED"),
    *((status, "REINITIALIZE", "BEING_EDITED") for status in (
        "APPROVED", "REJECTED", "PUBLISHED", "ENDED", "CANCELED"
    )),
])
def test_packages_move_as_the_specification_says(origin: str, action: str, target: str) -> None:
    assert PACKAGE[PackageStatus(origin), Action(action)] == target


def test_packages_have_no_moves_beside_these() -> None:
    assert len(PACKAGE) == 7 + 6 + 5


# [6.2] word for word
@pytest.mark.parametrize(("origin", "action", "target"), [
    ("DRAFT", "SUBMIT", "ORDERED"),
    ("DRAFT", "EXPIRE", "EXPIRED"),
    ("ORDERED", "APPROVE", "APPROVED"),
    ("ORDERED", "REJECT", "REJECTED"),
    ("ORDERED", "EDIT", "ORDERED"),
    ("REJECTED", "SUBMIT", "ORDERED"),
    ("APPROVED", "EDIT", "ORDERED"),
    ("APPROVED", "EDIT_UNAPPROVED", "APPROVED"),
    ("APPROVED", "MAKE_AVAILABLE", "AVAILABLE"),
    ("AVAILABLE", "FINISH", "FINISHED"),
    *((status, "CANCEL", "CANCELED") for status in ("DRAFT", "ORDERED", "APPROVED", "AVAILABLE")),
])
def test_orders_move_as_the_specification_says(origin: str, action: str, target: str) -> None:
    assert ORDER[OrderStatus(origin), Action(action)] == target
