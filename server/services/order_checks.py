"""What an order must satisfy: that ordering is open, and that its parameters fit the campaign type [6.3, 6.4, 6.7]."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, exists, literal_column, select
from sqlalchemy.orm import aliased

from server.campaign_type import Field
from server.domain import form, permissions
from server.domain.campaign import Campaign
from server.domain.dates import moment_of
from server.domain.field_rules import assign_fields, text
from server.domain.lifecycles import PackageStatus
from server.domain.network import Entity, EntityKind, Operator
from server.domain.order import Order, is_standing
from server.domain.package import Package, PackageEntity
from server.domain.snapshots import order_snapshot
from server.errors import Problem
from server.reads.visibility import visible_operators
from server.services.loading import existing
from server.services.reviewers import Given, check_reviewers
from server.services.snapshots import order_fields, package_snapshot
from server.services.work import Work

TEXTS = {"label": text(200), "comment": text(4000)}
Beside = aliased(Order, name="beside")
STANDING_BESIDE: tuple[Any, ...] = (
    Beside.package_id == bindparam("package"), Beside.cycle == bindparam("cycle"),
    Beside.entity_id == bindparam("entity"), Beside.id != bindparam("order"), literal_column(is_standing("beside")),
)
OFFERED_AND_STANDING = select(
    exists().where(
        PackageEntity.package_id == bindparam("package"), PackageEntity.entity_id == bindparam("entity")
    ),
    select(Beside.id).where(*STANDING_BESIDE).limit(1).scalar_subquery(),
)


async def check_ordering(work: Work, package: Package, order: Order, entity: Entity) -> list[Problem]:
    """Why the entity cannot order from the package now [6.3, 6.4]."""
    offered, standing = (await work.session.execute(OFFERED_AND_STANDING, _place(package, order))).one()
    return await ordering_problems(work, package, order, entity, offered=offered, standing=bool(standing))


async def ordering_problems(
    work: Work, package: Package, order: Order, entity: Entity, *, offered: bool, standing: bool
) -> list[Problem]:
    """The same, where it is known whether the package lists the entity, and whether it has another standing order."""
    problems = _check_open(work, package, entity, offered=offered or package.offered_to_all)
    if order.cycle != package.cycle:
        words = f"The order is of cycle {order.cycle}; the package is in {package.cycle}."
        problems.append(Problem("EARLIER_CYCLE", words))
    return problems + (await check_standing(work, package, order) if standing and order.exclusive else [])


def _check_open(work: Work, package: Package, entity: Entity, *, offered: bool) -> list[Problem]:
    named = f"Package {package.label} ({package.code})"
    rules = work.types.require(package.type).rules
    problems = []
    if not rules.orderable:
        problems.append(Problem("NOT_ORDERABLE", f"{named} is not ordered: its orders come with the target lists."))
    if package.status is not PackageStatus.PUBLISHED:
        problems.append(Problem(
            "NOT_OPEN", f"{named} is {package.status}; ordering needs it PUBLISHED.", ("package_id",)
        ))
    elif not permissions.registration_open(package.status, package.effective_registration_deadline, work.now):
        deadline = package.effective_registration_deadline
        problems.append(Problem(
            "REGISTRATION_CLOSED", f"The registration deadline of {named} passed at {deadline:%Y-%m-%d %H:%M} UTC.",
            ("package_id",),
        ))
    if entity.kind is not EntityKind.LOCAL or not offered:
        problems.append(Problem("NOT_IN_AUDIENCE", f"{named} is not offered to {entity.label} ({entity.code}).",
                                ("entity_id",)))
    return problems


async def check_standing(work: Work, package: Package, order: Order) -> list[Problem]:
    """An entity holds one standing order of a package, unless the type allows several [6.3]."""
    if not order.exclusive:
        return []
    other = await work.session.scalar(select(Beside).where(*STANDING_BESIDE), _place(package, order))
    if other is None:
        return []
    return [Problem(
        "ALREADY_ORDERED", f"The entity holds order {other.label} ({other.code}) already; it is {other.status}.",
        ("entity_id",),
    )]


async def check_parameters(work: Work, package: Package, order: Order, *, whole: bool) -> list[Problem]:
    """Every value that breaks a rule, at the path of its field; `whole`: what is required must be there too, and the
    campaign type has its say [6.7]."""
    checker = form.Checker(await order_fields(work, package, order.form_version))
    if whole:
        entity = await work.session.get_one(Entity, order.entity_id)
        return await check_whole(work, package, order, checker, entity)
    return [problem for problem in checker.problems(order.parameters) if problem.code != "REQUIRED"]


async def check_whole(
    work: Work, package: Package, order: Order, checker: form.Checker, entity: Entity
) -> list[Problem]:
    """The same for all values of an order, by the fields of its form version."""
    kind = work.types.require(package.type)
    problems = checker.problems(order.parameters)
    if not problems and kind.overrides("check_order"):
        seen = await package_snapshot(work, package, order.form_version)
        problems = list(kind.check_order(seen, order_snapshot(order, entity)))
    return problems


async def assign(work: Work, package: Package, order: Order, fields: Mapping[str, Any]) -> list[Problem]:
    """Puts the given values on the order and tells what is wrong with them; the caller rolls back."""
    problems = list(assign_fields(order, TEXTS, fields))
    order.label = order.label or package.label
    if "parameters" in fields:
        problems += await fill_in(work, package, order, fields["parameters"])
    problems += _check_schedule(work, package, order, fields)
    if fields.get("assignee_id"):
        found = await existing(work, Operator.id, [fields["assignee_id"]], visible_operators(work.caller))
        if not found:
            problems.append(Problem("NOT_FOUND", "There is no such operator.", ("assignee_id",)))
    if "assignee_id" in fields:
        order.assignee_id = fields["assignee_id"]
    if "reviewers" in fields:
        problems += await _check_reviewers(work, package, fields["reviewers"] or [])
    return problems


async def fill_in(work: Work, package: Package, order: Order, given: Any) -> list[Problem]:
    """The given values with the defaults of the absent ones, rich texts made safe; a null means no value at all."""
    if given is not None and not isinstance(given, Mapping):
        return [Problem("TYPE", "The parameters are an object: values by the name of their field.", ("parameters",))]
    order.parameters = form.with_defaults(await order_fields(work, package, order.form_version), given or {})
    return []


async def take_newest_form(work: Work, package: Package, order: Order) -> None:
    """A draft follows the campaign's form to its newest version; see `fix_values`."""
    campaign = await work.session.get_one(Campaign, package.campaign_id)
    fix_values(order, campaign.form_version, await order_fields(work, package, campaign.form_version))


def fix_values(order: Order, form_version: int, fields: Sequence[Field]) -> None:
    """Takes on a form version with the values that entities cannot change; where the others do not fit any more, the
    checks say so [9.3]."""
    order.form_version = form_version
    order.parameters = (order.parameters or {}) | form.fixed_values(fields)


def _place(package: Package, order: Order) -> dict[str, Any]:
    return {"package": package.id, "cycle": package.cycle, "entity": order.entity_id, "order": order.id}


def _check_schedule(work: Work, package: Package, order: Order, fields: Mapping[str, Any]) -> list[Problem]:
    given = [field for field in ("start", "end") if field in fields]
    if not work.types.require(package.type).rules.schedule_per_order:
        words = "Orders of this type have no schedule of their own."
        return [Problem("NOT_OF_THIS_TYPE", words, (field,)) for field in given if fields[field]]
    for field in given:
        setattr(order, field, moment_of(field, fields[field], work.settings.zone))
    if order.start and order.end and order.start > order.end:
        return [Problem("END_BEFORE_START", "The order ends before it starts.", ("end",))]
    return []


async def _check_reviewers(work: Work, package: Package, given: Given) -> list[Problem]:
    """Up to the template's number [6.1]."""
    campaign = await work.session.get_one(Campaign, package.campaign_id)
    problems = await check_reviewers(work, given)
    if len(given) > campaign.max_reviewers:
        message = f"An order of this package names at most {campaign.max_reviewers} reviewers."
        problems.append(Problem("TOO_MANY", message, ("reviewers",)))
    return problems
