"""The channel "email": over SMTP, or into a folder where no mail server is set."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.channel import CONTRACT, Channel, Message, Send
from server.notifications.channels.addresses import sender_of
from server.notifications.channels.composing import compose
from server.notifications.channels.mail_folder import write_mail
from server.notifications.channels.smtp import Conversation, port_of
from server.settings import Settings


class Email(Channel):
    """One connection for a batch; Message-ID is made from the message's id, so that a repeated mail can be told."""

    contract = CONTRACT
    label = "E-mail"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sender = sender_of(settings.mail_from)

    def target(self) -> str:
        settings = self._settings
        if settings.smtp_host:
            return f"{settings.smtp_host}:{port_of(settings)}, {settings.smtp_security.value}"
        return f".eml files in {settings.mail_folder}, since SAMVERKAN_SMTP_HOST is not set"

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Send]:
        if not self._settings.smtp_host:
            yield self._to_folder
            return
        conversation = Conversation(self._settings)

        async def send(message: Message) -> int:
            return await conversation.send(compose(message, self._sender))

        try:
            yield send
        finally:
            await conversation.close()

    async def _to_folder(self, message: Message) -> None:
        await write_mail(self._settings.mail_folder, message, compose(message, self._sender))
