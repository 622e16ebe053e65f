"""`samverkan worker` and `samverkan jobs` as they are run."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert, select, update

from server.database import Database
from server.domain.record import Event, EventKind
from server.jobs.enqueue import JobKind, enqueue
from server.jobs.tables import jobs_table, milliseconds, results_table
from tests.builders import NOW
from tests.chaos.waiting import until
from tests.running import environment


def samverkan(address: str, folder: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "server", *arguments], env=environment(address, folder), capture_output=True, text=True,
    )
    return (done.stdout + done.stderr).splitlines()


@contextmanager
def working(address: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A worker that has said that it works."""
    variables = environment(address, folder) | {"SAMVERKAN_MAIL_FOLDER": str(folder / "mail")}
    command = [sys.executable, "-m", "server", "worker"]
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as worker:
        try:
            assert worker.stdout and any("samverkan works on" in line for line in worker.stdout)
            yield worker
        finally:
            worker.kill()


async def test_a_worker_does_the_jobs_and_stops_when_it_is_told_to(
    database: Database, address: str, tmp_path: Path
) -> None:
    async with database.transaction() as session:
        session.add(Event(kind=EventKind.TYPE_MESSAGE, at=NOW, payload={"receivers": "ENTITY", "text": "Hello."}))
        enqueue(session, JobKind.DELIVER)

    async def delivered() -> bool:
        async with database.reading() as session:
            return await session.scalar(select(Event.delivered_at)) is not None

    with working(address, tmp_path) as worker:
        assert await until(delivered)
        worker.send_signal(signal.SIGTERM)
        printed, _ = worker.communicate(timeout=30)
        assert (worker.returncode, printed.splitlines()[-1]) == (0, "Stopped.")


async def test_failed_jobs_are_listed_and_canceled_by_hand(database: Database, address: str, tmp_path: Path) -> None:
    async with database.transaction() as session:
        enqueue(session, JobKind.FAN_OUT, "waits")
        enqueue(session, JobKind.TYPE_JOB, "broken", share="bingo")
    async with database.transaction() as session:
        dialect, created = session.get_bind().dialect.name, datetime(2026, 11, 1, tzinfo=UTC)
        jobs, results = jobs_table(dialect), results_table(dialect)
        await session.execute(update(jobs).where(jobs.c.workflow_uuid == "type_job:broken").values(
            status="ERROR", recovery_attempts=3, created_at=milliseconds(created), completed_at=milliseconds(created),
        ))
        error = json.dumps({"name": "JobFailed", "message": "ValueError: [no] such package"})
        await session.execute(insert(results).values(workflow_uuid="type_job:broken", error=error))
    heading, row = samverkan(address, tmp_path, "jobs", "--failed")
    assert heading.split() == ["Id", "Kind", "Status", "Attempts", "Created", "Error"]
    assert row.split(maxsplit=8) == [
        "type_job:broken", "type_job", "failed,", "again", "at", "00:00:08", "3", "2026-11-01",
        "00:00:00  ValueError: [no] such package",
    ]
    assert samverkan(address, tmp_path, "jobs", "--cancel", "type_job:broken") == [
        "The job type_job:broken is canceled."
    ]
    [refusal] = samverkan(address, tmp_path, "jobs", "--cancel", "fan_out:waits")
    assert "some orders would be as they were" in refusal
    assert samverkan(address, tmp_path, "jobs", "--retry", "nothing") == ['error: There is no job "nothing".']
    _, row = samverkan(address, tmp_path, "jobs")
    assert row.startswith("fan_out:waits")
