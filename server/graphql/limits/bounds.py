"""Bounds what runs: how many operations at once, and how long each of them."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

from server.graphql.documents import DocumentRefusedError
from server.graphql.limits.deadlines import DeadlineError, Deadlines

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
        self._deadlines = Deadlines(seconds)
        self._at_once = self._free = at_once
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def run(self, work: Callable[[], Awaitable[T]], *, patient: bool = False) -> T:
        """Does the work when there is a place; TooBusyError when too many wait, unless it is patient; TooSlowError when
        it takes too long."""
        if self._free:
            self._free -= 1
        else:
            await self._place(patient)
        try:
            with self._deadlines:
                return await work()
        except DeadlineError:
            raise TooSlowError(self._deadlines.seconds) from None
        finally:
            self._leave()

    async def _place(self, patient: bool) -> None:
        """Waits until somebody leaves a place."""
        if len(self._waiting) >= self._at_once and not patient:
            raise TooBusyError
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._leave()  # it was ours already
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise

    def _leave(self) -> None:
        while self._waiting:
            if not (turn := self._waiting.popleft()).done():
                turn.set_result(None)
                return
        self._free += 1
