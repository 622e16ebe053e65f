"""A package that people are told of, with the dispatches that wait for a sender."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from server.database import Database
from server.domain.base import new_id
from server.domain.network import Operator
from server.domain.notification import Dispatch, DispatchAttempt, DispatchStatus, Notification, Webhook
from server.domain.record import Event, EventKind
from server.notifications.sending import Sender
from server.notifications.wording.rendering import Renderer
from server.plugins import CampaignTypes, load_channels
from server.settings import Settings
from tests.builders import NOW, STAMPS, a_campaign, a_notification, a_package, an_operator, given

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Mailing:
    """`told()` makes somebody a receiver; `rows()` of all goes to the database with the first `send()`."""

    def __init__(self, database: Database, types: CampaignTypes, settings: Settings) -> None:
        self.database, self.settings, self.renderer = database, settings, Renderer(types, settings)
        self.owner = an_operator(name="Olga")
        self.campaign = a_campaign()
        self.package = a_package(self.campaign, self.owner)
        self.rows: list[Any] = [self.owner, self.campaign, self.package]

    def told(self, name: str, **fields: Any) -> Dispatch:
        """A mail that is due to a person of that name; `fields` are the operator's."""
        operator = an_operator(**{"name": name, "email": f"{name}@example.org"} | fields)
        notification, event = a_notification(operator, EventKind.PACKAGE_PUBLISHED, package_id=self.package.id)
        dispatch = self._dispatch(event.id, channel="email", notification_id=notification.id)
        self.rows += [operator, notification, event, dispatch]
        return dispatch

    def webhook(self, url: str, **fields: Any) -> Webhook:
        made = Webhook(**{"id": new_id(), "label": "Shop", "url": url, "secret": SECRET, **STAMPS} | fields)
        self.rows.append(made)
        return made

    def posted(self, webhook: Webhook, kind: EventKind = EventKind.PACKAGE_PUBLISHED, **about: Any) -> Dispatch:
        event = Event(id=new_id(), kind=kind, at=NOW, **{"package_id": self.package.id} | about)
        dispatch = self._dispatch(event.id, channel="webhook", webhook_id=webhook.id)
        self.rows += [event, dispatch]
        return dispatch

    def _dispatch(self, event_id: UUID, **fields: Any) -> Dispatch:
        return Dispatch(id=new_id(), event_id=event_id, created_at=NOW, due_at=NOW, **fields)

    async def begin(self) -> None:
        await given(self.database, self.rows)
        self.rows = []

    def sender(self, process: str = "", **settings: Any) -> Sender:
        chosen = self.settings.model_copy(update=settings)
        return Sender(self.database, chosen, load_channels(chosen), self.renderer, process)

    async def send(self, at: datetime = NOW, **settings: Any) -> None:
        if self.rows:
            await self.begin()
        await self.sender(**settings).send(at)

    async def fate(self, dispatch: Dispatch) -> Dispatch:
        """The dispatch as it is now."""
        async with self.database.reading() as session:
            return await session.get_one(Dispatch, dispatch.id)

    async def statuses(self, *dispatches: Dispatch) -> list[DispatchStatus]:
        return [(await self.fate(each)).status for each in dispatches]

    async def attempts(self, dispatch: Dispatch) -> list[tuple[int | None, str]]:
        """The answers and errors of every attempt that was written down."""
        async with self.database.reading() as session:
            rows = await session.execute(
                select(DispatchAttempt.answer, DispatchAttempt.error)
                .where(DispatchAttempt.dispatch_id == dispatch.id).order_by(DispatchAttempt.id)
            )
            return [(answer, error) for answer, error in rows]

    async def change(self, kind: type[Operator] | type[Webhook], id: UUID, **values: Any) -> None:
        async with self.database.transaction() as session:
            thing = await session.get_one(kind, id)
            for name, value in values.items():
                setattr(thing, name, value)

    async def receiver_of(self, dispatch: Dispatch) -> UUID:
        async with self.database.reading() as session:
            return (await session.get_one(Notification, dispatch.notification_id)).operator_id
