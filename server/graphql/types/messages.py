"""The texts of messages: those that ship, and an installation's own in place of them [7]."""

from collections.abc import Iterator

import strawberry

from server.domain.notification import MessageTemplate
from server.domain.record import EventKind
from server.graphql.fields import column, computed
from server.graphql.filters import Condition, Filter, filter_input, given
from server.graphql.mutations.problems import ProblemType
from server.graphql.relay import Node, readable
from server.notifications.wording.facts import VARIABLES
from server.notifications.wording.wordings import LANGUAGES, Wording, language_of, shipped, shipped_language
from server.reads.resource import Reader
from server.reads.visibility import visible_message_templates


@strawberry.type(description="A text of a message as it ships.")
class ShippedMessage:
    kind: EventKind = strawberry.field(description="What happened.")
    language: str = strawberry.field(description="Its language; operators of other languages get en.")
    subject: str = strawberry.field(description="The word in the brackets of the subject.")
    text: str = strawberry.field(description="Template of the text part.")
    html: str = strawberry.field(description="Template of the HTML part.")

    @classmethod
    def of(cls, kind: EventKind, wording: Wording) -> "ShippedMessage":
        return cls(
            kind=kind, language=wording.language, subject=wording.subject, text=wording.text, html=wording.html
        )


@strawberry.type(description="What the templates of all messages may say.")
class MessageVariable:
    name: str = strawberry.field(description="Its name in a template.")
    description: str = strawberry.field(description="What stands there; empty where there is no such thing.")


@strawberry.type(description="What a message would look like.")
class MessagePreview:
    subject: str = strawberry.field(description="The subject.")
    text: str = strawberry.field(description="The text part.")
    html: str = strawberry.field(description="The HTML part, a whole document.")
    problems: list[ProblemType] = strawberry.field(description="What is wrong with the template; empty when it works.")


def shipped_messages() -> list[ShippedMessage]:
    return [ShippedMessage.of(kind, shipped(kind, language)) for kind in EventKind for language in LANGUAGES]


def message_variables() -> list[MessageVariable]:
    return [MessageVariable(name=name, description=description) for name, description in VARIABLES.items()]


@filter_input("MessageTemplateFilter", "Which message templates to list.")
class MessageTemplateFilter(Filter):
    kind: list[EventKind] | None = given("For one of these kinds of messages.")
    locale: list[str] | None = given("For one of these locales.")

    def where(self, reader: Reader) -> Iterator[Condition]:
        yield from self.among("kind", MessageTemplate.kind)
        yield from self.among("locale", MessageTemplate.locale)


@readable(
    "MessageTemplate", MessageTemplate, visible_message_templates,
    "An installation's own text of a kind of message, for the operators of a locale.",
    sorts={"KIND": ("kind, then locale", (MessageTemplate.kind, MessageTemplate.locale))}, default="KIND_ASC",
)
class MessageTemplateType(Node):
    kind = column(MessageTemplate.kind, "What happened.")
    locale = column(MessageTemplate.locale, "For operators of this language (sv), or language and region (sv-FI).")
    subject = column(MessageTemplate.subject, "The word in the brackets of the subject; empty: as it ships.")
    text = column(MessageTemplate.text, "Template of the text part; empty: as it ships.")
    html = column(MessageTemplate.html, "Template of the HTML part; empty: as it ships.")
    shipped = computed(
        ShippedMessage, "What it takes the place of.", {"kind": MessageTemplate.kind, "locale": MessageTemplate.locale},
        lambda row, _: ShippedMessage.of(row.kind, shipped(row.kind, shipped_language(language_of(row.locale)))),
    )
