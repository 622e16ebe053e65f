"""Deadlines: one timer serves all blocks that may take equally long, since a timer for each would be the dearest part
of a small request."""

import asyncio
from typing import Any


class DeadlineError(Exception):
    """The task was late, and was stopped."""


class Deadlines:
    """`with deadlines:` ends in a DeadlineError when the block takes longer than `seconds` (0: for ever); a task is in
    it once at a time. Blocks end up late in the order in which they began."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._running: dict[Any, float] = {}
        self._late: set[Any] = set()
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        if self.seconds:
            loop = asyncio.get_running_loop()
            self._running[asyncio.current_task(loop)] = loop.time() + self.seconds
            self._timer = self._timer or loop.call_later(self.seconds, self._stop_the_late, loop)

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if self.seconds:
            task: Any = asyncio.current_task()
            self._running.pop(task, None)
            if task in self._late:
                self._late.discard(task)
                if isinstance(error, asyncio.CancelledError) and task.uncancel() == 0:
                    raise DeadlineError from None

    def _stop_the_late(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        for task, late_at in self._running.items():
            if late_at > loop.time():
                self._timer = loop.call_at(late_at, self._stop_the_late, loop)
                return
            if task not in self._late:
                self._late.add(task)
                task.cancel()
