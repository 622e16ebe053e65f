"""Does something every so often; survives errors and stops between two rounds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic

import structlog

from server.observability import metrics

log = structlog.get_logger(__name__)


class Rounds:
    """The loop as others see it: when it last began or ended a round, unless it runs no more."""

    def __init__(self) -> None:
        self.last: float | None = None

    def idle(self) -> float | None:
        """Seconds since its last sign of life; None when it does not run."""
        return None if self.last is None else monotonic() - self.last


@asynccontextmanager
async def repeating(
    seconds: float, work: Callable[[], Awaitable[None]], rounds: Rounds | None = None
) -> AsyncIterator[None]:
    """Does `work` at once and then every so often, as long as the block runs. A round that fails is logged and the next
    one comes all the same; at the end of the block a running round is finished first. `rounds` shows that it lives, and
    its rounds are counted."""
    stop = asyncio.Event()
    task = asyncio.create_task(_repeat(seconds, work, stop, rounds))
    try:
        yield
    finally:
        stop.set()
        await task


async def _repeat(
    seconds: float, work: Callable[[], Awaitable[None]], stop: asyncio.Event, rounds: Rounds | None
) -> None:
    try:
        while not stop.is_set():
            _live(rounds)
            done = await _round(work)
            _live(rounds)
            if rounds:
                metrics.ROUNDS.labels("done" if done else "failed").inc()
                if done:
                    metrics.LAST_ROUND.set_to_current_time()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), seconds)
    finally:
        if rounds:
            rounds.last = None


def _live(rounds: Rounds | None) -> None:
    if rounds:
        rounds.last = monotonic()


async def _round(work: Callable[[], Awaitable[None]]) -> bool:
    try:
        await work()
    except Exception as error:
        log.error("round_failed", exc_info=error)
        return False
    return True
