"""Looks for due moves every few seconds, on one process; survives errors and stops between two rounds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

log = structlog.get_logger(__name__)


@asynccontextmanager
async def repeating(seconds: float, work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Does `work` at once and then every so often, as long as the block runs. A round that fails is logged and the next
    one comes all the same; at the end of the block a running round is finished first."""
    stop = asyncio.Event()
    task = asyncio.create_task(_repeat(seconds, work, stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def _repeat(seconds: float, work: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await work()
        except Exception as error:
            log.error("round_failed", exc_info=error)
        try:
            await asyncio.wait_for(stop.wait(), seconds)
        except TimeoutError:
            continue
