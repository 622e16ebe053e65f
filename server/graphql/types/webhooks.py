"""Webhooks: for administrators [7]."""

from collections.abc import Iterator
from uuid import UUID

import strawberry

from server.domain.notification import Dispatch, Webhook
from server.domain.record import EventKind
from server.graphql.fields import column, computed, connection, to_one
from server.graphql.filters import Condition, Filter, filter_input, given
from server.graphql.ids import encode
from server.graphql.relay import Node, readable
from server.reads.resource import Reader
from server.reads.visibility import visible_webhooks


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
    paused_until = column(
        Webhook.paused_until, "The endpoint asked (Retry-After) to be left alone until then; a change ends it."
    )
    created_by = to_one("Operator", Webhook.created_by_id, "Who made it.")
    deliveries = connection("Dispatch", Dispatch.webhook_id, "What was sent to it, and what becomes of it.")
