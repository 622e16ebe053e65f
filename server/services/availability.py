"""When an approved order becomes available, and the type's post-approval work [6.2, 9.7]."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from server.campaign_type import PackageSnapshot
from server.domain import snapshots
from server.domain.approval import Approval, ApprovalStatus, ApprovalSubject
from server.domain.campaign import Campaign
from server.domain.lifecycles import Action, CampaignStatus, OrderStatus
from server.domain.network import Entity
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import EventKind, SubjectKind
from server.reads.ids import one_of
from server.services.bulk import add_history, changed_entry, emit_all, save
from server.services.effects import Decided, perform
from server.services.moves import move_orders
from server.services.snapshots import package_snapshot
from server.services.work import Work


@dataclass(frozen=True, slots=True)
class Approved:
    """An approved order of a package that is locked with it; `work` is of whose act it follows from."""

    work: Work
    package: Package
    order: Order


def available_from(package: Package, order: Order) -> datetime:
    """max(approval, availability). An order that publication subscribed, on a package without an availability date,
    waits for the registration deadline: until then its entity may withdraw or change it [6.5]."""
    approved = order.approved_at or order.created_at
    waits = package.campaign_available_at
    if waits is None and order.subscribed:
        waits = package.effective_registration_deadline
    return max(approved, waits or approved)


async def make_available_if_due(work: Work, package: Package, *orders: Order) -> int:
    """Makes those of a package's approved orders available whose time has come, and says how many they were."""
    return await make_all_available_if_due(work, [Approved(work, package, order) for order in orders])


async def make_all_available_if_due(work: Work, approved: Iterable[Approved]) -> int:
    """The same for orders of any packages, by whomever. The type's post-approval work is done once. An entity that has
    not answered about its contacts yet is waited for [9.13]."""
    due = [
        each for each in approved
        if each.order.status is OrderStatus.APPROVED and available_from(each.package, each.order) <= work.now
    ]
    asked = await _asked(work, [each.order for each in due]) if due else set()
    answered = [each for each in due if each.order.id not in asked]
    if answered:
        await _make_available(work, answered)
    return len(answered)


async def _make_available(work: Work, approved: Sequence[Approved]) -> None:
    campaigns = await _campaigns(work, approved)
    orders = [each.order for each in approved]
    for order in orders:
        if order in work.session:
            work.session.expunge(order)  # it is written below, and by no flush of an effect
        order.apply(Action.MAKE_AVAILABLE)
        order.available_at = work.now
    await perform(work, await _decided(work, approved))
    await add_history(work, [
        changed_entry(each.work, SubjectKind.ORDER, each.order, Action.MAKE_AVAILABLE) for each in approved
    ])
    await save(work, orders)
    await emit_all(work, EventKind.CAMPAIGN_AVAILABLE, [
        {
            "package_id": each.package.id, "order_id": each.order.id, "campaign_id": each.order.campaign_id,
            "entity_id": each.order.entity_id, "actor_id": each.work.caller.id,
        }
        for each in approved
    ])
    for each in approved:
        each.work.impact.add("ORDER", each.order.code, each.order.label, each.order.status)
        each.work.impact.add("MESSAGE", each.order.code, each.order.label, EventKind.CAMPAIGN_AVAILABLE)
    await _finish_late(approved, campaigns)


async def _campaigns(work: Work, approved: Iterable[Approved]) -> dict[UUID, Campaign]:
    """The reference campaigns; whoever holds them has them in the session."""
    found = await work.session.scalars(
        select(Campaign).where(one_of(Campaign.id, {each.package.campaign_id for each in approved}))
    )
    return {campaign.id: campaign for campaign in found}


async def _finish_late(approved: Sequence[Approved], campaigns: Mapping[UUID, Campaign]) -> None:
    """Orders that come to a campaign when it is over are finished with it [6.2]."""
    late: dict[tuple[UUID, int], list[Approved]] = {}
    for each in approved:
        campaign_id = each.package.campaign_id
        if campaigns[campaign_id].status is CampaignStatus.FINISHED and each.order.campaign_id == campaign_id:
            late.setdefault((campaign_id, id(each.work)), []).append(each)
    for theirs in late.values():
        await move_orders(theirs[0].work, one_of(Order.id, [each.order.id for each in theirs]), Action.FINISH)


async def _decided(work: Work, approved: Sequence[Approved]) -> list[Decided]:
    entities = {entity.id: entity for entity in await work.session.scalars(
        select(Entity).where(one_of(Entity.id, {each.order.entity_id for each in approved}))
    )}
    seen: dict[tuple[UUID, int], PackageSnapshot] = {}
    decided = []
    for each in approved:
        key = each.package.id, each.order.form_version
        if key not in seen:
            seen[key] = await package_snapshot(work, each.package, each.order.form_version)
        order = snapshots.order_snapshot(each.order, entities[each.order.entity_id])
        effects = work.types.require(each.package.type).after_approval(seen[key], order)
        decided.append(Decided(each.work, each.package, each.order, effects))
    return decided


async def _asked(work: Work, orders: Sequence[Order]) -> set[UUID]:
    """Whose entity has still to answer about its contacts."""
    return set(await work.session.scalars(select(Approval.order_id).where(
        one_of(Approval.order_id, [order.id for order in orders]), Approval.subject == ApprovalSubject.TARGET,
        Approval.status == ApprovalStatus.PENDING,
    )))
