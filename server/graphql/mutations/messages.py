"""Mutations of the texts of messages, for administrators [7]."""

from typing import Annotated

import strawberry

from server.domain.record import EventKind
from server.graphql.fields import resolver
from server.graphql.mutations.inputs import INPUT, Input, Part, Revised, an_id, optional
from server.graphql.mutations.problems import PROBLEMS, ProblemType
from server.graphql.mutations.running import attempt, change, once
from server.graphql.reading import Info
from server.notifications.wording.own_templates import MessageTemplates

TEMPLATE = ("messageTemplate", "MessageTemplate", "The template as it is now; null when the mutation was refused.")


@strawberry.input
class MessageParts(Part):
    """The parts of a message."""

    subject: str | None = optional("The word in the brackets of the subject; left out: as it ships.")
    text: str | None = optional("Template of the text part (Jinja); left out: as it ships.")
    html: str | None = optional("Template of the HTML part (Jinja); left out: as it ships.")

    def parts(self) -> dict[str, str]:
        given = self.fields()
        return {name: given.get(name) or "" for name in ("subject", "text", "html")}


@strawberry.input(description="An own text of a kind of message, in place of the one that ships.")
class SaveMessageTemplateInput(Input, MessageParts):
    kind: EventKind = strawberry.field(description="What happened.")
    locale: str = strawberry.field(description="For operators of this language (sv), or language and region (sv-FI).")
    revision: int = strawberry.field(
        default=0, description="The revision that you read of the one of this kind and locale; 0 when there is none."
    )


@strawberry.input(description="An own text of a message in the revision that was read.")
class DeleteMessageTemplateInput(Revised):
    id: strawberry.ID = an_id("MessageTemplate", "The template.")


@strawberry.type(description="What deleteMessageTemplate did, or why not.")
class DeleteMessageTemplatePayload:
    deleted_id: strawberry.ID | None = strawberry.field(default=None, description="The id that the template had.")
    problems: list[ProblemType] = strawberry.field(default_factory=list, description=PROBLEMS)


@strawberry.type
class MessageMutations:
    save_message_template = change(
        "SaveMessageTemplate", TEMPLATE, SaveMessageTemplateInput,
        "Puts a text of your own in the place of one that ships, when it works; for administrators.",
        lambda work, it: MessageTemplates(work).save(it.kind, it.locale, it.parts(), it.revision),
    )

    @resolver("Deletes an own text: messages are as they ship again; for administrators.")
    async def delete_message_template(
        self, info: Info, input: Annotated[DeleteMessageTemplateInput, INPUT]
    ) -> DeleteMessageTemplatePayload:
        return await attempt(DeleteMessageTemplatePayload, lambda: _delete(info, input))


async def _delete(info: Info, input: DeleteMessageTemplateInput) -> DeleteMessageTemplatePayload:
    async with info.context.database.transaction() as session:
        work = info.context.work(session)
        await once(work, info.field_name, input, lambda: MessageTemplates(work).delete(*input.read()))
    return DeleteMessageTemplatePayload(deleted_id=input.id)
