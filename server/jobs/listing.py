"""Jobs as administrators see them, and what they can do about one."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, TableClause, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.errors import NotFound, Refused, refuse
from server.jobs.enqueue import JobKind
from server.jobs.tables import in_state, jobs_table, milliseconds, results_table
from server.jobs.upkeep import AT_ONCE, retried_at


class JobState(StrEnum):
    """What becomes of a job; stored are the words of dbos."""

    QUEUED = "ENQUEUED"
    DELAYED = "DELAYED"
    RUNNING = "PENDING"
    FAILED = "ERROR"
    DONE = "SUCCESS"
    CANCELED = "CANCELLED"


OPEN = (JobState.RUNNING, JobState.QUEUED, JobState.DELAYED, JobState.FAILED)
"""Jobs that have not ended: one that failed is tried again."""

HALF_DONE = (
    "is the rest of a publication or cancellation: without it some orders would be as they were, and who is concerned "
    "would not be told. Mend what it fails with, and retry it; what is published ends when its package is cancelled."
)


@dataclass(frozen=True, slots=True)
class JobRow:
    """`until`: when it begins at the earliest, and if it failed, when it is tried again; None when nothing is planned.
    `attempts`: how often it was begun."""

    id: str
    kind: JobKind
    state: JobState
    created_at: datetime
    until: datetime | None
    attempts: int
    error: str


async def list_jobs(
    session: AsyncSession, states: Collection[JobState] = OPEN, kinds: Collection[JobKind] = tuple(JobKind), *,
    first: int = 100, after: str = "",
) -> list[JobRow]:
    """The newest ones; after the job of that id, if one is named."""
    jobs, statement = _jobs(session)
    statement = statement.where(in_state(jobs, *states), jobs.c.name.in_(kinds))
    if after:
        last = await find_job(session, after)
        place = (jobs.c.created_at, jobs.c.workflow_uuid)
        statement = statement.where(_before(place, (milliseconds(last.created_at), last.id)))
    statement = statement.order_by(jobs.c.created_at.desc(), jobs.c.workflow_uuid.desc()).limit(first)
    return [_row(row) for row in await session.execute(statement)]


async def find_job(session: AsyncSession, id: str) -> JobRow:
    """NotFound when there is none with this id."""
    jobs, statement = _jobs(session)
    row = (await session.execute(statement.where(jobs.c.workflow_uuid == id))).one_or_none()
    if row is None:
        raise NotFound(f'There is no job "{id}".')
    return _row(row)


async def retry_job(session: AsyncSession, id: str) -> None:
    """Has it begin at once. Refused when it runs, waits already, or is done."""
    movable = (JobState.FAILED, JobState.DELAYED, JobState.CANCELED)
    await _move(session, id, movable, {**AT_ONCE, "recovery_attempts": 0, "delay_until_epoch_ms": None})


async def cancel_job(session: AsyncSession, id: str) -> None:
    """Has it never begin again. Refused when it runs or has ended, and when it is the rest of something that was
    begun."""
    if (await find_job(session, id)).kind is JobKind.FAN_OUT:
        raise refuse("NOT_CANCELABLE", f"The job {id} {HALF_DONE}", "id")
    movable = (JobState.QUEUED, JobState.DELAYED, JobState.FAILED)
    await _move(session, id, movable, {"status": "CANCELLED", "completed_at": milliseconds(datetime.now(UTC))})


async def _move(session: AsyncSession, id: str, movable: tuple[JobState, ...], values: dict[str, Any]) -> None:
    jobs, _ = _jobs(session)
    mine = (jobs.c.workflow_uuid == id, in_state(jobs, *movable))
    if await session.scalar(update(jobs).where(*mine).values(values).returning(jobs.c.workflow_uuid)) is None:
        raise _refusal(await find_job(session, id), movable)


def _refusal(job: JobRow, movable: tuple[JobState, ...]) -> Refused:
    wanted = ", ".join(state.name for state in movable)
    return refuse("ILLEGAL_TRANSITION", f"The job {job.id} is {job.state.name}; it must be one of {wanted}.", "id")


def _jobs(session: AsyncSession) -> tuple[TableClause, Select[Any]]:
    dialect = session.get_bind().dialect.name
    jobs, results = jobs_table(dialect), results_table(dialect)
    columns = (
        jobs.c.workflow_uuid, jobs.c.name, jobs.c.status, jobs.c.created_at, jobs.c.delay_until_epoch_ms,
        jobs.c.recovery_attempts, results.c.error, retried_at(jobs).label("retried_at"),
    )
    joined = jobs.outerjoin(results, results.c.workflow_uuid == jobs.c.workflow_uuid)
    return jobs, select(*columns).select_from(joined).where(jobs.c.name.in_(tuple(JobKind)))


def _before(place: tuple[Any, Any], last: tuple[int, str]) -> ColumnElement[bool]:
    (at, id), (last_at, last_id) = place, last
    return (at < last_at) | ((at == last_at) & (id < last_id))  # type: ignore[no-any-return]  # comparisons of columns


def _row(row: Any) -> JobRow:
    state = JobState(row.status)
    until = {JobState.DELAYED: row.delay_until_epoch_ms, JobState.FAILED: row.retried_at}.get(state)
    return JobRow(
        row.workflow_uuid, JobKind(row.name), state, _moment(row.created_at), until and _moment(until),
        row.recovery_attempts or 0, _message(row.error) if state is JobState.FAILED else "",
    )


def _moment(stored: int) -> datetime:
    return datetime.fromtimestamp(stored / 1000, UTC)


def _message(stored: str | None) -> str:
    """What dbos wrote of an error."""
    return str(json.loads(stored).get("message", "")) if stored else ""
