"""What every resolver is given: who asks, when, and the ways to the database."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from server.database import Database
from server.errors import Unauthenticated
from server.following.hub import Hub
from server.graphql.together import Together
from server.identity.logins import Logins
from server.plugins import CampaignTypes
from server.reads.resource import Reader
from server.reads.visibility import Caller
from server.services.work import Work
from server.settings import Settings
from server.storage import Storage


@dataclass
class Context:
    """One request. It holds the database, never a session: sessions must not be shared between root fields.

    `visitor` is None without a valid login; `token` is what the request came with, valid or not. What a mutation wants
    to tell the client beside its payload goes into `headers` of the response.
    """

    database: Database
    types: CampaignTypes
    settings: Settings
    storage: Storage
    logins: Logins
    now: datetime
    visitor: Caller | None = None
    token: str | None = None
    address: str = ""
    over_tls: bool = False
    headers: list[tuple[str, str]] = field(default_factory=list)
    hub: Hub = None  # type: ignore[assignment]  # there when there are subscriptions
    channels: tuple[str, ...] = ()
    """The names of those that reach people."""
    together: Together = field(default_factory=Together)
    planned_rows: int = 0
    """How many rows the operation's root fields ask for so far."""

    @property
    def caller(self) -> Caller:
        """Who asks; Unauthenticated without a valid login. Every field but the login itself goes through here."""
        if self.visitor is None:
            raise Unauthenticated("Log in first: no valid login came with this request.")
        return self.visitor

    @property
    def operator_id(self) -> UUID | None:
        """Who asks, for the log; None for a stranger and for the server itself."""
        return self.visitor.id if self.visitor else None

    @property
    def reader(self) -> Reader:
        return Reader(self.caller, self.now, self.types, self.settings, self.channels)

    def work(self, session: AsyncSession) -> Work:
        """What services need, within the transaction of `session`."""
        return Work(session, self.caller, self.now, self.types, self.settings)
