"""Mutations of one's own inbox: what is read, which messages are wanted where, and the calendar of deadlines [7]."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from server.domain.record import EventKind
from server.errors import refuse
from server.graphql.fields import resolver, result, results
from server.graphql.mutations.inputs import INPUT, Input, Part, an_id, optional, optional_id
from server.graphql.mutations.problems import PROBLEMS, ProblemType
from server.graphql.mutations.running import attempt, once
from server.graphql.reading import Info, fetch, fetch_all
from server.notifications.links import Links
from server.services.calendar_feeds import CalendarFeeds
from server.services.inbox import Inbox

In = TypeVar("In", bound=Input)


@strawberry.input(description="What you have read: give exactly one of `ids`, `upTo` and `before`.")
class MarkNotificationsReadInput(Input):
    ids: list[strawberry.ID] | None = optional_id("Notification", "These, at most 100.")
    up_to: strawberry.ID | None = optional_id("Notification", "This one and all before it.")
    before: datetime | None = optional("All from before this moment.")


@strawberry.input(description="What you want to read again.")
class MarkNotificationsUnreadInput(Input):
    ids: list[strawberry.ID] = an_id("Notification", "The notifications, at most 100.")


@strawberry.type(description="Your inbox after something was marked in it, or why nothing was.")
class MarkNotificationsPayload:
    notifications: Any = results(
        "Notification", "Those that were named, as they are now, in the order in which they were; `upTo` names one."
    )
    viewer: Any = result("Operator", "You, with what is unread now; null when the mutation was refused.")
    problems: list[ProblemType] = strawberry.field(default_factory=list, description=PROBLEMS)


@strawberry.input(description="Whether you want messages of a kind through a channel.")
class NotificationPreferenceInput(Part):
    kind: EventKind = strawberry.field(description="What happened.")
    channel: str = strawberry.field(description="The channel, such as email.")
    wanted: bool = strawberry.field(description="Whether you want such messages there.")


@strawberry.input(description="Which messages you want where; what is not named stays as it is.")
class SetNotificationPreferencesInput(Input):
    preferences: list[NotificationPreferenceInput] = strawberry.field(description="The choices.")


@strawberry.type(description="Your preferences after a change, or why there was none.")
class SetNotificationPreferencesPayload:
    viewer: Any = result("Operator", "You, as you are now; null when the mutation was refused.")
    problems: list[ProblemType] = strawberry.field(default_factory=list, description=PROBLEMS)


@strawberry.type(description="The address of your calendar.")
class CreateCalendarFeedPayload:
    url: str = strawberry.field(
        description="Whoever has it can read your deadlines: give it to your own calendar only. It is not told again."
    )
    viewer: Any = result("Operator", "You, as you are now.")
    problems: list[ProblemType] = strawberry.field(default_factory=list, description=PROBLEMS)


@strawberry.type(description="The end of a calendar's address.")
class RevokeCalendarFeedPayload:
    viewer: Any = result("Operator", "You, as you are now.")
    problems: list[ProblemType] = strawberry.field(default_factory=list, description=PROBLEMS)


@strawberry.type
class NotificationMutations:
    @resolver("Marks notifications as read. What was read before keeps the moment when it was.")
    async def mark_notifications_read(
        self, info: Info, input: Annotated[MarkNotificationsReadInput, INPUT]
    ) -> MarkNotificationsPayload:
        return await attempt(MarkNotificationsPayload, lambda: _mark(info, input, _named(input), _read))

    @resolver("Marks notifications as not read.")
    async def mark_notifications_unread(
        self, info: Info, input: Annotated[MarkNotificationsUnreadInput, INPUT]
    ) -> MarkNotificationsPayload:
        return await attempt(MarkNotificationsPayload, lambda: _mark(info, input, input.decoded("ids"), _unread))

    @resolver(
        "Says which messages you want through which channel. Questions to reviewers can be silenced too: they still "
        "wait for you in `approvals`. The inbox itself always gets everything."
    )
    async def set_notification_preferences(
        self, info: Info, input: Annotated[SetNotificationPreferencesInput, INPUT]
    ) -> SetNotificationPreferencesPayload:
        return await attempt(SetNotificationPreferencesPayload, lambda: _prefer(info, input))

    @resolver(
        "Makes an address under which calendars read your deadlines. It is told once; a former one ends. A new "
        "password ends it, and so does your deactivation: make another one then."
    )
    async def create_calendar_feed(self, info: Info) -> CreateCalendarFeedPayload:
        async with info.context.database.transaction() as session:
            token = await CalendarFeeds(info.context.work(session)).create()
            viewer = await _viewer(info, session)
        return CreateCalendarFeedPayload(url=Links(info.context.settings).calendar(token), viewer=viewer)

    @resolver("Ends the address of your calendar, if there is one.")
    async def revoke_calendar_feed(self, info: Info) -> RevokeCalendarFeedPayload:
        async with info.context.database.transaction() as session:
            await CalendarFeeds(info.context.work(session)).revoke()
            return RevokeCalendarFeedPayload(viewer=await _viewer(info, session))


async def _viewer(info: Info, session: AsyncSession) -> Any:
    """The caller as selected below `viewer`; never the server itself, which has no login."""
    id = info.context.caller.id
    return await fetch(info, session, "viewer", "Operator", id) if id else None


async def _prefer(info: Info, input: SetNotificationPreferencesInput) -> SetNotificationPreferencesPayload:
    async with info.context.database.transaction() as session:
        work = info.context.work(session)
        channels, wishes = info.context.reader.channels, input.fields()["preferences"]
        await once(work, info.field_name, input, lambda: Inbox(work).prefer(wishes, channels))
        return SetNotificationPreferencesPayload(viewer=await _viewer(info, session))


async def _mark(
    info: Info, input: In, named: Sequence[UUID], act: Callable[[Inbox, In], Awaitable[None]]
) -> MarkNotificationsPayload:
    async with info.context.database.transaction() as session:
        work = info.context.work(session)
        await once(work, info.field_name, input, lambda: act(Inbox(work), input))
        notifications = await fetch_all(info, session, "notifications", "Notification", named)
        return MarkNotificationsPayload(notifications=notifications, viewer=await _viewer(info, session))


def _named(input: MarkNotificationsReadInput) -> list[UUID]:
    return input.decoded("ids") or [each for each in [input.decoded("up_to")] if each]


async def _read(inbox: Inbox, input: MarkNotificationsReadInput) -> None:
    given = [name for name in ("ids", "up_to", "before") if getattr(input, name) not in (None, strawberry.UNSET)]
    match given:
        case ["ids"]:
            await inbox.mark_read(input.decoded("ids"))
        case ["up_to"]:
            await inbox.mark_read_up_to(input.decoded("up_to"))
        case ["before"]:
            await inbox.mark_read_before(input.decoded("before"))
        case _:
            raise refuse("INVALID", "Give exactly one of ids, upTo and before.")


async def _unread(inbox: Inbox, input: MarkNotificationsUnreadInput) -> None:
    await inbox.mark_unread(input.decoded("ids"))
