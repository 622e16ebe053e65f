"""Mail over a real mail server that fails in every way, and into files where there is none [7]."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from server.channel import Message, NotSent, Person, Rejected, Unreachable
from server.domain.base import new_id
from server.notifications.channels.addresses import sender_of
from server.notifications.channels.composing import compose
from server.notifications.channels.email import Email
from server.settings import Settings, SmtpSecurity
from tests.certificates import Certificate
from tests.notifications.conftest import smtp_to
from tests.smtp_sink import CUT, Sink, smtp_sink

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def mail_to(email: str) -> Message:
    person = Person("eva", "Eva", email, "en")
    return Message(new_id(), AT, person, "[Package] Spring (CAT1)", "Spring is here.\n", "<p>Spring is here.</p>")


async def outcomes(settings: Settings, *messages: Message) -> list[str]:
    """What became of each message of one batch, as "250", or the kind of refusal with its reply code."""
    found: list[str] = []
    async with Email(settings).opened() as send:
        for message in messages:
            try:
                found.append(str(await send(message)))
            except NotSent as error:
                found.append(f"{type(error).__name__} {error.answer}")
    return found


async def test_a_batch_goes_over_one_connection(sink: Sink) -> None:
    messages = [mail_to(f"anna{number}@example.org") for number in range(5)]
    assert await outcomes(smtp_to(sink.port), *messages) == ["250"] * 5
    assert sink.connections == 1
    assert [mail["message-id"] for mail in sink.mails] == [f"<{each.id}@localhost>" for each in messages]


@pytest.mark.parametrize(("reply", "outcome"), [
    ("550 no such user", "Rejected 550"), ("552 mailbox full for good", "Rejected 552"),
    ("450 greylisted, try again", "TryLater 450"), ("452 no space", "TryLater 452"),
    ("421 going down", "TryLater 421"),
])
async def test_one_bad_address_holds_nobody_up(sink: Sink, reply: str, outcome: str) -> None:
    sink.refused_receivers["bob@example.org"] = [reply]
    batch = [mail_to(f"{name}@example.org") for name in ("anna", "bob", "cleo")]
    assert await outcomes(smtp_to(sink.port), *batch) == ["250", outcome, "250"]
    assert sink.receivers == ["anna@example.org", "cleo@example.org"]


@pytest.mark.parametrize(("reply", "outcome"), [
    ("554 looks like spam", "Rejected 554"), ("451 local error", "TryLater 451"), (CUT, "TryLater None"),
])
async def test_content_is_refused_for_good_or_for_now(sink: Sink, reply: str, outcome: str) -> None:
    sink.refused_contents["bob@example.org"] = [reply]
    batch = [mail_to(f"{name}@example.org") for name in ("anna", "bob", "cleo")]
    assert await outcomes(smtp_to(sink.port), *batch) == ["250", outcome, "250"]


async def test_the_reply_is_kept_for_who_looks_after_it(sink: Sink) -> None:
    sink.refused_receivers["bob@example.org"] = ["550 5.1.1 No such user here"]
    async with Email(smtp_to(sink.port)).opened() as send:
        with pytest.raises(Rejected) as refusal:
            await send(mail_to("bob@example.org"))
    assert (refusal.value.reason, refusal.value.answer) == ("550 5.1.1 No such user here", 550)


async def test_a_server_that_takes_so_many_mails_per_connection_gets_a_new_one(sink: Sink) -> None:
    sink.closing_after = 2
    batch = [mail_to(f"anna{number}@example.org") for number in range(5)]
    assert await outcomes(smtp_to(sink.port), *batch) == ["250"] * 5
    assert (sink.connections, len(sink.mails)) == (3, 5)


async def test_connections_that_are_lost_again_and_again_are_not_the_messages_fault(sink: Sink) -> None:
    for name in ("anna", "bob"):
        sink.refused_contents[f"{name}@example.org"] = [CUT]
    batch = [mail_to("anna@example.org"), mail_to("bob@example.org")]
    assert await outcomes(smtp_to(sink.port), *batch) == ["TryLater None", "Unreachable None"]


async def test_a_server_that_does_not_answer_costs_one_timeout(sink: Sink) -> None:
    sink.pause = 30
    assert await outcomes(smtp_to(sink.port, smtp_timeout_seconds=0.2), mail_to("a@example.org")) == ["TryLater None"]


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    async with smtp_sink() as sink:
        port = sink.port
    assert await outcomes(smtp_to(port), mail_to("anna@example.org")) == ["Unreachable None"]


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # aiosmtpd does not see TLS that is there from the first byte
@pytest.mark.parametrize("starttls", [True, False])
async def test_mail_goes_out_encrypted_and_logged_in(trusted: Certificate, starttls: bool) -> None:
    security = SmtpSecurity.STARTTLS if starttls else SmtpSecurity.TLS
    async with smtp_sink(trusted.server, starttls=starttls, login=("samverkan", "s3cret")) as sink:
        settings = smtp_to(sink.port, smtp_security=security, smtp_login="samverkan", smtp_password="s3cret")
        assert await outcomes(settings, mail_to("anna@example.org")) == ["250"]
    assert sink.logins == ["samverkan"] and len(sink.mails) == 1


async def test_a_wrong_login_is_nobodys_fault_but_ours_and_tells_no_password(trusted: Certificate) -> None:
    async with smtp_sink(trusted.server, starttls=True, login=("samverkan", "s3cret")) as sink:
        settings = smtp_to(
            sink.port, smtp_security=SmtpSecurity.STARTTLS, smtp_login="samverkan", smtp_password="wr0ng"
        )
        assert "wr0ng" not in repr(settings)
        async with Email(settings).opened() as send:
            with pytest.raises(Unreachable, match="535") as refusal:
                await send(mail_to("anna@example.org"))
    assert "wr0ng" not in refusal.value.reason


async def test_a_server_that_wants_a_login_is_not_taken_for_one_that_refuses_the_message(trusted: Certificate) -> None:
    async with smtp_sink(trusted.server, starttls=True, login=("samverkan", "s3cret")) as sink:
        settings = smtp_to(sink.port, smtp_security=SmtpSecurity.STARTTLS)
        assert await outcomes(settings, mail_to("anna@example.org")) == ["Unreachable 530"]


@pytest.mark.parametrize("starttls", [True, False])
async def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Certificate, starttls: bool) -> None:
    security = SmtpSecurity.STARTTLS if starttls else SmtpSecurity.TLS
    async with smtp_sink(certificate.server, starttls=starttls) as sink:
        found = await outcomes(smtp_to(sink.port, smtp_security=security), mail_to("anna@example.org"))
    assert found == ["Unreachable None"] and not sink.mails


async def test_starttls_is_not_done_without_when_the_server_has_none(sink: Sink) -> None:
    settings = smtp_to(sink.port, smtp_security=SmtpSecurity.STARTTLS)
    assert await outcomes(settings, mail_to("anna@example.org")) == ["Unreachable None"]
    assert not sink.mails


async def test_names_of_every_script_are_taken(sink: Sink) -> None:
    assert await outcomes(smtp_to(sink.port), mail_to("jörg@åre.se")) == ["250"]
    assert sink.receivers == ["jörg@xn--re-xia.se"]


async def test_without_a_mail_server_the_same_bytes_are_files_in_the_order_of_time(sink: Sink, tmp_path: Path) -> None:
    message, later = mail_to("anna@example.org"), mail_to("bob@example.org")
    settings = Settings(mail_folder=tmp_path / "mail")
    assert await outcomes(settings, message, later, message) == ["None"] * 3
    await outcomes(smtp_to(sink.port), message)
    files = sorted((tmp_path / "mail").iterdir())
    assert [file.name for file in files] == [f"20260302T090000Z-{each.id}.eml" for each in (message, later)]
    assert files[0].read_bytes() == compose(message, sender_of(settings.mail_from)).content == sink.contents[0]
    assert message_from_bytes(files[1].read_bytes(), policy=default)["to"].addresses[0].addr_spec == "bob@example.org"


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file")
    async with Email(Settings(mail_folder=tmp_path / "mail")).opened() as send:
        with pytest.raises(Unreachable, match="The mail folder cannot be written: File exists"):
            await send(mail_to("anna@example.org"))


@pytest.mark.parametrize(("settings", "target"), [
    (Settings(), ".eml files in var/mail, since SAMVERKAN_SMTP_HOST is not set"),
    (Settings(smtp_host="mail.example.org"), "mail.example.org:587, starttls"),
    (Settings(smtp_host="mail.example.org", smtp_security=SmtpSecurity.TLS), "mail.example.org:465, tls"),
    (Settings(smtp_host="m.example.org", smtp_security=SmtpSecurity.NONE, smtp_port=2525), "m.example.org:2525, none"),
])
def test_it_says_where_mail_goes(settings: Settings, target: str) -> None:
    assert Email(settings).target() == target


def test_temporary_refusals_are_tried_again_for_three_days() -> None:  # 1 min, 5, 15, 1 h … 24 h
    hours = [wait.total_seconds() / 3600 for wait in Email.waits]
    assert hours == sorted(hours) and hours[0] == 1 / 60 and hours[-1] == 24 and sum(hours) > 72
