"""What operators do with campaigns: make from a template, edit, start, finish, cancel, duplicate [8.1, 9.8-9.11]."""

import re
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from server.domain import form, lifecycles, network_rules
from server.domain.base import new_id
from server.domain.campaign import LOCKABLE, Campaign
from server.domain.lifecycles import Action, CampaignStatus, PackageStatus
from server.domain.order import Order
from server.domain.package import Package
from server.domain.permissions import can_edit_campaign
from server.domain.record import SubjectKind
from server.errors import NotAllowed, Problem, refuse, refuse_any
from server.services.campaign_fields import DEFAULTING, FIELDS, SCHEDULE, assign, check_locks, form_of
from server.services.codes import next_code
from server.services.effects import INHERITED, Decided, perform
from server.services.ending import cancel_campaign, finish_campaigns, package_using
from server.services.form_versions import add_version, check_subscriptions, warn_of_drafts
from server.services.loading import check_revision, load_campaign
from server.services.moves import move_campaigns
from server.services.network import check_free
from server.services.orders import Orders
from server.services.snapshots import package_snapshot
from server.services.work import Work

FROM_TEMPLATE = (
    *INHERITED, "data_distribution_id", "target_deadline_hours", "on_no_response", "go_on_when_all_answered"
)
COUNTED = re.compile(r"O[PU]\d.*", re.IGNORECASE)
"""Codes that the server gives itself; a template that took one would stand in its way."""


class Campaigns:
    """Campaigns: reference campaigns and templates for central, child campaigns for their entity."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def create(self, template: str, fields: Mapping[str, Any]) -> Campaign:
        """A campaign from the template with this code."""
        self.work.require_central("create campaigns")
        source = await self.work.session.scalar(
            select(Campaign).where(Campaign.code == template, Campaign.is_template)
        )
        if source is None:
            raise refuse("NOT_FOUND", f"There is no campaign template {template}.", "template")
        return await self._copy(source, fields, is_template=False)

    async def duplicate(self, campaign_id: UUID, label: str, *, as_template: bool, code: str = "") -> Campaign:
        """A copy of a campaign or template, being edited; `code` only for templates."""
        source = await load_campaign(self.work, campaign_id)
        self.work.require_central("duplicate campaigns")
        if source.parent_id:
            raise refuse("IS_CHILD", "A child campaign belongs to its order; duplicate its parent.", "id")
        return await self._copy(source, {"label": label}, is_template=as_template, code=code.strip())

    async def update(self, campaign_id: UUID, revision: int, fields: Mapping[str, Any]) -> Campaign:
        """Changes the given fields. An entity changes in its child what the package does not lock [9.8]; what it
        changes is never overwritten by the parent, whose schedule else goes to children not started [9.9]."""
        work = self.work
        campaign = await self._load(campaign_id, revision)
        refuse_any(await self._check_editable(campaign, fields))
        refuse_any(await assign(work, campaign, fields, await form_of(work, campaign)))
        if campaign.parent_id:
            campaign.overrides = sorted({*campaign.overrides, *(field for field in fields if field in LOCKABLE)})
        if "form" in fields:
            add_version(work, campaign, fields["form"] or [])
        await work.record(
            SubjectKind.CAMPAIGN, campaign, Action.EDIT, entity_id=campaign.entity_id,
            after={"form": fields["form"]} if "form" in fields else None,
        )
        if "form" in fields:
            await warn_of_drafts(work, campaign)
        if DEFAULTING & fields.keys():
            refuse_any(await check_subscriptions(work, campaign))
        await self._schedule_children(campaign, [field for field in SCHEDULE if field in fields])
        return campaign

    async def start(self, campaign_id: UUID, revision: int) -> Campaign:
        """Starts a campaign: a parent opens its children [9.9], and its type does what belongs to the start [9.11]."""
        work = self.work
        campaign = await self._load(campaign_id, revision)
        self._refuse_template(campaign)
        if campaign.parent_id and campaign.status is CampaignStatus.BEING_EDITED:
            raise refuse("PARENT_NOT_STARTED", "The central entity has not started the parent campaign yet.", "id")
        campaign.apply(Action.START)
        await work.record(SubjectKind.CAMPAIGN, campaign, Action.START, entity_id=campaign.entity_id)
        work.impact.add("CAMPAIGN", campaign.code, campaign.label, campaign.status)
        if campaign.parent_id:
            return campaign
        await move_campaigns(work, Campaign.parent_id == campaign.id, Action.OPEN)
        kind = work.types.require(campaign.type)
        if kind.overrides("after_start"):
            for package in await self._published(campaign):
                effects = kind.after_start(await package_snapshot(work, package))
                await perform(work, [Decided(work, package, None, effects)])
        return campaign

    async def finish(self, campaign_id: UUID, revision: int) -> Campaign:
        """Finishes a running campaign, its running children and the orders of both [6.2]."""
        campaign = await self._load(campaign_id, revision)
        self._require_legal(campaign, Action.FINISH)
        await finish_campaigns(self.work, Campaign.id == campaign.id)
        await self.work.session.refresh(campaign)
        return campaign

    async def cancel(self, campaign_id: UUID, revision: int, comment: str = "") -> Campaign:
        """Cancels a campaign and its children; a child goes with its order, by the rules for orders. A campaign on
        offer is cancelled with its package [6.6, 9.9, 10.1]."""
        work = self.work
        campaign = await self._load(campaign_id, revision)
        self._refuse_template(campaign)
        self._require_legal(campaign, Action.CANCEL)
        if campaign.parent_id:
            order = (await work.session.scalars(select(Order).where(Order.campaign_id == campaign.id))).one()
            await Orders(work).cancel(order.id, order.revision, comment)
        elif using := await package_using(work, campaign):
            raise refuse(
                "PACKAGE_USES_CAMPAIGN",
                f"Package {using.label} ({using.code}) offers this campaign and is {using.status}: cancel the package.",
                "id",
            )
        else:
            await cancel_campaign(work, campaign, comment)
        await work.session.refresh(campaign)
        return campaign

    async def _load(self, campaign_id: UUID, revision: int) -> Campaign:
        """A local operator works on children of its entities only; the reference campaign is central's."""
        campaign = await load_campaign(self.work, campaign_id)
        if self.work.caller.is_local and campaign.parent_id is None:
            raise NotAllowed("Only a central operator can change a reference campaign.")
        self.work.types.require(campaign.type)
        await check_revision(self.work, campaign, revision, self._named(campaign))
        return campaign

    async def _copy(
        self, source: Campaign, fields: Mapping[str, Any], *, is_template: bool, code: str = ""
    ) -> Campaign:
        work = self.work
        work.types.require(source.type)
        copied = {field: getattr(source, field) for field in FROM_TEMPLATE}
        campaign = Campaign(**copied | {
            "id": new_id(), "code": code, "form_version": 0, "owner_id": work.caller.id, "is_template": is_template,
            "template_id": source.id if source.is_template else source.template_id,
            "status": CampaignStatus.BEING_EDITED, "overrides": [],
        })
        current = await form_of(work, source)
        refuse_any(await assign(work, campaign, fields, current) + await self._check_code(campaign))
        campaign.code = code or await next_code(work.session, "OP")
        stored = form.to_stored(current) if fields.get("form") is None else fields["form"]
        if stored:
            add_version(work, campaign, stored)
        await work.record(SubjectKind.CAMPAIGN, campaign, "CREATE", after={"form": stored} if stored else None)
        return campaign

    async def _check_code(self, campaign: Campaign) -> list[Problem]:
        code = campaign.code
        if not code:
            return []
        if not campaign.is_template:
            return [Problem("NOT_EDITABLE", "Only templates have a code of their own choice.", ("code",))]
        if message := network_rules.code(code):
            return [Problem("INVALID", message, ("code",))]
        if COUNTED.fullmatch(code):
            return [Problem("INVALID", f"{code} is a code such as the server gives to campaigns.", ("code",))]
        return await check_free(self.work, Campaign.code, code, None)

    async def _check_editable(self, campaign: Campaign, fields: Mapping[str, Any]) -> list[Problem]:
        child = campaign.parent_id is not None
        if not can_edit_campaign(self.work.caller.right, campaign.status, child=child):
            message = f"{self._named(campaign)} is {campaign.status}; it cannot be changed."
            return [Problem("NOT_EDITABLE", message, ("id",))]
        unknown = [field for field in fields if field not in FIELDS]
        problems = [Problem("NOT_EDITABLE", f"{field} of a campaign cannot change.", (field,)) for field in unknown]
        if not self.work.caller.is_local:
            return problems
        package = (await self.work.session.scalars(
            select(Package).join(Order, Order.package_id == Package.id).where(Order.campaign_id == campaign.id)
        )).one()
        return problems + check_locks(campaign, package, fields)

    async def _published(self, campaign: Campaign) -> list[Package]:
        packages = (await self.work.session.scalars(select(Package).where(
            Package.campaign_id == campaign.id, Package.status == PackageStatus.PUBLISHED
        ).order_by(Package.id))).all()
        if not packages:
            raise refuse(
                "NO_PUBLISHED_PACKAGE", f"{self._named(campaign)} starts once a package that offers it is published.",
                "id",
            )
        return list(packages)

    async def _schedule_children(self, parent: Campaign, given: Collection[str]) -> None:
        """The parent's schedule for the children that have not started and have none of their own [9.9]."""
        if not given or parent.parent_id:
            return
        children = await self.work.session.scalars(select(Campaign).where(
            Campaign.parent_id == parent.id, Campaign.status.in_((CampaignStatus.BEING_EDITED, CampaignStatus.READY)),
        ).order_by(Campaign.id).with_for_update())
        for child in children.all():
            own = {*child.overrides}
            changed = [f for f in given if f not in own and getattr(child, f) != getattr(parent, f)]
            for field in changed:
                setattr(child, field, getattr(parent, field))
            if changed:
                await self.work.record(SubjectKind.CAMPAIGN, child, Action.EDIT, entity_id=child.entity_id)

    def _refuse_template(self, campaign: Campaign) -> None:
        if campaign.is_template:
            raise refuse("IS_TEMPLATE", f"{self._named(campaign)} is a template; it does not run.", "id")

    def _require_legal(self, campaign: Campaign, action: Action) -> None:
        lifecycles.move(lifecycles.CAMPAIGN, campaign.status, action, self._named(campaign))

    def _named(self, campaign: Campaign) -> str:
        return f"campaign {campaign.label} ({campaign.code})"
