"""An operator's deadlines: the questions that wait for them, and dates of packages [4.3, 5.8]."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.domain.approval import Approval, ApprovalSubject
from server.domain.lifecycles import PackageStatus
from server.domain.network import Entity
from server.domain.order import Order
from server.domain.package import Package
from server.reads.due import last_moment
from server.reads.rights import waiting_for
from server.reads.visibility import Caller, visible_approvals, visible_packages

PAST, AHEAD = timedelta(days=30), timedelta(days=400)
MOST = 1_000
"""Deadlines at once: those nearest to now."""


class DeadlineKind(StrEnum):
    """What is to be done by then, or happens then."""

    PACKAGE_APPROVAL = "PACKAGE_APPROVAL"
    ORDER_APPROVAL = "ORDER_APPROVAL"
    TARGET_APPROVAL = "TARGET_APPROVAL"
    PUBLICATION = "PUBLICATION"
    REGISTRATION = "REGISTRATION"
    PERSONALIZATION = "PERSONALIZATION"
    AVAILABILITY = "AVAILABILITY"
    END = "END"


ASKED = {
    ApprovalSubject.PACKAGE: DeadlineKind.PACKAGE_APPROVAL, ApprovalSubject.ORDER: DeadlineKind.ORDER_APPROVAL,
    ApprovalSubject.TARGET: DeadlineKind.TARGET_APPROVAL,
}
OF_ENTITIES = {
    DeadlineKind.REGISTRATION: Package.registration_deadline,
    DeadlineKind.PERSONALIZATION: Package.personalization_deadline,
    DeadlineKind.END: Package.end,
}
OF_OWNERS = OF_ENTITIES | {
    DeadlineKind.PUBLICATION: Package.start, DeadlineKind.AVAILABILITY: Package.campaign_available_at,
}
DECIDED = (PackageStatus.APPROVED, PackageStatus.PUBLISHED, PackageStatus.ENDED)
"""The dates of other packages may still be changed, or do not matter any more."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """`id` is the approval's or the package's, and `revision` counts its changes; `label` and `code` are those of the
    order or the package, `entity` is the order's."""

    kind: DeadlineKind
    at: datetime
    id: UUID
    revision: int
    modified_at: datetime
    label: str
    code: str
    entity: str | None = None


async def deadlines(
    session: AsyncSession, caller: Caller, now: datetime, most: int = MOST
) -> list[Deadline]:
    """From a month ago to a year ahead, in their order; what is out of the caller's scope now is not among them [2.3].
    Two statements, however many there are."""
    dates = OF_ENTITIES if caller.is_local else OF_OWNERS
    since, until = now - PAST, now + AHEAD
    asked = await session.execute(_questions(caller, since, until, most))
    dated = await session.execute(_packages(caller, dates.values(), since, until, most))
    found = [
        *(Deadline(ASKED[kind], *values) for kind, *values in asked),
        *(Deadline(kind, at, *package) for *package, moments in map(_split, dated)
          for kind, at in zip(dates, moments, strict=True) if at is not None and since <= at <= until),
    ]
    nearest = sorted(found, key=lambda each: (abs(each.at - now), each.id, each.kind))[:most]
    return sorted(nearest, key=lambda each: (each.at, each.id, each.kind))


def _questions(caller: Caller, since: datetime, until: datetime, most: int) -> Any:
    label, code = func.coalesce(Order.label, Package.label), func.coalesce(Order.code, Package.code)
    return (
        select(Approval.subject, Approval.deadline, Approval.id, Approval.revision, Approval.modified_at, label, code,
               Entity.label)
        .join(Package, Package.id == Approval.package_id).outerjoin(Order, Order.id == Approval.order_id)
        .outerjoin(Entity, Entity.id == Approval.entity_id)
        .where(visible_approvals(caller), waiting_for(caller), Approval.deadline.between(since, until))
        .order_by(Approval.deadline, Approval.id).limit(most)
    )


def _packages(caller: Caller, dates: Collection[Any], since: datetime, until: datetime, most: int) -> Any:
    """Local: those that they see; others: those that they own."""
    mine = visible_packages(caller) if caller.is_local else Package.owner_id == caller.id
    near = or_(*(date.between(since, until) for date in dates))
    return (
        select(Package.id, Package.revision, Package.modified_at, Package.label, Package.code, *dates)
        .where(mine, Package.status.in_(DECIDED), near).order_by(last_moment, Package.id).limit(most)
    )


def _split(row: Any) -> tuple[Any, ...]:
    """What a row says of its package, and its dates."""
    return (*row[:5], row[5:])
