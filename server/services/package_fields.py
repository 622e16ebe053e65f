"""The fields of a package: what may change in which status, and what a given value must satisfy [4.1, 4.2, 4.7]."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_

from server.campaign_type import Field, Need
from server.domain import form
from server.domain.campaign import LOCKABLE, Campaign
from server.domain.dates import check_absent_dates, check_dates, check_required_dates, moment_of
from server.domain.field_rules import Rule, assign_fields, choice, flag, names, number, text
from server.domain.form_values import check_values
from server.domain.lifecycles import CampaignStatus, PackageStatus
from server.domain.network import Operator, Right
from server.domain.package import ApprovalMode, DeadlineNotice, NoDecision, Package
from server.domain.reminders import check_reminders
from server.errors import Problem, refuse_any
from server.services.loading import camel, existing
from server.services.reviewers import Given, check_reviewers
from server.services.snapshots import package_snapshot
from server.services.work import Work, plain

DATES = (
    "start", "end", "registration_deadline", "personalization_deadline", "campaign_available_at", "approval_deadline"
)
MAX_REVIEWERS = 50


PRESETS = frozenset({
    "folder", "nature", "message", "description", "approval_mode", "start_targeting_with_approval",
    "notify_on_publication", "approval_delay_hours", "reminders", "on_no_decision", "locked_fields",
})
"""The fields that a template can preset [4.1]."""
FIELDS = PRESETS | {"label", *DATES, "owner_id", "reviewers", "entity_ids"}

WHILE_PENDING = frozenset({"owner_id", "reviewers"})
WHEN_PUBLISHED = frozenset({
    "description", "message", "owner_id", "reviewers", "end", "registration_deadline", "personalization_deadline"
})
EDITABLE: Mapping[PackageStatus, frozenset[str]] = {
    PackageStatus.BEING_EDITED: FIELDS,
    PackageStatus.REJECTED: FIELDS,
    PackageStatus.PENDING_APPROVAL: WHILE_PENDING,
    PackageStatus.APPROVED: WHEN_PUBLISHED,
    PackageStatus.PUBLISHED: WHEN_PUBLISHED,
}
"""What central may change in which status; entities are added to a published package with addToAudience [4.7]."""


def rules(zone: ZoneInfo) -> dict[str, Rule]:
    """What the columns that an operator writes must be."""
    return {
        "label": text(200, required=True),
        "folder": text(200),
        "nature": text(100),
        "message": text(4000),
        "description": text(100_000, rich=True),
        "approval_mode": choice(ApprovalMode),
        "start_targeting_with_approval": flag,
        "notify_on_publication": flag,
        "approval_delay_hours": number(1, 24 * 365),
        "reminders": partial(_reminders, zone=zone),
        "on_no_decision": choice(NoDecision),
        "locked_fields": names(LOCKABLE),
        **dict.fromkeys(DATES, partial(moment_of, zone=zone)),
    }


def check_editable(package: Package, fields: Mapping[str, Any]) -> list[Problem]:
    """The given fields that cannot change while the package is in its status."""
    named = f"Package {package.label} ({package.code}) is {package.status}"
    if package.status not in EDITABLE:
        return [Problem("NOT_EDITABLE", f"{named}; nothing can change.", ("id",))]
    allowed = EDITABLE[package.status]
    may = ", ".join(sorted(camel(field) for field in allowed))
    return [
        Problem("NOT_EDITABLE", f"{named}; {camel(field)} cannot change, but these can: {may}.", (field,))
        for field in fields if field not in allowed
    ]


async def assign(work: Work, package: Package, fields: Mapping[str, Any]) -> list[Problem]:
    """Puts the given values on the package and tells what is wrong with any of them; the caller rolls back."""
    before = _extendable(package)
    problems = list(assign_fields(package, rules(work.settings.zone), fields))
    if package.status in (PackageStatus.APPROVED, PackageStatus.PUBLISHED):
        problems += _check_extended(package, before)
    problems += [*check_dates(package), *check_absent_dates(package, work.types.require(package.type).rules)]
    if "owner_id" in fields:
        problems += await _assign_owner(work, package, fields["owner_id"])
    return problems + await _check_reviewers(work, fields.get("reviewers") or [])


async def check_complete(work: Work, package: Package) -> list[Problem]:
    """What a package still misses before it can be submitted or approved [4.5]."""
    kind = work.types.require(package.type)
    seen = await package_snapshot(work, package)
    problems = [*check_dates(package), *check_required_dates(package, kind.rules)]
    if not package.label:
        problems.append(Problem("REQUIRED", "A package needs a label.", ("label",)))
    if kind.rules.audience is Need.REQUIRED and not seen.audience_size:
        problems.append(Problem(
            "REQUIRED", f"A package of type {kind.label} needs at least one local entity.", ("entity_ids",)
        ))
    campaign = await work.session.get_one(Campaign, package.campaign_id)
    problems += check_campaign(campaign)
    if package.approval_mode is ApprovalMode.AUTOMATIC and kind.rules.subscribes:
        problems += [problem.at("approval_mode") for problem in check_defaults(kind.fields(seen), campaign)]
    return problems + list(kind.check_package(seen))


def check_campaign(campaign: Campaign) -> list[Problem]:
    """A package offers a reference campaign that is neither cancelled, nor a template, nor a child [4.2]."""
    named = f"Campaign {campaign.label} ({campaign.code})"
    if campaign.is_template:
        return [Problem("IS_TEMPLATE", f"{named} is a template: make a campaign from it first.", ("campaign_id",))]
    if campaign.parent_id:
        return [Problem("IS_CHILD", f"{named} is a child campaign; offer its parent.", ("campaign_id",))]
    if campaign.status is CampaignStatus.CANCELED:
        return [Problem("CAMPAIGN_CANCELED", f"{named} is cancelled.", ("campaign_id",))]
    return []


def check_defaults(fields: Sequence[Field], campaign: Campaign) -> list[Problem]:
    """Automatic mode orders with default values, so they must be whole [6.5]."""
    return [
        Problem("DEFAULT_MISSING", f"Automatic mode orders with default values, which do not fit: {problem.message}")
        for problem in check_values(fields, form.with_defaults(fields, campaign.default_values))
    ]


def _reminders(field: str, value: Any, *, zone: ZoneInfo) -> Any:
    """Reminders as JSON; a date without a time means the start of that day [5.4]."""
    given = [
        reminder | {"at": moment_of(field, reminder["at"], zone)}
        if isinstance(reminder, dict) and isinstance(reminder.get("at"), date) else reminder
        for reminder in value
    ] if isinstance(value, list) else value
    stored = plain({field: given})[field]
    refuse_any(problem.at(field) for problem in check_reminders(stored))
    return stored


def _extendable(package: Package) -> dict[str, datetime | None]:
    return {
        "end": package.end, "registration_deadline": package.effective_registration_deadline,
        "personalization_deadline": package.personalization_deadline,
    }


def _check_extended(package: Package, before: Mapping[str, datetime | None]) -> list[Problem]:
    """Dates that entities have seen only move later; a later registration deadline is announced anew (N11)."""
    after = _extendable(package)
    problems = [
        Problem("ONLY_EXTEND", f"Once approved, a package's dates can only be moved later, not before {was}.", (field,))
        for field, was in before.items() if was is not None and ((now := after[field]) is None or now < was)
    ]
    if after["registration_deadline"] != before["registration_deadline"]:
        package.deadline_notice = DeadlineNotice.NONE
    return problems


async def _check_reviewers(work: Work, given: Given) -> list[Problem]:
    """Those who approve packages see them: not local operators [2.2, 5.5]."""
    if len(given) > MAX_REVIEWERS:
        return [Problem("TOO_MANY", f"A package names at most {MAX_REVIEWERS} reviewers.", ("reviewers",))]
    people = [reviewer["operator_id"] for reviewer in given if reviewer.get("operator_id")]
    unfit = await existing(work, Operator.id, people, or_(Operator.right == Right.LOCAL, ~Operator.active))
    return await check_reviewers(work, given) + [
        Problem("NOT_CENTRAL", "Packages are approved by active central operators or administrators.",
                ("reviewers", str(position)))
        for position, reviewer in enumerate(given) if reviewer.get("operator_id") in unfit
    ]


async def _assign_owner(work: Work, package: Package, owner_id: Any) -> list[Problem]:
    owner = await work.session.get(Operator, owner_id) if owner_id else None
    if owner is None or owner.right is Right.LOCAL or not owner.active:
        return [Problem("NOT_FOUND", "The owner must be a central operator or an administrator.", ("owner_id",))]
    package.owner_id = owner.id
    return []
