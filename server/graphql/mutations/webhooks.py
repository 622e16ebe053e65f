"""Mutations of webhooks: for administrators [7]."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from time import monotonic
from typing import Annotated, Any, TypeVar

import strawberry

from server.channel import Endpoint, Message, NotSent
from server.domain.base import new_id
from server.domain.notification import Webhook
from server.domain.record import EventKind
from server.errors import refuse_any
from server.graphql.fields import resolver, result
from server.graphql.mutations.inputs import INPUT, Input, Part, Revised, an_id, optional, optional_id
from server.graphql.mutations.problems import PROBLEMS, ProblemType
from server.graphql.mutations.running import attempt, change, once
from server.graphql.reading import Info, fetch
from server.notifications.channels.cloud_events import trial
from server.notifications.channels.sealing import unsealed
from server.notifications.channels.webhook import WebhookChannel
from server.services.webhooks import Webhooks, check_url, find_webhook
from server.services.work import Work
from server.settings import Settings

Shown = TypeVar("Shown", bound="SecretShown")

WEBHOOK = ("webhook", "Webhook", "The webhook as it is now; null when the mutation was refused.")
DELIVERY = ("delivery", "Dispatch", "The delivery as it is now; null when the mutation was refused.")


@strawberry.input
class WebhookFields(Part):
    """The fields of a webhook that may be left out."""

    kinds: list[EventKind] | None = optional("Only these kinds of events; all if empty.")
    types: list[str] | None = optional("Only events about packages of these campaign types; all if empty.")
    entity_ids: list[strawberry.ID] | None = optional_id("Entity", "Only events about these entities; all if empty.")


@strawberry.input(description="A new webhook.")
class CreateWebhookInput(Input, WebhookFields):
    label: str = strawberry.field(description="Name.")
    url: str = strawberry.field(description="Where events are posted to, with https.")


@strawberry.input(description="Changes of a webhook; what is left out stays as it is.")
class UpdateWebhookInput(Revised, WebhookFields):
    id: strawberry.ID = an_id("Webhook", "The webhook.")
    label: str | None = optional("Name.")
    url: str | None = optional("Where events are posted to, with https.")
    active: bool | None = optional("Whether it is told of anything.")


@strawberry.input(description="A webhook in the revision that was read.")
class WebhookInput(Revised):
    id: strawberry.ID = an_id("Webhook", "The webhook.")


@strawberry.input(description="An event that is to be sent to a webhook again.")
class ReplayWebhookInput(Input):
    id: strawberry.ID = an_id("Webhook", "The webhook.")
    event: str = strawberry.field(description="The id of the CloudEvent.")


@strawberry.input(description="A webhook that is to be tried.")
class TestWebhookInput(Part):
    id: strawberry.ID = an_id("Webhook", "The webhook.")


@strawberry.type
class SecretShown:
    """A payload that shows a secret, once."""

    webhook: Any = result("Webhook", "The webhook as it is now; null when the mutation was refused.")
    secret: str | None = strawberry.field(
        default=None,
        description="What signs its requests (whsec_…). It is shown here and never again, also not when the mutation "
        "is repeated with its key.",
    )
    problems: list[ProblemType] = strawberry.field(default_factory=list, description=PROBLEMS)


@strawberry.type(description="The new webhook and its secret, or why there is none.")
class CreateWebhookPayload(SecretShown):
    pass


@strawberry.type(description="The new secret, or why the old one stays.")
class RotateWebhookSecretPayload(SecretShown):
    pass


@strawberry.type(description="What the endpoint made of a trial event.")
class TestWebhookPayload:
    answer: int | None = strawberry.field(default=None, description="The HTTP status; null when there was no answer.")
    milliseconds: int | None = strawberry.field(default=None, description="How long it took.")
    error: str | None = strawberry.field(default=None, description="What went wrong; null when nothing did.")
    problems: list[ProblemType] = strawberry.field(default_factory=list, description=PROBLEMS)


@strawberry.type
class WebhookMutations:
    update_webhook = change(
        "UpdateWebhook", WEBHOOK, UpdateWebhookInput, "Changes a webhook.",
        lambda work, it: Webhooks(work).update(*it.read(), it.fields()),
    )
    delete_webhook = change(
        "DeleteWebhook", WEBHOOK, WebhookInput,
        "Deactivates a webhook: it is told of nothing any more. What was sent to it can still be read.",
        lambda work, it: Webhooks(work).deactivate(*it.read()),
    )
    replay_webhook = change(
        "ReplayWebhook", DELIVERY, ReplayWebhookInput, "Sends an event to a webhook again, with the same webhook-id.",
        lambda work, it: Webhooks(work).replay(it.decoded("id"), it.event),
    )

    @resolver("Makes a webhook; its secret is shown this once.")
    async def create_webhook(
        self, info: Info, input: Annotated[CreateWebhookInput, INPUT]
    ) -> CreateWebhookPayload:
        return await _with_secret(
            info, CreateWebhookPayload, input, lambda work: Webhooks(work).create(input.fields())
        )

    @resolver("Gives a webhook a new secret, which is shown this once and signs from now on.")
    async def rotate_webhook_secret(
        self, info: Info, input: Annotated[WebhookInput, INPUT]
    ) -> RotateWebhookSecretPayload:
        return await _with_secret(
            info, RotateWebhookSecretPayload, input, lambda work: Webhooks(work).rotate(*input.read())
        )

    @resolver("Posts a trial event (org.samverkan.test) to a webhook, and says what it answered.")
    async def test_webhook(self, info: Info, input: Annotated[TestWebhookInput, INPUT]) -> TestWebhookPayload:
        return await attempt(TestWebhookPayload, lambda: _try_out(info, input))


async def _with_secret(
    info: Info, payload: Callable[..., Shown], input: Input, act: Callable[[Work], Awaitable[Webhook]]
) -> Shown:
    async def run() -> Shown:
        made: list[Webhook] = []
        async with info.context.database.transaction() as session:
            work = info.context.work(session)

            async def acting() -> Webhook:
                made.append(await act(work))
                return made[0]

            webhook_id = await once(work, info.field_name, input, acting)
            await session.flush()
            webhook = await fetch(info, session, "webhook", "Webhook", webhook_id) if webhook_id else None
        secret = unsealed(made[0].secret, info.context.settings.secret_keys) if made else None
        return payload(webhook=webhook, secret=secret)

    return await attempt(payload, run)


async def _try_out(info: Info, input: TestWebhookInput) -> TestWebhookPayload:
    """Outside of any transaction: the endpoint may take its time."""
    context = info.context
    async with context.database.reading() as session:
        context.work(session).require_admin("try out webhooks")
        webhook = await find_webhook(session, input.decoded("id"))
    refuse_any(check_url(webhook.url, private=context.settings.webhook_private_targets))
    began, answer, error = monotonic(), None, None
    try:
        async with WebhookChannel(context.settings).opened() as send:
            answer = await send(_trial_of(webhook, context.settings, context.now))
    except NotSent as refused:
        answer, error = refused.answer, refused.reason
    return TestWebhookPayload(answer=answer, milliseconds=round((monotonic() - began) * 1000), error=error)


def _trial_of(webhook: Webhook, settings: Settings, at: datetime) -> Message:
    to = Endpoint(webhook.url, unsealed(webhook.secret, settings.secret_keys))
    return Message(new_id(), at, to, event=trial(settings.web_base, at))
