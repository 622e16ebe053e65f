"""Bounds what runs: how many operations at once, and how long each of them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from server.graphql.documents import DocumentRefusedError

T = TypeVar("T")


class TooBusyError(DocumentRefusedError):
    """As many operations run and wait as this server takes on."""

    def __init__(self) -> None:
        message = "The server is busy: try again in a second."
        super().__init__([{"message": message, "extensions": {"code": "BUSY", "seconds": 1}}], 503,
                         (("retry-after", "1"),))


class TooSlowError(DocumentRefusedError):
    """The operation was stopped."""

    def __init__(self, seconds: float) -> None:
        message = (
            f"The operation was stopped after {seconds:g} seconds. A mutation may have been done nevertheless: sent "
            "again with its idempotencyKey it is not done twice."
        )
        super().__init__([{"message": message, "extensions": {"code": "TIMEOUT", "seconds": seconds}}], 504)


class Bounds:
    """At most `at_once` operations run, and as many wait; each is stopped after `seconds` (0: never), SQL included."""

    def __init__(self, seconds: float = 0, at_once: int = 1_000) -> None:
        self._seconds = seconds
        self._at_once = at_once
        self._waiting = 0
        self._places = asyncio.Semaphore(at_once)
        self._running: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, work: Callable[[], Awaitable[T]], *, patient: bool = False) -> T:
        """Does the work when there is a place; TooBusyError when too many wait, unless it is patient; TooSlowError when
        it takes too long."""
        await (self._places.acquire() if patient else self._place())
        task = self._begin()
        try:
            return await work()
        except asyncio.CancelledError:
            if task in self._late and task.uncancel() == 0:
                raise TooSlowError(self._seconds) from None
            raise
        finally:
            self._running.pop(task, None)
            self._late.discard(task)
            self._places.release()

    async def _place(self) -> None:
        if self._waiting >= self._at_once:
            raise TooBusyError
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1

    def _begin(self) -> asyncio.Task[Any]:
        """Notes when the current task will be late. One timer serves all, since they end up late in the order in which
        they began: a timer for each would be the dearest part of a small operation."""
        loop = asyncio.get_running_loop()
        task: asyncio.Task[Any] = asyncio.current_task()  # type: ignore[assignment]  # work is always some task's
        if self._seconds:
            self._running[task] = loop.time() + self._seconds
            self._timer = self._timer or loop.call_later(self._seconds, self._stop_the_late, loop)
        return task

    def _stop_the_late(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        for task, late_at in self._running.items():
            if late_at > loop.time():
                self._timer = loop.call_at(late_at, self._stop_the_late, loop)
                return
            if task not in self._late:
                self._late.add(task)
                task.cancel()
