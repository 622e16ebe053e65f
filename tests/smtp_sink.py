"""A real SMTP server in the test's process that keeps what it takes and fails where it is told to."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

CUT = "cut"
"""A reply that is none: the connection ends."""


@dataclass
class Sink:
    """`replies` say what is answered to DATA or RCPT TO for one address, a list of replies in their order, the last one
    for ever. DATA takes `pause` seconds, and until `gate` opens; `busy` tells that one has begun. `connections` counts
    those that were opened; after `closing_after` mails one is ended with 421."""

    mails: list[EmailMessage] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    receivers: list[str] = field(default_factory=list)
    refused_receivers: dict[str, list[str]] = field(default_factory=dict)
    refused_contents: dict[str, list[str]] = field(default_factory=dict)
    closing_after: int = 0
    pause: float = 0.0
    busy: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event | None = None
    connections: int = 0
    port: int = 0
    logins: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if said := _next(self.refused_receivers, address):
            return self._say(server, said)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        self.busy.set()
        await asyncio.sleep(self.pause)
        if self.gate:
            await self.gate.wait()
        [receiver] = envelope.rcpt_tos
        if said := _next(self.refused_contents, receiver):
            return self._say(server, said)
        self.contents.append(envelope.original_content)
        self.mails.append(cast(EmailMessage, message_from_bytes(envelope.original_content, policy=default)))
        self.receivers.append(receiver)
        session.taken = getattr(session, "taken", 0) + 1
        return "250 taken"

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.closing_after and getattr(session, "taken", 0) >= self.closing_after:
            return self._say(server, "421 so many mails are enough")
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    def _say(self, server: SMTP, said: str) -> str:
        if said == CUT:
            server.transport.abort()
        return said


def _next(replies: dict[str, list[str]], address: str) -> str:
    said = replies.get(address) or [""]
    return said.pop(0) if len(said) > 1 else said[0]


@asynccontextmanager
async def smtp_sink(
    tls: ssl.SSLContext | None = None, *, starttls: bool = False, login: tuple[str, str] | None = None, port: int = 0
) -> AsyncIterator[Sink]:
    """A sink on a free port, or on `port`. `tls` with `starttls`: only after STARTTLS; without: from the first byte.
    `login`: the only name and password that it takes, and it takes nothing without them."""
    sink = Sink()

    def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: LoginPassword) -> AuthResult:
        sink.logins.append(given.login.decode())
        return AuthResult(handled=False, success=(given.login.decode(), given.password.decode()) == login)

    def conversation() -> SMTP:
        sink.connections += 1
        return SMTP(
            sink, tls_context=tls if starttls else None, require_starttls=starttls, auth_required=bool(login),
            authenticator=authenticate if login else None, auth_require_tls=starttls, enable_SMTPUTF8=True,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(conversation, "127.0.0.1", port, ssl=None if starttls else tls)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
