"""Jobs of campaign types: after the commit, at least once, tried again when they fail."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from server.domain.record import TypeJob
from server.jobs.type_jobs import BATCH, run_type_jobs
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


async def run(world: World, at: datetime = NOW) -> int:
    return await run_type_jobs(world.database, world.types, at)


def a_job(**fields: Any) -> TypeJob:
    defaults = {"type": "every_hook", "name": "published", "arguments": {"package": "CAT1"}, "due_at": NOW}
    return TypeJob(**defaults | fields)


async def test_a_job_is_run_after_the_commit_that_asked_for_it(world: World) -> None:
    world = await a_world(world)
    package = await world.published("every_hook")
    assert await run(world) == 1
    assert Flaky.done == [("published", {"package": package.code})]


async def test_a_job_that_is_done_is_not_run_again(world: World) -> None:
    world = await a_world(world)
    await given(world.database, a_job())
    assert [await run(world), await run(world, NOW + DAY)] == [1, 0]
    job = await world.read(TypeJob)
    assert (job.attempts, job.done_at, len(Flaky.done)) == (1, NOW, 1)


async def test_a_job_is_not_run_before_it_is_due(world: World) -> None:
    world = await a_world(world)
    await given(world.database, a_job(due_at=NOW + SECOND))
    assert [await run(world), await run(world, NOW + SECOND)] == [0, 1]


async def test_a_job_that_fails_waits_twice_as_long_each_time(world: World) -> None:
    world = await a_world(world, failing=3)
    await given(world.database, a_job())
    waits, at = [], NOW
    for _ in range(3):
        await run(world, at)
        job = await world.read(TypeJob)
        waits.append(job.due_at - at)
        at = job.due_at
    assert waits == [2 * SECOND, 4 * SECOND, 8 * SECOND]
    assert await run(world, at) == 1
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
    assert await run(world) == 0
    job = await world.read(TypeJob)
    assert (job.done_at, "ConnectionError: no route to the printer" in job.last_error) == (None, True)


async def test_one_that_fails_holds_up_no_other(world: World) -> None:
    world = await a_world(world, failing=1)
    await given(world.database, a_job(), a_job(name="approved", due_at=NOW + SECOND))
    assert await run(world, NOW + SECOND) == 1
    assert [name for name, _ in Flaky.done] == ["approved"]


async def test_the_longest_due_come_first_a_batch_at_a_time(world: World) -> None:
    world = await a_world(world)
    jobs = [a_job(arguments={"number": number}, due_at=NOW - number * SECOND) for number in range(BATCH + 5)]
    await given(world.database, jobs)
    assert [await run(world), await run(world), await run(world)] == [BATCH, 5, 0]
    assert [arguments["number"] for _, arguments in Flaky.done] == list(reversed(range(BATCH + 5)))


async def test_a_job_of_a_type_that_is_gone_waits_for_it(world: World) -> None:
    """[3.2]"""
    world = await a_world(world)
    await given(world.database, a_job())
    assert [await run(world.without_types()), await run(world)] == [0, 1]


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
