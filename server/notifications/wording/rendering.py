"""Notifications as finished texts: plain and HTML, in the language of each receiver [7]."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from server.domain.notification import Notification
from server.domain.record import EventKind
from server.notifications.links import Links
from server.notifications.wording import sandbox
from server.notifications.wording.facts import Facts
from server.notifications.wording.gathering import Gathered, gather
from server.notifications.wording.telling import Telling
from server.notifications.wording.wordings import Wording, Wordings, load_wordings, shipped, shipped_language
from server.plugins import CampaignTypes
from server.settings import Settings

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The texts of one message; `html` is a whole document, `to` an e-mail address, which may be empty."""

    subject: str
    text: str
    html: str
    locale: str
    to: str


class Renderer:
    """Makes the texts of messages when they are sent or read: facts are as they are then."""

    def __init__(self, types: CampaignTypes, settings: Settings) -> None:
        self.types, self.settings, self.links = types, settings, Links(settings)

    async def message(self, session: AsyncSession, notification: Notification) -> Rendered:
        """One message; for several, `messages` reads what they share once."""
        return (await self.messages(session, [notification]))[notification.id]

    async def messages(
        self, session: AsyncSession, notifications: Sequence[Notification]
    ) -> dict[UUID, Rendered]:
        """The messages by the ids of their notifications."""
        if not notifications:
            return {}
        wordings = await load_wordings(session)
        gathered = await gather(session, notifications, self.types, self.settings)
        return {each.id: self._render(each, gathered, wordings) for each in notifications}

    def facts(self, notification: Notification, gathered: Gathered, language: str) -> Facts:
        return Telling(notification, gathered, language, self.links, self.types, self.settings.zone).facts()

    def _render(self, notification: Notification, gathered: Gathered, wordings: Wordings) -> Rendered:
        receiver = gathered.operators[notification.operator_id]
        wording = wordings.of(notification.kind, receiver.locale)
        facts = self.facts(notification, gathered, wording.language)
        text, html = parts(wording, notification.kind, notification.subject, facts)
        return Rendered(notification.subject, text, html, receiver.locale, receiver.email)


def parts(wording: Wording, kind: EventKind, subject: str, facts: Facts) -> tuple[str, str]:
    """Both parts in their layouts. A text of the installation's own that fails on these facts, although it was tried
    when it was saved, gives way to the one that ships: the message counts for more."""
    try:
        return dress(wording, subject, facts)
    except Exception as error:
        ships = shipped(kind, shipped_language(wording.language))
        if (wording.text, wording.html) == (ships.text, ships.html):
            raise
        log.error("own_template_failed", exc_info=error, kind=kind, language=wording.language)
        return dress(ships, subject, facts)


def dress(wording: Wording, subject: str, facts: Facts) -> tuple[str, str]:
    """Both parts in their layouts; whatever a template can provoke."""
    made = {
        part: sandbox.dressed(part, sandbox.run(part, source, facts), wording.language, subject, facts)
        for part, source in (("text", wording.text), ("html", wording.html))
    }
    return made["text"], made["html"]
