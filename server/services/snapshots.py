"""What a campaign type gets to see: snapshots of a package and an order, read in the current transaction."""

from sqlalchemy import bindparam, func, select

from server.campaign_type import Field, OrderSnapshot, PackageSnapshot
from server.domain import form, snapshots
from server.domain.campaign import Campaign
from server.domain.network import Entity
from server.domain.order import Order
from server.domain.package import Package, PackageEntity
from server.domain.target import DataDistribution
from server.services.loading import form_fields
from server.services.work import Work

AUDIENCE_SIZE = select(func.count()).select_from(PackageEntity).where(PackageEntity.package_id == bindparam("package"))


async def package_snapshot(work: Work, package: Package, form_version: int | None = None) -> PackageSnapshot:
    """The package with its reference campaign; `form_version` picks the version an order was filled in with [9.3]."""
    campaign = await work.session.get_one(Campaign, package.campaign_id)
    version = campaign.form_version if form_version is None else form_version
    fields = await form_fields(work, campaign.id, version)
    distribution = (
        await work.session.get(DataDistribution, campaign.data_distribution_id)
        if campaign.data_distribution_id else None
    )
    seen = snapshots.campaign_snapshot(campaign, fields, distribution, version)
    return snapshots.package_snapshot(package, seen, await audience_size(work, package))


async def audience_size(work: Work, package: Package) -> int:
    """How many entities are listed for the package; `work.known` forgets it when the list changes."""
    key = (PackageEntity, package.id)
    if key not in work.known:
        work.known[key] = await work.session.scalar(AUDIENCE_SIZE, {"package": package.id})
    return int(work.known[key])


async def order_snapshot(work: Work, order: Order) -> OrderSnapshot:
    return snapshots.order_snapshot(order, await work.session.get_one(Entity, order.entity_id))


async def order_fields(work: Work, package: Package, form_version: int | None = None) -> tuple[Field, ...]:
    """The order parameters that the campaign type asks for, in one version of the form, with the campaign's default
    values as defaults [6.7, 8.1]."""
    seen = await package_snapshot(work, package, form_version)
    campaign = await work.session.get_one(Campaign, package.campaign_id)
    return form.preset(work.types.require(package.type).fields(seen), campaign.default_values)
