"""Doing what a campaign type decided: the closed set of effects, inside the transaction that causes them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select

from server.campaign_type import CreateChildCampaign, Effect, Notify, OpenTargetLists, RunJob, TakePart
from server.domain.base import Json, new_id
from server.domain.campaign import Campaign
from server.domain.lifecycles import CAMPAIGN, Action, CampaignStatus, move
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import EventKind, SubjectKind, TypeJob
from server.domain.target import DataDistribution
from server.errors import refuse
from server.reads.ids import one_of
from server.services.bulk import Rows, add, emit_all, record_new
from server.services.codes import next_codes
from server.services.target_lists import open_target_lists
from server.services.type_jobs import put_off
from server.services.work import Work

INHERITED = (
    "label", "type", "nature", "main_channel", "program", "description", "start", "end", "targeting", "typology",
    "personalization", "content", "default_values", "budget", "unit_costs", "currency", "interface", "form_version",
    "max_documents", "max_reviewers",
)
"""What a child campaign starts with, taken from its parent."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What the type decided about an order, or without one about the package; `work` is of whose act it follows
    from."""

    work: Work
    package: Package
    order: Order | None
    effects: Iterable[Effect]


@dataclass(frozen=True, slots=True)
class _Written:
    """What effects come to, by the table that it is written into."""

    children: list[tuple[Decided, Order, CreateChildCampaign]] = field(default_factory=list)
    jobs: Rows = field(default_factory=list)
    messages: Rows = field(default_factory=list)


async def perform(work: Work, decided: Iterable[Decided]) -> None:
    """Performs effects, those of many orders in a few statements. TakePart and CreateChildCampaign need an order, and
    do nothing twice; they set its campaign, which the caller records with the order."""
    written = _Written()
    joined = set()
    for each in decided:
        for effect in each.effects:
            match effect:
                case TakePart() | CreateChildCampaign() if each.order is not None:
                    if each.order.campaign_id is not None or each.order.id in joined:
                        continue
                    joined.add(each.order.id)
                    _join(each, each.order, effect, written)
                case Notify():
                    written.messages.append(_message(each, effect))
                case RunJob():
                    written.jobs.append(_job(each, effect))
                case OpenTargetLists():
                    await _open_lists(each.work, each.package)
    await _create_children(work, written.children)
    await add(work, TypeJob, written.jobs)
    for job in written.jobs:
        put_off(work.session, job["id"], job["type"], job["due_at"])
    await emit_all(work, EventKind.TYPE_MESSAGE, written.messages)


def _join(decided: Decided, order: Order, effect: TakePart | CreateChildCampaign, written: _Written) -> None:
    if isinstance(effect, TakePart):
        order.campaign_id = decided.package.campaign_id
    else:
        written.children.append((decided, order, effect))


async def _create_children(work: Work, children: Sequence[tuple[Decided, Order, CreateChildCampaign]]) -> None:
    """The entities' own campaigns, from the reference campaign and each order's parameters, once per order [9.7]."""
    if not children:
        return
    parents = await _parents(work, {decided.package.campaign_id for decided, _, _ in children})
    codes = await next_codes(work.session, "OU", len(children))
    rows = [
        _child(parents[decided.package.campaign_id], order, effect.label or order.label, code)
        for code, (decided, order, effect) in zip(codes, children, strict=True)
    ]
    after = [{"order": order.code} for _, order, _ in children]
    works = [decided.work for decided, _, _ in children]
    await record_new(work, SubjectKind.CAMPAIGN, Campaign, rows, "CREATE", after, works)
    for row, (decided, order, _) in zip(rows, children, strict=True):
        order.campaign_id = row["id"]
        decided.work.impact.add("CAMPAIGN", row["code"], row["label"], "CREATED")


async def _parents(work: Work, ids: Iterable[UUID]) -> Mapping[UUID, Campaign]:
    """Locked: a start at the same time opens the children, or is seen here."""
    locked = await work.session.scalars(
        select(Campaign).where(one_of(Campaign.id, ids)).order_by(Campaign.id)
        .with_for_update(key_share=True).execution_options(populate_existing=True)
    )
    return {campaign.id: campaign for campaign in locked}


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


def _job(decided: Decided, effect: RunJob) -> Json:
    return {
        "id": new_id(), "type": decided.package.type, "name": effect.name, "arguments": dict(effect.arguments),
        "due_at": decided.work.now,
    }


def _message(decided: Decided, effect: Notify) -> Json:
    package, order, work = decided.package, decided.order, decided.work
    subject = order or package
    work.impact.add("MESSAGE", subject.code, subject.label, EventKind.TYPE_MESSAGE)
    return {
        "package_id": package.id, "order_id": order.id if order else None,
        "entity_id": order.entity_id if order else None, "actor_id": work.caller.id,
        "payload": {"receivers": effect.receivers.value, "text": effect.text},
    }
