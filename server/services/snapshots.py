"""What a campaign type gets to see: snapshots of a package and an order, read in the current transaction."""

from sqlalchemy import bindparam, func, select

from server.campaign_type import Field, PackageSnapshot
from server.domain import form, snapshots
from server.domain.campaign import Campaign
from server.domain.package import Package, PackageEntity
from server.domain.target import DataDistribution
from server.services.loading import form_fields
from server.services.ready import Ready
from server.services.work import Work

AUDIENCE_SIZE = Ready(
    select(func.count()).select_from(PackageEntity).where(PackageEntity.package_id == bindparam("package"))
)


async def package_snapshot(work: Work, package: Package, form_version: int | None = None) -> PackageSnapshot:
    """The package with its reference campaign; `form_version` picks the version an order was filled in with [9.3]."""
    campaign = await reference_campaign(work, package)
    version = campaign.form_version if form_version is None else form_version
    fields = await form_fields(work, campaign.id, version)
    distribution = (
        await work.session.get(DataDistribution, campaign.data_distribution_id)
        if campaign.data_distribution_id else None
    )
    seen = snapshots.campaign_snapshot(campaign, fields, distribution, version)
    return snapshots.package_snapshot(package, seen, await audience_size(work, package))


async def reference_campaign(work: Work, package: Package) -> Campaign:
    """The package's campaign; `work.known` has it where it was read apart from the session."""
    key = (Campaign, package.campaign_id)
    campaign: Campaign = work.known[key] if key in work.known else await work.session.get_one(*key)
    return campaign


async def audience_size(work: Work, package: Package) -> int:
    """How many entities are listed for the package; `work.known` forgets it when the list changes."""
    key = (PackageEntity, package.id)
    if key not in work.known:
        [[work.known[key]]] = await AUDIENCE_SIZE.rows(work.session, package=package.id)
    return int(work.known[key])


async def order_fields(work: Work, package: Package, form_version: int | None = None) -> tuple[Field, ...]:
    """The order parameters that the campaign type asks for, in one version of the form, with the campaign's default
    values as defaults [6.7, 8.1]."""
    seen = await package_snapshot(work, package, form_version)
    campaign = await reference_campaign(work, package)
    return form.preset(work.types.require(package.type).fields(seen), campaign.default_values)
