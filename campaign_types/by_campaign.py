"""By campaign: the entity completes the predefined criteria and gets a child campaign of its own [9.6-9.10]."""

from collections.abc import Iterable, Sequence

from server.campaign_type import (
    CONTRACT,
    CampaignType,
    CreateChildCampaign,
    Effect,
    Field,
    Need,
    OrderSnapshot,
    PackageRules,
    PackageSnapshot,
    TemplatePreset,
)


class ByCampaign(CampaignType):
    """Designed for dozens of entities; central runs the parent, each entity its child."""

    contract = CONTRACT
    label = "By campaign"
    template = "opCollaborativeByCampaign"
    package = PackageRules(availability=Need.OPTIONAL, designed_for=50)
    preset = TemplatePreset(label="Collaborative campaign (by campaign)", nature="collaborative")

    def fields(self, package: PackageSnapshot) -> Sequence[Field]:
        """The predefined criteria stand in the campaign's form [9.6]."""
        return package.campaign.fields

    def after_approval(self, package: PackageSnapshot, order: OrderSnapshot) -> Iterable[Effect]:
        """Called at max(approval, availability) [9.7]."""
        return (CreateChildCampaign(),)
