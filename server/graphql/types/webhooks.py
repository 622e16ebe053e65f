"""Webhooks and what was sent to them: for administrators [7]."""

from collections.abc import Iterator
from uuid import UUID

import strawberry
from sqlalchemy import select

from server.domain.notification import Dispatch, DispatchAttempt, DispatchStatus, Webhook
from server.domain.record import Event, EventKind
from server.graphql.enums import describe
from server.graphql.fields import column, computed, connection, few, to_one
from server.graphql.filters import Condition, Filter, filter_input, given
from server.graphql.ids import encode
from server.graphql.relay import Node, readable
from server.reads.resource import Reader
from server.reads.visibility import visible_deliveries, visible_webhooks

describe(DispatchStatus, "DeliveryStatus", "What became of a message.", {
    "PENDING": "To be sent, or to be tried again when it is due.",
    "SENT": "Taken by the other side.",
    "FAILED": "Refused for good, or given up after all attempts.",
    "CANCELED": "Not sent: its receiver is no longer there.",
})


@filter_input("WebhookFilter", "Which webhooks to list.")
class WebhookFilter(Filter):
    text: str | None = given("Part of the label or URL.")
    active: bool | None = given("Active ones, or those that get nothing any more.")

    def where(self, reader: Reader) -> Iterator[Condition]:
        yield from self.matches(Webhook.label, Webhook.url)
        yield from self.equals("active", Webhook.active)


@readable(
    "Webhook", Webhook, visible_webhooks, "Another system that is told of events by signed HTTP requests.",
    sorts={"LABEL": ("label", (Webhook.label,)), "CREATED_AT": ("creation", (Webhook.created_at,))},
    default="LABEL_ASC",
)
class WebhookType(Node):
    label = column(Webhook.label, "Name.")
    url = column(Webhook.url, "Where events are posted to.")
    kinds = computed(
        list[EventKind], "Only these kinds of events; all if empty.", {"filter": Webhook.filter},
        lambda row, _: [EventKind(kind) for kind in row.filter.get("kinds") or ()],
    )
    types = computed(
        list[str], "Only events about packages of these campaign types; all if empty.", {"filter": Webhook.filter},
        lambda row, _: list(row.filter.get("types") or ()),
    )
    entity_ids = computed(
        list[strawberry.ID], "Only events that concern these entities, by their ids; all if empty.",
        {"filter": Webhook.filter},
        lambda row, _: [encode("Entity", UUID(id)) for id in row.filter.get("entity_ids") or ()],
    )
    active = column(Webhook.active, "Whether it is told of anything; an endpoint that answers 410 is switched off.")
    created_by = to_one("Operator", Webhook.created_by_id, "Who made it.")
    deliveries = connection("WebhookDelivery", Dispatch.webhook_id, "What was sent to it, and what becomes of it.")


@filter_input("WebhookDeliveryFilter", "Which deliveries to list.")
class WebhookDeliveryFilter(Filter):
    status: list[DispatchStatus] | None = given("In one of these states.")

    def where(self, reader: Reader) -> Iterator[Condition]:
        yield from self.among("status", Dispatch.status)


@readable(
    "WebhookDelivery", Dispatch, visible_deliveries, "One event on its way to one webhook.",
    sorts={"CREATED_AT": ("time", (Dispatch.created_at,))}, default="CREATED_AT_DESC",
)
class WebhookDeliveryType(Node):
    webhook = to_one("Webhook", Dispatch.webhook_id, "Where it goes.")
    message_id = computed(
        str, "Its webhook-id, the same at every attempt.", {"message_id": Dispatch.id},
        lambda row, _: str(row.message_id),
    )
    event = computed(
        str, "The id of the CloudEvent; what replayWebhook takes.", {"event": Dispatch.event_id},
        lambda row, _: str(row.event),
    )
    kind = column(
        select(Event.kind).where(Event.id == Dispatch.event_id).correlate(Dispatch).scalar_subquery(),
        "What happened.", EventKind, "kind",
    )
    status = column(Dispatch.status, "What became of it.")
    created_at = column(Dispatch.created_at, "Since when it is to be sent.")
    due_at = column(Dispatch.due_at, "When it is tried next, or was tried last.")
    sent_at = column(Dispatch.sent_at, "When it was taken.")
    attempts = few("WebhookAttempt", DispatchAttempt.dispatch_id, "Every attempt, the first one first.")


@readable(
    "WebhookAttempt", DispatchAttempt, visible_webhooks, "One attempt to deliver an event.",
    sorts={"AT": ("time", (DispatchAttempt.at,))}, default="AT_ASC",
)
class WebhookAttemptType:
    at = column(DispatchAttempt.at, "When.")
    milliseconds = column(DispatchAttempt.milliseconds, "How long it took.")
    answer = column(DispatchAttempt.answer, "The HTTP status of the answer; null when there was none.")
    error = column(DispatchAttempt.error, "What went wrong, with the beginning of the answer; empty when nothing did.")
