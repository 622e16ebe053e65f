"""Submitting orders, any number at once and by whomever: what is read is read for all of them, what is written is
written for all of them, and each is accepted or refused by itself [5.6, 6.3, 6.4, 6.7]."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import exists, literal_column, select

from server.domain import form
from server.domain.campaign import Campaign
from server.domain.lifecycles import Action, OrderStatus
from server.domain.network import Entity
from server.domain.order import Order, is_standing
from server.domain.package import ApprovalMode, Package, PackageEntity
from server.domain.record import SubjectKind
from server.errors import NotFound, SamverkanError, refuse_any
from server.reads.ids import OneOf, ids_named
from server.reads.visibility import Caller
from server.services.apart import apart, columns
from server.services.approving import asked_about
from server.services.asking import Question, ask_all
from server.services.availability import Approved, make_all_available_if_due
from server.services.bulk import add_history, changed_entry, save
from server.services.loading import check_revision, sees_each
from server.services.order_checks import Beside, check_whole, fix_values, ordering_problems
from server.services.ready import Ready
from server.services.reviewers import named_on_orders
from server.services.snapshots import order_fields
from server.services.work import Work

Outcome = Order | SamverkanError
"""The order as it is now, or why it was not submitted."""
ASKED = OneOf(Order.id, ids_named("ids"))
PACKAGES = Ready(
    select(*columns(Package)).where(Package.id.in_(select(Order.package_id).where(ASKED)))
    .order_by(Package.id).with_for_update(read=True)
)
CAMPAIGNS = Ready(select(*columns(Campaign)).where(OneOf(Campaign.id, ids_named("ids"))))
OFFERED = exists().where(PackageEntity.package_id == Order.package_id, PackageEntity.entity_id == Order.entity_id)
STANDING = exists().where(
    Beside.package_id == Order.package_id, Beside.cycle == Order.cycle, Beside.entity_id == Order.entity_id,
    Beside.id != Order.id, literal_column(is_standing("beside")),
)
ORDERS = Ready(
    select(OFFERED, STANDING, *columns(Order), *columns(Entity)).join_from(Order, Entity, Entity.id == Order.entity_id)
    .where(ASKED).order_by(Order.id).with_for_update(key_share=True, of=Order)
)
"""The statements of a submission, made once: its package and campaign, and each order with its entity, whether the
package lists that, and whether it has another standing order."""
ORDER, ENTITY = 2, 2 + len(columns(Order))


@dataclass(frozen=True, slots=True)
class Submission:
    """An order to be submitted, in the revision that was read, and by whom."""

    caller: Caller
    order_id: UUID
    revision: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A submission with what decides about it, all locked; `work` is its submitter's."""

    work: Work
    package: Package
    campaign: Campaign
    order: Order
    entity: Entity
    offered: bool
    standing: bool


async def submit_all(work: Work, submissions: Sequence[Submission]) -> list[Outcome]:
    """What came of each. Those of one entity from one package take turns: the later one sees what the earlier one has
    done. The same submission again is answered with what came of it the first time, read again or not."""
    outcomes: dict[int, Outcome] = {}
    turn: Mapping[int, Submission] = dict(enumerate(submissions))
    while turn:
        asked = await _load(work, turn)
        forms = Forms()
        first: dict[tuple[UUID, UUID], tuple[Submission, Outcome]] = {}
        later: dict[int, Submission] = {}
        for place, submission in turn.items():
            if (each := asked.get(place)) is None:
                outcomes[place] = NotFound("There is no such order.")
            elif (holder := (each.package.id, each.entity.id)) in first:
                later[place] = submission
            else:
                outcomes[place] = await _refused(each, submission.revision, forms) or each.order
                first[holder] = submission, outcomes[place]
        await _write(work, [each for place, each in asked.items() if outcomes.get(place) is each.order])
        known = {submission.order_id: (submission.revision, outcome) for submission, outcome in first.values()}
        outcomes |= {
            place: outcome for place, each in later.items()
            if each.order_id in known and (outcome := _repeated(*known[each.order_id], each))
        }
        turn = {place: each for place, each in later.items() if place not in outcomes}
    return [outcomes[place] for place in range(len(submissions))]


def _repeated(revision: int, outcome: Outcome, again: Submission) -> Outcome | None:
    """What comes of an order that is submitted again, as far as that needs no look at the database: thousands of
    impatient clicks must not cost one each."""
    if isinstance(outcome, Order):
        try:
            outcome.apply(Action.SUBMIT)
        except SamverkanError as refused:
            return refused
    return outcome if again.revision == revision else None


async def _load(work: Work, submissions: Mapping[int, Submission]) -> dict[int, Asked]:
    """What is asked for, as far as its submitters see it, locked in the common order: packages, then orders."""
    wanted = [(each.caller, each.order_id) for each in submissions.values()]
    seen = {
        place: each for (place, each), sees in
        zip(submissions.items(), await sees_each(work, wanted, Order), strict=True) if sees
    }
    if not seen:
        return {}
    session, ids = work.session, list({each.order_id for each in seen.values()})
    packages = _by_id(map(apart(Package), await PACKAGES.rows(session, ids=ids)))
    theirs = list({package.campaign_id for package in packages.values()})
    campaigns = _by_id(map(apart(Campaign), await CAMPAIGNS.rows(session, ids=theirs)))  # with locked packages [9.3]
    work.known.update({(Campaign, id): campaign for id, campaign in campaigns.items()})
    order, entity = apart(Order, ORDER), apart(Entity, ENTITY)
    rows = {(made := order(row)).id: (made, entity(row), *row[:ORDER]) for row in await ORDERS.rows(session, ids=ids)}
    return {
        place: _asked(replace(work, caller=each.caller), packages, campaigns, *rows[each.order_id])
        for place, each in seen.items() if each.order_id in rows
    }


def _asked(
    work: Work, packages: Mapping[UUID, Package], campaigns: Mapping[UUID, Campaign], order: Order, *rest: Any
) -> Asked:
    package = packages[order.package_id]
    return Asked(work, package, campaigns[package.campaign_id], order, *rest)


def _by_id(things: Iterable[Any]) -> dict[UUID, Any]:
    return {thing.id: thing for thing in things}


class Forms:
    """What the orders of one turn are checked against, made once for each package and version."""

    def __init__(self) -> None:
        self._made: dict[tuple[UUID, int], form.Checker] = {}

    async def of(self, asked: Asked, version: int) -> form.Checker:
        key = asked.package.id, version
        if key not in self._made:
            self._made[key] = form.Checker(await order_fields(asked.work, asked.package, version))
        return self._made[key]


async def _refused(asked: Asked, revision: int, forms: Forms) -> SamverkanError | None:
    """Why it is refused. One that is not is ordered then, in memory."""
    try:
        await _order(asked, revision, forms)
    except SamverkanError as error:
        return error
    return None


async def _order(asked: Asked, revision: int, forms: Forms) -> None:
    work, package, order = asked.work, asked.package, asked.order
    work.types.require(package.type)
    was = order.status
    order.apply(Action.SUBMIT)
    await check_revision(work, order, revision, f"order {order.label} ({order.code})")
    if was is OrderStatus.DRAFT:
        newest = asked.campaign.form_version
        fix_values(order, newest, (await forms.of(asked, newest)).fields)
    problems = await ordering_problems(
        work, package, order, asked.entity, offered=asked.offered, standing=asked.standing
    )
    refuse_any(problems + await check_whole(
        work, package, order, await forms.of(asked, order.form_version), asked.entity
    ))
    order.submitted_at, order.submitted_by_id = work.now, work.caller.id
    if package.approval_mode is ApprovalMode.AUTOMATIC:  # takes part without anybody's decision [6.5]
        order.apply(Action.APPROVE)
        order.approved_at, order.subscribed = work.now, True


async def _write(work: Work, accepted: Sequence[Asked]) -> None:
    if not accepted:
        return
    orders = [each.order for each in accepted]
    await add_history(work, [
        changed_entry(each.work, SubjectKind.ORDER, each.order, Action.SUBMIT) for each in accepted
    ])
    await save(work, orders)
    manual = [each for each in accepted if each.order.status is OrderStatus.ORDERED]
    named = await named_on_orders(work, [each.order.id for each in manual])
    await ask_all(work, [
        Question(
            each.work, each.package, each.order, asked_about(each.order, each.entity, named.get(each.order.id, ()))
        )
        for each in manual  # what was a draft or rejected has no open question
    ])
    await make_all_available_if_due(work, [Approved(each.work, each.package, each.order) for each in accepted])
