"""The in-app inbox of an operator: what they were told, newest first [7]."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy import case, func, select

from server.domain.approval import Approval
from server.domain.campaign import Campaign
from server.domain.network import Operator
from server.domain.notification import CalendarFeed, Notification
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import EventKind
from server.graphql.fields import batch, column, computed, to_one
from server.graphql.filters import Condition, Filter, Period, filter_input, given
from server.graphql.relay import Node, readable
from server.notifications.links import Links
from server.notifications.wording.inbox import texts
from server.reads import preferences
from server.reads.resource import Expression, Needs, Reader
from server.reads.visibility import (
    visible_approvals,
    visible_campaigns,
    visible_notifications,
    visible_orders,
    visible_packages,
)


@filter_input("NotificationFilter", "Which notifications to list.")
class NotificationFilter(Filter):
    text: str | None = given("Part of the subject.")
    read: bool | None = given("Those that you have read, or those that you have not.")
    kind: list[EventKind] | None = given("Of one of these kinds.")
    at: Period | None = given("Of that time.")

    def where(self, reader: Reader) -> Iterator[Condition]:
        yield from self.matches(Notification.subject)
        if isinstance(self.read, bool):
            yield Notification.read_at.is_not(None) if self.read else Notification.read_at.is_(None)
        yield from self.among("kind", Notification.kind)
        yield from self.during("at", Notification.at)


def _unread(reader: Reader) -> Any:
    """Of the reader; null beside everybody else."""
    unread = select(func.count()).where(visible_notifications(reader.caller), Notification.read_at.is_(None))
    return case((Operator.id == reader.caller.id, unread.scalar_subquery()))


def _calendar_since(reader: Reader) -> Any:
    mine = CalendarFeed.operator_id == reader.caller.id
    since = select(func.max(CalendarFeed.created_at, type_=CalendarFeed.created_at.type)).where(
        mine, CalendarFeed.revoked_at.is_(None)
    )
    return case((Operator.id == reader.caller.id, since.scalar_subquery()))


UNREAD_NOTIFICATIONS = column(
    _unread, "How many notifications in your inbox you have not read; null for other operators.", int | None,
    "unread_notifications",
)


@strawberry.type(description="Whether you want messages of a kind through a channel.")
class NotificationPreference:
    kind: EventKind = strawberry.field(description="What happened.")
    channel: str = strawberry.field(description="Name of the channel, such as email.")
    wanted: bool = strawberry.field(description="Whether you want such messages there; you do until you say no.")


PREFERENCES = batch(
    list[NotificationPreference] | None,
    "Every choice you have, a kind and a channel each; the inbox itself always gets everything. Questions to reviewers "
    "can be silenced too: they still wait in `approvals`. Null for other operators.", preferences.of_the_reader,
)


@strawberry.type(name="CalendarFeed", description="Your deadlines as a calendar, at an address that you were told.")
class CalendarFeedType:
    created_at: datetime = strawberry.field(description="When its address was made.")


CALENDAR_FEED = computed(
    CalendarFeedType | None,
    "Your calendar of deadlines, if you have made one; null for other operators.",
    {"calendar_since": _calendar_since},
    lambda row, _: row.calendar_since and CalendarFeedType(created_at=row.calendar_since),
)


def _seen(target: Any, value: Any, link: Any, visible: Any) -> Expression:
    """A value of what a notification links to, while the reader sees it."""
    return lambda reader: (
        select(value).where(target.id == link, visible(reader.caller)).correlate(Notification).scalar_subquery()
    )


LINKED: Needs = {
    "kind": Notification.kind,
    "approval_seen": _seen(Approval, Approval.id, Notification.approval_id, visible_approvals),
    "campaign_code": _seen(Campaign, Campaign.code, Notification.campaign_id, visible_campaigns),
    "order_code": _seen(Order, Order.code, Notification.order_id, visible_orders),
    "package_code": _seen(Package, Package.code, Notification.package_id, visible_packages),
}


def _url(row: Any, reader: Reader) -> str | None:
    links = Links(reader.settings)
    if row.campaign_code and row.kind is EventKind.CAMPAIGN_AVAILABLE:
        return links.campaign(row.campaign_code)
    if row.approval_seen:
        return links.approval(row.approval_seen)
    if row.order_code:
        return links.order(row.order_code)
    if row.package_code:
        return links.package(row.package_code)
    return links.campaign(row.campaign_code) if row.campaign_code else None


@readable(
    "Notification", Notification, visible_notifications, "What you were told about one event; nobody else can read it.",
    sorts={"AT": ("time", (Notification.at,))}, default="AT_DESC",
)
class NotificationType(Node):
    kind = column(Notification.kind, "What happened.")
    subject = column(Notification.subject, "The subject as it was then: [kind] label (code).")
    text = batch(
        str | None, "The message as plain text in your language, as things are now; null when you may not see one of "
        "them any more.", texts,
    )
    at = column(Notification.at, "When it happened.")
    read_at = column(Notification.read_at, "When you read it; null: not yet.")
    package = to_one("Package", Notification.package_id, "The package that it is about.")
    order = to_one("Order", Notification.order_id, "The order that it is about.")
    approval = to_one("Approval", Notification.approval_id, "The question that it asks or is about.")
    campaign = to_one("Campaign", Notification.campaign_id, "The campaign that it is about.")
    entity = to_one("Entity", Notification.entity_id, "The entity for whose sake you were told.")
    url = computed(
        str | None, "Where the web interface shows what it is about; null when you may not see that now.", LINKED, _url
    )
