"""Each campaign type has its share of what runs at once: one whose jobs hang leaves the others some."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from server.database import Database
from server.jobs import engine
from server.jobs.enqueue import JobKind, enqueue
from server.jobs.listing import JobState, list_jobs
from tests.chaos.waiting import until
from tests.jobs.doing import engine_of, marking


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BEAT_SECONDS", 0.2)


async def jobs_in(database: Database, state: JobState) -> set[str]:
    async with database.reading() as session:
        return {job.id.removeprefix("type_job:") for job in await list_jobs(session, (state,))}


def are(database: Database, state: JobState, *ids: str) -> Callable[[], Awaitable[bool]]:
    async def there() -> bool:
        return await jobs_in(database, state) >= set(ids)

    return there


async def run_now(database: Database, many: int) -> bool:
    return len(await jobs_in(database, JobState.RUNNING)) == many


async def put(database: Database, share: str | None, *ids: str, block: Path = Path("/nothing")) -> None:
    async with database.transaction() as session:
        for id in ids:
            enqueue(session, JobKind.TYPE_JOB, id, share=share, block=str(block))


async def test_a_type_whose_jobs_hang_holds_up_no_other(database: Database, tmp_path: Path) -> None:
    block = tmp_path / "block"
    block.touch()
    hanging, fine = [f"bingo {n}" for n in range(9)], [f"raffle {n}" for n in range(6)]
    await put(database, "bingo", *hanging, block=block)
    async with engine_of(database, marking(tmp_path / "marks")).running():
        assert await until(lambda: run_now(database, 2))
        await put(database, "raffle", *fine)
        assert await until(are(database, JobState.DONE, *fine))
        assert len(await jobs_in(database, JobState.RUNNING)) == 2
        block.unlink()
        assert await until(are(database, JobState.DONE, *hanging))


async def test_all_types_together_have_no_more_than_there_is(database: Database, tmp_path: Path) -> None:
    block = tmp_path / "block"
    block.touch()
    types = [f"type {number}" for number in range(5)]
    for name in types:
        await put(database, name, name, block=block)
    async with engine_of(database, marking(tmp_path / "marks")).running():
        assert await until(lambda: run_now(database, engine.AT_ONCE[JobKind.TYPE_JOB]))
        block.unlink()
        assert await until(are(database, JobState.DONE, *types))
