"""The forms of packages and orders: what the campaign type asks for, on the form version of each [3.1, 9.3, 9.4]."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.campaign_type import Field
from server.domain import form, snapshots
from server.domain.campaign import Campaign, FormVersion
from server.domain.order import Order
from server.domain.package import Package, PackageEntity
from server.domain.target import DataDistribution
from server.errors import CampaignTypeFailed
from server.reads.ids import one_of
from server.reads.resource import Reader


@dataclass(frozen=True, slots=True)
class OrderForm:
    """Fields in one version of a campaign's form."""

    version: int
    fields: tuple[Field, ...]


async def of_packages(session: AsyncSession, reader: Reader, ids: Sequence[UUID]) -> Mapping[UUID, object]:
    """What a new order of each package is filled in with."""
    return await _forms(session, reader, Package.id, Campaign.form_version, one_of(Package.id, ids))


async def of_orders(session: AsyncSession, reader: Reader, ids: Sequence[UUID]) -> Mapping[UUID, object]:
    """What each order was filled in with."""
    return await _forms(session, reader, Order.id, Order.form_version, one_of(Order.id, ids))


async def _forms(
    session: AsyncSession, reader: Reader, key: Any, version: Any, chosen: ColumnElement[bool]
) -> Mapping[UUID, object]:
    size = (
        select(func.count()).select_from(PackageEntity).where(PackageEntity.package_id == Package.id)
        .correlate(Package).scalar_subquery()
    )
    statement = select(key, version, Package, Campaign, DataDistribution, FormVersion.fields, size).select_from(Package)
    if key is Order.id:
        statement = statement.join(Order, Order.package_id == Package.id)
    statement = (
        statement.join(Campaign, Campaign.id == Package.campaign_id)
        .outerjoin(FormVersion, (FormVersion.campaign_id == Campaign.id) & (FormVersion.version == version))
        .outerjoin(DataDistribution, DataDistribution.id == Campaign.data_distribution_id)
        .where(chosen)
    )
    return {id: _form(reader, *values) for id, *values in (await session.execute(statement)).all()}


def _form(
    reader: Reader, version: int, package: Package, campaign: Campaign, distribution: DataDistribution | None,
    stored: Sequence[Mapping[str, Any]] | None, audience_size: int,
) -> OrderForm | CampaignTypeFailed | None:
    """None when the type is not installed any more [3.2]."""
    installed = reader.types.get(package.type)
    if installed is None:
        return None
    seen = snapshots.campaign_snapshot(campaign, form.of_stored(stored or ()), distribution, version)
    try:
        return OrderForm(version, installed.fields(snapshots.package_snapshot(package, seen, audience_size)))
    except CampaignTypeFailed as failure:
        return failure
