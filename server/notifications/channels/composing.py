"""A message as mail: the bytes that go over SMTP, and into a file where there is no mail server."""

from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

from server.channel import Message, Person
from server.notifications.channels.addresses import receiver_of


@dataclass(frozen=True, slots=True)
class Mail:
    """The envelope and what is in it; `international` needs a server that knows SMTPUTF8."""

    sender: str
    receiver: str
    content: bytes
    international: bool

    @property
    def encoding(self) -> str:
        """Of the commands that name the addresses."""
        return "utf-8" if self.international else "ascii"


def compose(message: Message, sender: Address) -> Mail:
    """The mail, the same at every attempt. Rejected when the receiver's address cannot be one."""
    if not isinstance(message.to, Person):
        raise TypeError("mail goes to people")
    receiver = receiver_of(message.to)
    international = not (receiver.addr_spec + sender.addr_spec).isascii()
    mail = EmailMessage(SMTPUTF8 if international else SMTP)
    mail["From"] = sender
    mail["To"] = receiver
    mail["Subject"] = _one_line(message.subject)
    mail["Date"] = message.at
    mail["Message-ID"] = f"<{message.id}@{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = _one_line(message.to.locale)
    mail.set_content(message.text, cte="quoted-printable")
    if message.html:
        mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
        mail.set_boundary(f"samverkan-{message.id}")
    return Mail(sender.addr_spec, receiver.addr_spec, mail.as_bytes(), international)


def _one_line(text: str) -> str:
    """A header ends with its line: whatever ends one, or is no letter at all, becomes a space."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
