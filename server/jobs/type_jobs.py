"""Jobs of campaign types: run after the commit that asked for them, at least once, tried again when they fail."""

import asyncio
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select

from server.database import Database
from server.domain.record import TypeJob
from server.errors import CampaignTypeFailed
from server.plugins import CampaignTypes

BATCH = 20
LONGEST_WAIT = timedelta(hours=1)
log = structlog.get_logger(__name__)


async def run_type_jobs(database: Database, types: CampaignTypes, now: datetime) -> int:
    """Runs the jobs that are due, and says how many were done. Jobs of a type that is not installed wait for it."""
    installed = [kind.name for kind in types]
    async with database.reading() as session:
        jobs = (await session.scalars(
            select(TypeJob)
            .where(TypeJob.done_at.is_(None), TypeJob.due_at <= now, TypeJob.type.in_(installed))
            .order_by(TypeJob.due_at, TypeJob.id).limit(BATCH)
        )).all()
    done = 0
    for job in jobs:
        try:
            await asyncio.to_thread(types.require(job.type).run_job, job.name, job.arguments)
            error = ""
            done += 1
        except CampaignTypeFailed as failure:
            error = str(failure)
        await _keep(database, job, error, now)
    return done


async def _keep(database: Database, job: TypeJob, error: str, now: datetime) -> None:
    """Writes down how the job went; a failed one waits twice as long each time."""
    async with database.transaction() as session:
        stored = await session.get_one(TypeJob, job.id)
        stored.attempts += 1
        stored.last_error = error
        if error:
            stored.due_at = now + min(timedelta(seconds=2**min(stored.attempts, 20)), LONGEST_WAIT)
            log.warning("type_job_failed", type=job.type, job=job.name, attempts=stored.attempts)
        else:
            stored.done_at = now
