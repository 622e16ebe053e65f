"""Loading what a service changes: within the caller's scope, locked, in one order that leaves no room for deadlocks:
package, its reference campaign, order, approval, child campaign."""

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any, TypeVar, TypeVarTuple
from uuid import UUID

from sqlalchemy import Select, bindparam, select

from server.campaign_type import Field
from server.domain import form
from server.domain.approval import Approval
from server.domain.campaign import Campaign, FormVersion
from server.domain.lifecycles import LIVE_ORDERS, PackageStatus
from server.domain.network import Entity, Right
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import History
from server.errors import NotFound, Problem, Refused, refuse
from server.reads.ids import ids_named
from server.reads.visibility import (
    Caller,
    Visible,
    entities_above,
    entities_of,
    visible_approvals,
    visible_campaigns,
    visible_entities,
    visible_orders,
    visible_packages,
)
from server.services.ready import Ready
from server.services.work import Work

T = TypeVar("T", Package, Order, Approval, Campaign, Entity)
Ts = TypeVarTuple("Ts")
FORM = Ready(select(FormVersion.fields).where(
    FormVersion.campaign_id == bindparam("campaign"), FormVersion.version == bindparam("version")
))
"""Statements of the main job are made once: making one takes about as long as running it."""
ABOVE = {kind: Ready(entities_above(ids_named("ids"), kind)) for kind in (Order, Approval)}
LINKED = Ready(entities_of(ids_named("ids")))
NONE: frozenset[UUID] = frozenset()


async def load_package(work: Work, package_id: UUID, *, shared: bool = False) -> Package:
    """The package, locked; `shared` lets other orders of the package go on at the same time."""
    return await _load(work, Package, package_id, visible_packages(work.caller), "package", shared=shared)


async def load_package_to_change(work: Work, package_id: UUID, revision: int, what: str) -> Package:
    """The package in the revision that the caller read, for those who may do `what` to it, while its type is installed
    [2.3, 3.2, 5.7]."""
    package = await load_package(work, package_id)
    work.require_central(what)
    work.types.require(package.type)
    await check_revision(work, package, revision, f"package {package.label} ({package.code})")
    return package


async def load_order(work: Work, order_id: UUID) -> tuple[Package, Order]:
    """The order, locked, and its package, locked for sharing, whether or not the caller still sees the package. Their
    campaign and entity are read on the way, after the package's lock, which holds the campaign too."""
    package = await work.session.scalar(
        _package_of_order(work.caller.right), {"id": order_id, "caller": work.caller.id}
    )
    if package is None:
        raise NotFound("There is no such order.")
    order = await _locked_order(work, order_id)
    check_going_on(package, order)
    return package, order


async def load_campaign(work: Work, campaign_id: UUID) -> Campaign:
    """The campaign, locked after what is locked before it elsewhere: the packages that offer it, or a child's order."""
    order = (await work.session.execute(
        select(Order.id, Order.package_id).join(Campaign, Campaign.id == Order.campaign_id)
        .where(Campaign.id == campaign_id, Campaign.parent_id.is_not(None), visible_campaigns(work.caller))
    )).one_or_none()
    if order:
        await _locked(work, Package, order.package_id, shared=True)
        await _locked(work, Order, order.id)
    for package_id in await work.session.scalars(
        select(Package.id).where(Package.campaign_id == campaign_id, visible_packages(work.caller)).order_by(Package.id)
    ):
        await _locked(work, Package, package_id)
    return await _load(work, Campaign, campaign_id, visible_campaigns(work.caller), "campaign")


async def load_entity(work: Work, entity_id: UUID) -> Entity:
    return await _load(work, Entity, entity_id, visible_entities(work.caller), "entity", shared=True)


async def load_approval(work: Work, approval_id: UUID) -> tuple[Package, Order | None, Approval]:
    """The approval with its subjects, locked in the common order."""
    seen = await work.session.execute(
        select(Approval.package_id, Approval.order_id).where(
            Approval.id == approval_id, visible_approvals(work.caller)
        )
    )
    if (row := seen.one_or_none()) is None:
        raise NotFound("There is no such approval.")
    package = await _locked(work, Package, row.package_id, shared=row.order_id is not None)
    order = await _locked_order(work, row.order_id) if row.order_id else None
    if order:
        check_going_on(package, order)
    return package, order, await _locked(work, Approval, approval_id)


async def sees_each(
    work: Work, asked: Collection[tuple[Caller, UUID]], kind: type[Order | Approval]
) -> list[bool]:
    """Of many at once, who sees the order or the approval that he asks for; others than local ones see what there is
    [2.3]."""
    local = [(caller.id, id) for caller, id in asked if caller.is_local and caller.id]
    above, linked = {}, {}
    if local:
        above = sets_of(await ABOVE[kind].rows(work.session, ids=list({id for _, id in local})))
        linked = sets_of(await LINKED.rows(work.session, ids=list({caller_id for caller_id, _ in local})))
    return [
        not caller.is_local or not linked.get(caller.id, NONE).isdisjoint(above.get(id, NONE)) for caller, id in asked
    ]


def sets_of(pairs: Iterable[Sequence[UUID]]) -> dict[UUID | None, set[UUID]]:
    """The second ids by the first ones."""
    sets: dict[UUID | None, set[UUID]] = {}
    for key, value in pairs:
        sets.setdefault(key, set()).add(value)
    return sets


async def campaign_of(work: Work, package: Package) -> Campaign:
    """The reference campaign of a package that the caller may work on, locked."""
    return await _locked(work, Campaign, package.campaign_id)


async def form_fields(work: Work, campaign_id: UUID, version: int) -> tuple[Field, ...]:
    """The fields of one version of a campaign's form; none for version 0 [9.3]."""
    if not version:
        return ()
    key = (FormVersion, campaign_id, version)
    if key not in work.known:
        stored = await FORM.rows(work.session, campaign=campaign_id, version=version)
        work.known[key] = form.of_stored(stored[0][0] if stored else [])
    fields: tuple[Field, ...] = work.known[key]
    return fields


async def check_revision(work: Work, thing: Any, revision: int, what: str) -> None:
    """Refuses when `thing` changed after the caller read it, naming the fields that differ [5.7]."""
    if thing.revision == revision:
        return
    entries = await work.session.scalars(
        select(History).where(History.subject_id == thing.id, History.revision > revision).order_by(History.id)
    )
    fields = sorted({name for entry in entries for name in entry.after})
    changed = f" Changed since: {', '.join(camel(name) for name in fields)}." if fields else ""
    raise Refused([Problem(
        "STALE_REVISION",
        f"The {what} is at revision {thing.revision}, you read revision {revision}.{changed} Read it again and decide.",
        ("revision",),
    )])


async def existing(work: Work, column: Any, ids: Sequence[UUID], condition: Visible) -> set[UUID]:
    """Which of `ids` exist and satisfy the condition."""
    return set(await work.session.scalars(select(column).where(column.in_(ids), condition)))


async def _load(
    work: Work, kind: type[T], key: UUID, visible: Visible, what: str, *, shared: bool = False
) -> T:
    """The locked row, if the caller sees it as it is then."""
    found = await work.session.scalar(_to_lock(select(kind), kind, shared=shared).where(kind.id == key, visible))
    if found is None:
        raise NotFound(f"There is no such {what}.")
    return found


async def _locked(work: Work, kind: type[T], key: UUID, *, shared: bool = False) -> T:
    found: T | None = await work.session.scalar(_by_id(kind, shared=shared), {"id": key})
    if found is None:
        raise NotFound("It has been deleted.")
    return found


async def _locked_order(work: Work, order_id: UUID) -> Order:
    """The order of a package that is locked, with its campaign and entity."""
    row = (await work.session.execute(_order_with_its_own(), {"id": order_id})).one_or_none()
    if row is None:
        raise NotFound("It has been deleted.")
    work.known[Order, order_id] = row
    return row[0]


def check_going_on(package: Package, order: Order) -> None:
    """A package that is cancelled takes its orders along, many of them after the commit: nothing else happens to them
    any more [10.1]."""
    if package.status is PackageStatus.CANCELED and order.status in LIVE_ORDERS:
        named = f"Order {order.label} ({order.code})"
        raise refuse("PACKAGE_CANCELED", f"{named} is being cancelled with its package.", "id")


@cache
def _package_of_order(right: Right) -> Select[Package]:
    caller: Any = bindparam("caller")
    return _to_lock(select(Package), Package, shared=True).join(Order, Order.package_id == Package.id).where(
        Order.id == bindparam("id"), visible_orders(Caller(caller, right))
    )


@cache
def _order_with_its_own() -> Select[Order, Campaign, Entity]:
    return (
        _to_lock(select(Order, Campaign, Entity), Order, shared=False)
        .join(Package, Package.id == Order.package_id).join(Campaign, Campaign.id == Package.campaign_id)
        .join(Entity, Entity.id == Order.entity_id).where(Order.id == bindparam("id"))
    )


@cache
def _by_id(kind: Any, *, shared: bool) -> Any:
    return _to_lock(select(kind), kind, shared=shared).where(kind.id == bindparam("id"))


def _to_lock(statement: Select[*Ts], kind: Any, *, shared: bool) -> Select[*Ts]:
    """Waits for the row's lock, then reads the row as it is now: load first, then change. The lock leaves keys alone,
    so that rows that refer to this one can be written all the while."""
    return statement.with_for_update(read=shared, key_share=not shared, of=kind).execution_options(
        populate_existing=True
    )


def camel(name: str) -> str:
    """A field as clients know it."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
