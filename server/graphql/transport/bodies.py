"""Request bodies: in time, and not too large."""

import asyncio
from collections.abc import AsyncGenerator

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from server.graphql.limits.deadlines import DeadlineError, Deadlines
from server.graphql.transport.request import BadRequestError

SLOWEST = 16_000
"""Bytes per second that a client has to reach in the long run."""


def in_time(receive: Receive, deadlines: Deadlines) -> Receive:
    """Receives as long as the body keeps coming: it may take as long as all have, and its size at the slowest rate."""
    deadline = asyncio.get_running_loop().time() + deadlines.seconds
    has_come = 0

    async def receive_in_time() -> Message:
        nonlocal has_come
        try:
            if not has_come:  # most come whole
                with deadlines:
                    message = await receive()
            else:
                async with asyncio.timeout_at(deadline + has_come / SLOWEST):
                    message = await receive()
        except (DeadlineError, TimeoutError):
            refused = BadRequestError(408, "The body of the request came too slowly.", "REQUEST_TIMEOUT")
            refused.headers.append(("connection", "close"))
            raise refused from None
        has_come += len(message.get("body", b""))
        return message

    return receive_in_time


async def whole(request: Request, limit: int) -> bytes:
    """The body, unless it is or says that it is larger than `limit` bytes."""
    _check_length(request, limit)
    body = bytearray()
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        _check(len(body), limit)
        if not message.get("more_body"):
            return bytes(body)


async def limited(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    """The same in parts."""
    _check_length(request, limit)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        _check(size, limit)
        yield chunk


def _check_length(request: Request, limit: int) -> None:
    length = request.headers.get("content-length", "0")
    if length.isdecimal():
        _check(int(length), limit)


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise BadRequestError(413, f"The request is larger than {limit:,} bytes.")
