"""Opening target lists: an order, its contacts and a question for every entity with contacts, set-based [9.11-9.13]."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, exists, func, insert, literal, select, text

from server.changes import changed
from server.domain.base import new_id
from server.domain.campaign import Campaign
from server.domain.distribution import kept
from server.domain.lifecycles import STANDING_ORDERS, OrderStatus
from server.domain.network import Entity, EntityKind
from server.domain.order import Order
from server.domain.package import ApprovalMode, Package
from server.domain.record import History, SubjectKind
from server.domain.target import Assignment, Contact, DataDistribution, DistributionRow, Target
from server.errors import refuse
from server.reads.distribution import Portion, counted_rows, matching_contacts, ranked_targets
from server.services.codes import next_codes
from server.services.offering import add_entities
from server.services.rows import insert_rows
from server.services.target_approvals import Question, ask_target_approvals
from server.services.work import Work

BLOCK_ROWS = 5_000
BLOCK_CONTACTS = 1_000_000
"""What one statement ranks: the memory of the database stays bounded however many contacts there are."""


@dataclass(frozen=True, slots=True)
class Opened:
    """How many orders were opened with how many contacts. `skipped`: contacts of entities that are closed or hold a
    standing order of this cycle already. `complement`: contacts that no row takes or that are beyond its size."""

    orders: int
    contacts: int
    skipped: int
    complement: int


@dataclass(frozen=True, slots=True)
class Share:
    """What one entity gets: so many contacts of each value, and how many were found for them."""

    entity: Row[UUID, str, UUID, bool]
    portions: Mapping[str, int]
    found: int

    @property
    def contacts(self) -> int:
        return sum(self.portions.values())


async def open_target_lists(
    work: Work, package: Package, campaign: Campaign, distribution: DataDistribution
) -> Opened:
    """One list per entity with contacts: those that match the campaign's filter and have not opted out, by the value of
    the distribution's field, ranked and capped per value; several values of an entity make one list."""
    await _require_rows(work, distribution)
    matching = matching_contacts(campaign)
    shares = await _shares(work, package, distribution, matching)
    opening = [share for share in shares if share.entity.free]
    for block in _blocks(opening):
        await _open(work, package, campaign, distribution, matching, block)
    if opening:
        await _analyze(work)
    total = await work.session.scalar(select(func.count()).select_from(Contact).where(matching)) or 0
    contacts, every = (sum(share.contacts for share in which) for which in (opening, shares))
    return Opened(len(opening), contacts, every - contacts, total - every)


async def _analyze(work: Work) -> None:
    """Lets PostgreSQL know how long lists are: going by an empty table, it would read them by the wrong index."""
    if work.session.get_bind().dialect.name == "postgresql":
        await work.session.execute(text("ANALYZE target"))


async def _require_rows(work: Work, distribution: DataDistribution) -> None:
    named = f"Data distribution {distribution.label} ({distribution.code})"
    if distribution.assignment is not Assignment.LOCAL_ENTITY:
        message = f"{named} is assigned by {distribution.assignment}; target lists need LOCAL_ENTITY."
        raise refuse("DATA_DISTRIBUTION_ASSIGNMENT", message, "data_distribution")
    if not await work.session.scalar(select(exists().where(DistributionRow.distribution_id == distribution.id))):
        raise refuse("NO_ROWS", f"{named} has no rows, so that nobody would get contacts.", "data_distribution")


async def _shares(
    work: Work, package: Package, distribution: DataDistribution, matching: ColumnElement[bool]
) -> list[Share]:
    """What every entity with contacts gets, in the order of their codes."""
    rows: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for row in await work.session.execute(counted_rows(distribution, matching)):
        rows[row.entity_id].append(row)
    holds_order = exists().where(
        Order.package_id == package.id, Order.cycle == package.cycle, Order.entity_id == Entity.id,
        Order.status.in_(STANDING_ORDERS),
    )
    reviewers = func.coalesce(Entity.campaign_reviewers_id, Entity.notification_group_id)
    entities = await work.session.execute(
        select(Entity.id, Entity.code, reviewers.label("reviewers_id"), and_(Entity.active, ~holds_order).label("free"))
        .where(Entity.kind == EntityKind.LOCAL).order_by(Entity.code)
    )
    shares = [
        Share(
            entity, {row.value: kept(distribution.size_kind, row.size, row.found) for row in rows[entity.id]},
            sum(row.found for row in rows[entity.id]),
        )
        for entity in entities if entity.id in rows
    ]
    return [share for share in shares if share.contacts]


def _blocks(shares: Iterable[Share]) -> Iterator[list[Share]]:
    block: list[Share] = []
    rows = contacts = 0
    for share in shares:
        rows, contacts = rows + len(share.portions), contacts + share.found
        if block and (rows > BLOCK_ROWS or contacts > BLOCK_CONTACTS):
            yield block
            block, rows, contacts = [], len(share.portions), share.found
        block.append(share)
    if block:
        yield block


async def _open(
    work: Work, package: Package, campaign: Campaign, distribution: DataDistribution, matching: ColumnElement[bool],
    block: Sequence[Share],
) -> None:
    orders = await _add_orders(work, package, distribution, block)
    opened = list(zip(orders, block, strict=True))
    portions = [
        Portion(value, order["id"], contacts)
        for order, share in opened for value, contacts in share.portions.items() if contacts
    ]
    listed = ranked_targets(distribution, matching, portions).add_columns(literal(distribution.preselect), literal(""))
    columns = ["order_id", "contact_id", "position", "value", "grouping", "kept", "reason"]
    written: Any = await work.session.execute(insert(Target).from_select(columns, listed))
    if written.rowcount != sum(share.contacts for share in block):
        raise refuse("CONTACTS_CHANGED", "Contacts were changed while they were being distributed. Start it again.")
    await add_entities(work, package, [share.entity.id for share in block])  # the audience follows from the contacts
    await ask_target_approvals(work, package, campaign, [
        Question(
            order["id"], order["code"], package.label, 1, share.entity.id, share.entity.reviewers_id, share.contacts
        )
        for order, share in opened
    ])


async def _add_orders(
    work: Work, package: Package, distribution: DataDistribution, block: Sequence[Share]
) -> list[dict[str, Any]]:
    """Drafts in manual mode, approved orders in automatic mode [9.13]."""
    automatic = package.approval_mode is ApprovalMode.AUTOMATIC
    common = {
        "label": package.label, "comment": "", "package_id": package.id, "cycle": package.cycle, "parameters": {},
        "status": OrderStatus.APPROVED if automatic else OrderStatus.DRAFT, "form_version": 0, "exclusive": True,
        "subscribed": False, "approved_at": work.now if automatic else None, "cancel_comment": "", "revision": 1,
        "created_at": work.now, "modified_at": work.now,
    }
    codes = await next_codes(work.session, "ORD", len(block))
    orders: list[dict[str, Any]] = [
        common | {
            "id": new_id(), "code": code, "entity_id": share.entity.id, "targeted_contacts": share.contacts,
            "approved_contacts": share.contacts if distribution.preselect else 0,
        }
        for code, share in zip(codes, block, strict=True)
    ]
    await insert_rows(work.session, Order, orders)
    await insert_rows(work.session, History, [_history(work, order) for order in orders])
    changed(work.session, SubjectKind.ORDER, *(order["id"] for order in orders))
    for order in orders:
        work.impact.add("ORDER", order["code"], package.label, order["status"])
    return orders


def _history(work: Work, order: dict[str, Any]) -> dict[str, Any]:
    seen = ("targeted_contacts", "approved_contacts")
    return {
        "id": new_id(), "at": work.now, "actor_id": work.caller.id, "subject": SubjectKind.ORDER,
        "subject_id": order["id"], "subject_code": order["code"], "entity_id": order["entity_id"], "revision": 1,
        "action": "DISTRIBUTE", "before": {}, "after": {"status": order["status"].value} | {k: order[k] for k in seen},
        "comment": "",
    }
