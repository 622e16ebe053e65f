"""Sends what is due: in batches under a lease, outside of every transaction, and marks each message on its own [7]."""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

import structlog
from sqlalchemy.exc import SQLAlchemyError

from server.channel import NotSent, Send, TryLater, Unreachable
from server.database import Database
from server.domain.notification import Dispatch, DispatchStatus
from server.jobs.enqueue import JobKind, enqueue
from server.notifications.letters import Letter, load_letters
from server.notifications.outcomes import Attempt, cancel, record, record_silence
from server.notifications.queues import Batch, Queue, claim, due_queues, postpone
from server.notifications.wording.rendering import Renderer
from server.observability import metrics
from server.plugins import Channels
from server.reads.ids import one_of
from server.settings import Settings

BUDGET_SECONDS = 60.0
"""After so long a queue lets others have their turn; with the waits of one message it is shorter than a lease."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Watch:
    """The time as it goes on from the moment that was given."""

    began: datetime
    since: float

    @property
    def elapsed(self) -> float:
        return monotonic() - self.since

    @property
    def now(self) -> datetime:
        return self.began + timedelta(seconds=self.elapsed)


class Sender:
    """At least once: a message is marked after it was taken, so that the only one that may go out twice is the one in
    hand when the process dies. Any number of senders may work at once."""

    def __init__(
        self, database: Database, settings: Settings, channels: Channels, renderer: Renderer, process: str = ""
    ) -> None:
        """`process`: whose claims these are, until it is found dead."""
        self._database, self._settings, self._channels, self._renderer = database, settings, channels, renderer
        self._process = process
        for name, each in channels.items():
            log.info("channel_ready", channel=name, target=each.channel.target())
        self._lanes = {name: asyncio.Semaphore(each.channel.lanes) for name, each in channels.items()}

    async def send(self, now: datetime) -> None:
        """Sends until nothing is due, a minute at most; what is left then has a job of its own."""
        watch = _Watch(now, monotonic())
        async with self._database.reading() as session:
            queues = await due_queues(session, self._channels.keys(), now)
        lanes = [queue for queue in queues for _ in range(self._lanes_of(queue))]
        results = await asyncio.gather(*(self._drain(queue, watch) for queue in lanes), return_exceptions=True)
        if errors := [each for each in results if isinstance(each, BaseException)]:
            raise errors[0]

    def _lanes_of(self, queue: Queue) -> int:
        """A webhook gets its events one after the other."""
        return 1 if queue.webhook_id else self._channels[queue.channel].channel.lanes

    async def _drain(self, queue: Queue, watch: _Watch) -> None:
        async with self._lanes[queue.channel]:
            while await self._send_some(queue, watch):
                pass

    async def _send_some(self, queue: Queue, watch: _Watch) -> bool:
        """One batch; whether there may be more to do."""
        async with self._database.transaction() as session:
            batch = await claim(session, queue, watch.now, self._process)
        if not batch.ids:
            return False
        async with self._database.reading() as session:
            found = await load_letters(session, queue, batch.ids, self._renderer, self._settings)
        if found.orphans:
            async with self._database.transaction() as session:
                await cancel(session, found.orphans)
            metrics.DISPATCHES.labels(queue.channel, DispatchStatus.CANCELED).inc(len(found.orphans))
        return await self._send_all(queue, batch, deque(found.letters), watch)

    async def _send_all(self, queue: Queue, batch: Batch, left: deque[Letter], watch: _Watch) -> bool:
        try:
            async with self._channels[queue.channel].channel.opened() as send:
                goes_on = True
                while left and goes_on and watch.elapsed < BUDGET_SECONDS:
                    goes_on = await self._send_one(queue, send, left[0], watch)
                    left.popleft()
        except asyncio.CancelledError:  # the process stops: only what is in hand waits for the lease
            await self._hand_back(batch, list(left)[1:], watch)
            raise
        except SQLAlchemyError:
            raise
        except Exception as error:
            await self._wait(queue, left, error, watch)
            return False
        if left:
            await self._hand_back(batch, left, watch)
        return goes_on and not left

    async def _send_one(self, queue: Queue, send: Send, letter: Letter, watch: _Watch) -> bool:
        """Whether the queue's next may be sent now, which an endpoint may ask not to do."""
        began, answer, error = monotonic(), None, None
        try:
            if letter.message is None:
                raise TryLater("The message cannot be made; the log has the cause.")
            answer = await send(letter.message)
        except Unreachable:
            raise
        except NotSent as refused:
            answer, error = refused.answer, refused
        except Exception as bug:  # of a channel: its other messages go on
            log.error("channel_failed", exc_info=bug, channel=queue.channel, dispatch=str(letter.dispatch.id))
            error = TryLater(f"The channel failed: {type(bug).__name__}; the log has the cause.")
        spent = round((monotonic() - began) * 1000)
        attempt = Attempt(letter.dispatch, watch.now, spent, answer, error)
        await self._mark(queue, attempt)
        return not (queue.webhook_id and attempt.asked > timedelta())

    async def _mark(self, queue: Queue, attempt: Attempt) -> None:
        async with self._database.transaction() as session:
            status = await record(session, self._channels[queue.channel].channel, queue, attempt)
        _tell(queue, attempt, status)

    async def _wait(self, queue: Queue, left: deque[Letter], error: Exception, watch: _Watch) -> None:
        """Nothing can be sent just now, be it the other side's fault or the channel's."""
        if not left:
            return
        silence = error if isinstance(error, Unreachable) else Unreachable(f"It failed: {type(error).__name__}")
        log.error(
            "channel_unreachable", exc_info=None if silence is error else error, channel=queue.channel,
            reason=silence.reason,
        )
        attempt = Attempt(left[0].dispatch, watch.now, 0, silence.answer, silence)
        leased = [letter.dispatch.id for letter in left]
        async with self._database.transaction() as session:
            channel = self._channels[queue.channel].channel
            status = await record_silence(session, channel, queue, attempt, leased)
        _tell(queue, attempt, status)

    async def _hand_back(self, batch: Batch, left: Iterable[Letter], watch: _Watch) -> None:
        """What there was no time for is due as before, by a job of its own."""
        mine = one_of(Dispatch.id, [letter.dispatch.id for letter in left]) & (Dispatch.due_at == batch.lease)
        async with self._database.transaction() as session:
            await postpone(session, mine, watch.began)
            enqueue(session, JobKind.SEND)


def _tell(queue: Queue, attempt: Attempt, status: DispatchStatus) -> None:
    """Metrics and log, without addresses and contents."""
    outcome = "RETRY" if status is DispatchStatus.PENDING else status.value
    metrics.DISPATCHES.labels(queue.channel, outcome).inc()
    if attempt.error:
        log.warning(
            "dispatch_failed", channel=queue.channel, dispatch=str(attempt.dispatch.id), outcome=outcome,
            answer=attempt.answer,
        )
