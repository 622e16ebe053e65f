"""Reviewers that packages and orders name: operators or groups, in the order in which they were named [5.5, 6.1]."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select

from server.domain.network import Operator, OperatorGroup
from server.domain.order import Order, OrderReviewer
from server.domain.package import Package, PackageReviewer
from server.errors import Problem
from server.reads.ids import OneOf, ids_named
from server.reads.visibility import visible_groups, visible_operators
from server.services.loading import existing
from server.services.ready import Ready
from server.services.work import Work

Reviewer = tuple[UUID | None, UUID | None]
"""An operator or a group, the other one None."""
Given = Sequence[Mapping[str, Any]]
"""Reviewers as clients name them: {"operator_id": …} or {"group_id": …}."""
NAMED_ON_ORDERS = Ready(
    select(OrderReviewer.order_id, OrderReviewer.operator_id, OrderReviewer.group_id)
    .where(OneOf(OrderReviewer.order_id, ids_named("ids"))).order_by(OrderReviewer.order_id, OrderReviewer.position)
)


async def named_reviewers(work: Work, subject: Package | Order) -> list[Reviewer]:
    """The reviewers named on a package, the main one first, or on an order."""
    rows = await work.session.execute(_named(type(subject)), {"subject": subject.id})
    return [(row.operator_id, row.group_id) for row in rows]


async def named_on_orders(work: Work, order_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Reviewer]]:
    """The reviewers named on many orders."""
    named: dict[UUID, list[Reviewer]] = {}
    for order_id, operator_id, group_id in await NAMED_ON_ORDERS.rows(work.session, ids=order_ids):
        named.setdefault(order_id, []).append((operator_id, group_id))
    return named


async def check_reviewers(work: Work, given: Given) -> list[Problem]:
    """Each reviewer is one operator or one group that the caller sees, named once."""
    people = await existing(work, Operator.id, _ids(given, "operator_id"), visible_operators(work.caller))
    groups = await existing(work, OperatorGroup.id, _ids(given, "group_id"), visible_groups(work.caller))
    problems: list[Problem] = []
    seen: set[Reviewer] = set()
    for position, reviewer in enumerate(given):
        path = ("reviewers", str(position))
        operator_id, group_id = key = _reviewer(reviewer)
        if (operator_id is None) == (group_id is None):
            problems.append(Problem("ONE_OF", "A reviewer is either an operator or a group.", path))
        elif key in seen:
            problems.append(Problem("DUPLICATE", "This reviewer is named twice.", path))
        elif operator_id not in people and group_id not in groups:
            problems.append(Problem("NOT_FOUND", "There is no such operator or group.", path))
        seen.add(key)
    return problems


async def save_reviewers(work: Work, subject: Package | Order, given: Given) -> None:
    """Replaces those who are named; other changes of this transaction are left for `Work.record` to write down."""
    table, owner = _rows(type(subject))
    await work.session.execute(delete(table).where(owner == subject.id))
    rows = [
        {owner.key: subject.id, "position": position, "operator_id": operator_id, "group_id": group_id}
        for position, (operator_id, group_id) in enumerate(map(_reviewer, given))
    ]
    if rows:
        await work.session.execute(insert(table), rows)


@cache
def _named(kind: type[Package | Order]) -> Any:
    table, owner = _rows(kind)
    return select(table.operator_id, table.group_id).where(owner == bindparam("subject")).order_by(table.position)


def _rows(kind: type[Package | Order]) -> tuple[Any, Any]:
    if issubclass(kind, Package):
        return PackageReviewer, PackageReviewer.package_id
    return OrderReviewer, OrderReviewer.order_id


def _reviewer(given: Mapping[str, Any]) -> Reviewer:
    return given.get("operator_id"), given.get("group_id")


def _ids(given: Given, name: str) -> list[UUID]:
    return [reviewer[name] for reviewer in given if reviewer.get(name)]
