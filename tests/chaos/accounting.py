"""The account after the chaos: what the rows say, beside what must have come of it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from server.database import Database
from server.domain.approval import Reminder, ReminderStatus
from server.domain.campaign import Campaign
from server.domain.lifecycles import OrderStatus
from server.domain.notification import Dispatch, DispatchStatus, Notification
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import Event, EventKind, History, SubjectKind
from tests.chaos.network import Network
from tests.chaos.producing import Expected

MOVES = ("APPROVE", "REJECT", "PUBLISH", "SUBSCRIBE", "EXPIRE", "MAKE_AVAILABLE", "FINISH", "END", "CANCEL")
REMINDERS = (EventKind.PACKAGE_APPROVAL_REMINDER, EventKind.ORDER_APPROVAL_REMINDER)
MARKS = {
    "sqlite": (
        "CREATE TABLE mark (dispatch_id VARCHAR)",
        "CREATE TRIGGER marking AFTER UPDATE OF status ON dispatch WHEN NEW.status = 'SENT' "
        "BEGIN INSERT INTO mark VALUES (NEW.id); END",
    ),
    "postgresql": (
        "CREATE TABLE mark (dispatch_id VARCHAR)",
        "CREATE FUNCTION marking() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO mark VALUES (NEW.id); RETURN NULL; END $$",
        "CREATE TRIGGER marking AFTER UPDATE OF status ON dispatch FOR EACH ROW WHEN (NEW.status = 'SENT') "
        "EXECUTE FUNCTION marking()",
    ),
}


async def count_marks(database: Database) -> None:
    """From now on the database itself notes each time that a dispatch is marked as sent."""
    async with database.transaction() as session:
        for statement in MARKS["sqlite" if database.is_sqlite else "postgresql"]:
            await session.execute(text(statement))


@dataclass
class Account:
    """`faults` is empty when nothing was lost, doubled or left. `doubled`: moves, messages and marks beyond the first;
    `accepted_twice`: what the mail server took again, because the one who sent it died before it was marked."""

    kills: int = 0
    moves: int = 0
    orders: int = 0
    messages: int = 0
    accepted: int = 0
    accepted_twice: int = 0
    doubled: int = 0
    pending: int = 0
    seconds: float = 0
    faults: list[str] = field(default_factory=list)


async def account_of(
    database: Database, expected: Expected, network: Network, accepted: Counter[UUID], jobs: dict[str, list[str]]
) -> Account:
    account = Account()
    async with database.reading() as session:
        await _orders(session, expected, network, account)
        await _moves(session, expected, account)
        await _people(session, expected, account)
        await _mails(session, accepted, account)
    account.faults += _jobs(expected, jobs)
    return account


async def _orders(session: AsyncSession, expected: Expected, network: Network, account: Account) -> None:
    """The statuses; and that each subscribed entity has one order, which is cancelled or of which its people are
    told."""
    packages = await session.execute(select(Package.id, Package.status))
    account.faults += _differences("package", expected.packages, {row.id: row.status for row in packages})
    rows = (await session.execute(select(Order.id, Order.package_id, Order.entity_id, Order.status))).all()
    account.orders = len(rows)
    for package, audience in (expected.subscribed | expected.canceled).items():
        moves = ("MAKE_AVAILABLE", "FINISH") if package in expected.subscribed else ("CANCEL",)
        subscribed = [row for row in rows if row.package_id == package]
        account.faults += _differences("subscription", Counter(audience), Counter(row.entity_id for row in subscribed))
        for row in subscribed:
            expected.moves.update((row.id, move) for move in ("SUBSCRIBE", *moves))
            expected.orders[row.id] = OrderStatus.FINISHED if "FINISH" in moves else OrderStatus.CANCELED
            if "FINISH" in moves:
                expected.tell(row.id, EventKind.CAMPAIGN_AVAILABLE, network.told[row.entity_id])
    account.faults += _differences("order", expected.orders, {row.id: row.status for row in rows})
    children = await session.scalars(select(Campaign.parent_id).where(Campaign.parent_id.is_not(None)))
    account.faults += _differences("children", expected.children, Counter(children))


async def _moves(session: AsyncSession, expected: Expected, account: Account) -> None:
    """Every due move is in the history once."""
    subjects = (SubjectKind.PACKAGE, SubjectKind.ORDER, SubjectKind.CAMPAIGN)
    rows = await session.execute(
        select(History.subject_id, History.action).where(History.subject.in_(subjects), History.action.in_(MOVES))
    )
    moved = Counter((row.subject_id, row.action) for row in rows)
    account.moves, account.doubled = moved.total(), account.doubled + more_than_once(moved)
    account.faults += _differences("move", expected.moves, moved)


async def _people(session: AsyncSession, expected: Expected, account: Account) -> None:
    """Everybody is told of everything once, and a reminder is an event once."""
    subject = func.coalesce(Event.order_id, Event.package_id).label("subject")
    rows = await session.execute(
        select(subject, Event.kind, Notification.operator_id).join(Event, Event.id == Notification.event_id)
    )
    told = Counter((row.subject, row.kind, row.operator_id) for row in rows)
    account.doubled += more_than_once(told)
    for key in expected.may:
        expected.must[key] = max(expected.must[key], min(told[key], 1))
    account.faults += _differences("told", +expected.must, told)
    sent = await session.scalar(select(func.count()).where(Reminder.status == ReminderStatus.SENT))
    events = await session.scalar(select(func.count()).where(Event.kind.in_(REMINDERS)))
    account.faults += _differences("reminders", {"sent": sent}, {"sent": events})


async def _mails(session: AsyncSession, accepted: Counter[UUID], account: Account) -> None:
    """Every message was accepted at least once, and marked as sent once."""
    dispatches = (await session.execute(select(Dispatch.id, Dispatch.status, Dispatch.notification_id))).all()
    notifications = await session.scalars(select(Notification.id))
    marks = Counter(UUID(id) for id in await session.scalars(text("SELECT dispatch_id FROM mark")))
    account.messages, account.accepted = len(dispatches), accepted.total()
    account.accepted_twice = more_than_once(accepted)
    account.doubled += more_than_once(marks)
    account.faults += _differences("mail", Counter(notifications), Counter(row.notification_id for row in dispatches))
    sent = {row.id: row.status for row in dispatches}
    account.faults += _differences("status", dict.fromkeys(sent, DispatchStatus.SENT), sent)
    account.faults += _differences("marked", dict.fromkeys(sent, 1), marks)
    account.faults += _differences("accepted", sent.keys(), accepted.keys())


def more_than_once(counted: Counter[Any]) -> int:
    return sum(number - 1 for number in counted.values())


def _jobs(expected: Expected, jobs: dict[str, list[str]]) -> Iterator[str]:
    """A job may begin again after a kill, but it ends, and never runs twice at a time."""
    yield from _differences("job", expected.jobs, {name for name, lines in jobs.items() if "done" in lines})


def _differences(what: str, wanted: Any, found: Any) -> Iterator[str]:
    """What is missing, what is too much, and what is otherwise."""
    if not hasattr(wanted, "get"):
        wanted, found = dict.fromkeys(wanted, True), dict.fromkeys(found, True)
    for key in wanted.keys() | found.keys():
        if wanted.get(key) != found.get(key):
            yield f"{what} {key}: {found.get(key)} instead of {wanted.get(key)}"
