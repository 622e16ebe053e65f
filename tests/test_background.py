"""The sweep: what was forgotten, or stands in a database without its jobs, is found [10.1]."""

from sqlalchemy import delete, select

from server.background import Background
from server.database import Database
from server.domain.base import new_id
from server.domain.later import FanOut, FanOutKind
from server.jobs.enqueue import JobKind, enqueue
from server.jobs.tables import jobs_table
from server.plugins import CampaignTypes, load_channels
from server.settings import Settings
from tests.builders import NOW, a_campaign, a_package, an_operator, given


async def test_a_sweep_wakes_what_has_lost_its_job_and_only_once(
    database: Database, types: CampaignTypes, settings: Settings
) -> None:
    owner, campaign = an_operator(), a_campaign()
    package = a_package(campaign, owner)
    begun, finished = (
        FanOut(id=new_id(), kind=FanOutKind.SUBSCRIBE, package_id=package.id, total=9, started_at=NOW, finished_at=end)
        for end in (None, NOW)
    )
    await given(database, owner, campaign, package, [begun, finished])
    jobs = jobs_table(database.url.get_backend_name())
    async with database.transaction() as session:
        await session.execute(delete(jobs))
    background = Background(database, types, load_channels(settings), settings, lambda: NOW)
    await background.sweep()
    await background.sweep()
    async with database.reading() as session:
        rows = (await session.execute(select(jobs.c.workflow_uuid, jobs.c.queue_name))).all()
    assert {kind for _, kind in rows} == {"advance", "deliver", "send", "fan_out"}
    assert [id for id, kind in rows if kind == "fan_out"] == [f"fan_out:{begun.id}"]


async def test_a_job_of_a_version_without_shares_has_one_after_the_sweep(
    database: Database, types: CampaignTypes, settings: Settings
) -> None:
    jobs = jobs_table(database.url.get_backend_name())
    async with database.transaction() as session:
        enqueue(session, JobKind.TYPE_JOB, "old")
        enqueue(session, JobKind.TYPE_JOB, "new", share="bingo")
    await Background(database, types, load_channels(settings), settings, lambda: NOW).sweep()
    async with database.reading() as session:
        shares = await session.execute(select(jobs.c.workflow_uuid, jobs.c.queue_partition_key).where(
            jobs.c.queue_name == JobKind.TYPE_JOB
        ))
    assert {tuple(row) for row in shares} == {("type_job:old", "type_job"), ("type_job:new", "bingo")}
