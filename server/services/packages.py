"""What central does with packages: make, edit, submit, withdraw, cancel, reinitialize [4, 10]."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select, true

from server.campaign_type import Need
from server.domain.base import new_id
from server.domain.later import FanOutKind
from server.domain.lifecycles import CAMPAIGN, Action, PackageStatus
from server.domain.network import Entity
from server.domain.package import DeadlineNotice, Package, PackageEntity, PackageTemplate
from server.domain.record import EventKind, SubjectKind
from server.errors import Problem, refuse, refuse_any
from server.services.approving import ask_package_approval, change_reviewers, package_approval, withdraw_approval
from server.services.codes import next_code
from server.services.ending import cancel_campaign, cancel_orders, foresee_cancellation, holders, live_of, package_using
from server.services.fanning import later
from server.services.loading import campaign_of, load_campaign, load_package_to_change
from server.services.offering import add_entities, audience, audited, check_entities, codes_of, remove_entities
from server.services.package_fields import assign, check_campaign, check_complete, check_editable
from server.services.reviewers import named_reviewers, save_reviewers
from server.services.work import Work

DEFAULT_TEMPLATE = "mutualizedEmpty"


class LiveOrders(StrEnum):
    """What happens to live orders when their package moves on without them [4.7, 10.2]."""

    CANCEL = "CANCEL"
    KEEP = "KEEP"


class Packages:
    """Packages, for central operators and administrators."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def create(self, fields: Mapping[str, Any]) -> Package:
        """A package of a reference campaign; `template` (a code, "mutualizedEmpty" by default) presets its fields."""
        work = self.work
        work.require_central("create packages")
        campaign = await load_campaign(work, fields["campaign_id"])
        work.types.require(campaign.type)
        template = await self._template(fields.get("template") or DEFAULT_TEMPLATE)
        given = {"label": campaign.label, **template.preset, **fields}
        package = Package(
            id=new_id(), code="", label="", campaign_id=campaign.id, type=campaign.type, template_id=template.id,
            owner_id=work.caller.id, **initial_values(),
        )
        reviewers, entity_ids = given.get("reviewers") or [], given.get("entity_ids") or []
        problems = check_campaign(campaign) + await assign(work, package, given)
        refuse_any(problems + await check_entities(work, package, entity_ids))
        package.code = await next_code(work.session, "CAT")
        await work.record(SubjectKind.PACKAGE, package, "CREATE", after={
            "reviewers": [(reviewer.get("operator_id"), reviewer.get("group_id")) for reviewer in reviewers],
            "audience": await codes_of(work, entity_ids),
        })
        await save_reviewers(work, package, reviewers)
        await add_entities(work, package, entity_ids)
        return package

    async def update(self, package_id: UUID, revision: int, fields: Mapping[str, Any]) -> Package:
        """Changes the given fields as far as the status allows [4.7]; editing a rejected package takes it up again."""
        work = self.work
        package = await load_package_to_change(work, package_id, revision, "edit packages")
        problems = check_editable(package, fields) + await assign(work, package, fields)
        refuse_any(problems + await check_entities(work, package, fields.get("entity_ids") or []))
        before, after = await self._save_people(package, fields)
        if package.status is PackageStatus.REJECTED:
            package.apply(Action.EDIT)
        await work.record(SubjectKind.PACKAGE, package, Action.EDIT, before=before, after=after)
        return package

    async def submit(self, package_id: UUID, revision: int) -> Package:
        """Asks the reviewers to approve a complete package [4.5]."""
        work = self.work
        package = await load_package_to_change(work, package_id, revision, "submit packages")
        package.apply(Action.SUBMIT)
        refuse_any(await check_complete(work, package))
        package.submitter_id = work.caller.id
        rules = work.types.require(package.type).rules
        listed = await work.session.scalar(select(exists().where(PackageEntity.package_id == package.id)))
        package.offered_to_all = rules.audience is Need.OPTIONAL and not listed
        await work.record(SubjectKind.PACKAGE, package, Action.SUBMIT)
        await ask_package_approval(work, package)
        return package

    async def withdraw(self, package_id: UUID, revision: int, comment: str = "") -> Package:
        """Takes a submitted package back to edit it."""
        package = await load_package_to_change(self.work, package_id, revision, "withdraw packages")
        package.apply(Action.WITHDRAW)
        await self.work.record(SubjectKind.PACKAGE, package, Action.WITHDRAW, comment=comment)
        await self._withdraw_question(package, comment)
        return package

    async def cancel(self, package_id: UUID, revision: int, comment: str = "") -> Package:
        """Cancels the package, its live orders, its reference campaign and the children of it [10.1]. A campaign that
        another package offers too goes on."""
        work = self.work
        package = await load_package_to_change(work, package_id, revision, "cancel packages")
        package.apply(Action.CANCEL)
        package.canceled_at, package.cancel_comment = work.now, comment
        await work.record(SubjectKind.PACKAGE, package, Action.CANCEL, comment=comment)
        work.impact.add("PACKAGE", package.code, package.label, package.status)
        concerned = await holders(work, package)
        await self._cancel_orders(package, comment)
        await self._cancel_campaign(package, comment)
        await self._withdraw_question(package, comment)
        if package.published_at is not None:
            concerned |= {entity.code: entity.label for entity in await audience(work, package)}
        work.emit(
            EventKind.PACKAGE_CANCELED, package_id=package.id,
            payload={"comment": comment, "entities": sorted(concerned)},
        )
        for code, label in concerned.items():
            work.impact.add("ENTITY", code, label, "TOLD")
            work.impact.add("MESSAGE", code, label, EventKind.PACKAGE_CANCELED)
        return package

    async def reinitialize(
        self, package_id: UUID, revision: int, live_orders: LiveOrders | None = None, comment: str = ""
    ) -> Package:
        """Opens the next cycle; live orders of this one are cancelled or kept, as the caller says [10.2]."""
        work = self.work
        package = await load_package_to_change(work, package_id, revision, "reinitialize packages")
        canceled = package.status is PackageStatus.CANCELED
        package.apply(Action.REINITIALIZE)
        await self._settle(package, live_orders, canceled=canceled)
        package.cycle += 1
        package.published_at = package.canceled_at = package.submitter_id = None
        package.cancel_comment, package.deadline_notice = "", DeadlineNotice.NONE
        await work.record(SubjectKind.PACKAGE, package, Action.REINITIALIZE, comment=comment)
        work.impact.add("PACKAGE", package.code, package.label, package.status)
        if live_orders is LiveOrders.CANCEL:
            await cancel_orders(work, package, true(), comment, tell=True)
        if work.types.require(package.type).rules.audience is Need.ABSENT:
            await remove_entities(work, package, Entity.id.is_not(None))  # it follows from the next cycle's contacts
        campaign = await campaign_of(work, package)
        if (campaign.status, Action.REINITIALIZE) in CAMPAIGN:
            campaign.apply(Action.REINITIALIZE)
            await work.record(SubjectKind.CAMPAIGN, campaign, Action.REINITIALIZE, comment=comment)
            work.impact.add("CAMPAIGN", campaign.code, campaign.label, campaign.status)
        return package

    async def _template(self, code: str) -> PackageTemplate:
        found = await self.work.session.scalar(select(PackageTemplate).where(PackageTemplate.code == code))
        if found is None:
            raise refuse("NOT_FOUND", f"There is no package template {code}.", "template")
        return found

    async def _save_people(
        self, package: Package, fields: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Saves reviewers and audience when given, and tells what they were and are, for the history."""
        work = self.work
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        if "reviewers" in fields:
            before["reviewers"] = await named_reviewers(work, package)
            await save_reviewers(work, package, fields["reviewers"] or [])
            after["reviewers"] = await named_reviewers(work, package)
            if question := await package_approval(work, package.id):
                await change_reviewers(work, question, after["reviewers"])
        if "entity_ids" in fields:
            wanted = fields["entity_ids"] or []
            before |= audited(await remove_entities(work, package, Entity.id.not_in(wanted)))
            after |= audited(await add_entities(work, package, wanted))
        return before, after

    async def _cancel_orders(self, package: Package, comment: str) -> None:
        """A few at once, many in chunks after the commit; nothing else can be done to them in between."""
        if await self._live(package) > self.work.settings.fan_out_from:
            later(self.work, FanOutKind.CANCEL, package, await foresee_cancellation(self.work, package))
        else:
            await cancel_orders(self.work, package, true(), comment, tell=False)

    async def _live(self, package: Package) -> int:
        return await self.work.session.scalar(select(func.count()).where(live_of(package))) or 0

    async def _settle(self, package: Package, live_orders: LiveOrders | None, *, canceled: bool) -> None:
        live = await self._live(package)
        if live and canceled:
            raise refuse("BEING_CANCELED", f"{live} of its orders are still being cancelled; progress tells.", "id")
        if live and live_orders is None:
            raise refuse("LIVE_ORDERS", f"The package has {live} live orders: say CANCEL or KEEP.", "live_orders")

    async def _cancel_campaign(self, package: Package, comment: str) -> None:
        work = self.work
        campaign = await campaign_of(work, package)
        if other := await package_using(work, campaign, besides=package):
            named = f"Campaign {campaign.label} ({campaign.code})"
            message = f"{named} goes on: package {other.label} ({other.code}) offers it too."
            work.warnings.append(Problem("CAMPAIGN_GOES_ON", message))
            return
        await cancel_campaign(work, campaign, comment)

    async def _withdraw_question(self, package: Package, comment: str) -> None:
        if question := await package_approval(self.work, package.id):
            await withdraw_approval(self.work, question, comment)
            self.work.impact.add("MESSAGE", package.code, package.label, EventKind.APPROVAL_WITHDRAWN)


def initial_values() -> dict[str, Any]:
    """Column defaults that rules look at before the first flush."""
    names = ("approval_mode", "approval_delay_hours", "on_no_decision", "status", "cycle")
    columns = Package.__table__.c
    return {name: columns[name].default.arg for name in names} | {
        "reminders": [], "locked_fields": columns.locked_fields.default.arg(None),
    }
