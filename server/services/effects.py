"""Doing what a campaign type decided: the closed set of effects, inside the transaction that causes them."""

from collections.abc import Iterable
from typing import Any

from server.campaign_type import CreateChildCampaign, Effect, Notify, OpenTargetLists, RunJob, TakePart
from server.domain.campaign import Campaign
from server.domain.lifecycles import Action, CampaignStatus
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import EventKind, SubjectKind, TypeJob
from server.domain.target import DataDistribution
from server.errors import refuse
from server.services.codes import next_code
from server.services.loading import campaign_of
from server.services.target_lists import open_target_lists
from server.services.work import Work

INHERITED = (
    "label", "type", "nature", "main_channel", "program", "description", "start", "end", "targeting", "typology",
    "personalization", "content", "default_values", "budget", "unit_costs", "currency", "interface", "form_version",
    "max_documents", "max_reviewers",
)
"""What a child campaign starts with, taken from its parent."""


async def perform(work: Work, package: Package, order: Order | None, effects: Iterable[Effect]) -> None:
    """Performs effects in their order. TakePart and CreateChildCampaign need an order, and do nothing twice."""
    for effect in effects:
        match effect:
            case TakePart() if order is not None:
                order.campaign_id = order.campaign_id or package.campaign_id
            case CreateChildCampaign() if order is not None:
                await _create_child(work, package, order, effect)
            case Notify():
                _notify(work, package, order, effect)
            case RunJob():
                work.session.add(TypeJob(
                    type=package.type, name=effect.name, arguments=dict(effect.arguments), due_at=work.now
                ))
            case OpenTargetLists():
                await _open_lists(work, package)


async def _create_child(work: Work, package: Package, order: Order, effect: CreateChildCampaign) -> None:
    """The entity's own campaign, from the reference campaign and the order's parameters, once per order [9.7]."""
    if order.campaign_id is not None:
        return
    parent = await campaign_of(work, package)  # locked: a start at the same time opens the child, or is seen here
    inherited: dict[str, Any] = {field: getattr(parent, field) for field in INHERITED}
    child = Campaign(**inherited | {
        "code": f"{await next_code(work.session, 'OU')}_{parent.code}", "label": effect.label or order.label,
        "entity_id": order.entity_id, "parent_id": parent.id, "template_id": parent.template_id,
        "owner_id": order.assignee_id, "personalization": parent.personalization | order.parameters,
        "start": order.start or parent.start, "end": order.end or parent.end,
        "status": CampaignStatus.BEING_EDITED, "overrides": [own for own in ("end", "start") if getattr(order, own)],
    })
    if parent.status is CampaignStatus.IN_PROGRESS:
        child.apply(Action.OPEN)
    await work.record(
        SubjectKind.CAMPAIGN, child, "CREATE", entity_id=order.entity_id, after={"order": order.code}
    )
    order.campaign_id = child.id
    work.impact.add("CAMPAIGN", child.code, child.label, "CREATED")


async def _open_lists(work: Work, package: Package) -> None:
    campaign = await work.session.get_one(Campaign, package.campaign_id)
    if campaign.data_distribution_id is None:
        raise refuse(
            "NO_DATA_DISTRIBUTION", f"Campaign {campaign.label} ({campaign.code}) names no data distribution.", "id"
        )
    distribution = await work.session.get_one(DataDistribution, campaign.data_distribution_id)
    await open_target_lists(work, package, campaign, distribution)


def _notify(work: Work, package: Package, order: Order | None, effect: Notify) -> None:
    work.emit(
        EventKind.TYPE_MESSAGE, package_id=package.id, order_id=order.id if order else None,
        entity_id=order.entity_id if order else None,
        payload={"receivers": effect.receivers.value, "text": effect.text},
    )
    subject = order or package
    work.impact.add("MESSAGE", subject.code, subject.label, EventKind.TYPE_MESSAGE)
