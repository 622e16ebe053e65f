"""Jobs of campaign types: after the commit, at least once, tried again when they fail."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest
from sqlalchemy import select

from server.domain.base import new_id
from server.domain.record import TypeJob
from server.jobs.enqueue import JobKind
from server.jobs.tables import jobs_table
from server.services.type_jobs import TypeJobs
from tests.builders import DAY, NOW, given
from tests.plugins.every_hook import EveryHook
from tests.services.conftest import World

SECOND = timedelta(seconds=1)


class Flaky(EveryHook):
    """Fails as often as `failing` says."""

    failing = 0
    done: list[tuple[str, Mapping[str, Any]]] = []

    def run_job(self, name: str, arguments: Mapping[str, Any]) -> None:
        if Flaky.failing:
            Flaky.failing -= 1
            raise ConnectionError("no route to the printer")
        Flaky.done.append((name, arguments))


async def a_world(world: World, failing: int = 0) -> World:
    Flaky.failing, Flaky.done = failing, []
    return await world.with_type(Flaky)


async def run(world: World, at: datetime = NOW, **where: Any) -> bool:
    job = await world.read(TypeJob, **where)
    return await TypeJobs(world.database, world.types, world.settings).run(job.id, at)


def a_job(**fields: Any) -> TypeJob:
    defaults = {"id": new_id(), "type": "every_hook", "name": "published", "arguments": {"package": "CAT1"}}
    return TypeJob(**defaults | {"due_at": NOW} | fields)


async def woken(world: World) -> list[str]:
    """The jobs of types that are enqueued: which, and when."""
    async with world.database.reading() as session:
        jobs = jobs_table(session.get_bind().dialect.name)
        return list(await session.scalars(
            select(jobs.c.workflow_uuid).where(jobs.c.name == JobKind.TYPE_JOB.value).order_by(jobs.c.workflow_uuid)
        ))


def wake_up(job: TypeJob) -> str:
    return f"type_job:{job.id}@{job.due_at:%Y%m%dT%H%M%S%f}"


async def test_a_job_is_enqueued_with_the_commit_that_asks_for_it(world: World) -> None:
    world = await a_world(world)
    package = await world.published("every_hook")
    assert await woken(world) == [wake_up(await world.read(TypeJob))]
    assert await run(world)
    assert Flaky.done == [("published", {"package": package.code})]


async def test_so_are_those_of_many_orders(world: World) -> None:
    world = await a_world(world)
    await world.published(
        "every_hook", approval_mode="AUTOMATIC", campaign_available_at=NOW,
        campaign={"default_values": {"slogan": "Hi"}},
    )
    await world.advance(NOW)
    jobs = await world.all(TypeJob)
    assert [job.name for job in jobs] == ["published", "approved", "approved"]
    assert await woken(world) == sorted(wake_up(job) for job in jobs)


async def test_a_job_that_is_done_is_not_run_again(world: World) -> None:
    world = await a_world(world)
    await given(world.database, a_job())
    assert [await run(world), await run(world, NOW + DAY)] == [True, False]
    job = await world.read(TypeJob)
    assert (job.attempts, job.done_at, len(Flaky.done)) == (1, NOW, 1)


async def test_a_job_that_fails_waits_twice_as_long_each_time(world: World) -> None:
    world = await a_world(world, failing=3)
    await given(world.database, a_job())
    waits, at = [], NOW
    for _ in range(3):
        await run(world, at)
        job = await world.read(TypeJob)
        assert wake_up(job) in await woken(world)
        waits.append(job.due_at - at)
        at = job.due_at
    assert waits == [2 * SECOND, 4 * SECOND, 8 * SECOND]
    assert await run(world, at)
    job = await world.read(TypeJob)
    assert (job.attempts, job.done_at, job.last_error) == (4, at, "")


async def test_but_never_longer_than_an_hour(world: World) -> None:
    world = await a_world(world, failing=1)
    await given(world.database, a_job(attempts=100))
    await run(world)
    assert (await world.read(TypeJob)).due_at == NOW + timedelta(hours=1)


async def test_why_it_failed_stands_beside_it(world: World) -> None:
    world = await a_world(world, failing=1)
    await given(world.database, a_job())
    assert not await run(world)
    job = await world.read(TypeJob)
    assert (job.done_at, "ConnectionError: no route to the printer" in job.last_error) == (None, True)


class Hanging(Flaky):
    """Its job "published" ends when it is let go."""

    let_go = Event()

    def run_job(self, name: str, arguments: Mapping[str, Any]) -> None:
        if name == "published":
            Hanging.let_go.wait(60)
        Flaky.done.append((name, arguments))


@pytest.fixture
async def hanging(world: World) -> AsyncIterator[World]:
    Flaky.done, Hanging.let_go = [], Event()
    yield await world.with_type(Hanging)
    Hanging.let_go.set()


async def test_one_that_hangs_holds_up_no_other(hanging: World) -> None:
    """However many do: a pool of threads would be full."""
    stuck, fine = [a_job() for _ in range(50)], a_job(name="approved")
    await given(hanging.database, stuck, fine)
    jobs = TypeJobs(hanging.database, hanging.types, hanging.settings)
    waiting = [asyncio.create_task(jobs.run(job.id, NOW)) for job in stuck]
    assert await asyncio.wait_for(jobs.run(fine.id, NOW), 30)
    assert [name for name, _ in Flaky.done] == ["approved"]
    Hanging.let_go.set()
    assert all(await asyncio.gather(*waiting))


async def test_one_that_takes_too_long_counts_as_failed(hanging: World) -> None:
    """The setting `type_job_seconds`."""
    impatient = replace(hanging, settings=hanging.settings.model_copy(update={"type_job_seconds": 0.01}))
    await given(hanging.database, a_job())
    assert not await run(impatient)
    job = await hanging.read(TypeJob)
    assert (job.attempts, job.due_at, job.last_error) == (1, NOW + 2 * SECOND, "The job took longer than 0.01 seconds.")


async def test_a_job_of_a_type_that_is_gone_waits_for_it(world: World) -> None:
    """[3.2]"""
    world = await a_world(world)
    await given(world.database, a_job())
    assert not await run(world.without_types())
    job = await world.read(TypeJob)
    assert (job.attempts, job.last_error, job.due_at) == (0, "", NOW + timedelta(hours=1))
    assert await woken(world) == [wake_up(job)]
    assert await run(world, job.due_at)


async def test_a_job_that_was_forgotten_is_woken_once(world: World) -> None:
    """Such as one that an earlier version of the server had written."""
    world = await a_world(world)
    late, done, soon = a_job(), a_job(done_at=NOW), a_job(due_at=NOW + DAY)
    await given(world.database, late, done, soon)
    jobs = TypeJobs(world.database, world.types, world.settings)
    for _ in range(2):
        await jobs.wake(NOW + timedelta(hours=1))
    assert await woken(world) == [wake_up(late)]


async def test_a_crash_before_it_is_noted_down_runs_it_again(world: World) -> None:
    """At least once: the job itself must bear it."""
    world = await a_world(world)
    await given(world.database, a_job())

    class Crash(BaseException):
        pass

    class Crashing(Flaky):
        def run_job(self, name: str, arguments: Mapping[str, Any]) -> None:
            super().run_job(name, arguments)
            raise Crash

    crashing = await world.with_type(Crashing)
    with pytest.raises(Crash):
        await run(crashing)
    await run(world)
    assert (len(Flaky.done), (await world.read(TypeJob)).attempts) == (2, 1)


async def test_a_job_cannot_change_its_stored_arguments(world: World) -> None:
    class Writing(Flaky):
        def run_job(self, name: str, arguments: Any) -> None:
            arguments["package"] = "CAT2"

    world = await world.with_type(Writing)
    await given(world.database, a_job())
    await run(world)
    assert (await world.read(TypeJob)).arguments == {"package": "CAT1"}
