"""Doing what a campaign type decided: the closed set of effects, inside the transaction that causes them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from server.campaign_type import CreateChildCampaign, Effect, Notify, OpenTargetLists, RunJob, TakePart
from server.domain.base import Json, new_id
from server.domain.campaign import Campaign
from server.domain.lifecycles import CAMPAIGN, Action, CampaignStatus, move
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import EventKind, SubjectKind, TypeJob
from server.domain.target import DataDistribution
from server.errors import refuse
from server.services.bulk import Rows, add, emit_all, record_new
from server.services.codes import next_codes
from server.services.loading import campaign_of
from server.services.target_lists import open_target_lists
from server.services.type_jobs import put_off
from server.services.work import Work

INHERITED = (
    "label", "type", "nature", "main_channel", "program", "description", "start", "end", "targeting", "typology",
    "personalization", "content", "default_values", "budget", "unit_costs", "currency", "interface", "form_version",
    "max_documents", "max_reviewers",
)
"""What a child campaign starts with, taken from its parent."""
Decided = Sequence[tuple[Order | None, Iterable[Effect]]]
"""What the type decided about each order; without an order, about the package."""


@dataclass(frozen=True, slots=True)
class _Written:
    """What effects come to, by the table that it is written into."""

    children: list[tuple[Order, CreateChildCampaign]] = field(default_factory=list)
    jobs: Rows = field(default_factory=list)
    messages: Rows = field(default_factory=list)


async def perform(work: Work, package: Package, decided: Decided) -> None:
    """Performs effects, those of many orders in a few statements. TakePart and CreateChildCampaign need an order, and
    do nothing twice; they set its campaign, which the caller records with the order."""
    written = _Written()
    joined = set()
    for order, effects in decided:
        for effect in effects:
            match effect:
                case TakePart() | CreateChildCampaign() if order is not None:
                    if order.campaign_id is not None or order.id in joined:
                        continue
                    joined.add(order.id)
                    _join(package, order, effect, written)
                case Notify():
                    written.messages.append(_message(work, package, order, effect))
                case RunJob():
                    written.jobs.append(_job(work, package, effect))
                case OpenTargetLists():
                    await _open_lists(work, package)
    await _create_children(work, package, written.children)
    await add(work, TypeJob, written.jobs)
    for job in written.jobs:
        put_off(work.session, job["id"], job["due_at"])
    await emit_all(work, EventKind.TYPE_MESSAGE, written.messages)


def _join(package: Package, order: Order, effect: TakePart | CreateChildCampaign, written: _Written) -> None:
    if isinstance(effect, TakePart):
        order.campaign_id = package.campaign_id
    else:
        written.children.append((order, effect))


async def _create_children(
    work: Work, package: Package, children: Sequence[tuple[Order, CreateChildCampaign]]
) -> None:
    """The entities' own campaigns, from the reference campaign and each order's parameters, once per order [9.7]."""
    if not children:
        return
    parent = await campaign_of(work, package)  # locked: a start at the same time opens the child, or is seen here
    codes = await next_codes(work.session, "OU", len(children))
    rows = [
        _child(parent, order, effect.label or order.label, code)
        for code, (order, effect) in zip(codes, children, strict=True)
    ]
    after = [{"order": order.code} for order, _ in children]
    await record_new(work, SubjectKind.CAMPAIGN, Campaign, rows, "CREATE", after)
    for row, (order, _) in zip(rows, children, strict=True):
        order.campaign_id = row["id"]
        work.impact.add("CAMPAIGN", row["code"], row["label"], "CREATED")


def _child(parent: Campaign, order: Order, label: str, code: str) -> Json:
    runs = parent.status is CampaignStatus.IN_PROGRESS
    inherited: dict[str, Any] = {name: getattr(parent, name) for name in INHERITED}
    edited = CampaignStatus.BEING_EDITED
    return inherited | {
        "id": new_id(), "code": f"{code}_{parent.code}", "label": label,
        "entity_id": order.entity_id, "parent_id": parent.id, "template_id": parent.template_id,
        "owner_id": order.assignee_id, "personalization": parent.personalization | order.parameters,
        "start": order.start or parent.start, "end": order.end or parent.end,
        "status": move(CAMPAIGN, edited, Action.OPEN, f"campaign {label}") if runs else edited,
        "overrides": [own for own in ("end", "start") if getattr(order, own)],
    }


async def _open_lists(work: Work, package: Package) -> None:
    campaign = await work.session.get_one(Campaign, package.campaign_id)
    if campaign.data_distribution_id is None:
        raise refuse(
            "NO_DATA_DISTRIBUTION", f"Campaign {campaign.label} ({campaign.code}) names no data distribution.", "id"
        )
    distribution = await work.session.get_one(DataDistribution, campaign.data_distribution_id)
    await open_target_lists(work, package, campaign, distribution)


def _job(work: Work, package: Package, effect: RunJob) -> Json:
    return {
        "id": new_id(), "type": package.type, "name": effect.name, "arguments": dict(effect.arguments),
        "due_at": work.now,
    }


def _message(work: Work, package: Package, order: Order | None, effect: Notify) -> Json:
    subject = order or package
    work.impact.add("MESSAGE", subject.code, subject.label, EventKind.TYPE_MESSAGE)
    return {
        "package_id": package.id, "order_id": order.id if order else None,
        "entity_id": order.entity_id if order else None,
        "payload": {"receivers": effect.receivers.value, "text": effect.text},
    }
