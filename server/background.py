"""What this installation does later, and by which code: the same in the server itself and in a worker."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from server.channel import Reaches
from server.database import Database
from server.jobs.engine import Engine, Jobs, new_process
from server.jobs.enqueue import JobKind, enqueue
from server.jobs.loop import repeating
from server.jobs.upkeep import forget, share_out
from server.notifications.delivering import Deliveries
from server.notifications.queues import release
from server.notifications.sending import Sender
from server.notifications.wording.rendering import Renderer
from server.plugins import CampaignTypes, Channels
from server.services.alarms import rung_at
from server.services.due import Due
from server.services.fanning import FanOuts
from server.services.type_jobs import TypeJobs
from server.services.webhooks import seal_secrets
from server.settings import Settings

SAFETY_NET = (JobKind.ADVANCE, JobKind.DELIVER, JobKind.SEND)
"""Woken by every sweep: whatever was lost, or stands in a database from before, is found."""


class Background:
    """The jobs of one process, and the sweep that finds what was forgotten."""

    def __init__(
        self, database: Database, types: CampaignTypes, channels: Channels, settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._type_jobs = TypeJobs(database, types, settings)
        self._fan_outs = FanOuts(database, types, settings)
        id = new_process()
        sender = Sender(database, settings, channels, Renderer(types, settings), id)
        self.engine = Engine(
            database, jobs_of(database, types, channels, settings, clock, self._type_jobs, self._fan_outs, sender),
            poll_seconds=settings.poll_seconds, stop_seconds=settings.shutdown_seconds / 2, id=id,
            left_behind=self._release,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        if keys := self._settings.secret_keys:
            async with self._database.transaction() as session:
                await seal_secrets(session, keys)
        sweep = partial(self.engine.once, "sweep", self.sweep)
        async with self.engine.running(), repeating(self._settings.sweep_seconds, sweep):
            yield

    async def _release(self, session: AsyncSession, dead: str) -> None:
        await release(session, dead, self._clock())

    def idle(self) -> float | None:
        """Seconds since the engine's last sign of life; None when it does not run."""
        return self.engine.rounds.idle()

    async def sweep(self) -> None:
        """Wakes what may have been forgotten, and deletes jobs that were finished long ago."""
        now = self._clock()
        await self._type_jobs.wake(now)
        await self._fan_outs.wake()
        async with self._database.transaction() as session:
            for kind in SAFETY_NET:
                enqueue(session, kind)
            await share_out(session, JobKind.TYPE_JOB)
            await forget(session, now, timedelta(days=self._settings.job_days))


def jobs_of(
    database: Database, types: CampaignTypes, channels: Channels, settings: Settings, clock: Callable[[], datetime],
    type_jobs: TypeJobs, fan_outs: FanOuts, sender: Sender,
) -> Jobs:
    """Which coroutine does which kind of job, given the job's arguments."""
    due = Due(database, types, settings)
    people = [name for name, each in channels.items() if each.channel.reaches is Reaches.PEOPLE]
    deliveries = Deliveries(database, people)

    async def advance(arguments: dict[str, Any]) -> None:
        await due.advance(rung_at(clock(), arguments))

    async def deliver(_arguments: dict[str, Any]) -> None:
        await deliveries.deliver(clock())

    async def send(_arguments: dict[str, Any]) -> None:
        await sender.send(clock())

    async def fan_out(arguments: dict[str, Any]) -> None:
        await fan_outs.run(UUID(arguments["fan_out"]), clock())

    async def type_job(arguments: dict[str, Any]) -> None:
        await type_jobs.run(UUID(arguments["job"]), clock())

    return {
        JobKind.ADVANCE: advance, JobKind.DELIVER: deliver, JobKind.SEND: send, JobKind.FAN_OUT: fan_out,
        JobKind.TYPE_JOB: type_job,
    }
