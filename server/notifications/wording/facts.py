"""What a template of a message may say: a fixed set of variables, the same for every kind; the empty ones are false."""

from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from markupsafe import Markup

from server.notifications.wording.rich_text import RichText


@dataclass(frozen=True, slots=True)
class Thing:
    """An object: "label (code)" where it is printed, in HTML with its link."""

    label: str = ""
    code: str = ""
    link: str = ""

    def __str__(self) -> str:
        return " ".join(f"{self.label} ({self.code})".split()) if self.code else ""

    def __html__(self) -> str:
        anchor = Markup('<a href="{}" style="color:#1f5fbf">{}</a>')
        return anchor.format(self.link, str(self)) if self.link else Markup.escape(str(self))

    def __bool__(self) -> bool:
        return bool(self.code)


@dataclass(frozen=True, slots=True)
class DocumentFact:
    name: str
    link: str


class Parameter(NamedTuple):
    """One order parameter with its label; `value` is a text, or a rich text."""

    label: str
    value: str | RichText


NOTHING, NO_TEXT = Thing(), RichText("")


def _described(description: str) -> dict[str, str]:
    return {"description": description}


def _variable(description: str, default: Any = "") -> Any:
    return field(default=default, metadata=_described(description))


@dataclass(frozen=True)
class Facts:
    """Dates are texts in the language of the message, in the time zone of the entity or of the organisation."""

    receiver: str = _variable("Name of the person who is written to.")
    package: Thing = field(default=NOTHING, metadata=_described("The package: .label, .code, .link."))
    campaign: Thing = field(default=NOTHING, metadata=_described("The campaign: .label, .code, .link."))
    order: Thing = field(default=NOTHING, metadata=_described("The order: .label, .code, .link."))
    entity: Thing = field(default=NOTHING, metadata=_described("The entity that it is about: .label, .code."))
    type: str = _variable("Name of the campaign type.")
    actor: str = _variable("Who did it, as far as the person may know; empty for the server itself.")
    happened_at: str = _variable("When it happened.")
    deadline: str = _variable("By when somebody is to decide or answer.")
    start: str = _variable("When the package starts.")
    end: str = _variable("When it ends.")
    registration_deadline: str = _variable("The last moment to order.")
    personalization_deadline: str = _variable("Until when documents should be delivered.")
    available_at: str = _variable("The earliest moment at which campaigns become available.")
    comment: str = _variable("The comment of the one who did it, or of the order.")
    message: str = _variable("Central's message to the local entities.")
    description: RichText = field(default=NO_TEXT, metadata=_described("Description of the package, rich text."))
    documents: tuple[DocumentFact, ...] = _variable("Documents: each with .name and .link.", ())
    parameters: tuple[Parameter, ...] = _variable("Order parameters: each with .label and .value.", ())
    contacts: str = _variable("How many contacts are on the list.")
    on_no_response: str = _variable("What silence means: EXCLUDE_ALL or KEEP_PRESELECTED.")
    subscribed: bool = _variable("Whether the entity takes part already (automatic mode).", False)
    sent: str = _variable("Feedback: how many contacts were sent the message.")
    opened: str = _variable("Feedback: how many opened it.")
    clicked: str = _variable("Feedback: how many clicked in it.")
    text: str = _variable("The text of a campaign type's own message.")
    decide_link: str = _variable("Where the question is decided.")
    register_link: str = _variable("Where the package is ordered.")
    change_link: str = _variable("Where the order can be changed, if it can.")
    reject_link: str = _variable("Where the subscription is rejected.")
    contacts_link: str = _variable("Where the list of contacts is read and confirmed.")
    messages_link: str = _variable("Where the person chooses which messages to get.")
    time_zone: str = _variable("The time zone of the dates, such as Europe/Stockholm.")

    def variables(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in VARIABLES}


VARIABLES: dict[str, str] = {each.name: each.metadata["description"] for each in fields(Facts)}
"""The names that templates may use, with what they stand for."""
