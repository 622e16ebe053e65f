"""Simple: an order is participation in the one reference campaign, with label, comment and documents [9.1]."""

from collections.abc import Iterable, Sequence

from server.campaign_type import (
    CONTRACT,
    CampaignType,
    Effect,
    Field,
    OrderSnapshot,
    PackageSnapshot,
    TakePart,
    TemplatePreset,
)


class Simple(CampaignType):
    """Any number of entities; nothing to fill in."""

    contract = CONTRACT
    label = "Simple"
    template = "opCollaborativeSimple"
    preset = TemplatePreset(label="Collaborative campaign (simple)", nature="collaborative")

    def fields(self, package: PackageSnapshot) -> Sequence[Field]:
        return ()

    def after_approval(self, package: PackageSnapshot, order: OrderSnapshot) -> Iterable[Effect]:
        return (TakePart(),)
