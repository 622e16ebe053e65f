"""What is due for many orders, of whichever packages, in one transaction [5.3, 6.2, 9.15]."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from sqlalchemy import Select, select

from server.domain.approval import Approval
from server.domain.network import Entity
from server.domain.order import Order
from server.domain.package import NoDecision, Package
from server.reads.ids import one_of
from server.services.availability import make_available_if_due
from server.services.deciding import decide_all
from server.services.target_answers import answer_for_silent
from server.services.verdicts import Decision, Verdict
from server.services.work import Work

Loaded = Sequence[tuple[Package, list[Order]]]


async def make_available(work: Work, due: Select[UUID], ids: Sequence[UUID]) -> int:
    """Makes those of the orders available that are due still, and says how many they were."""
    loaded = await _load(work, ids)
    still = set(await work.session.scalars(due.where(one_of(Order.id, ids))))
    return sum([
        await make_available_if_due(work, package, *[order for order in orders if order.id in still])
        for package, orders in loaded
    ])


async def decide_overdue(work: Work, due: Select[UUID], ids: Sequence[UUID]) -> int:
    """Decides those of the questions about orders that nobody has decided still as the packages' policies say, and says
    how many they were. One that is refused fails all of them."""
    loaded, open_ones = await _load_questions(work, due, ids)
    orders = [order for _, theirs in loaded for order in theirs if order.id in open_ones]
    outcomes = await decide_all(work, [by_policy(work, open_ones[order.id], order) for order in orders])
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    return len(outcomes)


def by_policy(work: Work, approval: Approval, subject: Order | Package) -> Verdict:
    """What the package's policy says when nobody has decided [5.3]."""
    decision = Decision.APPROVE if approval.on_no_decision is NoDecision.APPROVE else Decision.REJECT
    comment = "Nobody decided by the deadline; the package's policy did."
    return Verdict(work.caller, approval.id, subject.revision, decision, comment)


async def close_lists(work: Work, due: Select[UUID], ids: Sequence[UUID]) -> int:
    """Closes those of the questions about target lists that nobody has answered still, and says how many they were."""
    loaded, open_ones = await _load_questions(work, due, ids)
    for package, orders in loaded:
        if unanswered := [(order, open_ones[order.id]) for order in orders if order.id in open_ones]:
            await answer_for_silent(work, package, unanswered)
    return len(open_ones)


async def _load_questions(
    work: Work, due: Select[UUID], ids: Sequence[UUID]
) -> tuple[Loaded, Mapping[UUID | None, Approval]]:
    """The orders that the questions are about, and by their ids those of the questions that are due still; all locked.
    """
    rows = await work.session.execute(select(Approval.order_id).where(one_of(Approval.id, ids)))
    loaded = await _load(work, [row.order_id for row in rows])
    asked = (await work.session.scalars(
        select(Approval).where(one_of(Approval.id, ids)).order_by(Approval.id)
        .with_for_update(key_share=True).execution_options(populate_existing=True)
    )).all()
    still = set(await work.session.scalars(due.where(one_of(Approval.id, ids))))
    return loaded, {question.order_id: question for question in asked if question.id in still}


async def _load(work: Work, order_ids: Sequence[UUID]) -> Loaded:
    """The orders, locked in the common order: their packages for sharing, then they themselves, with their entities."""
    packages = (await work.session.scalars(
        select(Package).where(Package.id.in_(select(Order.package_id).where(one_of(Order.id, order_ids))))
        .order_by(Package.id).with_for_update(read=True).execution_options(populate_existing=True)
    )).all()
    rows = (await work.session.execute(
        select(Order, Entity).join(Entity, Entity.id == Order.entity_id).where(one_of(Order.id, order_ids))
        .order_by(Order.id).with_for_update(key_share=True, of=Order).execution_options(populate_existing=True)
    )).all()
    work.known[Loaded] = rows  # holds the entities: the session forgets what nobody holds
    return list(_by_package(packages, [row.Order for row in rows]))


def _by_package(packages: Sequence[Package], orders: Sequence[Order]) -> Iterator[tuple[Package, list[Order]]]:
    for package in packages:
        yield package, [order for order in orders if order.package_id == package.id]
