"""Orders that are made beforehand for the writes: each request finds one of its own, that nobody has touched."""

import time
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, false, func, literal, select
from sqlalchemy.orm import aliased, join

from benchmarks.dataset import CAMPAIGNS, Size
from benchmarks.numbered import At, Key, Kind, key, numbers
from benchmarks.rows import DAY, connected, insert_approvals, insert_orders, insert_packages, insert_rows
from server.database import Database
from server.domain.approval import Approval, ApprovalStatus
from server.domain.lifecycles import OrderStatus
from server.domain.order import Order
from server.domain.package import Package, PackageEntity
from server.domain.record import Event, EventKind, History


@dataclass(frozen=True)
class Batch:
    """Orders numbered from `first`, the n-th of them for the store `n % entities`."""

    first: int
    count: int
    entities: int

    def orders(self) -> list[tuple[int, int]]:
        """Number and store of each."""
        return [(self.first + n, n % self.entities) for n in range(self.count)]

    def range(self) -> tuple[UUID, UUID]:
        return key(Kind.ORDER, self.first), key(Kind.ORDER, self.first + self.count - 1)


async def prepare(database: Database, size: Size, count: int, *, submitted: bool) -> Batch:
    """Drafts that can be submitted, or orders that wait for a decision: in as few new packages as the rule of one order
    per entity and package allows."""
    async with connected(database) as connection, connection.begin():
        first = await connection.scalar(select(func.count()).select_from(Order))
        packages = await connection.scalar(select(func.count()).select_from(Package))
        batch = Batch(first or 0, count, size.entities)
        await connection.run_sync(_insert, batch, packages or 0, submitted)
    return batch


def _insert(connection: Connection, batch: Batch, first_package: int, submitted: bool) -> None:
    now = int(time.time())
    earlier = At(literal(now - 60))
    package = numbers(-(-batch.count // batch.entities), first_package)
    insert_packages(connection, package, Key(Kind.CAMPAIGN, package % CAMPAIGNS), earlier, now)
    n = numbers(batch.count)
    package, store, order = first_package + n // batch.entities, n % batch.entities, batch.first + n
    insert_rows(
        connection, PackageEntity, package_id=Key(Kind.PACKAGE, package), entity_id=Key(Kind.STORE, store),
        added_at=earlier,
    )
    insert_orders(
        connection, order, package, store, "ORDERED" if submitted else "DRAFT", earlier,
        submitted_at=earlier if submitted else None, submitted_by_id=Key(Kind.CLERK, store) if submitted else None,
    )
    if submitted:
        insert_approvals(
            connection, order, package, store, "PENDING", earlier, At(literal(now + 3 * DAY)), override=false()
        )


async def count_submitted(database: Database, batch: Batch) -> dict[str, tuple[int, int]]:
    """What a batch of drafts has become, as far as it was submitted: how many rows of each kind are what the clerk of
    the store has made with one submission, and how many there are. Both should be the number of submissions."""
    order, approval = aliased(Order), aliased(Approval)
    clerk = order.submitted_by_id
    asked = join(order, approval, approval.order_id == order.id)
    found = {
        "orders": (order, (order.revision == 2) & (clerk == order.assignee_id)),
        "approvals": (asked, (approval.status == ApprovalStatus.PENDING) & (approval.package_id == order.package_id)
                      & (approval.entity_id == order.entity_id) & (approval.subject_revision == order.revision)
                      & (approval.requested_by_id == clerk)),
        "entries of orders": (join(order, History, History.subject_id == order.id), (History.action == "SUBMIT")
                              & (History.revision == order.revision) & (History.actor_id == clerk)),
        "entries of approvals": (join(asked, History, History.subject_id == approval.id), (History.action == "ASK")
                                 & (History.actor_id == clerk)),
        "messages": (join(asked, Event, Event.order_id == order.id), (Event.kind == EventKind.ORDER_SUBMITTED)
                     & (Event.approval_id == approval.id) & (Event.actor_id == clerk)),
    }
    ours = order.id.between(*batch.range()), order.status == OrderStatus.ORDERED
    async with database.reading() as session:
        return {
            name: tuple((await session.execute(
                select(func.count().filter(right), func.count()).select_from(rows).where(*ours)
            )).one())
            for name, (rows, right) in found.items()
        }
