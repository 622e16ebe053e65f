"""Dispatches as messages: texts for people, events for other systems; and those that have nobody to go to any more."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from server.channel import Endpoint, Message, Person
from server.domain.network import Operator
from server.domain.notification import Dispatch, Notification, Webhook
from server.notifications.channels.cloud_events import cloud_events
from server.notifications.channels.sealing import SecretUnreadable, unsealed
from server.notifications.queues import Queue
from server.notifications.reach.receivers import EMAIL
from server.notifications.wording.rendering import Rendered, Renderer
from server.reads.ids import one_of
from server.settings import Settings

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """A dispatch with its message; None where that cannot be made, which is tried again like a failed attempt."""

    dispatch: Dispatch
    message: Message | None


@dataclass(slots=True)
class Letters:
    """`orphans`: dispatches whose receiver is gone."""

    letters: list[Letter] = field(default_factory=list)
    orphans: list[UUID] = field(default_factory=list)


async def load_letters(
    session: AsyncSession, queue: Queue, ids: Sequence[UUID], renderer: Renderer, settings: Settings
) -> Letters:
    """The messages of these dispatches, the oldest first."""
    if queue.webhook_id:
        return await _to_system(session, ids, settings)
    return await _to_people(session, queue.channel, ids, renderer)


async def _to_people(session: AsyncSession, channel: str, ids: Sequence[UUID], renderer: Renderer) -> Letters:
    rows = (await session.execute(
        select(Dispatch, Notification, Operator)
        .join(Notification, Notification.id == Dispatch.notification_id)
        .join(Operator, Operator.id == Notification.operator_id)
        .where(one_of(Dispatch.id, ids)).order_by(Dispatch.created_at, Dispatch.id)
    )).all()
    reached = [row for row in rows if row.Operator.active and (row.Operator.email or channel != EMAIL)]
    texts = await _render(session, renderer, [row.Notification for row in reached])
    return Letters(
        [Letter(row.Dispatch, _message(*row, texts.get(row.Notification.id))) for row in reached],
        [row.Dispatch.id for row in rows if row not in reached],
    )


async def _render(
    session: AsyncSession, renderer: Renderer, notifications: Sequence[Notification]
) -> dict[UUID, Rendered]:
    """All texts at once; one that cannot be made is left out and does not hold up the others."""
    try:
        return await renderer.messages(session, notifications)
    except SQLAlchemyError:
        raise
    except Exception as error:
        if len(notifications) == 1:
            log.error("message_failed", exc_info=error, kind=notifications[0].kind)
            return {}
    alone = [await _render(session, renderer, [each]) for each in notifications]
    return {id: text for found in alone for id, text in found.items()}


def _message(
    dispatch: Dispatch, notification: Notification, operator: Operator, text: Rendered | None
) -> Message | None:
    if text is None:
        return None
    person = Person(operator.login, operator.name, operator.email, text.locale)
    return Message(dispatch.id, notification.at, person, text.subject, text.text, text.html)


async def _to_system(session: AsyncSession, ids: Sequence[UUID], settings: Settings) -> Letters:
    rows = (await session.execute(
        select(Dispatch, Webhook).join(Webhook, Webhook.id == Dispatch.webhook_id)
        .where(one_of(Dispatch.id, ids)).order_by(Dispatch.created_at, Dispatch.id)
    )).all()
    events = await cloud_events(session, {dispatch.event_id for dispatch, _ in rows}, settings.web_base)
    found = Letters()
    for dispatch, webhook in rows:
        if webhook.active:
            to, event = _endpoint(webhook, settings), events[dispatch.event_id]
            message = Message(dispatch.id, dispatch.created_at, to, event=event) if to else None
            found.letters.append(Letter(dispatch, message))
        else:
            found.orphans.append(dispatch.id)
    return found


def _endpoint(webhook: Webhook, settings: Settings) -> Endpoint | None:
    try:
        return Endpoint(webhook.url, unsealed(webhook.secret, settings.secret_keys))
    except SecretUnreadable as error:
        log.error("message_failed", reason=error.reason, webhook=str(webhook.id))
        return None
