"""Where dbos keeps the jobs: tables of its own in our database, made by its own migrations."""

import logging
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import URL, BigInteger, ColumnElement, TableClause, Text, and_, column, literal_column, table

from server.database import async_url

APPLICATION = "samverkan"
VERSION = "1"
"""Constant: by default dbos takes a hash of the source, and after an update the jobs of before would never run."""
SCHEMA = "dbos"
"""Their schema on PostgreSQL. On SQLite they stand among ours."""
NAMES = frozenset({
    "application_versions", "dbos_migrations", "notifications", "operation_outputs", "queues", "streams",
    "workflow_events", "workflow_events_history", "workflow_input", "workflow_output", "workflow_schedules",
    "workflow_status",
})

TEXTS = frozenset({
    "workflow_uuid", "status", "name", "queue_name", "inputs", "serialization", "executor_id", "owner_xid",
    "application_name", "application_version", "queue_partition_key", "output", "error",
})

quiet = logging.getLogger("dbos")
quiet.addHandler(logging.NullHandler())  # with one of its own, dbos does not add one that writes to the console
quiet.setLevel(logging.ERROR)
quiet.addFilter(lambda record: "background workflow" not in record.getMessage())  # which `Engine` has logged already


@cache
def jobs_table(dialect: str) -> TableClause:
    """The rows that are jobs, with the columns that we use."""
    numbers = ("created_at", "updated_at", "completed_at", "started_at_epoch_ms", "delay_until_epoch_ms")
    return _table(
        "workflow_status", dialect, "workflow_uuid", "status", "name", "queue_name", "inputs", "serialization",
        "executor_id", "owner_xid", "application_name", "application_version", "queue_partition_key",
        "recovery_attempts", *numbers,
    )


@cache
def results_table(dialect: str) -> TableClause:
    return _table("workflow_output", dialect, "workflow_uuid", "output", "error")


def _table(name: str, dialect: str, *columns: str) -> TableClause:
    typed = [column(each, Text if each in TEXTS else BigInteger) for each in columns]
    return table(name, *typed, schema=None if dialect == "sqlite" else SCHEMA)


def in_state(jobs: TableClause, *words: str) -> ColumnElement[bool]:
    """The words stand in the SQL itself: only so the databases know which partial index has the rows."""
    if len(words) == 1:
        return jobs.c.status == literal_column(f"'{words[0]}'")
    return jobs.c.status.in_([literal_column(f"'{word}'") for word in words])


def waiting(jobs: TableClause) -> ColumnElement[bool]:
    """Jobs that a worker may begin; dbos has an index of these and of those that run."""
    return and_(in_state(jobs, "ENQUEUED"), in_state(jobs, "ENQUEUED", "PENDING"))


def failed(jobs: TableClause) -> ColumnElement[bool]:
    """Jobs that will be tried again; dbos' index of these holds others that ended badly too."""
    return and_(in_state(jobs, "ERROR"), in_state(jobs, "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"))


def milliseconds(moment: datetime) -> int:
    """As dbos writes moments."""
    return int(moment.timestamp() * 1000)


def is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    """For Alembic: whether a table of the database is one of the model's."""
    return kind != "table" or name not in NAMES


def sync_url(url: URL) -> str:
    """The address for dbos, which is synchronous. asyncpg calls `ssl` what libpq calls `sslmode`."""
    query = {("sslmode" if name == "ssl" else name): value for name, value in url.query.items()}
    return url.set(drivername=url.get_backend_name(), query=query).render_as_string(hide_password=False)


def make_tables(address: str) -> None:
    """Makes dbos' tables, or brings them to the version of the installed dbos."""
    from dbos import DBOS  # takes half a second, which most commands do not need

    DBOS.migrate(sync_url(async_url(address)), schema=SCHEMA)
