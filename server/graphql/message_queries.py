"""Root fields about the texts of messages [7]."""

from typing import Annotated

import strawberry

from server.domain.record import EventKind
from server.errors import NotAllowed, Refused
from server.graphql import ids
from server.graphql.fields import listing, resolver
from server.graphql.mutations.problems import problems_of
from server.graphql.reading import Info
from server.graphql.types.messages import (
    MessagePreview,
    MessageVariable,
    ShippedMessage,
    message_variables,
    shipped_messages,
)
from server.notifications.wording.own_templates import MessageTemplates, Preview

Kind = Annotated[EventKind, strawberry.argument(description="What happened.")]
Locale = Annotated[str, strawberry.argument(description="The locale of the receiver, such as sv or sv-FI.")]
Subject = Annotated[str, strawberry.argument(description="The word in the brackets of the subject.")]
Source = Annotated[str, strawberry.argument(description="The template; as it ships if empty.")]
OfPackage = Annotated[strawberry.ID | None, strawberry.argument(
    description="With the facts of the newest event of the kind about this package, instead of invented ones."
)]


@strawberry.type
class MessageQueries:
    dispatches = listing(
        "Dispatch", "Messages to people and webhooks, and what became of them, the newest first; for administrators."
    )
    message_templates = listing("MessageTemplate", "The installation's own texts of messages.")

    @resolver("The texts of messages as they ship, in every language.")
    def shipped_messages(self, info: Info) -> list[ShippedMessage] | None:
        _require_central(info)
        return shipped_messages()

    @resolver("What the templates of messages may say.")
    def message_variables(self, info: Info) -> list[MessageVariable] | None:
        _require_central(info)
        return message_variables()

    @resolver("What a message with these texts would look like; for administrators. Nothing is saved.")
    async def preview_message(
        self, info: Info, kind: Kind, locale: Locale, subject: Subject = "", text: Source = "", html: Source = "",
        package: OfPackage = None,
    ) -> MessagePreview | None:
        package_id = None if package is None else ids.decode_as("Package", "package", package)
        parts = {"subject": subject, "text": text, "html": html}
        async with info.context.database.reading() as session:
            try:
                seen = await MessageTemplates(info.context.work(session)).preview(kind, locale, parts, package_id)
            except Refused as refused:
                seen = Preview(problems=refused.problems)
        return MessagePreview(
            subject=seen.subject, text=seen.text, html=seen.html, problems=problems_of(seen.problems)
        )


def _require_central(info: Info) -> None:
    if info.context.caller.is_local:
        raise NotAllowed("The texts of messages are the business of central operators.")
