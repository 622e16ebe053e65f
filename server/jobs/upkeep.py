"""What keeps the table of jobs right: work of dead processes, failed work, finished work. One statement each."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    TableClause,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from server.jobs.enqueue import JobKind, wake_ups_of
from server.jobs.tables import failed, in_state, jobs_table, milliseconds, results_table, waiting

LONGEST_WAIT = 3600
"""Seconds before a job that fails again and again is tried once more."""
AT_ONCE: Mapping[str, Any] = {
    "status": "ENQUEUED", "owner_xid": None, "started_at_epoch_ms": None, "completed_at": None,
}
"""What makes a job wait for the next free worker."""
WAKE_UPS_KEPT, WAKE_UPS_FOUND = timedelta(minutes=1), timedelta(hours=1)
"""Finished ones are deleted after the first; older than the second they wait for the others."""


def jobs_in(session: AsyncSession) -> TableClause:
    return jobs_table(session.get_bind().dialect.name)


async def busy_executors(session: AsyncSession) -> list[str]:
    """Who has begun a job and not ended it."""
    jobs = jobs_in(session)
    return list(await session.scalars(select(jobs.c.executor_id).where(in_state(jobs, "PENDING")).distinct()))


async def begun_by(session: AsyncSession, executor: str) -> set[str]:
    jobs = jobs_in(session)
    begun = select(jobs.c.workflow_uuid).where(in_state(jobs, "PENDING"), jobs.c.executor_id == executor)
    return set(await session.scalars(begun))


async def give_back(session: AsyncSession, executor: str) -> int:
    """The jobs that a dead process had begun wait again."""
    jobs = jobs_in(session)
    mine = (in_state(jobs, "PENDING"), jobs.c.executor_id == executor)
    return len((await session.scalars(update(jobs).where(*mine).values(AT_ONCE).returning(jobs.c.name))).all())


async def retry_failed(session: AsyncSession, now: datetime) -> None:
    """Failed jobs wait again after 2, 4, 8 … seconds."""
    jobs = jobs_in(session)
    due = (failed(jobs), retried_at(jobs) <= milliseconds(now))
    await session.execute(update(jobs).where(*due).values(AT_ONCE))


def retried_at(jobs: TableClause) -> ColumnElement[int]:
    """When a failed job is tried again, in milliseconds."""
    doubling = ((jobs.c.recovery_attempts <= attempts, 2**attempts) for attempts in range(1, 12))
    seconds = case(*doubling, else_=LONGEST_WAIT)
    return jobs.c.completed_at + 1000 * seconds


async def join_wake_ups(session: AsyncSession, kind: str, id: str) -> None:
    """A wake-up that begins stands for all others: what they were for is committed, so it will be seen."""
    jobs = jobs_in(session)
    others = (jobs.c.queue_name == kind, jobs.c.workflow_uuid.like(wake_ups_of(kind)), jobs.c.workflow_uuid != id)
    await session.execute(delete(jobs).where(or_(waiting(jobs), failed(jobs)), *others))


async def share_out(session: AsyncSession, kind: JobKind) -> None:
    """Jobs of an earlier version, which knew no shares, have one together: out of none they would not be begun."""
    jobs = jobs_in(session)
    left = or_(waiting(jobs), in_state(jobs, "PENDING"), in_state(jobs, "DELAYED"), failed(jobs))
    none = (jobs.c.queue_name == kind, jobs.c.queue_partition_key.is_(None))
    await session.execute(update(jobs).where(left, *none).values(queue_partition_key=kind))


async def forget(session: AsyncSession, now: datetime, kept: timedelta) -> None:
    """Deletes what was finished or canceled so long ago, and finished wake-ups: they tell nobody anything, and a busy
    server makes some every second. A plugin's job that was canceled stays, or the sweep would put it off anew."""
    jobs, results = jobs_in(session), results_table(session.get_bind().dialect.name)
    stays = and_(in_state(jobs, "CANCELLED"), jobs.c.name == JobKind.TYPE_JOB)
    recent = jobs.c.completed_at.between(milliseconds(now - WAKE_UPS_FOUND), milliseconds(now - WAKE_UPS_KEPT))
    for old in (
        and_(in_state(jobs, "SUCCESS", "CANCELLED"), jobs.c.completed_at < milliseconds(now - kept), ~stays),
        and_(in_state(jobs, "SUCCESS"), recent, jobs.c.workflow_uuid.like(wake_ups_of("%"))),
    ):
        gone = select(jobs.c.workflow_uuid).where(old)
        await session.execute(delete(results).where(results.c.workflow_uuid.in_(gone)))
        await session.execute(delete(jobs).where(old))


async def depth(session: AsyncSession) -> dict[tuple[str, str], int]:
    """How many jobs have not ended, by kind and dbos' word for their state."""
    jobs = jobs_in(session)
    states = (waiting(jobs), in_state(jobs, "PENDING"), in_state(jobs, "DELAYED"), failed(jobs))
    rows = await session.execute(union_all(*(
        select(jobs.c.name, jobs.c.status, func.count()).where(state).group_by(jobs.c.name, jobs.c.status)
        for state in states
    )))
    return {(name, status): count for name, status, count in rows}
