"""What stays open: WebSockets and event streams, counted in all and by address, and ended when the server stops."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from starlette.requests import HTTPConnection

from server.errors import Unauthenticated
from server.graphql.context import Context
from server.graphql.transport.request import BadRequestError
from server.settings import Settings

T = TypeVar("T")
ContextFactory = Callable[[HTTPConnection], Awaitable[Context]]


class Streams:
    """The open streams of one server."""

    def __init__(self, settings: Settings) -> None:
        self._most, self._most_per_address = settings.max_streams, settings.max_streams_per_address
        self._open: Counter[str] = Counter()
        self._stopping = asyncio.Event()

    def __len__(self) -> int:
        return self._open.total()

    def stop(self) -> None:
        """Ends the streams that the server itself cannot end."""
        self._stopping.set()

    async def stopped(self) -> None:
        await self._stopping.wait()

    def check_place(self, connection: HTTPConnection) -> None:
        """BadRequestError when there is no place for another stream."""
        if len(self) >= self._most or self._stopping.is_set():
            raise BadRequestError(503, "The server has no place for another stream now.", "TOO_MANY_STREAMS")
        if self._open[_address(connection)] >= self._most_per_address:
            raise BadRequestError(429, "Too many streams are open from this address.", "TOO_MANY_STREAMS")

    @contextmanager
    def counted(self, connection: HTTPConnection) -> Iterator[None]:
        """Holds a place that has just been checked."""
        address = _address(connection)
        self._open[address] += 1
        try:
            yield
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]


def _address(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client else ""


async def renewed(context_of: ContextFactory, connection: HTTPConnection) -> Context:
    """A context for the next event: who asks is looked up again, and a login that has ended is an error."""
    context = await context_of(connection)
    if context.token and context.visitor is None:
        raise Unauthenticated("The login has ended.")
    return context


async def finished(work: Coroutine[Any, Any, T]) -> T:
    """Lets work that has begun come to its end even if nobody waits for its result any more; a second cancellation,
    when the server cannot wait either, ends it."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            task.cancel()
        raise
