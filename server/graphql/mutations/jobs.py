"""Mutations of jobs: for administrators. Repeated, they are refused or change nothing more."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from server.graphql.fields import resolver
from server.graphql.mutations.inputs import INPUT
from server.graphql.mutations.problems import PROBLEMS, ProblemType
from server.graphql.mutations.running import attempt
from server.graphql.reading import Info
from server.graphql.types.jobs import JobType
from server.jobs.listing import cancel_job, find_job, retry_job


@strawberry.input(description="A job.")
class JobInput:
    id: str = strawberry.field(description="Its id.")


@strawberry.type(description="The job as it is now, or why it stays as it was.")
class JobPayload:
    job: JobType | None = strawberry.field(default=None, description="The job; null when the mutation was refused.")
    problems: list[ProblemType] = strawberry.field(default_factory=list, description=PROBLEMS)


@strawberry.type
class JobMutations:
    @resolver("Has a job that failed, waits for its time or was canceled begin at once.")
    async def retry_job(self, info: Info, input: Annotated[JobInput, INPUT]) -> JobPayload:
        return await _do(info, input.id, retry_job, "retry jobs")

    @resolver(
        "Has a job never begin (again). What it was for stays undone, unless something else asks for it. Refused for "
        "FAN_OUT, the rest of something that was begun (NOT_CANCELABLE)."
    )
    async def cancel_job(self, info: Info, input: Annotated[JobInput, INPUT]) -> JobPayload:
        return await _do(info, input.id, cancel_job, "cancel jobs")


async def _do(info: Info, id: str, act: Callable[[AsyncSession, str], Awaitable[None]], what: str) -> JobPayload:
    async def run() -> JobPayload:
        async with info.context.database.transaction() as session:
            info.context.work(session).require_admin(what)
            await act(session, id)
            return JobPayload(job=JobType.of(await find_job(session, id)))

    return await attempt(JobPayload, run)
