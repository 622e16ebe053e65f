"""The one way in which work is put off until after the commit: it is done at least once if the transaction commits, and
not at all if it does not."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

JOBS = "jobs"
"""Key in `session.info`: what is to be enqueued with the commit, by id."""


class JobKind(StrEnum):
    """What can be put off. The names are stored with the jobs and stay for ever."""

    ADVANCE = "advance"  # the due moves of this moment
    DELIVER = "deliver"  # events to notifications and dispatches
    SEND = "send"  # dispatches through their channels
    FAN_OUT = "fan_out"  # the chunks of one FanOut
    TYPE_JOB = "type_job"  # a RunJob effect of a campaign type


@dataclass(frozen=True, slots=True)
class Job:
    """`arguments` are JSON; `at`: not before."""

    id: str
    kind: JobKind
    at: datetime | None = None
    arguments: dict[str, Any] = field(default_factory=dict)


def enqueue(
    session: AsyncSession, kind: JobKind, key: str = "", *, at: datetime | None = None, **arguments: Any
) -> None:
    """Enqueues a job with the session's transaction. The same kind and key are one job, however often they are
    enqueued, also later and by others; without a key it is one job per transaction."""
    id = f"{kind}:{key}"
    session.info.setdefault(JOBS, {})[id] = Job(id, kind, at, arguments)
