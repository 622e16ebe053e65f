"""Nothing runs for three days; on return the server does what fell due, and reminds nobody of the past [5.3, 5.4]."""

import random
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from server.database import Database
from server.domain.approval import Approval, Reminder, ReminderStatus
from server.domain.lifecycles import OrderStatus, PackageStatus
from server.domain.notification import Notification
from server.domain.order import Order
from server.domain.package import NoDecision, Package
from server.domain.record import Event, EventKind
from server.plugins import CampaignTypes
from server.settings import Settings
from tests.chaos.network import make_network
from tests.chaos.post_office import accepted_by, mail_to
from tests.chaos.producing import DAY, Producer, soon
from tests.chaos.stories import CHILDREN, SIMPLE
from tests.chaos.waiting import pending, until
from tests.running import running
from tests.smtp_sink import Sink, smtp_sink

BEFORE = timedelta(days=4)


@dataclass
class Left:
    """What was left when everything stopped: packages that start, end, are rejected and wait meanwhile, a draft, and an
    order whose campaign becomes available."""

    starts: Package
    ends: Package
    draft: Order
    offers: Package
    order: Order
    rejects: Package
    waits: Package


async def before_leaving(central: Producer) -> Left:
    """What operators did four days ago, with dates of the last three."""
    now, ours = soon(0), central.stores(2)
    still_open = {"start": now - 5 * DAY, "registration_deadline": now + 5 * DAY, "end": now + 9 * DAY}
    starts = await central.submitted(SIMPLE, ours, **still_open | {"start": now - 2 * DAY})
    ended = still_open | {"registration_deadline": now - 2 * DAY, "end": now - DAY}
    ends = await central.approved(await central.submitted(SIMPLE, ours, **ended))
    offers = await central.submitted(CHILDREN, ours, **still_open, campaign_available_at=now - DAY)
    order = await central.ordered(await central.approved(offers), ours[0])
    await central.confirmed(order)
    return Left(
        await central.approved(starts), ends, await central.drafted(ends, ours[0]), offers, order,
        rejects=await central.submitted(
            SIMPLE, ours, **still_open, approval_deadline=now - DAY, on_no_decision=NoDecision.REJECT,
        ),
        waits=await central.submitted(
            SIMPLE, ours, **still_open, approval_delay_hours=24 * 6,
            reminders=[{"at": (now + days * DAY).isoformat()} for days in (-2, -1, 1)],
        ),
    )


async def test_after_three_days_away_the_server_does_what_it_missed_and_skips_reminders(
    database: Database, types: CampaignTypes, settings: Settings, address: str, tmp_path: Path
) -> None:
    network = await make_network(database, types)
    left = await before_leaving(Producer(database, types, settings, network, random.Random(1), ago=BEFORE))

    async with smtp_sink() as sink:
        with running(address, tmp_path, **mail_to(sink.port)):
            assert await until(lambda: all_is_done(database, left, sink)), await pending(database)

    async with database.reading() as session:
        status = {row.id: row.status for row in await session.execute(select(Package.id, Package.status))}
        orders = {row.id: row.status for row in await session.execute(select(Order.id, Order.status))}
        kinds = list(await session.scalars(select(Event.kind)))
    assert [status[each.id] for each in (left.starts, left.ends, left.offers, left.rejects, left.waits)] == [
        PackageStatus.PUBLISHED, PackageStatus.ENDED, PackageStatus.PUBLISHED, PackageStatus.REJECTED,
        PackageStatus.PENDING_APPROVAL,
    ]
    assert (orders[left.draft.id], orders[left.order.id]) == (OrderStatus.EXPIRED, OrderStatus.AVAILABLE)
    assert await reminders_of(database, left.waits) == [
        ReminderStatus.SKIPPED, ReminderStatus.SKIPPED, ReminderStatus.SCHEDULED,
    ]
    assert EventKind.PACKAGE_APPROVAL_REMINDER not in kinds
    assert kinds.count(EventKind.PACKAGE_PUBLISHED) == 3
    assert set(accepted_by(sink).values()) == {1}


async def reminders_of(database: Database, package: Package) -> list[ReminderStatus]:
    async with database.reading() as session:
        return list(await session.scalars(
            select(Reminder.status).join(Approval, Approval.id == Reminder.approval_id)
            .where(Approval.package_id == package.id).order_by(Reminder.due_at)
        ))


async def all_is_done(database: Database, left: Left, sink: Sink) -> bool:
    """Whether the last of what was missed has happened, and everybody who was told of anything has the mail."""
    last = {EventKind.PACKAGE_REJECTED, EventKind.REGISTRATION_DEADLINE_REACHED, EventKind.CAMPAIGN_AVAILABLE}
    async with database.reading() as session:
        kinds = set(await session.scalars(select(Event.kind)))
        notifications = len((await session.scalars(select(Notification.id))).all())
    reminded = ReminderStatus.SKIPPED in await reminders_of(database, left.waits)
    mailed = notifications == len(sink.mails) and not (await pending(database)).keys() & {"events", "messages"}
    return last <= kinds and reminded and mailed
