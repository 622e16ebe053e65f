"""Chat: operators are told in the company's chat what they are told by e-mail."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from server.channel import CONTRACT, Channel, Message, Person, Rejected, Send, TryLater, Unreachable


class Chat(Channel):
    """Posts the text of every message to CHAT_URL, addressed by the operator's login."""

    contract = CONTRACT
    label = "Chat"

    def __init__(self, settings: Any) -> None:
        self.url = os.environ.get("CHAT_URL", "")
        if not self.url:
            raise ValueError("CHAT_URL is not set; it must be the address of the chat's incoming webhook")

    def target(self) -> str:
        return httpx.URL(self.url).host

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Send]:
        async with httpx.AsyncClient(timeout=10) as client:

            async def send(message: Message) -> int:
                assert isinstance(message.to, Person)  # what channels to people get
                text = f"@{message.to.login}: {message.subject}\n{message.text}"
                try:
                    answer = await client.post(self.url, json={"id": str(message.id), "text": text})
                except httpx.ConnectError as error:
                    raise Unreachable(f"no connection: {error}") from error
                except httpx.HTTPError as error:
                    raise TryLater(f"no answer: {error}") from error
                if answer.is_success:
                    return answer.status_code
                kind = TryLater if answer.is_server_error else Rejected
                raise kind(answer.reason_phrase, answer.status_code)

            yield send
