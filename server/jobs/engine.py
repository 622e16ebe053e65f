"""Runs jobs: dbos claims them, the process's own event loop does the work."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from time import perf_counter
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from server.database import Database
from server.errors import StartupError
from server.jobs.enqueue import JobKind
from server.jobs.locks import alone, locks_of
from server.jobs.loop import Rounds, repeating
from server.jobs.polling import Spared
from server.jobs.tables import APPLICATION, SCHEMA, VERSION, sync_url
from server.jobs.upkeep import begun_by, busy_executors, depth, give_back, join_wake_ups, retry_failed
from server.observability import metrics

AT_ONCE: Mapping[JobKind, int] = {
    JobKind.ADVANCE: 1, JobKind.DELIVER: 1, JobKind.SEND: 1, JobKind.FAN_OUT: 2, JobKind.TYPE_JOB: 4,
}
"""How many of a kind run at the same time in the whole installation. Their sum stays below POOL."""
SHARES: Mapping[JobKind, int] = {JobKind.TYPE_JOB: 2}
"""How many of those one campaign type may have: one whose jobs hang leaves the others some."""
POOL = 12
"""Connections of dbos. With fewer than jobs, dbos on SQLite comes to a halt."""
BEAT_SECONDS = 2.0
"""How often dead processes and failed jobs are looked for."""
KEEP_SECONDS = 0.5
"""How soon locks are ours again when their connection was lost: well before others have looked twice who is dead."""
WRITE_DOWN_SECONDS = 2.0
"""How long dbos may take at the end to write down how jobs ended; the others are done once more."""
WORD = 300
"""Characters that are kept of an error."""

Jobs = Mapping[JobKind, Callable[[dict[str, Any]], Awaitable[None]]]
LeftBehind = Callable[[AsyncSession, str], Awaitable[None]]
"""What else than its jobs a process leaves behind when it ends, by its id."""
log = structlog.get_logger(__name__)
_in_use = threading.Lock()


class JobFailed(Exception):
    """What is kept of a job's error."""


class Abandoned(BaseException):
    """The process stops: the job stays begun in the database, where the next one finds it. No Exception, which dbos
    would write down as the job's end."""


def new_process() -> str:
    """The id of a process that does jobs, for as long as it lives."""
    return uuid4().hex


class Engine:
    """Does the jobs of one database in this process, beside any number of others. dbos exists once per process."""

    def __init__(
        self, database: Database, work: Jobs, *, poll_seconds: float, stop_seconds: float, id: str = "",
        left_behind: LeftBehind | None = None,
    ) -> None:
        self.id = id or new_process()
        self.rounds = Rounds()
        self._database = database
        self._work = work
        self._stop_seconds = stop_seconds
        self._poll = poll_seconds
        self._left_behind = left_behind
        self._locks = locks_of(database)
        self._missed: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._abandoned: set[str] = set()
        self._stopping = False
        self._dbos: Any = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Claims and does jobs while the block runs. At its end begun jobs may end; those that take too long are left
        to others."""
        if not _in_use.acquire(blocking=False):
            raise RuntimeError("the jobs run in this process already")
        try:
            await self._locks.take(self.id)
            await self._beat()
            await asyncio.to_thread(self._launch, asyncio.get_running_loop())
            try:
                async with (
                    repeating(KEEP_SECONDS, self._locks.keep), repeating(BEAT_SECONDS, self._beat, self.rounds)
                ):
                    yield
            finally:
                await self._stop()
        finally:
            await self._locks.close()
            _in_use.release()

    def _launch(self, loop: asyncio.AbstractEventLoop) -> None:
        from dbos import DBOS, DBOSPortableJSONSerializer  # takes half a second, which most commands do not need
        from dbos._error import DBOSInitializationError

        self._dbos = DBOS(config={
            "name": APPLICATION, "system_database_url": sync_url(self._database.url), "dbos_system_schema": SCHEMA,
            "application_version": VERSION, "executor_id": self.id, "serializer": DBOSPortableJSONSerializer(),
            "sys_db_pool_size": POOL, "run_migrations": False, "log_level": "ERROR", "enable_otlp": False,
            "notification_coalesce_sec": 0.1,  # of messages between workflows, which there are not
        })
        for kind in self._work:
            DBOS.workflow(name=kind.value, max_recovery_attempts=None)(self._workflow(kind, loop))
        try:
            DBOS.launch()
        except DBOSInitializationError as error:
            DBOS.destroy(destroy_registry=True)
            raise StartupError("The jobs' tables are not those of this version: run `samverkan migrate`.") from error
        seconds = self._poll / 2  # a job waits until what is known is old enough, then until a thread comes around
        queues = {
            kind.value: DBOS.register_queue(
                kind.value, global_concurrency=AT_ONCE[kind], partition_concurrency=SHARES.get(kind),
                polling_interval_sec=seconds, on_conflict="always_update",
            )
            for kind in self._work
        }
        Spared(self._dbos._sys_db, queues, seconds)

    def _workflow(self, kind: JobKind, loop: asyncio.AbstractEventLoop) -> Callable[[dict[str, Any]], None]:
        def run(arguments: dict[str, Any]) -> None:
            """In a thread of dbos, which waits for the loop."""
            from dbos import DBOS

            asyncio.run_coroutine_threadsafe(self._track(kind, str(DBOS.workflow_id), arguments), loop).result()

        return run

    async def _track(self, kind: JobKind, id: str, arguments: dict[str, Any]) -> None:
        task = asyncio.create_task(self._do(kind, id, arguments))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await task
        except asyncio.CancelledError:
            self._abandoned.add(id)
            raise Abandoned from None

    async def _do(self, kind: JobKind, id: str, arguments: dict[str, Any]) -> None:
        """One job, alone where there is only one of its kind, whatever dbos believes: its limits count rows."""
        if self._stopping:
            raise asyncio.CancelledError
        if AT_ONCE[kind] > 1:
            await self._timed(kind, id, arguments)
            return
        async with alone(self._locks, kind):
            if "::" in id:
                async with self._database.transaction() as session:
                    await join_wake_ups(session, kind, id)
            await self._timed(kind, id, arguments)

    async def _timed(self, kind: JobKind, id: str, arguments: dict[str, Any]) -> None:
        began, outcome = perf_counter(), "abandoned"
        try:
            await self._work[kind](arguments)
            outcome = "done"
        except Exception as error:
            outcome = "failed"
            log.error("job_failed", kind=kind.value, id=id, exc_info=error)
            raise JobFailed(f"{type(error).__name__}: {error}"[:WORD]) from None
        finally:
            metrics.JOBS.labels(kind.value, outcome).inc()
            metrics.JOB_SECONDS.labels(kind.value).observe(perf_counter() - began)

    async def once(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Does `work` unless another process is doing so."""
        if await self._locks.take(name):
            try:
                await work()
            finally:
                await self._locks.release(name)

    async def _beat(self) -> None:
        """Takes over what dead processes had begun, and tries again what failed."""
        async with self._database.reading() as session:
            executors, found = await busy_executors(session), await depth(session)
        metrics.tell_jobs(found, [kind.value for kind in AT_ONCE])
        await self._bury(executor for executor in executors if executor != self.id)
        if any(status == "ERROR" for _, status in found):
            async with self._database.transaction() as session:
                await retry_failed(session, datetime.now(UTC))

    async def _bury(self, executors: Iterable[str]) -> None:
        """Takes over from those whose lock can be had; where a live one may lose it, when it can be had twice."""
        missed = set()
        for executor in executors:
            if await self._locks.take(executor):
                missed.add(executor)
                if self._locks.can_be_lost and executor not in self._missed:
                    await self._locks.release(executor)
                else:
                    await self._give_back(executor)
                    await self._locks.remove(executor)
        self._missed = missed

    async def _give_back(self, executor: str) -> None:
        async with self._database.transaction() as session:
            if self._left_behind:
                await self._left_behind(session, executor)
            if count := await give_back(session, executor):
                log.warning("jobs_given_back", jobs=count, of=executor)

    async def _stop(self) -> None:
        """dbos claims nothing any more, begun jobs get some time, and what has not ended then waits for others."""
        from dbos import DBOS

        self._stopping = True
        for event in self._dbos.background_thread_stop_events:
            event.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._stop_seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(WRITE_DOWN_SECONDS):
                while await self._begun() - self._abandoned:  # noqa: ASYNC110  # threads of dbos write it down
                    await asyncio.sleep(0.02)
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)
        await self._give_back(self.id)
        await self._locks.remove(self.id)

    async def _begun(self) -> set[str]:
        async with self._database.reading() as session:
            return await begun_by(session, self.id)
