"""Jobs are done: once each, alone where there is one of a kind, also when workers die, fail or stop."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.database import Database
from server.jobs import engine
from server.jobs.engine import Jobs
from server.jobs.enqueue import JobKind, enqueue
from server.jobs.listing import JobState, cancel_job, list_jobs
from server.jobs.locks import locks_of
from server.jobs.tables import jobs_table, milliseconds, results_table
from server.jobs.upkeep import forget
from tests.chaos.waiting import until
from tests.jobs.doing import another_process, engine_of, marking, marks_of

ANY = tuple(JobState)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BEAT_SECONDS", 0.2)


async def put(database: Database, kind: JobKind, key: str = "", at: datetime | None = None, **arguments: Any) -> None:
    share = "bingo" if kind in engine.SHARES else None
    async with database.transaction() as session:
        enqueue(session, kind, key, at=at, share=share, **arguments)


async def states(database: Database) -> dict[str, JobState]:
    async with database.reading() as session:
        return {job.id: job.state for job in await list_jobs(session, ANY)}


def has(database: Database, id: str, state: JobState) -> Callable[[], Awaitable[bool]]:
    async def there() -> bool:
        return (await states(database)).get(id) is state

    return there


def noting(done: list[Any]) -> Jobs:
    async def do(arguments: dict[str, Any]) -> None:
        done.append(arguments)

    return dict.fromkeys(JobKind, do)


async def test_a_job_is_done_with_its_arguments(database: Database) -> None:
    done: list[Any] = []
    async with engine_of(database, noting(done)).running():
        await put(database, JobKind.FAN_OUT, "one", entities=["Paris", "Göteborg"], number=3)
        assert await until(has(database, "fan_out:one", JobState.DONE))
    assert done == [{"entities": ["Paris", "Göteborg"], "number": 3}]


async def test_dbos_looks_into_no_queue_while_nothing_waits(database: Database) -> None:
    engine = engine_of(database, noting([]))
    async with engine.running():
        assert [engine._dbos._sys_db.dequeue_scopes(kind.value) for kind in JobKind] == [[]] * len(JobKind)


async def test_jobs_of_before_are_done_by_the_next_engine_of_the_process(database: Database) -> None:
    for name in ("one", "two"):
        done: list[Any] = []
        await put(database, JobKind.TYPE_JOB, name, name=name)
        async with engine_of(database, noting(done)).running():
            assert await until(has(database, f"type_job:{name}", JobState.DONE))
        assert done == [{"name": name}]


async def test_a_job_is_not_begun_before_its_time(database: Database) -> None:
    done: list[datetime] = []

    async def do(_: dict[str, Any]) -> None:
        done.append(datetime.now(UTC))

    at = datetime.now(UTC) + timedelta(seconds=1)
    async with engine_of(database, {JobKind.ADVANCE: do}).running():
        await put(database, JobKind.ADVANCE, "soon", at=at)
        assert await until(has(database, "advance:soon", JobState.DONE))
    assert done[0] >= at - timedelta(milliseconds=1)  # which is all that dbos keeps of a moment


async def test_one_wake_up_stands_for_all_that_wait(database: Database) -> None:
    done: list[Any] = []
    for _ in range(5):
        await put(database, JobKind.DELIVER)

    async def nothing_left() -> bool:
        return bool(done) and not set((await states(database)).values()) & {JobState.QUEUED, JobState.RUNNING}

    async with engine_of(database, noting(done)).running():
        assert await until(nothing_left)
    assert len(done) == 1


async def test_a_job_that_fails_is_seen_and_tried_again(database: Database) -> None:
    shown: list[Any] = []

    async def do(_: dict[str, Any]) -> None:
        if not shown:
            raise ValueError("the shop is closed")

    async def failed() -> bool:
        async with database.reading() as session:
            shown.extend(await list_jobs(session, (JobState.FAILED,)))
        return bool(shown)

    async with engine_of(database, {JobKind.FAN_OUT: do}).running():
        await put(database, JobKind.FAN_OUT, "one")
        assert await until(failed)
        assert await until(has(database, "fan_out:one", JobState.DONE))
    assert (shown[0].id, shown[0].attempts, shown[0].error) == ("fan_out:one", 1, "ValueError: the shop is closed")
    assert timedelta(seconds=1) < shown[0].until - shown[0].created_at  # it waits, and the longer the more often


async def test_what_does_not_end_in_time_is_left_to_others(database: Database, tmp_path: Path) -> None:
    block = tmp_path / "block"
    block.touch()
    async with engine_of(database, marking(tmp_path / "marks"), stop_seconds=0.1).running():
        await put(database, JobKind.TYPE_JOB, "slow", block=str(block))
        await put(database, JobKind.TYPE_JOB, "quick")
        assert await until(has(database, "type_job:quick", JobState.DONE))
        assert await until(has(database, "type_job:slow", JobState.RUNNING))
    assert await states(database) == {"type_job:quick": JobState.DONE, "type_job:slow": JobState.QUEUED}


async def test_a_job_that_is_nearly_done_is_finished_before_the_end(database: Database) -> None:
    begun, done = asyncio.Event(), []

    async def do(_: dict[str, Any]) -> None:
        begun.set()
        await asyncio.sleep(0.2)
        done.append(True)

    async with engine_of(database, {JobKind.SEND: do}).running():
        await put(database, JobKind.SEND, "one")
        await begun.wait()
    assert done and await states(database) == {"send:one": JobState.DONE}


async def test_the_job_of_a_killed_worker_is_done_by_another(database: Database, address: str, tmp_path: Path) -> None:
    marks, block = tmp_path / "marks", tmp_path / "block"
    block.touch()
    await put(database, JobKind.SEND, "one", block=str(block))

    async def begun() -> bool:
        return len(marks_of(marks)) > 0

    with another_process(address, marks) as worker:
        assert await until(begun)
        worker.kill()
        worker.wait()
    block.unlink()
    async with engine_of(database, marking(marks)).running():
        assert await until(has(database, "send:one", JobState.DONE))
    first, second, third = marks_of(marks)
    assert (first[0], second[0], third[0]) == ("begin", "begin", "end")
    assert first[1] != second[1] == third[1]


async def test_who_takes_over_is_told_whose_jobs_these_were(database: Database) -> None:
    buried: list[str] = []

    async def note(_: AsyncSession, dead: str) -> None:
        buried.append(dead)

    await begun_by_somebody(database, "ghost")
    engine = engine_of(database, noting([]), left_behind=note)
    async with engine.running():
        assert await until(has(database, "send:one", JobState.DONE))
    assert buried == ["ghost", engine.id]  # at its own end it leaves nothing to others but what it had begun


async def test_a_process_that_lost_its_lock_for_a_moment_keeps_its_jobs(database: Database, address: str) -> None:
    if database.is_sqlite:
        return  # no lock is lost there
    other, locks = Database(address), locks_of(database)
    await begun_by_somebody(database, "alive")
    taking_over = engine_of(other, noting([]))
    await taking_over._beat()  # it has no lock just now
    assert await locks.take("alive")
    await taking_over._beat()
    await locks.release("alive")
    await taking_over._beat()
    assert await states(database) == {"send:one": JobState.RUNNING}
    await taking_over._beat()
    assert await states(database) == {"send:one": JobState.QUEUED}
    await taking_over._locks.close()
    await locks.close()
    await other.dispose()


async def begun_by_somebody(database: Database, executor: str) -> None:
    await put(database, JobKind.SEND, "one")
    async with database.transaction() as session:
        jobs = jobs_table(session.get_bind().dialect.name)
        await session.execute(update(jobs).values(status="PENDING", executor_id=executor))


async def test_jobs_go_on_when_the_database_has_cut_every_connection(database: Database, address: str) -> None:
    if database.is_sqlite:
        return  # nobody can
    done: list[Any] = []
    async with engine_of(database, noting(done)).running():
        await put(database, JobKind.DELIVER, "before")
        assert await until(has(database, "deliver:before", JobState.DONE))
        async with database.engine.connect() as connection:
            await connection.execute(text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid != pg_backend_pid()"
            ))
        other = Database(address)  # which has no connection that was cut and does not know it yet
        await put(other, JobKind.DELIVER, "after")
        assert await until(has(other, "deliver:after", JobState.DONE))
    await other.dispose()
    assert len(done) == 2


async def test_two_workers_never_do_the_same_kind_at_once(database: Database, address: str, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    keys = {f"{number}" for number in range(10)}

    async def all_done() -> bool:
        return {mark[2] for mark in marks_of(marks) if mark[0] == "end" and len(mark) > 2} >= keys

    async def other_is_there() -> bool:
        return len(marks_of(marks)) >= 2

    with another_process(address, marks):
        await put(database, JobKind.ADVANCE)
        assert await until(other_is_there)
        async with engine_of(database, marking(marks)).running():
            for key in keys:
                await put(database, JobKind.ADVANCE, key, name=key)
            assert await until(all_done)
    seen = marks_of(marks)
    assert [mark[0] for mark in seen] == ["begin", "end"] * (len(seen) // 2)
    assert all(begin[1:] == end[1:] for begin, end in zip(seen[::2], seen[1::2], strict=True))


async def test_finished_jobs_are_forgotten_after_their_time_and_wake_ups_at_once(database: Database) -> None:
    await put(database, JobKind.FAN_OUT, "done")
    await put(database, JobKind.DELIVER)
    await put(database, JobKind.FAN_OUT, "waits", at=datetime(2100, 1, 1, tzinfo=UTC))

    async def both() -> bool:
        return list((await states(database)).values()).count(JobState.DONE) == 2

    async with engine_of(database, noting([])).running():
        assert await until(both)
    now = datetime.now(UTC)
    for later, left in ((timedelta(minutes=2), 2), (timedelta(days=7, minutes=1), 1)):
        async with database.transaction() as session:
            await forget(session, now + later, timedelta(days=7))
        assert len(await states(database)) == left
    async with database.reading() as session:
        results = results_table(session.get_bind().dialect.name)
        assert await session.scalar(select(func.count()).select_from(results)) == 0


async def test_a_canceled_job_of_a_plugin_stays_and_is_not_begun_anew_by_the_sweep(database: Database) -> None:
    ids = ("type_job:one", "advance:one")
    for kind in (JobKind.TYPE_JOB, JobKind.ADVANCE):
        await put(database, kind, "one")
    async with database.transaction() as session:
        for id in ids:
            await cancel_job(session, id)
        await forget(session, datetime.now(UTC) + timedelta(days=8), timedelta(days=7))
    await put(database, JobKind.TYPE_JOB, "one")
    assert await states(database) == {"type_job:one": JobState.CANCELED}


async def test_waits_grow_with_the_attempts(database: Database) -> None:
    await put(database, JobKind.FAN_OUT, "one")
    ended = datetime(2026, 11, 1, tzinfo=UTC)
    waits = []
    for attempts in (1, 2, 5, 50):
        async with database.transaction() as session:
            jobs = jobs_table(session.get_bind().dialect.name)
            await session.execute(update(jobs).values(
                status="ERROR", recovery_attempts=attempts, completed_at=milliseconds(ended),
            ))
            [job] = await list_jobs(session)
            waits.append((job.until - ended).total_seconds())  # type: ignore[operator]  # it failed
    assert waits == [2, 4, 32, 3600]
