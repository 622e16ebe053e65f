"""When an approved order becomes available, and the type's post-approval work [6.2, 9.7]."""

from datetime import datetime

from server.domain.approval import ApprovalSubject
from server.domain.lifecycles import Action, OrderStatus
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import EventKind, SubjectKind
from server.services.approving import pending
from server.services.effects import perform
from server.services.snapshots import order_snapshot, package_snapshot
from server.services.work import Work


def available_from(package: Package, order: Order) -> datetime:
    """max(approval, availability). An order that publication subscribed, on a package without an availability date,
    waits for the registration deadline: until then its entity may withdraw or change it [6.5]."""
    approved = order.approved_at or order.created_at
    waits = package.campaign_available_at
    if waits is None and order.subscribed:
        waits = package.effective_registration_deadline
    return max(approved, waits or approved)


async def make_available_if_due(work: Work, package: Package, order: Order) -> bool:
    """Makes an approved order available when its time has come, and does the type's post-approval work once."""
    if order.status is not OrderStatus.APPROVED or available_from(package, order) > work.now:
        return False
    if await pending(work, order_id=order.id, subject=ApprovalSubject.TARGET):
        return False  # its entity has not answered about its contacts yet [9.13]
    kind = work.types.require(package.type)
    order.apply(Action.MAKE_AVAILABLE)
    order.available_at = work.now
    seen = await package_snapshot(work, package, order.form_version)
    await perform(work, package, order, kind.after_approval(seen, await order_snapshot(work, order)))
    await work.record(SubjectKind.ORDER, order, Action.MAKE_AVAILABLE, entity_id=order.entity_id)
    work.emit(
        EventKind.CAMPAIGN_AVAILABLE, package_id=package.id, order_id=order.id, campaign_id=order.campaign_id,
        entity_id=order.entity_id,
    )
    work.impact.add("ORDER", order.code, order.label, order.status)
    work.impact.add("MESSAGE", order.code, order.label, EventKind.CAMPAIGN_AVAILABLE)
    return True
