"""From rows to the frozen snapshots that campaign types see; rows must be flushed, so that defaults are set."""

from copy import deepcopy

from server.campaign_type import (
    CampaignSnapshot,
    DataDistributionSnapshot,
    EntitySnapshot,
    Field,
    OrderSnapshot,
    PackageSnapshot,
)
from server.domain.campaign import Campaign
from server.domain.form import preset
from server.domain.network import Entity
from server.domain.order import Order
from server.domain.package import Package
from server.domain.target import DataDistribution


def campaign_snapshot(
    campaign: Campaign, fields: tuple[Field, ...], distribution: DataDistribution | None,
    form_version: int | None = None,
) -> CampaignSnapshot:
    """`fields` is the form in `form_version`, by default the campaign's newest; an order keeps its own [9.3]. Where
    the campaign has a default value of its own, it is the field's default."""
    return CampaignSnapshot(
        id=campaign.id,
        code=campaign.code,
        label=campaign.label,
        status=campaign.status.value,
        start=campaign.start,
        end=campaign.end,
        interface=campaign.interface,
        fields=preset(fields, campaign.default_values),
        form_version=campaign.form_version if form_version is None else form_version,
        data_distribution=None if distribution is None else _distribution_snapshot(distribution),
    )


def _distribution_snapshot(distribution: DataDistribution) -> DataDistributionSnapshot:
    return DataDistributionSnapshot(
        code=distribution.code, label=distribution.label, assignment=distribution.assignment.value
    )


def package_snapshot(package: Package, campaign: CampaignSnapshot, audience_size: int) -> PackageSnapshot:
    return PackageSnapshot(
        id=package.id,
        code=package.code,
        label=package.label,
        status=package.status.value,
        cycle=package.cycle,
        approval_mode=package.approval_mode.value,
        start=package.start,
        end=package.end,
        registration_deadline=package.registration_deadline,
        personalization_deadline=package.personalization_deadline,
        campaign_available_at=package.campaign_available_at,
        audience_size=audience_size,
        campaign=campaign,
    )


def entity_snapshot(entity: Entity) -> EntitySnapshot:
    return EntitySnapshot(
        id=entity.id, code=entity.code, label=entity.label, locale=entity.locale, time_zone=entity.time_zone
    )


def order_snapshot(order: Order, entity: Entity) -> OrderSnapshot:
    """The parameters are a copy: a plugin that writes into them changes nothing. `contacts`: the kept ones [9.18]."""
    return OrderSnapshot(
        id=order.id,
        code=order.code,
        label=order.label,
        comment=order.comment,
        status=order.status.value,
        revision=order.revision,
        entity=entity_snapshot(entity),
        parameters=deepcopy(order.parameters),
        contacts=order.approved_contacts,
    )
