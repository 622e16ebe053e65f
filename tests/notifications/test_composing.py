"""What a mail looks like from outside: for every mail program, and never with more headers than we gave it [7]."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.policy import default
from uuid import UUID

import pytest

from server.channel import Message, Person, Rejected
from server.notifications.channels.addresses import sender_of
from server.notifications.channels.composing import compose

SENDER = sender_of("Marknad & försäljning <marketing@exämple.org>")
ID = UUID("0190c2f0-0000-7000-8000-000000000001")
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def a_message(email: str = "eva@example.org", name: str = "Eva Åberg", subject: str = "[Paket] Vår (CAT1)") -> Message:
    person = Person("eva", name, email, "sv-SE")
    return Message(ID, AT, person, subject, "Hej Eva,\nvåren är här.\n.\nFrom oss\n", "<p>Hej Eva, våren är här.</p>")


def test_both_parts_and_every_header_survive_the_way() -> None:
    mail = compose(a_message(), SENDER)
    parsed = message_from_bytes(mail.content, policy=default)
    assert parsed["to"].addresses == (Address("Eva Åberg", addr_spec="eva@example.org"),)
    assert str(parsed["from"]) == "Marknad & försäljning <marketing@xn--exmple-cua.org>"
    assert parsed["subject"] == "[Paket] Vår (CAT1)"
    assert parsed["message-id"] == f"<{ID}@xn--exmple-cua.org>"
    assert parsed["date"].datetime == AT
    assert parsed["auto-submitted"] == "auto-generated"
    assert parsed.get_content_type() == "multipart/alternative"
    text, html = parsed.iter_parts()
    assert text.get_content().splitlines() == ["Hej Eva,", "våren är här.", ".", "From oss"]
    assert html.get_content_type() == "text/html" and html.get_content().strip() == "<p>Hej Eva, våren är här.</p>"


def test_it_is_seven_bit_with_short_lines_whatever_the_text() -> None:
    content = compose(a_message(subject="å" * 500, name="é" * 100), SENDER).content
    assert content.isascii() and max(map(len, content.split(b"\r\n"))) <= 78
    assert b"\n" not in content.replace(b"\r\n", b"")


def test_a_second_attempt_has_the_same_bytes() -> None:
    assert compose(a_message(), SENDER) == compose(a_message(), SENDER)


@pytest.mark.parametrize("evil", ["\r\n", "\n", "\r", "\x0b", "\x1c", "\x85", "\u2028", "\x00"])
def test_no_name_and_no_subject_can_add_a_header(evil: str) -> None:
    attack = f"Spring{evil}Bcc: all@example.org{evil}{evil}And a body"
    mail = message_from_bytes(compose(a_message(name=attack, subject=attack), SENDER).content, policy=default)
    assert mail["bcc"] is None and len(mail["to"].addresses) == 1
    assert mail["subject"] == "Spring Bcc: all@example.org And a body"
    assert len(list(mail.iter_parts())) == 2


@pytest.mark.parametrize("email", [
    "", "eva", "eva@", "@example.org", "eva@example.org\r\nBcc: a@b.c", "eva@a b.org", "eva@example.org, b@c.org",
    "<eva@example.org>", "eva@example.org>\nRCPT TO:<b@c.org", "a b@example.org", "eva@ex..org",
])
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(Rejected, match="is not one"):
        compose(a_message(email=email), SENDER)


def test_domains_of_every_script_go_out_in_ascii_and_names_by_smtputf8() -> None:
    assert compose(a_message(email="eva@åre.se"), SENDER).receiver == "eva@xn--re-xia.se"
    mail = compose(a_message(email="jörg@åre.se"), SENDER)
    assert (mail.receiver, mail.international, mail.encoding) == ("jörg@xn--re-xia.se", True, "utf-8")
    assert "jörg@".encode() in mail.content


@pytest.mark.parametrize("setting", ["", "Marketing", "a@b@c", "Marketing <>"])
def test_a_sender_that_is_none_is_told_with_what_would_be_right(setting: str) -> None:
    with pytest.raises(ValueError, match=r"must look like Marketing <marketing@example\.org>"):
        sender_of(setting)
