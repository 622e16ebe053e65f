"""What a killed worker had in hand is sent by another one within seconds, not when its lease has run out [7]."""

import asyncio
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

from server.database import Database
from server.domain.notification import DispatchStatus
from server.jobs.enqueue import JobKind, enqueue
from server.plugins import CampaignTypes
from tests.chaos.chaos import environment, settings_of
from tests.chaos.post_office import mail_to
from tests.chaos.waiting import until
from tests.chaos.workers import workers
from tests.notifications.mailing import Mailing
from tests.smtp_sink import smtp_sink

SECONDS = 60
"""A third of the lease, on a machine that has other things to do."""


async def test_the_mail_in_the_hand_of_a_killed_worker_is_sent_by_the_next(
    database: Database, address: str, types: CampaignTypes, tmp_path: Path
) -> None:
    settings = settings_of(address, tmp_path)
    mailing = Mailing(database, types, settings)
    mails = [mailing.told(f"person{number}") for number in range(3)]
    for mail in mails:
        mail.due_at = mail.created_at = datetime.now(UTC)
    await mailing.begin()
    async with database.transaction() as session:
        enqueue(session, JobKind.SEND)
    async with smtp_sink() as sink:
        sink.gate = asyncio.Event()
        with workers(tmp_path, environment(settings) | mail_to(sink.port), number=1) as team:
            await asyncio.wait_for(sink.busy.wait(), 60)
            [pid] = team.alive
            os.kill(pid, signal.SIGKILL)
            team.start()
            sink.gate.set()

            async def all_sent() -> bool:
                return set(await mailing.statuses(*mails)) == {DispatchStatus.SENT}

            assert await until(all_sent, SECONDS)
    assert set(sink.receivers) == {f"person{number}@example.org" for number in range(3)}
