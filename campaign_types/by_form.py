"""By form: the entity fills in the campaign's form; its values feed targeting and content for its contacts [9.2]."""

from collections.abc import Iterable, Sequence

from server.campaign_type import (
    CONTRACT,
    CampaignType,
    Effect,
    Field,
    FieldKind,
    Interface,
    OrderSnapshot,
    PackageRules,
    PackageSnapshot,
    TakePart,
    TemplatePreset,
)

BRIEF = (
    Field(
        "targeting_wishes", "Targeting wishes", FieldKind.RICH_TEXT, max_length=20_000,
        help="Whom the campaign should reach in your area, in your own words.",
    ),
    Field(
        "content_wishes", "Content wishes", FieldKind.RICH_TEXT, max_length=20_000,
        help="What the message should say for you, in your own words.",
    ),
)
"""What an entity writes when the campaign is localised by a brief [9.2]."""


class ByForm(CampaignType):
    """Designed for 300 entities; one reference campaign, localised by each order's values."""

    contract = CONTRACT
    label = "By form"
    template = "opCollaborativeByForm"
    package = PackageRules(designed_for=300)
    preset = TemplatePreset(label="Collaborative campaign (by form)", nature="collaborative")

    def fields(self, package: PackageSnapshot) -> Sequence[Field]:
        match package.campaign.interface:
            case Interface.PRE_SET:
                return ()
            case Interface.BY_BRIEF:
                return BRIEF
            case Interface.BY_FORM | Interface.BY_EXTERNAL_FORM:
                return package.campaign.fields

    def after_approval(self, package: PackageSnapshot, order: OrderSnapshot) -> Iterable[Effect]:
        return (TakePart(),)
