"""Jobs are written with the transaction that asks for them, and only with it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dbos import DBOSClient, DBOSPortableJSONSerializer
from sqlalchemy import func, select, text

from server.database import Database
from server.jobs.enqueue import JobKind, enqueue
from server.jobs.tables import APPLICATION, SCHEMA, VERSION, jobs_table, sync_url

OF_THE_MOMENT = {"workflow_uuid", "created_at", "updated_at", "creator_xid", "inputs", "attributes"}
"""Also `attributes`, which are none in both, but dbos writes that as JSON on SQLite."""


async def rows(database: Database) -> list[dict[str, Any]]:
    table = "workflow_status" if database.is_sqlite else "dbos.workflow_status"
    async with database.reading() as session:
        found = await session.execute(text(f"SELECT * FROM {table} ORDER BY workflow_uuid"))
        return [dict(row._mapping) for row in found]


async def ids(database: Database) -> list[str]:
    return [row["workflow_uuid"] for row in await rows(database)]


async def test_a_job_is_there_when_the_transaction_commits(database: Database) -> None:
    async with database.transaction() as session:
        enqueue(session, JobKind.FAN_OUT, "one", number=1)
    [row] = await rows(database)
    assert (row["workflow_uuid"], row["status"]) == ("fan_out:one", "ENQUEUED")


async def test_a_job_is_not_there_when_the_transaction_is_rolled_back(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as session:
            enqueue(session, JobKind.FAN_OUT, "one")
            raise ZeroDivisionError
    assert await rows(database) == []


async def test_a_savepoint_of_a_service_does_not_write_the_jobs_of_its_transaction(database: Database) -> None:
    async with database.transaction() as session:
        enqueue(session, JobKind.FAN_OUT, "one")
        async with session.begin_nested():
            pass
        jobs = jobs_table(session.get_bind().dialect.name)
        assert await session.scalar(select(func.count()).select_from(jobs)) == 0
    assert await ids(database) == ["fan_out:one"]


async def test_the_same_key_twice_is_one_job_and_stays_as_it_is(database: Database) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    async with database.transaction() as session:
        enqueue(session, JobKind.ADVANCE, "one", at=later)
    before = await rows(database)
    async with database.transaction() as session:
        enqueue(session, JobKind.ADVANCE, "one")
        enqueue(session, JobKind.ADVANCE, "two")
    assert await ids(database) == ["advance:one", "advance:two"]
    assert (await rows(database))[:1] == before


async def test_a_job_waits_until_its_time(database: Database) -> None:
    later = datetime(2100, 1, 1, tzinfo=UTC)
    async with database.transaction() as session:
        enqueue(session, JobKind.ADVANCE, "later", at=later)
        enqueue(session, JobKind.ADVANCE, "past", at=datetime(2000, 1, 1, tzinfo=UTC))
    by_id = {row["workflow_uuid"]: row for row in await rows(database)}
    assert by_id["advance:later"]["status"] == "DELAYED"
    assert by_id["advance:later"]["delay_until_epoch_ms"] == later.timestamp() * 1000
    assert by_id["advance:past"]["status"] == "ENQUEUED"


async def test_a_wake_up_without_a_key_is_one_job_per_transaction(database: Database) -> None:
    for _ in range(2):
        async with database.transaction() as session:
            enqueue(session, JobKind.DELIVER)
            enqueue(session, JobKind.DELIVER)
    assert len(await ids(database)) == (1 if database.is_sqlite else 2)  # on SQLite one that waits is enough


@pytest.mark.parametrize("delay", [None, 3600])
async def test_the_row_is_the_one_that_dbos_itself_writes(database: Database, delay: int | None) -> None:
    """Whoever takes a new dbos learns here what its rows have become."""
    client = DBOSClient(
        system_database_url=sync_url(database.url), dbos_system_schema=SCHEMA, serializer=DBOSPortableJSONSerializer(),
        application_name=APPLICATION,
    )
    at = datetime.now(UTC) + timedelta(seconds=delay) if delay else None
    client.enqueue({
        "workflow_name": "fan_out", "queue_name": "fan_out", "workflow_id": "fan_out:theirs", "app_version": VERSION,
        "queue_partition_key": "bingo", **({"delay_seconds": delay} if delay else {}),
    }, {"number": 1})
    async with database.transaction() as session:
        enqueue(session, JobKind.FAN_OUT, "ours", at=at, share="bingo", number=1)
    [first, second] = client.list_workflows()
    client.destroy()
    assert first.input == second.input
    ours, theirs = await rows(database)
    differing = {name for name in ours if ours[name] != theirs[name]}
    assert differing <= OF_THE_MOMENT | ({"delay_until_epoch_ms"} if delay else set())
