"""The contract of channels: all that a way of sending messages may import from the server.

The server decides what is sent to whom and when, keeps every message until its fate is known, and tries again; a
channel takes one message to the other side and says what became of it. It runs outside of any transaction and never
sees the database. New fields with a default keep the contract number; anything else changes it.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

__all__ = [
    "CONTRACT", "Channel", "Endpoint", "Gone", "Message", "NotSent", "Person", "Reaches", "Rejected", "Send",
    "TryLater", "Unreachable",
]

CONTRACT = 1
"""The contract number of this server; a channel declares the one it was written for."""


class Reaches(StrEnum):
    """PEOPLE: operators get what concerns them, as they chose in their preferences. SYSTEMS: webhooks get events."""

    PEOPLE = "PEOPLE"
    SYSTEMS = "SYSTEMS"


@dataclass(frozen=True, slots=True)
class Person:
    """An operator who is told of something; `locale` is a BCP 47 tag, the language of the texts."""

    login: str
    name: str
    email: str
    locale: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Another system; `secret` signs what is sent to it."""

    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One message on its way. `id` is the same at every attempt, so that the other side can tell a repeated one.

    People get `subject`, `text` and `html`, which say the same; `event` is the event itself as a CloudEvent [7].
    """

    id: UUID
    at: datetime
    to: Person | Endpoint
    subject: str = ""
    text: str = ""
    html: str = ""
    event: Mapping[str, Any] = field(default_factory=dict)


class NotSent(Exception):
    """Why a message was not taken; `answer` is the status or reply code of the other side, None when there was none."""

    def __init__(self, reason: str, answer: int | None = None) -> None:
        self.reason, self.answer = reason, answer
        super().__init__(reason)


class Rejected(NotSent):
    """Refused for good: trying again would not help."""


class Gone(Rejected):
    """The other side will never take anything again."""


class TryLater(NotSent):
    """This message was not taken this time. `after`: how long the other side asks to be left alone, which the message
    waits at least, up to a day; an Endpoint is sent nothing else in that time either."""

    def __init__(self, reason: str, answer: int | None = None, after: timedelta = timedelta()) -> None:
        super().__init__(reason, answer)
        self.after = after


class Unreachable(NotSent):
    """The other side cannot be reached at all, which is no message's fault: the rest of the batch waits too."""


Send = Callable[[Message], Awaitable[int | None]]
"""Sends one message and answers with the reply code, if there is one; raises NotSent. Anything else that it raises is
a bug of the channel: the server logs it and tries the message again later."""


class Channel(ABC):
    """One way in which messages leave the server.

    The entry-point name in group `samverkan.channels` is the channel's name; it is stored with messages and preferences
    and must never change. The class is instantiated once, with the server's settings: an attribute for each, as
    `samverkan serve --help` lists them. Settings of a channel's own come from where it likes, such as `os.environ`.
    ValueError in the constructor stops the start with its message.
    """

    contract: ClassVar[int]
    """The contract number that the channel was written for."""
    label: ClassVar[str]
    """What operators read, for example "E-mail"."""
    reaches: ClassVar[Reaches] = Reaches.PEOPLE
    lanes: ClassVar[int] = 4
    """How many batches may be sent at once."""
    waits: ClassVar[tuple[timedelta, ...]] = tuple(
        timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 120, 240, 480, 960, 1440, 1440)
    )
    """How long a message waits after its first attempt, its second, and so on; after the last it is given up."""

    def __init__(self, settings: Any) -> None:
        return

    @abstractmethod
    def opened(self) -> AbstractAsyncContextManager[Send]:
        """Surrounds a batch; what it gives sends one message after the other. A connection is best opened here, and
        every message must have its answer within three minutes: the server does not interrupt it, but somebody else
        takes what nobody has marked after five."""

    def target(self) -> str:
        """Where messages go, in a few words without secrets, for the log at the start and `samverkan channels`."""
        return ""
