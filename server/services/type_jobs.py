"""Jobs of campaign types: run after the commit that asked for them, at least once, tried again when they fail."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Thread
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.database import Database
from server.domain.record import TypeJob
from server.errors import CampaignTypeFailed
from server.jobs.enqueue import JobKind, enqueue
from server.plugins import CampaignTypes, InstalledType
from server.settings import Settings

LONGEST_WAIT = timedelta(hours=1)
FORGOTTEN = timedelta(minutes=10)
MOST_FORGOTTEN = 1_000
log = structlog.get_logger(__name__)


def put_off(session: AsyncSession, job_id: UUID, type: str, due_at: datetime) -> None:
    """Has the row's job run at that time, out of its type's share; once, however often this is called for it."""
    key = f"{job_id}@{due_at:%Y%m%dT%H%M%S%f}"
    enqueue(session, JobKind.TYPE_JOB, key, at=due_at, share=type, job=str(job_id))


class TypeJobs:
    """Runs them one by one, each by its id: the row says whether it is to be done, and how it went."""

    def __init__(self, database: Database, types: CampaignTypes, settings: Settings) -> None:
        self.database = database
        self.types = types
        self.settings = settings

    async def run(self, job_id: UUID, now: datetime) -> bool:
        """Runs the job unless it is done, and says whether that succeeded. One of a type that is not installed waits
        for it [3.2]."""
        async with self.database.reading() as session:
            job = await session.get(TypeJob, job_id)
        if job is None or job.done_at is not None:
            return False
        kind = self.types.get(job.type)
        error = await self._failure(kind, job) if kind else None
        await self._keep(job, error, now)
        return error == ""

    async def wake(self, now: datetime) -> None:
        """Puts off anew what should have been run some minutes ago: nothing where its wake-up is only late."""
        async with self.database.transaction() as session:
            forgotten = await session.execute(
                select(TypeJob.id, TypeJob.type, TypeJob.due_at)
                .where(TypeJob.done_at.is_(None), TypeJob.due_at < now - FORGOTTEN)
                .order_by(TypeJob.due_at.desc()).limit(MOST_FORGOTTEN)
            )
            for job in forgotten:
                put_off(session, *job)

    async def _failure(self, kind: InstalledType, job: TypeJob) -> str:
        """Runs the job; why it failed, or nothing."""
        try:
            async with asyncio.timeout(self.settings.type_job_seconds):
                await _in_its_own_thread(lambda: kind.run_job(job.name, job.arguments))
        except CampaignTypeFailed as failure:
            return str(failure)
        except TimeoutError:
            return f"The job took longer than {self.settings.type_job_seconds:g} seconds."
        return ""

    async def _keep(self, job: TypeJob, error: str | None, now: datetime) -> None:
        """Writes down how the job went; a failed one waits twice as long each time, one without its type (`error` is
        None) an hour."""
        async with self.database.transaction() as session:
            stored = await session.get_one(TypeJob, job.id, with_for_update=True)
            if stored.done_at is not None:
                return
            if error == "":
                stored.attempts, stored.last_error, stored.done_at = stored.attempts + 1, "", now
                return
            wait = LONGEST_WAIT
            if error:
                stored.attempts, stored.last_error = stored.attempts + 1, error
                wait = min(timedelta(seconds=2**min(stored.attempts, 20)), LONGEST_WAIT)
                log.warning("type_job_failed", type=job.type, job=job.name, attempts=stored.attempts)
            stored.due_at = now + wait
            put_off(session, job.id, job.type, stored.due_at)


async def _in_its_own_thread(call: Callable[[], None]) -> None:
    """Not one of a pool: a call that hangs takes nobody's place, and does not keep the process from ending. Whoever
    stops waiting leaves it behind."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: BaseException | None) -> None:
        if not done.done():
            done.set_exception(error) if error else done.set_result(None)

    def run() -> None:
        failure: BaseException | None = None
        try:
            call()
        except BaseException as error:
            failure = error
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, failure)

    Thread(target=run, name="type-job", daemon=True).start()
    await done
