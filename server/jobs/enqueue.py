"""The one way in which work is put off until after the commit: it is done at least once if the transaction commits, and
not at all if it does not."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any

import orjson
from sqlalchemy import BigInteger, ColumnElement, Insert, Text, bindparam, event, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from server.domain.base import new_id
from server.jobs.tables import APPLICATION, VERSION, jobs_table, milliseconds, waiting

JOBS = "jobs"
"""Key in `session.info`: what is to be enqueued with the commit, by id."""


class JobKind(StrEnum):
    """What can be put off. The names are stored with the jobs and stay for ever."""

    ADVANCE = "advance"  # the due moves of this moment
    DELIVER = "deliver"  # events to notifications and dispatches
    SEND = "send"  # dispatches through their channels
    FAN_OUT = "fan_out"  # the chunks of one FanOut
    TYPE_JOB = "type_job"  # a RunJob effect of a campaign type


@dataclass(frozen=True, slots=True)
class Job:
    """`arguments` are JSON; `at`: not before; `share`: out of whose share, for kinds that have some. Without all
    but a kind it is a wake-up, and one that waits is enough."""

    id: str
    kind: JobKind
    at: datetime | None = None
    share: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)


def enqueue(
    session: AsyncSession | Session, kind: JobKind, key: str = "", *, at: datetime | None = None,
    share: str | None = None, **arguments: Any,
) -> None:
    """Enqueues a job with the session's transaction. The same kind and key are one job, however often they are
    enqueued, also later and by others; without a key it is one job per transaction."""
    id = f"{kind}:{key}"
    session.info.setdefault(JOBS, {})[id] = Job(id, kind, at, share, arguments)


def wake_ups_of(kind: str) -> str:
    """What the ids of a kind's wake-ups are like in SQL; those of jobs with a key have one colon."""
    return f"{kind}::%"


@event.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    """Writes what was collected, once per transaction and not for its savepoints; in the order of the ids, so that two
    transactions with the same ones do not wait for each other."""
    if session.in_nested_transaction():
        return
    session.flush()  # whose hooks may enqueue
    if jobs := session.info.pop(JOBS, None):
        connection = session.connection()
        rows = [_row(jobs[id]) for id in sorted(jobs)]
        connection.execute(_insert(connection.dialect.name), rows)


def _row(job: Job) -> dict[str, Any]:
    """The row as dbos itself would write it (tests/jobs/test_enqueue.py), with the arguments in the column that dbos
    still reads, so that it is one row and not two."""
    now = datetime.now(UTC)
    later = job.at is not None and job.at > now
    return {
        "id": f"{job.id}:{new_id().hex}" if job.id.endswith(":") else job.id,
        "kind": job.kind.value,
        "status": "DELAYED" if later else "ENQUEUED",
        "until": milliseconds(job.at) if job.at and later else None,
        "now": milliseconds(now),
        "share": job.share,
        "inputs": orjson.dumps({"namedArgs": {}, "positionalArgs": [job.arguments]}).decode(),
        "alike": wake_ups_of(job.kind) if job.id.endswith(":") and not (job.at or job.arguments) else "",
    }


@cache
def _insert(dialect: str) -> Insert:
    """An id that is there stays as it is. SQLite has one writer at a time, so there a wake-up that still waits will see
    what this transaction did, and is enough; on PostgreSQL it may already have begun: see `Engine`."""
    jobs = jobs_table(dialect)
    kind, now = bindparam("kind", type_=Text), bindparam("now", type_=BigInteger)
    values: dict[str, ColumnElement[Any]] = {
        "workflow_uuid": bindparam("id", type_=Text), "name": kind, "queue_name": kind,
        "status": bindparam("status", type_=Text), "created_at": now, "updated_at": now,
        "delay_until_epoch_ms": bindparam("until", type_=BigInteger), "inputs": bindparam("inputs", type_=Text),
        "serialization": literal("portable_json"), "application_name": literal(APPLICATION),
        "application_version": literal(VERSION), "queue_partition_key": bindparam("share", type_=Text),
    }
    row = select(*list(values.values()))
    if dialect == "postgresql":
        return postgresql.insert(jobs).from_select(list(values), row).on_conflict_do_nothing()
    alike = jobs.c.workflow_uuid.like(bindparam("alike", type_=Text))
    row = row.where(~select(jobs.c.workflow_uuid).where(jobs.c.queue_name == kind, waiting(jobs), alike).exists())
    return sqlite.insert(jobs).from_select(list(values), row).on_conflict_do_nothing()
