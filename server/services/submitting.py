"""Submitting orders, any number at once and by whomever: what is read is read for all of them, what is written is
written for all of them, and each is accepted or refused by itself [5.6, 6.3, 6.4, 6.7]."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, literal_column, select

from server.domain import form
from server.domain.campaign import Campaign
from server.domain.lifecycles import Action, OrderStatus
from server.domain.network import Entity
from server.domain.order import Order, is_standing
from server.domain.package import ApprovalMode, Package, PackageEntity
from server.domain.record import SubjectKind
from server.errors import NotFound, SamverkanError, refuse_any
from server.reads.ids import one_of
from server.reads.visibility import Caller, entities_above, entities_of
from server.services.approving import asked_about
from server.services.asking import Question, ask_all
from server.services.availability import make_available_if_due
from server.services.bulk import add_history, changed_entry, save
from server.services.loading import check_revision
from server.services.order_checks import Beside, check_whole, fix_values, ordering_problems
from server.services.reviewers import named_on_orders
from server.services.snapshots import order_fields
from server.services.work import Work

Outcome = Order | SamverkanError
"""The order as it is now, or why it was not submitted."""
OFFERED = exists().where(PackageEntity.package_id == Order.package_id, PackageEntity.entity_id == Order.entity_id)
STANDING = exists().where(
    Beside.package_id == Order.package_id, Beside.cycle == Order.cycle, Beside.entity_id == Order.entity_id,
    Beside.id != Order.id, literal_column(is_standing("beside")),
)
"""Whether the package lists an order's entity, and whether the entity has another standing order."""
NONE: frozenset[UUID] = frozenset()


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
    seen = await _seen(work, submissions)
    ids = {submissions[place].order_id for place in seen}
    if not ids:
        return {}
    packages = {package.id: package for package in await work.session.scalars(
        select(Package).where(Package.id.in_(select(Order.package_id).where(one_of(Order.id, ids))))
        .order_by(Package.id).with_for_update(read=True).execution_options(populate_existing=True)
    )}
    campaigns = {campaign.id: campaign for campaign in await work.session.scalars(
        select(Campaign).where(one_of(Campaign.id, {package.campaign_id for package in packages.values()}))
        .execution_options(populate_existing=True)  # as they are now that their packages are locked [9.3]
    )}
    rows = {row[0].id: row for row in (await work.session.execute(
        select(Order, Entity, OFFERED, STANDING).join(Entity, Entity.id == Order.entity_id)
        .where(one_of(Order.id, ids)).order_by(Order.id)
        .with_for_update(key_share=True, of=Order).execution_options(populate_existing=True)
    )).all()}
    return {
        place: _asked(replace(work, caller=submissions[place].caller), packages, campaigns, row)
        for place in seen if (row := rows.get(submissions[place].order_id))
    }


def _asked(work: Work, packages: Mapping[UUID, Package], campaigns: Mapping[UUID, Campaign], row: Any) -> Asked:
    package = packages[row[0].package_id]
    return Asked(work, package, campaigns[package.campaign_id], *row)


async def _seen(work: Work, submissions: Mapping[int, Submission]) -> list[int]:
    """The places of those whose submitters see the order [2.3]."""
    local = [each for each in submissions.values() if each.caller.is_local]
    above = await _sets(work, entities_above({each.order_id for each in local})) if local else {}
    linked = await _sets(work, entities_of({each.caller.id for each in local if each.caller.id})) if local else {}
    return [
        place for place, each in submissions.items()
        if not each.caller.is_local or not linked.get(each.caller.id, NONE).isdisjoint(above.get(each.order_id, NONE))
    ]


async def _sets(work: Work, pairs: Select[UUID, UUID]) -> dict[UUID | None, set[UUID]]:
    sets: dict[UUID | None, set[UUID]] = {}
    for key, value in (await work.session.execute(pairs)).all():
        sets.setdefault(key, set()).add(value)
    return sets


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
    """Why it is refused. One that is not is ordered then, in memory; one that is leaves the session, which would write
    what it became."""
    try:
        await _order(asked, revision, forms)
    except SamverkanError as error:
        asked.work.session.expunge(asked.order)
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
    refuse_any(problems + await check_whole(work, package, order, await forms.of(asked, order.form_version)))
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
    for each in accepted:
        if each.order.status is OrderStatus.APPROVED:
            await make_available_if_due(each.work, each.package, each.order)
