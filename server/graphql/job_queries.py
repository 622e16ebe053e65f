"""Root fields about jobs; for administrators."""

from typing import Annotated

import strawberry

from server.errors import InvalidArgument
from server.graphql.fields import resolver
from server.graphql.reading import Info
from server.graphql.types.jobs import JobType
from server.jobs.enqueue import JobKind
from server.jobs.listing import OPEN, JobState, list_jobs

MOST = 100
States = Annotated[list[JobState] | None, strawberry.argument(
    description="In one of these states; if left out, those that have not ended."
)]
Kinds = Annotated[list[JobKind] | None, strawberry.argument(description="Of one of these kinds; if left out, of any.")]
First = Annotated[int, strawberry.argument(description="How many, at most 100.")]
After = Annotated[str, strawberry.argument(description="The id of the last job that was read; empty for the newest.")]


@strawberry.type
class JobQueries:
    @resolver("What is done later, the newest first; for administrators.")
    async def jobs(
        self, info: Info, states: States = None, kinds: Kinds = None, first: First = 50, after: After = "",
    ) -> list[JobType] | None:
        if not 1 <= first <= MOST:
            raise InvalidArgument(f"first: give a number from 1 to {MOST}, not {first}.")
        async with info.context.database.reading() as session:
            info.context.work(session).require_admin("see jobs")
            rows = await list_jobs(session, states or OPEN, kinds or tuple(JobKind), first=first, after=after)
        return [JobType.of(row) for row in rows]
