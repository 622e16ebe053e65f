"""uvicorn as this server needs it: impatient with slow clients, and ending sockets and streams when it stops."""

import asyncio
import socket
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from server.settings import Settings

LARGEST_HEAD = 65_536
MOST_FRAGMENTS = 1_000
PLAIN = bytes({0x09, *range(0x20, 0x7F), *range(0x80, 0x100)})
"""What the lines of a head are made of, but for their ends."""


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


class Answers:
    """Sends a whole answer in one system call; uvicorn would look at each of its headers every time, and send head and
    body apart."""

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self._head: Any = None
        """Waits for the first piece of the body."""

    async def send(self, message: Any) -> None:
        cycle = self._cycle
        if message["type"] == "http.response.start" and not cycle.response_started:
            self._head = message
            return
        head, self._head = self._head, None
        if head and self._is_whole(head, message):
            self._send_whole([*self._cycle.default_headers, *head["headers"]], message.get("body", b""))
            return
        if head:
            await cycle.send(head)
        await cycle.send(message)

    def _is_whole(self, head: Any, message: Any) -> bool:
        """Whether it is a usual answer, of which no more comes, which can leave now, and after which the connection
        stays open."""
        cycle = self._cycle
        if head["status"] != 200 or not cycle.keep_alive or cycle.disconnected or cycle.flow.write_paused:
            return False
        length = b"content-length", b"%d" % len(message.get("body", b""))
        return length in head["headers"] and not message.get("more_body") and cycle.scope["method"] != "HEAD"

    def _send_whole(self, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        cycle = self._cycle
        lines = b"".join([b"%s: %s\r\n" % each for each in headers])
        if lines.translate(None, PLAIN) != b"\r\n" * len(headers):
            raise RuntimeError("Invalid HTTP header.")
        cycle.transport.writelines((b"%s%s\r\n" % (STATUS_LINE[200], lines), body))
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.message_event.set()
        cycle.on_response()


class Impatient(HttpToolsProtocol):
    """Drops clients whose request heads come too slowly or are too large; uvicorn itself would wait for ever."""

    config: Config
    _timer: asyncio.TimerHandle | None = None
    _head: int | None = 0
    """The bytes that came of a head, more or less; None while a body comes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
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

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        super()._start_asgi_task(cycle, lambda scope, receive, _: app(scope, receive, Answers(cycle).send))

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
