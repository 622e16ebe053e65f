"""Messages on their way to people and other systems, and what became of them: for administrators [7]."""

from collections.abc import Iterator

from sqlalchemy import select

from server.domain.notification import Dispatch, DispatchAttempt, DispatchStatus, Notification
from server.domain.record import Event, EventKind
from server.graphql.enums import describe
from server.graphql.fields import column, computed, few, to_one
from server.graphql.filters import Condition, Filter, Period, filter_input, given
from server.graphql.relay import Node, readable
from server.reads.dispatches import in_trouble
from server.reads.resource import Reader
from server.reads.visibility import visible_dispatches

describe(DispatchStatus, "DispatchStatus", "What became of a message.", {
    "PENDING": "To be sent, or to be tried again when it is due.",
    "SENT": "Taken by the other side.",
    "FAILED": "Refused for good, or given up after all attempts.",
    "CANCELED": "Not sent: its receiver is no longer there.",
})

_KIND = select(Event.kind).where(Event.id == Dispatch.event_id).correlate(Dispatch).scalar_subquery()
_RECEIVER = (
    select(Notification.operator_id).where(Notification.id == Dispatch.notification_id).correlate(Dispatch)
    .scalar_subquery()
)


@filter_input("DispatchFilter", "Which messages to list.")
class DispatchFilter(Filter):
    status: list[DispatchStatus] | None = given("In one of these states.")
    in_trouble: bool | None = given("Those that failed for good or are tried again after a failure, or all the others.")
    channel: list[str] | None = given("Through one of these channels, such as email.")
    kind: list[EventKind] | None = given("About events of one of these kinds.")
    created_at: Period | None = given("To be sent since that time.")

    def where(self, reader: Reader) -> Iterator[Condition]:
        yield from self.among("status", Dispatch.status)
        yield from self.holds("in_trouble", lambda: in_trouble)
        yield from self.among("channel", Dispatch.channel)
        yield from self.among("kind", _KIND)
        yield from self.during("created_at", Dispatch.created_at)


@readable(
    "Dispatch", Dispatch, visible_dispatches, "One message on its way to one person or webhook through one channel.",
    sorts={"CREATED_AT": ("time", ())}, default="CREATED_AT_DESC",
)
class DispatchType(Node):
    channel = column(Dispatch.channel, "The channel, such as email or webhook.")
    operator = to_one("Operator", _RECEIVER, "To whom it goes; null when it goes to a webhook.", "receiver_id")
    webhook = to_one("Webhook", Dispatch.webhook_id, "Where it goes; null when it goes to a person.")
    message_id = computed(
        str, "Its webhook-id, or what its Message-ID is made of: the same at every attempt.",
        {"message_id": Dispatch.id}, lambda row, _: str(row.message_id),
    )
    event = computed(
        str, "The id of the CloudEvent; what replayWebhook takes.", {"event": Dispatch.event_id},
        lambda row, _: str(row.event),
    )
    kind = column(_KIND, "What happened.", EventKind, "kind")
    status = column(Dispatch.status, "What became of it.")
    created_at = column(Dispatch.created_at, "Since when it is to be sent.")
    due_at = column(Dispatch.due_at, "When it is tried next, or was tried last.")
    sent_at = column(Dispatch.sent_at, "When it was taken.")
    tries = column(
        Dispatch.attempts, "How often it was tried; a time at which the other side could not be reached at all does "
        "not count.",
    )
    last_error = column(Dispatch.last_error, "Why it was not taken the last time; empty when it was, or not tried yet.")
    attempts = few(
        "DispatchAttempt", DispatchAttempt.dispatch_id,
        "Every attempt at a webhook, the failed ones of other channels; the first one first.",
    )


@readable(
    "DispatchAttempt", DispatchAttempt, visible_dispatches, "One attempt to send a message.",
    sorts={"AT": ("time", (DispatchAttempt.at,))}, default="AT_ASC",
)
class DispatchAttemptType:
    at = column(DispatchAttempt.at, "When.")
    milliseconds = column(DispatchAttempt.milliseconds, "How long it took.")
    answer = column(DispatchAttempt.answer, "The reply code or HTTP status; null when there was no answer.")
    error = column(DispatchAttempt.error, "What went wrong, with the beginning of the answer; empty when nothing did.")
