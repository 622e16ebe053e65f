"""GraphQL over server-sent events: graphql-sse in its mode of distinct connections."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import Receive, Send

from server.graphql.answers import Answer, masked
from server.graphql.transport.streams import Streams
from server.settings import Settings

COMPLETE = b"event: complete\ndata:\n\n"
COMMENT = b":\n\n"
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


def event(answer: Answer) -> bytes:
    return b"event: next\ndata: " + answer.body + b"\n\n"


class EventStream:
    """The answers of a subscription, as long as the client listens, reads, and the server runs."""

    def __init__(
        self, connection: HTTPConnection, answers: AsyncGenerator[Answer, None], streams: Streams, settings: Settings
    ) -> None:
        self._connection, self._answers, self._streams, self._settings = connection, answers, streams, settings

    async def __call__(self, receive: Receive, send: Send) -> None:
        with self._streams.counted(self._connection):
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            tasks = [asyncio.create_task(work) for work in (
                self._send_events(send), self._send_comments(send), _gone(receive), self._streams.stopped(),
            )]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(ClientDisconnect):
                await self._send(send, b"", more=False)

    async def _send_events(self, send: Send) -> None:
        async with aclosing(self._answers) as answers:
            try:
                async for answer in answers:
                    await self._send(send, event(answer))
            except ClientDisconnect:
                raise
            except Exception as error:
                await self._send(send, event(masked(error)))
        await self._send(send, COMPLETE)

    async def _send_comments(self, send: Send) -> None:
        """Keep proxies from ending a stream that has nothing to tell."""
        while True:
            await self._send(send, COMMENT)
            await asyncio.sleep(self._settings.ping_seconds)

    async def _send(self, send: Send, content: bytes, more: bool = True) -> None:
        """ClientDisconnect when the client does not read: it has to come again."""
        try:
            async with asyncio.timeout(self._settings.send_seconds):
                await send({"type": "http.response.body", "body": content, "more_body": more})
        except TimeoutError:
            raise ClientDisconnect from None


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
