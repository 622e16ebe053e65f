"""Gives every request an id, and every answer its standing headers; counts requests and sockets: plain ASGI, the
outermost layer."""

import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from random import getrandbits
from typing import Any

from server.observability import metrics
from server.observability.records import request_id
from server.observability.tracing import Tracing, continue_trace

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

HEADER = b"x-request-id"
SANE = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
"""What a client may name its request; anything else could forge lines of a log."""


class Requests:
    """Every answer says the request's id in X-Request-ID: the client's own if it is sane, otherwise a new one; and of
    the `standing` headers those that it does not bring itself."""

    def __init__(self, app: App, standing: Sequence[tuple[bytes, bytes]] = ()) -> None:
        self._app, self._standing = app, standing
        self._names = {name for name, _ in standing}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        id = _id_of(scope["headers"])
        request_id.set(id.decode())  # never reset: the server runs each request in a context of its own
        if Tracing.on:
            continue_trace(scope["headers"])
        count = metrics.IN_FLIGHT if scope["type"] == "http" else metrics.SOCKETS

        def with_headers(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                message["headers"] = [*self._with_standing(message.get("headers", ())), (HEADER, id)]
                metrics.responses(message["status"])(1)
            elif message["type"] == "websocket.accept":
                message["headers"] = [*message.get("headers", ()), (HEADER, id)]
            return send(message)

        count(1)
        try:
            await self._app(scope, receive, with_headers)
        finally:
            count(-1)

    def _with_standing(self, headers: Sequence[tuple[bytes, bytes]]) -> Sequence[tuple[bytes, bytes]]:
        own = [name for name, _ in headers]
        if self._names.isdisjoint(own):
            return [*headers, *self._standing]
        return [*headers, *(each for each in self._standing if each[0] not in own)]


def _id_of(headers: list[tuple[bytes, bytes]]) -> bytes:
    for name, value in headers:
        if name == HEADER and SANE.fullmatch(value):
            return value
    return b"%016x" % getrandbits(64)  # a name, not a secret
