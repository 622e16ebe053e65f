"""Three workers that are killed again and again while operators work, and the account of it."""

import asyncio
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from server.database import Database
from server.plugins import CampaignTypes, load_campaign_types
from server.settings import Jobs, Settings
from tests.chaos import slow_type
from tests.chaos.accounting import Account, account_of, count_marks
from tests.chaos.network import make_network
from tests.chaos.post_office import accepted_by, mail_to
from tests.chaos.producing import Producer
from tests.chaos.stories import close, tell_all
from tests.chaos.waiting import LONG, busy, until, until_nothing_is_pending
from tests.chaos.workers import Workers, workers
from tests.smtp_sink import smtp_sink

FAN_OUT_FROM = 10
"""The audience of 30 is above it."""
KILLS_IN_A_ROUND = 6
"""Of stories, which is more than a hundred messages."""
SENDING = 0.02
"""Seconds that the mail server takes for a message, in which a worker may die."""


async def chaos(address: str, folder: Path, kills: int, seed: int, say: Callable[[str], None] = str) -> Account:
    """Kills so many workers on a migrated, empty database, and accounts for what came of the work."""
    types = CampaignTypes([*load_campaign_types(), *CampaignTypes.of({"chaos": slow_type.SlowType})])
    database, luck = Database(address), random.Random(seed)
    try:
        network = await make_network(database, types)
        await count_marks(database)
        async with smtp_sink() as sink:
            sink.pause = SENDING
            settings = settings_of(address, folder)
            producer = Producer(database, types, settings, network, luck)
            variables = slow_type.install(folder) | environment(settings) | mail_to(sink.port)
            with workers(folder, variables) as team:
                began = time.monotonic()
                await produce_while_killing(producer, team, kills, random.Random(seed))
                say(f"{len(team.started)} workers were started; waiting until nothing is pending")
                left = await until_nothing_is_pending(database, LONG)
                account = await account_of(
                    database, producer.expected, network, accepted_by(sink), slow_type.jobs_done(folder)
                )
        account.kills, account.seconds, account.pending = kills, time.monotonic() - began, sum(left.values())
        account.faults += [f"pending: {count} {what}" for what, count in left.items()]
        return account
    finally:
        await database.dispose()


async def produce_while_killing(producer: Producer, team: Workers, kills: int, luck: random.Random) -> None:
    """Operators work as long as workers die; what they have begun is told to its end."""
    killing = asyncio.create_task(team.kill_some(kills, luck, partial(busy, producer.database)))
    for killed in range(0, max(kills, 1), KILLS_IN_A_ROUND):
        await until(partial(enough_killed, team, killing, killed))
        await tell_all(producer)
    await asyncio.gather(killing, *producer.closing, *(close(producer, package) for package in producer.open_packages))


async def enough_killed(team: Workers, killing: asyncio.Task[None], number: int) -> bool:
    return killing.done() or team.killed >= number


def settings_of(address: str, folder: Path) -> Settings:
    documents = folder / "documents"
    return Settings(database=address, documents=documents, fan_out_from=FAN_OUT_FROM, jobs=Jobs.WORKERS)


def environment(settings: Settings) -> dict[str, str]:
    """The variables that give a process these settings, as far as they are not the defaults."""
    return {
        f"SAMVERKAN_{name.upper()}": str(value)
        for name, value in settings.model_dump(exclude_defaults=True, mode="json").items()
    }
