"""Jobs: what is done later; for administrators."""

from datetime import datetime

import strawberry

from server.graphql.enums import describe
from server.jobs.enqueue import JobKind
from server.jobs.listing import JobRow, JobState

describe(JobKind, "JobKind", "What a job does.", {
    "ADVANCE": "Makes the moves that are due: publications, ends, deadlines, reminders.",
    "DELIVER": "Turns events into notifications and messages.",
    "SEND": "Sends messages through their channels.",
    "FAN_OUT": "Works on many rows in chunks, such as the orders of an automatic package.",
    "TYPE_JOB": "Runs a job of a campaign type.",
})
describe(JobState, "JobState", "What becomes of a job.", {
    "QUEUED": "Begins as soon as a worker is free.",
    "DELAYED": "Begins at its time.",
    "RUNNING": "Is being done.",
    "FAILED": "Ended with an error, and is tried again.",
    "DONE": "Is done.",
    "CANCELED": "Will not begin any more.",
})


@strawberry.type(name="Job", description="Something that is done later.")
class JobType:
    id: str = strawberry.field(description="Its id, which says what it is for; the same cause has the same id.")
    kind: JobKind = strawberry.field(description="What it does.")
    state: JobState = strawberry.field(description="What becomes of it.")
    attempts: int = strawberry.field(description="How often it was begun.")
    created_at: datetime = strawberry.field(description="Since when it is to be done.")
    until: datetime | None = strawberry.field(
        description="When it begins at the earliest or, if it failed, is tried again; null when nothing is planned."
    )
    error: str | None = strawberry.field(description="What it failed with; null when it did not.")

    @classmethod
    def of(cls, row: JobRow) -> "JobType":
        return cls(
            id=row.id, kind=row.kind, state=row.state, attempts=row.attempts, created_at=row.created_at,
            until=row.until, error=row.error or None,
        )
