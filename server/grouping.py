"""Group commit: transactions that would wait for each other share one commit, each in a savepoint of its own."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from server.observability import metrics
from server.sqlite_driver import driver_of, off_loop

MOST = 64
LONGEST = 0.05
"""Members of a group, and the seconds after which nobody joins it any more."""


class Turn:
    """A member's place: told when it may begin, tells when it has ended, told when its group has committed."""

    def __init__(self, alone: bool) -> None:
        loop = asyncio.get_running_loop()
        self.alone = alone
        self.begins: asyncio.Future[AsyncConnection] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.committed: asyncio.Future[None] = loop.create_future()


class Writer:
    """The one writer of a database. A task runs as long as there are members: it gives them the connection in turn, and
    commits when nobody stands behind. So a lone transaction commits at once, and while one commit is on its way to the
    disk, the next group gathers. A member that is cancelled, or whose block raises, takes back its own part only."""

    def __init__(self, engine: AsyncEngine, longest: float = LONGEST) -> None:
        self._engine = engine
        self._longest = longest
        self._queue: deque[Turn] = deque()
        self._running: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def member(self, options: dict[str, Any], *, alone: bool) -> AsyncIterator[AsyncSession]:
        """A session in its turn. The block's end returns once its group has committed."""
        turn = Turn(alone)
        self._queue.append(turn)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run(), context=Context())  # of no operation
        try:
            with metrics.WRITER_QUEUE.track_inprogress():
                connection = await turn.begins
            async with (
                off_loop(connection, alone),
                AsyncSession(connection, join_transaction_mode="create_savepoint", **options) as session,
                session.begin(),
            ):
                yield session
        finally:
            turn.ended.set_result(None)
        await turn.committed

    async def _run(self) -> None:
        while self._queue:
            await self._group()

    async def _group(self) -> None:
        """One commit for those who wait and those who come meanwhile."""
        members: list[Turn] = []
        try:
            async with self._engine.connect() as connection, connection.begin():
                ends = time.monotonic() + self._longest
                driver = await driver_of(connection)
                while turn := self._next(members, ends):
                    members.append(turn)
                    turn.begins.set_result(connection)
                    await turn.ended
                    driver.check_transaction()
        except BaseException as error:
            self._fail(members, error)
            if not isinstance(error, Exception):
                raise
        else:
            for turn in members:
                if not turn.committed.done():
                    turn.committed.set_result(None)

    def _next(self, members: list[Turn], ends: float) -> Turn | None:
        """Who is next in this group; None when it is to commit."""
        while self._queue and self._queue[0].begins.done():
            self._queue.popleft()  # was cancelled while it waited
        full = len(members) >= MOST or time.monotonic() >= ends
        if not self._queue or (members and (full or members[-1].alone or self._queue[0].alone)):
            return None
        return self._queue.popleft()

    def _fail(self, members: list[Turn], error: BaseException) -> None:
        """Nothing of the group is there. Without a transaction to begin with, the first of the queue hears it."""
        if not members and self._queue:
            turn = self._queue.popleft()
            if not turn.begins.done():
                turn.begins.set_exception(error)
        for turn in members:
            if not turn.committed.done():
                turn.committed.set_exception(error)
                turn.committed.exception()  # a member that failed by itself does not ask
