"""Adding entities to a package's audience, also once it is published, and removing them [4.7]."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select

from server.domain.lifecycles import LIVE_ORDERS, Action, PackageStatus
from server.domain.network import Entity
from server.domain.order import Order
from server.domain.package import ApprovalMode, Package
from server.domain.record import EventKind, SubjectKind
from server.errors import Problem, refuse, refuse_any
from server.services.bulk import emit_all
from server.services.ending import cancel_orders
from server.services.loading import load_package_to_change
from server.services.offering import (
    MOST_ENTITIES,
    EntityRow,
    add_entities,
    audited,
    check_entities,
    remove_entities,
)
from server.services.packages import LiveOrders
from server.services.publishing import subscribe
from server.services.work import Work

CHANGEABLE = (
    PackageStatus.BEING_EDITED, PackageStatus.REJECTED, PackageStatus.APPROVED, PackageStatus.PUBLISHED
)


class Audience:
    """Whom a package is offered to, for central operators and administrators."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def add(self, package_id: UUID, revision: int, entity_ids: Sequence[UUID]) -> Package:
        """Offers the package to more entities; those who are in its audience already stay. On a published one the new
        ones are told (N17), and in automatic mode ordered for at once [4.7]."""
        package = await self._load(package_id, revision, entity_ids)
        work = self.work
        refuse_any(await check_entities(work, package, entity_ids))
        new = await add_entities(work, package, entity_ids)
        await work.record(SubjectKind.PACKAGE, package, "ADD_TO_AUDIENCE", after=audited(new))
        for entity in new:
            work.impact.add("ENTITY", entity.code, entity.label, "ADDED")
        if package.status is PackageStatus.PUBLISHED:
            await self._welcome(package, new)
        return package

    async def remove(
        self, package_id: UUID, revision: int, entity_ids: Sequence[UUID], live_orders: LiveOrders | None = None,
        comment: str = "",
    ) -> Package:
        """Takes entities out of the audience; with live orders the caller says whether these are cancelled or kept."""
        package = await self._load(package_id, revision, entity_ids)
        work = self.work
        gone = await remove_entities(work, package, Entity.id.in_(entity_ids))
        ids = {entity.id for entity in gone}
        refuse_any(
            Problem("NOT_IN_AUDIENCE", "The package is not offered to this entity.", ("entity_ids", str(position)))
            for position, entity_id in enumerate(entity_ids) if entity_id not in ids
        )
        theirs = (Order.cycle == package.cycle) & Order.entity_id.in_(ids)
        live = await work.session.scalar(select(func.count()).where(
            Order.package_id == package.id, Order.status.in_(LIVE_ORDERS), theirs
        ))
        if live and live_orders is None:
            raise refuse("LIVE_ORDERS", f"These entities hold {live} live orders: say CANCEL or KEEP.", "live_orders")
        await work.record(
            SubjectKind.PACKAGE, package, "REMOVE_FROM_AUDIENCE", comment=comment, before=audited(gone),
            after=audited([]),
        )
        for entity in gone:
            work.impact.add("ENTITY", entity.code, entity.label, "REMOVED")
        if live_orders is LiveOrders.CANCEL:
            await cancel_orders(work, package, theirs, comment, tell=True)
        return package

    async def _load(self, package_id: UUID, revision: int, entity_ids: Sequence[UUID]) -> Package:
        """The package, whose audience may change; a rejected one is taken up again, as by any edit."""
        package = await load_package_to_change(
            self.work, package_id, revision, "change the audience of a package"
        )
        named = f"Package {package.label} ({package.code})"
        if package.status not in CHANGEABLE:
            allowed = ", ".join(CHANGEABLE)
            raise refuse(
                "ILLEGAL_TRANSITION", f"{named} is {package.status}; its audience changes while {allowed}.", "id"
            )
        if package.offered_to_all and package.status in (PackageStatus.APPROVED, PackageStatus.PUBLISHED):
            raise refuse("OFFERED_TO_ALL", f"{named} is offered to every local entity.", "id")
        if not 0 < len(entity_ids) <= MOST_ENTITIES:
            code = "TOO_MANY" if entity_ids else "REQUIRED"
            raise refuse(code, f"Name between one and {MOST_ENTITIES} entities.", "entity_ids")
        if package.status is PackageStatus.REJECTED:
            package.apply(Action.EDIT)
        return package

    async def _welcome(self, package: Package, entities: Sequence[EntityRow]) -> None:
        work = self.work
        rules = work.types.require(package.type).rules
        subscribes = package.approval_mode is ApprovalMode.AUTOMATIC and rules.subscribes
        await emit_all(work, EventKind.ENTITY_ADDED, [
            {"package_id": package.id, "entity_id": entity.id, "payload": {"subscribed": subscribes}}
            for entity in entities
        ])
        for entity in entities:
            work.impact.add("MESSAGE", entity.code, entity.label, EventKind.ENTITY_ADDED)
        if subscribes:
            await subscribe(work, package, entities)
