"""HTTP answers as they leave: compressed where that is safe, and with a tag that saves sending them again."""

import asyncio
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b

from starlette.types import Receive, Send

LEVEL = 4
IN_A_THREAD = 64_000
"""From how many bytes on compressing would hold up other requests for too long."""

RawHeaders = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Reply:
    """One whole answer."""

    status: int
    body: bytes
    headers: RawHeaders = field(default_factory=list)

    @classmethod
    def of(cls, status: int, body: bytes, media_type: str, headers: Iterable[tuple[str, str]] = ()) -> "Reply":
        """An answer that nobody may keep."""
        own = [(name.encode(), value.encode("latin-1")) for name, value in headers]
        return cls(status, body, [*standing(media_type), *own])

    async def __call__(self, _receive: Receive, send: Send) -> None:
        length = [] if self.status == 304 else [(b"content-length", b"%d" % len(self.body))]
        headers = [*self.headers, *length]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})

    async def compress(self) -> None:
        large = len(self.body) >= IN_A_THREAD
        self.body = await asyncio.to_thread(gzipped, self.body) if large else gzipped(self.body)
        self.headers.append((b"content-encoding", b"gzip"))

    def tag(self, gzip: bool) -> str:
        """Lets the client, and nobody else, keep the answer and ask again with its tag."""
        tag = f'"{blake2b(self.body, digest_size=16).hexdigest()}{"-gzip" if gzip else ""}"'
        self.headers = [(name, value) for name, value in self.headers if name != b"cache-control"] + [
            (b"cache-control", b"private, no-cache"), (b"etag", tag.encode()),
            (b"vary", b"accept, accept-encoding, authorization, cookie, origin"),
        ]
        return tag

    def leave_out(self) -> None:
        """The client has it already."""
        self.status, self.body = 304, b""


@cache
def standing(media_type: str) -> RawHeaders:
    """The headers of every answer of a media type, of which we have three."""
    return [(b"content-type", f"{media_type}; charset=utf-8".encode()), (b"cache-control", b"no-store")]


def gzipped(body: bytes) -> bytes:
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def has(if_none_match: str, tag: str) -> bool:
    """Whether the client says that it has the answer with this tag."""
    known = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return tag in known or "*" in known
