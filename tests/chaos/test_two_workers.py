"""Several workers on one database: none does what another is doing."""

import random
from pathlib import Path

from sqlalchemy import select

from server.database import Database
from server.domain.later import FanOut
from server.plugins import CampaignTypes
from tests.chaos import slow_type
from tests.chaos.chaos import environment, settings_of
from tests.chaos.network import make_network
from tests.chaos.post_office import accepted_by, mail_to
from tests.chaos.producing import Producer
from tests.chaos.stories import close, plugin, subscribing
from tests.chaos.waiting import until_nothing_is_pending
from tests.chaos.workers import workers
from tests.smtp_sink import smtp_sink

ROUNDS = 6


async def test_three_workers_do_every_job_once(
    database: Database, address: str, types: CampaignTypes, tmp_path: Path
) -> None:
    types = CampaignTypes([*types, *CampaignTypes.of({"chaos": slow_type.SlowType})])
    network = await make_network(database, types)
    async with smtp_sink() as sink:
        settings = settings_of(address, tmp_path)
        producer = Producer(database, types, settings, network, random.Random(1))
        variables = slow_type.install(tmp_path) | environment(settings) | mail_to(sink.port)
        with workers(tmp_path, variables):
            for _ in range(ROUNDS):
                await plugin(producer)
            await subscribing(producer)
            for package in producer.open_packages:
                await close(producer, package)
            assert await until_nothing_is_pending(database, 60) == {}
    done = slow_type.jobs_done(tmp_path)
    async with database.reading() as session:
        assert (await session.scalars(select(FanOut.id))).all()
    assert [len(lines) for lines in done.values()] == [2] * ROUNDS
    assert set(accepted_by(sink).values()) == {1}
