"""A campaign type that uses every hook and every effect of the contract."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from server.campaign_type import (
    CONTRACT,
    CampaignType,
    CreateChildCampaign,
    Effect,
    Field,
    FieldKind,
    Need,
    Notify,
    OpenTargetLists,
    OrderSnapshot,
    PackageRules,
    PackageSnapshot,
    Problem,
    Receivers,
    RunJob,
    TakePart,
    TemplatePreset,
)

DONE: list[tuple[str, Mapping[str, Any]]] = []
"""The jobs that were run, in order; a test empties it before it looks."""


class EveryHook(CampaignType):
    """An order with `own_campaign` gets a child campaign, any other takes part in the reference campaign."""

    contract = CONTRACT
    label = "Every hook"
    template = "everyHook"
    package = PackageRules(audience=Need.OPTIONAL, registration_deadline=Need.OPTIONAL, availability=Need.OPTIONAL)
    preset = TemplatePreset(label="Every hook", max_documents=1, max_reviewers=1)

    def fields(self, package: PackageSnapshot) -> Sequence[Field]:
        return (
            Field("slogan", "Slogan", required=True, max_length=40),
            Field("own_campaign", "Own campaign", FieldKind.BOOLEAN, default=False),
            Field("channel", "Channel", default="email", editable=False),
            *(field for field in package.campaign.fields),
        )

    def check_package(self, package: PackageSnapshot) -> Iterable[Problem]:
        if package.audience_size > 10_000:
            yield Problem("TOO_MANY", f"{package.audience_size} entities are more than 10000.", ("audience",))

    def check_order(self, package: PackageSnapshot, order: OrderSnapshot) -> Iterable[Problem]:
        if order.parameters.get("slogan") == "forbidden":
            yield Problem("SLOGAN", "This slogan is not allowed.", ("parameters", "slogan"))

    def after_publication(self, package: PackageSnapshot) -> Iterable[Effect]:
        yield Notify(Receivers.OWNER, f"{package.label} is out.")
        yield RunJob("published", {"package": package.code})

    def after_start(self, package: PackageSnapshot) -> Iterable[Effect]:
        if package.campaign.data_distribution:
            yield OpenTargetLists()

    def after_approval(self, package: PackageSnapshot, order: OrderSnapshot) -> Iterable[Effect]:
        own = order.parameters.get("own_campaign")
        yield CreateChildCampaign(f"{order.label} of {order.entity.label}") if own else TakePart()
        for receivers in Receivers:
            yield Notify(receivers, f"{order.label} is available.")
        yield RunJob("approved", {"order": order.code, "parameters": dict(order.parameters)})

    def after_cancellation(self, package: PackageSnapshot, order: OrderSnapshot) -> Iterable[Effect]:
        yield Notify(Receivers.OWNER, f"{order.label} is cancelled.")
        yield RunJob("cancelled", {"order": order.code})

    def run_job(self, name: str, arguments: Mapping[str, Any]) -> None:
        if name not in ("published", "approved", "cancelled"):
            raise LookupError(f"no job {name}")
        DONE.append((name, arguments))
