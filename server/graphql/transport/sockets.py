"""GraphQL over WebSocket: graphql-transport-ws to the letter, every operation as guarded as one over HTTP."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress

from graphql import OperationType
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from server.graphql.answers import Answer, masked, refusal
from server.graphql.context import Context
from server.graphql.documents import DocumentRefusedError
from server.graphql.errors import bug, request_error
from server.graphql.operations import Operations
from server.graphql.transport import socket_messages as messages
from server.graphql.transport.origins import is_own
from server.graphql.transport.request import BadRequestError, of_object
from server.graphql.transport.socket_messages import PROTOCOL, Closing, Message
from server.graphql.transport.streams import ContextFactory, Streams, finished, renewed
from server.settings import Settings

SECONDS_TO_CLOSE = 5.0


def socket_endpoint(
    operations: Operations, context_of: ContextFactory, settings: Settings, streams: Streams
) -> Callable[[WebSocket], Awaitable[None]]:
    """Serves sockets of our own pages, of listed origins, and of programs that are no browser."""

    async def endpoint(socket: WebSocket) -> None:
        try:
            if not is_own(socket) and socket.headers.get("origin") not in settings.allowed_origins:
                raise BadRequestError(403, "The socket comes from a page of another site.", "FOREIGN_ORIGIN")
            streams.check_place(socket)
            with streams.counted(socket):
                if PROTOCOL in socket.scope["subprotocols"]:
                    await socket.accept(PROTOCOL)
                    await Connection(socket, operations, context_of, settings).serve()
                else:
                    await socket.accept()
                    await socket.close(4406, f"Subprotocol not acceptable: this server speaks {PROTOCOL}")
        except BadRequestError as refused:
            await socket.send_denial_response(PlainTextResponse(refused.message, refused.status))
        except WebSocketDisconnect:
            return

    return endpoint


class Connection:
    """One accepted socket. A task reads it; each operation is a task that sends its own answers: a client that reads
    slowly holds up its operations, each with one answer at most, and is closed when it takes none for too long."""

    def __init__(
        self, socket: WebSocket, operations: Operations, context_of: ContextFactory, settings: Settings
    ) -> None:
        self._socket, self._operations, self._context_of, self._settings = socket, operations, context_of, settings
        self._running: dict[str, asyncio.Task[None]] = {}
        self._init_came = False
        self._asking: HTTPConnection | None = None
        """What operations are asked with; None until the connection is acknowledged."""
        self._logged_in = False

    async def serve(self) -> None:
        """Until one side closes; then no task of the connection is left."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(self._watch())
                while True:
                    await self._take(messages.message_of(await self._text()))
        except* Closing as reasons:
            await self._close(next(each for each in reasons.exceptions if isinstance(each, Closing)))
        except* WebSocketDisconnect:
            pass
        except* Exception as bugs:
            message, _ = bug(bugs)
            await self._close(Closing(4500, message))

    async def _watch(self) -> None:
        """Closes a connection that is not initialised in time, or whose login has ended."""
        await asyncio.sleep(self._settings.socket_init_seconds)
        if not self._init_came:
            raise Closing(4408, "Connection initialisation timeout")
        while True:
            await asyncio.sleep(self._settings.ping_seconds)
            if self._logged_in and self._asking:
                await self._context(self._asking)

    async def _text(self) -> str:
        frame = await self._socket.receive()
        if frame["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(frame.get("code", 1005))
        text = frame.get("text")
        if text is None:
            raise Closing(4400, "Messages are texts, not binary")
        if len(text) > self._settings.max_body_bytes:
            raise Closing(1009, f"A message may have {self._settings.max_body_bytes:,} bytes")
        return str(text)

    async def _take(self, message: Message) -> None:
        match message.type:
            case "connection_init":
                if self._init_came:
                    raise Closing(4429, "Too many initialisation requests")
                self._init_came = True
                self._tasks.create_task(self._initialise(message))
            case "ping":
                await self._send(messages.PONG)
            case "subscribe":
                await self._begin(message)
            case "complete" if task := self._running.pop(message.id, None):
                task.cancel()

    async def _initialise(self, message: Message) -> None:
        """A task of its own, so that what comes before the acknowledgement is told from what comes after it."""
        asking = _with_login(self._socket, message)
        context = await self._context_of(asking)
        if "authorization" in asking.headers and context.visitor is None:
            raise Closing(4403, "Forbidden: the token is not valid")
        self._logged_in = context.visitor is not None
        self._asking = asking
        await self._send(messages.CONNECTION_ACK)

    async def _begin(self, message: Message) -> None:
        if self._asking is None:
            raise Closing(4401, "Unauthorized: wait for connection_ack")
        if message.id in self._running:
            raise Closing(4409, f"Subscriber for {message.id} already exists")
        if len(self._running) >= self._settings.max_socket_operations:
            many = f"At most {self._settings.max_socket_operations} operations run at once on one socket."
            await self._send(messages.error(message.id, refusal([request_error(many, "TOO_MANY_OPERATIONS")])))
            return
        self._running[message.id] = self._tasks.create_task(self._run(message, self._asking))

    async def _run(self, message: Message, asking: HTTPConnection) -> None:
        try:
            async with aclosing(self._answers(message, asking)) as answers:
                async for answer in answers:
                    if not answer.executed:
                        await self._send(messages.error(message.id, answer))
                        return
                    await self._send(messages.next_(message.id, answer))
            await self._send(messages.complete(message.id))
        finally:
            if self._running.get(message.id) is asyncio.current_task():
                del self._running[message.id]

    async def _answers(self, message: Message, asking: HTTPConnection) -> AsyncGenerator[Answer, None]:
        """The answers to one operation, the refusal of what cannot run among them."""
        try:
            context = await self._context(asking)
            operation = await self._operations.prepared(of_object(message.payload), context)
            if operation.kind is OperationType.SUBSCRIPTION:
                events = self._operations.subscribe(operation, context, lambda: renewed(self._context_of, asking))
                async with aclosing(events):
                    async for answer in events:
                        yield answer
            elif operation.kind is OperationType.MUTATION:
                yield await finished(self._operations.answer(operation, context))
            else:
                yield await self._operations.answer(operation, context)
        except DocumentRefusedError as refused:
            yield refusal(refused.errors)
        except BadRequestError as malformed:
            yield refusal([request_error(malformed.message, malformed.code)])
        except Closing:
            raise
        except Exception as error:
            yield masked(error)

    async def _context(self, asking: HTTPConnection) -> Context:
        """A context of its own for every operation; Closing when the login of the connection has ended."""
        context = await self._context_of(asking)
        if self._logged_in and context.visitor is None:
            raise Closing(4403, "Forbidden: the login has ended")
        return context

    async def _send(self, text: str) -> None:
        try:
            async with asyncio.timeout(self._settings.send_seconds):
                await self._socket.send_text(text)
        except TimeoutError:
            raise Closing(1013, "Too slow: answers were not taken in time; connect again and read anew") from None

    async def _close(self, closing: Closing) -> None:
        with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):  # gone meanwhile, or still not reading
            async with asyncio.timeout(SECONDS_TO_CLOSE):
                await self._socket.close(closing.code, closing.reason)


def _with_login(socket: WebSocket, message: Message) -> HTTPConnection:
    """The handshake as operations see it: with the token of connection_init; with cookies only from our own pages."""
    token = message.payload.get("authorization") or message.payload.get("Authorization")
    if not isinstance(token, str | None) or (token and not token.isascii()):
        raise Closing(4403, 'Forbidden: authorization must be a text such as "Bearer …"')
    left_out = {b"authorization"} if token else set()
    left_out |= set() if is_own(socket) else {b"cookie"}
    headers = [(name, value) for name, value in socket.scope["headers"] if name not in left_out]
    if token:
        headers.append((b"authorization", token.encode()))
    return HTTPConnection({**socket.scope, "headers": headers})
