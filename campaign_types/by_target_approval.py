"""By target approval: each entity trims and confirms the list of its own contacts [9.11-9.19]."""

from collections.abc import Iterable, Sequence

from server.campaign_type import (
    CONTRACT,
    CampaignType,
    Effect,
    Field,
    LastTab,
    Need,
    OpenTargetLists,
    OrderSnapshot,
    PackageRules,
    PackageSnapshot,
    Problem,
    TakePart,
    TemplatePreset,
)


class ByTargetApproval(CampaignType):
    """Designed for several thousand entities; the audience follows from the contacts, orders from the distribution."""

    contract = CONTRACT
    label = "By target approval"
    template = "opCollaborativeByTargetApproval"
    package = PackageRules(
        audience=Need.ABSENT,
        registration_deadline=Need.ABSENT,
        personalization_deadline=Need.ABSENT,
        designed_for=5_000,
        subscribes=False,
        orderable=False,
        last_tab=LastTab.APPROVED_TARGETS,
    )
    preset = TemplatePreset(
        label="Collaborative campaign (by target approval)", nature="collaborative", max_documents=0
    )

    def fields(self, package: PackageSnapshot) -> Sequence[Field]:
        """None: the contact list is the payload of the order, its comment a column [9.13]."""
        return ()

    def check_package(self, package: PackageSnapshot) -> Iterable[Problem]:
        """The reference campaign must say how its contacts are spread over local entities [8.9]."""
        campaign = package.campaign
        name = f"The reference campaign {campaign.label} ({campaign.code})"
        distribution = campaign.data_distribution
        if distribution is None:
            yield Problem(
                "DATA_DISTRIBUTION_MISSING",
                f"{name} has no data distribution; give it one that is assigned by local entity.", ("campaign",),
            )
        elif distribution.assignment != "LOCAL_ENTITY":
            yield Problem(
                "DATA_DISTRIBUTION_ASSIGNMENT",
                f"{name} uses the data distribution {distribution.label} ({distribution.code}), which is assigned by "
                f"{distribution.assignment}; it must be assigned by LOCAL_ENTITY.", ("campaign",),
            )

    def after_start(self, package: PackageSnapshot) -> Iterable[Effect]:
        """The target is split and one list per entity opened [9.11]."""
        return (OpenTargetLists(),)

    def after_approval(self, package: PackageSnapshot, order: OrderSnapshot) -> Iterable[Effect]:
        """The kept contacts join the reference campaign's target."""
        return (TakePart(),)
