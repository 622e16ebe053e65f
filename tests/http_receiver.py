"""A real HTTP server in the test's process that keeps what is posted to it and answers what it is told to."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Posted:
    """One request: its path, its headers in lower case, its body."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`answers`: status and body of each answer in turn, the last one for ever; status 0 is no answer at all. `extra`:
    headers of every answer."""

    requests: list[Posted] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=lambda: [(200, "")])
    extra: str = ""
    port: int = 0

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.requests.append(await _request(reader))
                status, said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if status == 0:
                    await asyncio.sleep(60)
                head = f"HTTP/1.1 {status} said\r\ncontent-length: {len(said)}\r\n{self.extra}\r\n"
                writer.write((head + said).encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def _request(reader: asyncio.StreamReader) -> Posted:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return Posted(first.split()[1], headers, await reader.readexactly(int(headers.get("content-length", 0))))


@asynccontextmanager
async def http_receiver(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    talking: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(receiver.converse(reader, writer))
        talking.add(task)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)
