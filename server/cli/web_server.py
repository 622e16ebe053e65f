"""uvicorn as this server needs it: impatient with slow clients, and ending sockets and streams when it stops."""

import asyncio
import socket
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from server.settings import Settings

LARGEST_HEAD = 65_536
MOST_FRAGMENTS = 1_000


class Config(uvicorn.Config):
    """How uvicorn serves this app with these settings."""

    def __init__(self, app: Starlette, settings: Settings) -> None:
        super().__init__(
            app, http=Impatient, ws=Bounded, ws_max_size=settings.max_body_bytes,
            ws_ping_interval=settings.ping_seconds, ws_ping_timeout=settings.ping_seconds,
            ws_per_message_deflate=False, proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=settings.trusted_proxies, timeout_graceful_shutdown=settings.shutdown_seconds,
            server_header=False, log_level="warning", access_log=False, log_config=None,
        )
        self.header_seconds = settings.header_seconds


class Together:
    """A transport that lets the head of a response wait for its body, so that both leave in one system call."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = b""

    def write(self, piece: bytes) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._transport.writelines((held, piece))
        elif len(piece) < LARGEST_HEAD:
            self._held = piece
            self._loop.call_soon(self._flush)  # a body that is not there at once comes later
        else:
            self._transport.write(piece)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held)


class Impatient(HttpToolsProtocol):
    """Drops clients whose request heads come too slowly or are too large; uvicorn itself would wait for ever."""

    config: Config
    _timer: asyncio.TimerHandle | None = None
    _head: int | None = 0
    """The bytes that came of a head, more or less; None while a body comes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(Together(transport, self.loop))  # type: ignore[arg-type]  # all that uvicorn asks for
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_idle() and self.transport.get_protocol() is self:
            self._wait()
            if self._head is not None:
                self._head += len(data)
                if self._head > LARGEST_HEAD:
                    self.transport.close()

    def on_headers_complete(self) -> None:
        self._head = None
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._head = 0
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait(self) -> None:
        self._timer = self._timer or self.loop.call_later(self.config.header_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self._is_idle() and self.transport.get_protocol() is self:
            self.transport.close()


class Bounded(WebSocketsSansIOProtocol):
    """Keeps little of what a socket sends that never becomes a message; uvicorn itself would keep it all."""

    def handle_cont(self, event: Frame) -> None:
        super().handle_cont(event)
        if len(self.frames) > MOST_FRAGMENTS:
            self.conn.fail(1009, "too many fragments")
            self.handle_parser_exception()

    def handle_ping(self) -> None:
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()  # who does not read needs no pong


class Server(uvicorn.Server):
    """uvicorn, which by itself waits for event streams to end when it is told to stop."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.app.state.streams.stop()  # type: ignore[union-attr]  # a Starlette, see Config
        await super().shutdown(sockets)


def drop_deaf_clients(listening: socket.socket, seconds: float) -> None:
    """The kernel ends connections of clients that take nothing of what was sent to them for so long."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))
