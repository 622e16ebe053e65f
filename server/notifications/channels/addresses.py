"""Addresses of mails: checked, and written so that they cannot break out of a header or an SMTP command."""

from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr

from server.channel import Person, Rejected

FORM = "must look like Marketing <marketing@example.org>"


def sender_of(setting: str) -> Address:
    """The sender that the setting mail_from names; ValueError when it names none."""
    name, address = parseaddr(setting)
    try:
        return _address(name, address)
    except ValueError:
        raise ValueError(f"SAMVERKAN_MAIL_FROM is {setting!r}; it {FORM}") from None


def receiver_of(person: Person) -> Address:
    try:
        return _address(person.name, person.email)
    except ValueError:
        raise Rejected("The operator's e-mail address is not one.") from None


def _address(name: str, address: str) -> Address:
    """Domains go over the wire in ASCII (IDNA); the part before the @ may be in any script where the server knows
    SMTPUTF8."""
    local, _, domain = address.rpartition("@")
    if not (local and domain and address.isprintable()) or " " in address:
        raise ValueError("not an address")
    shown = "".join(letter for letter in " ".join(name.split()) if letter.isprintable())
    try:
        ascii_domain = domain.encode("idna").decode()
        Address(addr_spec=f"{local.encode('ascii', 'replace').decode()}@{ascii_domain}")  # says what is malformed
        return Address(shown, local, ascii_domain)
    except (MessageError, IndexError, UnicodeError) as error:
        raise ValueError("not an address") from error
