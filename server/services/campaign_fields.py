"""The fields of a campaign: what a given value must satisfy, and what a package locks in children [8.1, 9.8]."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from server.campaign_type import Field, Interface
from server.domain import form, snapshots
from server.domain.base import new_id
from server.domain.campaign import LOCKABLE, Campaign, NoResponse
from server.domain.dates import moment_of
from server.domain.field_rules import Rule, assign_fields, choice, flag, json_object, number, text
from server.domain.filter import check_filter
from server.domain.form_definition import check_form
from server.domain.form_schema import LARGEST
from server.domain.form_values import check_values
from server.domain.lifecycles import PackageStatus
from server.domain.package import ApprovalMode, Package
from server.domain.target import DataDistribution
from server.errors import Problem, refuse, refuse_any
from server.services.loading import form_fields
from server.services.work import Work


def _targeting(field: str, value: Any) -> dict[str, Any]:
    """{"filter": a filter over contacts}, or nothing [8.2]."""
    targeting = json_object(field, value)
    _check_keys(field, targeting, "filter")
    if (chosen := targeting.get("filter")) is not None:
        refuse_any(problem.at(field, "filter") for problem in check_filter(chosen))
    return targeting


def _content(field: str, value: Any) -> dict[str, Any]:
    """{"subject", "html", "text"}: the templates of a message [8.3]."""
    content = json_object(field, value)
    _check_keys(field, content, "subject", "html", "text")
    wrong = [part for part, template in content.items() if not isinstance(template, str)]
    refuse_any(Problem("TYPE", f"The {part} of the content is a text.", (field, part)) for part in wrong)
    return content


def _unit_costs(field: str, value: Any) -> dict[str, Any]:
    costs = json_object(field, value)
    wrong = [channel for channel, cost in costs.items() if type(cost) is not int or not 0 <= cost <= LARGEST]
    refuse_any(
        Problem("FORMAT", f"The unit cost of {channel} is a whole number of minor units, 0 or more.", (field, channel))
        for channel in wrong
    )
    return costs


def _currency(field: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) != 3 or not value.isascii() or not value.isalpha():
        raise refuse("FORMAT", "A currency is an ISO 4217 code of three letters, such as EUR.", field)
    return value.upper()


def _check_keys(field: str, value: Mapping[str, Any], *known: str) -> None:
    refuse_any(
        Problem("UNKNOWN_FIELD", f"{key:.80} is unknown here; known are {', '.join(known)}.", (field, key))
        for key in value if key not in known
    )


RULES: dict[str, Rule] = {
    "label": text(200, required=True),
    "nature": text(100),
    "main_channel": text(40),
    "program": text(200),
    "description": text(100_000, rich=True),
    "targeting": _targeting,
    "typology": json_object,
    "personalization": json_object,
    "content": _content,
    "default_values": json_object,
    "interface": choice(Interface),
    "budget": number(0, LARGEST, optional=True),
    "unit_costs": _unit_costs,
    "currency": _currency,
    "max_documents": number(0, 100),
    "max_reviewers": number(0, 50),
    "target_deadline_hours": number(1, 24 * 365),
    "on_no_response": choice(NoResponse, optional=True),
    "go_on_when_all_answered": flag,
}
SCHEDULE = ("start", "end")
FIELDS = frozenset({*RULES, *SCHEDULE, "data_distribution_id", "form"})
DEFAULTING = frozenset({"form", "default_values", "interface"})
"""Fields that decide with which values orders start."""


async def assign(
    work: Work, campaign: Campaign, fields: Mapping[str, Any], current: Sequence[Field]
) -> list[Problem]:
    """Puts the given values on the campaign and tells what is wrong with any of them; the caller rolls back. `current`
    is the form that it has when none is given."""
    problems = list(assign_fields(campaign, RULES | _schedule(work.settings.zone), fields))
    if campaign.start and campaign.end and campaign.start > campaign.end:
        problems.append(Problem("END_BEFORE_START", "The campaign ends before it starts.", ("end",)))
    if "data_distribution_id" in fields:
        problems += await _assign_distribution(work, campaign, fields["data_distribution_id"])
    faults = check_form(fields["form"] or []) if "form" in fields else []
    if faults or problems or not DEFAULTING & fields.keys():
        return problems + faults
    known = form.of_stored(fields["form"] or []) if "form" in fields else current
    return _check_defaults(work, campaign, known)


def check_locks(campaign: Campaign, package: Package, fields: Mapping[str, Any]) -> list[Problem]:
    """Changes to a child campaign that its package locks; each names the lock [9.8]."""
    locked = locked_in(package)
    return [
        Problem(
            "LOCKED", f"{field} is locked in campaign {campaign.label} ({campaign.code}) by package "
            f"{package.label} ({package.code}).", (field,),
        )
        for field in fields if field in locked
    ]


def locked_in(package: Package) -> frozenset[str]:
    """What entities cannot change in their child campaigns: the package's lock list, and all that is not lockable."""
    return (FIELDS - frozenset(LOCKABLE)) | frozenset(package.locked_fields)


async def form_of(work: Work, campaign: Campaign) -> Sequence[Field]:
    """The campaign's form in its newest version; a child's is its parent's."""
    return await form_fields(work, campaign.parent_id or campaign.id, campaign.form_version)


def _schedule(zone: ZoneInfo) -> dict[str, Rule]:
    return dict.fromkeys(SCHEDULE, partial(moment_of, zone=zone))


def _check_defaults(work: Work, campaign: Campaign, known: Sequence[Field]) -> list[Problem]:
    """Default values fit what the campaign type would ask of an order; a missing one is no fault yet."""
    blank = Package(
        id=new_id(), code="", label=campaign.label, status=PackageStatus.BEING_EDITED, cycle=1,
        approval_mode=ApprovalMode.MANUAL,
    )
    seen = snapshots.package_snapshot(blank, snapshots.campaign_snapshot(campaign, tuple(known), None), 0)
    asked = work.types.require(campaign.type).fields(seen)
    return [
        Problem(problem.code, problem.message, ("default_values", *problem.path[1:]))
        for problem in check_values(asked, campaign.default_values) if problem.code != "REQUIRED"
    ]


async def _assign_distribution(work: Work, campaign: Campaign, distribution_id: UUID | None) -> list[Problem]:
    if distribution_id and await work.session.get(DataDistribution, distribution_id) is None:
        return [Problem("NOT_FOUND", "There is no such data distribution.", ("data_distribution_id",))]
    campaign.data_distribution_id = distribution_id
    return []
