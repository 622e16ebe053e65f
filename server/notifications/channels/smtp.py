"""One conversation with a mail server: a connection for a whole batch, and what a reply means for a message."""

import ssl
from contextlib import suppress

from aiosmtplib import SMTP, SMTPException, SMTPResponseException, SMTPServerDisconnected
from aiosmtplib.errors import SMTPTimeoutError

from server.channel import NotSent, Rejected, TryLater, Unreachable
from server.notifications.channels.composing import Mail
from server.settings import Settings, SmtpSecurity

PORTS = {SmtpSecurity.NONE: 25, SmtpSecurity.STARTTLS: 587, SmtpSecurity.TLS: 465}
CLOSING = 421
"""The server ends the connection; aiosmtplib closes it on this side."""
LOGIN_NEEDED = frozenset({530, 534, 535, 538})
LOSSES = 2
"""So many connections lost in a row are the server's fault, not that of a message."""


def port_of(settings: Settings) -> int:
    return settings.smtp_port or PORTS[settings.smtp_security]


class Conversation:
    """Opens its connection with the first mail, and again when the server closes it between two."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._smtp: SMTP | None = None
        self._losses = 0

    async def send(self, mail: Mail) -> int:
        try:
            smtp = await self._begin(mail)
            await smtp.rcpt(mail.receiver, encoding=mail.encoding)
            code = (await smtp.data(mail.content)).code
        except (SMTPException, OSError) as error:
            raise await self._verdict(error) from error
        self._losses = 0
        return code

    async def close(self) -> None:
        if self._smtp and self._smtp.is_connected:
            with suppress(SMTPException, OSError):
                await self._smtp.quit()
        self._drop()

    def _drop(self) -> None:
        if self._smtp:
            self._smtp.close()

    async def _begin(self, mail: Mail) -> SMTP:
        """A connection that has taken the sender. Servers end one (421) after so many mails or after a while: then on a
        new one, which repeats nothing."""
        if self._smtp and self._smtp.is_connected:
            try:
                return await _name_sender(self._smtp, mail)
            except (SMTPServerDisconnected, SMTPTimeoutError):
                self._drop()
            except SMTPResponseException as error:
                if error.code != CLOSING:
                    raise
        return await _name_sender(await self._connect(), mail)

    async def _connect(self) -> SMTP:
        """Unreachable when there is no connection as the settings want it, logged in and encrypted."""
        await self.close()
        self._smtp = _client(self._settings)
        try:
            await self._smtp.connect()
        except (SMTPException, OSError) as error:
            self._drop()
            reason = f"The mail server cannot be used: {_said(error)}"
            raise Unreachable(reason, getattr(error, "code", None)) from error
        return self._smtp

    async def _verdict(self, error: Exception) -> NotSent:
        """What an error in the middle of a mail means, with the connection ready for the next one or closed."""
        if not isinstance(error, SMTPResponseException):
            self._drop()
            self._losses += 1
            kind = Unreachable if self._losses >= LOSSES else TryLater
            return kind(f"The connection to the mail server was lost: {_said(error)}")
        self._losses = 0
        if error.code in LOGIN_NEEDED:
            return Unreachable(_said(error), error.code)
        if self._smtp:
            with suppress(SMTPException, OSError):
                await self._smtp.rset()
        return (Rejected if 500 <= error.code <= 599 else TryLater)(_said(error), error.code)


def _client(settings: Settings) -> SMTP:
    return SMTP(
        hostname=settings.smtp_host, port=port_of(settings), timeout=settings.smtp_timeout_seconds,
        use_tls=settings.smtp_security is SmtpSecurity.TLS, start_tls=settings.smtp_security is SmtpSecurity.STARTTLS,
        username=settings.smtp_login or None, password=settings.smtp_password or None,
        tls_context=ssl.create_default_context(),
    )


async def _name_sender(smtp: SMTP, mail: Mail) -> SMTP:
    if mail.international and not await _knows_smtputf8(smtp):
        raise Rejected("The mail server does not take addresses that are not in ASCII (SMTPUTF8).")
    await smtp.mail(mail.sender, options=["SMTPUTF8"] if mail.international else [], encoding=mail.encoding)
    return smtp


async def _knows_smtputf8(smtp: SMTP) -> bool:
    if smtp.is_ehlo_or_helo_needed:
        await smtp.ehlo()
    return smtp.supports_extension("smtputf8")


def _said(error: Exception) -> str:
    """The reply of the server, or what went wrong, in one line."""
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {' '.join(error.message.split())}"[:500]
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]
