"""Messages to people on their way: sent at least once, marked once, tried again, and never in anybody's way [7]."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog
from prometheus_client import REGISTRY

from server.domain.network import Operator
from server.domain.notification import DispatchStatus, Notification
from server.notifications import sending
from server.notifications.queues import Queue, claim, release, slot
from server.notifications.wording.rendering import Rendered, Renderer
from server.settings import SmtpSecurity
from tests.builders import DAY, NOW
from tests.jobs.test_enqueue import ids
from tests.notifications.mailing import Mailing
from tests.smtp_sink import Sink, smtp_sink

MINUTE = timedelta(minutes=1)
PENDING, SENT, FAILED, CANCELED = DispatchStatus


def to(sink: Sink) -> dict[str, Any]:
    return {
        "smtp_host": "127.0.0.1", "smtp_port": sink.port, "smtp_security": SmtpSecurity.NONE,
        "smtp_timeout_seconds": 5.0,
    }


def about(moment: datetime) -> Any:
    """That moment, or the next slot after the little time that the test took."""
    return lambda found: slot(moment) <= found <= slot(moment) + timedelta(seconds=10)


async def test_what_is_due_is_sent_and_marked(mailing: Mailing, sink: Sink) -> None:
    anna, bob, later = mailing.told("anna"), mailing.told("bob", locale="sv"), mailing.told("later")
    later.due_at = NOW + MINUTE
    await mailing.send(**to(sink))
    assert await mailing.statuses(anna, bob, later) == [SENT, SENT, PENDING]
    assert sorted(sink.receivers) == ["anna@example.org", "bob@example.org"]
    assert {mail["message-id"] for mail in sink.mails} == {f"<{each.id}@localhost>" for each in (anna, bob)}
    assert (await mailing.fate(anna)).attempts == 1 and await mailing.attempts(anna) == []
    await mailing.send(NOW, **to(sink))
    assert len(sink.mails) == 2


async def test_one_bad_address_fails_for_good_with_the_reply_and_holds_nobody_up(mailing: Mailing, sink: Sink) -> None:
    sink.refused_receivers["bob@example.org"] = ["550 no such user"]
    anna, bob, cleo = (mailing.told(name) for name in ("anna", "bob", "cleo"))
    before = counted("SENT"), counted("FAILED")
    with structlog.testing.capture_logs() as logged:
        await mailing.send(**to(sink))
    assert await mailing.statuses(anna, bob, cleo) == [SENT, FAILED, SENT]
    assert (counted("SENT") - before[0], counted("FAILED") - before[1]) == (2, 1)
    assert (await mailing.fate(bob)).last_error == "550 no such user"
    assert await mailing.attempts(bob) == [(550, "550 no such user")]
    [line] = [each for each in logged if each["event"] == "dispatch_failed"]
    assert line["answer"] == 550 and "example.org" not in str(logged) and "no such user" not in str(logged)


def counted(outcome: str) -> float:
    labels = {"channel": "email", "outcome": outcome}
    return REGISTRY.get_sample_value("samverkan_dispatches_total", labels) or 0.0


async def test_a_greylisted_message_is_tried_again_after_a_minute_then_five(mailing: Mailing, sink: Sink) -> None:
    sink.refused_receivers["bob@example.org"] = ["450 greylisted", "451 still", ""]
    bob = mailing.told("bob")
    await mailing.send(**to(sink))
    fate = await mailing.fate(bob)
    assert (fate.status, fate.attempts) == (PENDING, 1) and about(NOW + MINUTE)(fate.due_at)
    second = fate.due_at
    assert f"send:{second.isoformat()}" in await ids(mailing.database)  # somebody looks after it then
    await mailing.send(second, **to(sink))
    fate = await mailing.fate(bob)
    assert fate.attempts == 2 and about(second + 5 * MINUTE)(fate.due_at)
    await mailing.send(fate.due_at, **to(sink))
    assert await mailing.statuses(bob) == [SENT]
    assert [answer for answer, _ in await mailing.attempts(bob)] == [450, 451]


async def test_a_message_that_is_never_taken_is_given_up_after_days(mailing: Mailing, sink: Sink) -> None:
    sink.refused_receivers["bob@example.org"] = ["450 greylisted"]
    bob, at = mailing.told("bob"), NOW
    while (await _sent(mailing, bob, at, sink)) is PENDING:
        at = (await mailing.fate(bob)).due_at
    assert await mailing.statuses(bob) == [FAILED]
    assert 3 * DAY < at - NOW < 5 * DAY and len(await mailing.attempts(bob)) == 11


async def _sent(mailing: Mailing, dispatch: Any, at: datetime, sink: Sink) -> DispatchStatus:
    await mailing.send(at, **to(sink))
    return (await mailing.statuses(dispatch))[0]


async def test_a_mail_server_that_is_down_stops_the_batch_and_is_no_messages_fault(mailing: Mailing) -> None:
    async with smtp_sink() as sink:
        pass
    waiting = [mailing.told(f"person{number}") for number in range(60)]
    await mailing.send(**to(sink))
    fates = [await mailing.fate(each) for each in waiting]
    assert {(fate.status, fate.attempts) for fate in fates} == {(PENDING, 0)}
    assert all(about(NOW + MINUTE)(fate.due_at) for fate in fates)
    assert 1 <= sum([len(await mailing.attempts(each)) for each in waiting]) <= 4  # a lane each
    async with smtp_sink(port=sink.port) as back:
        await mailing.send(max(fate.due_at for fate in fates), **to(back))
    assert len(back.mails) == 60 and set(await mailing.statuses(*waiting)) == {SENT}


async def test_the_pause_doubles_up_to_a_quarter_of_an_hour_and_ends_after_days(mailing: Mailing) -> None:
    async with smtp_sink() as sink:
        pass
    only, at, pauses = mailing.told("anna"), NOW, []
    for _ in range(7):
        await mailing.send(at, **to(sink))
        due = (await mailing.fate(only)).due_at
        pauses.append((due - at) / MINUTE)
        at = due
    assert pauses == pytest.approx([1, 1, 2, 4, 8, 15, 15], abs=2)
    await mailing.send(NOW + 5 * DAY, **to(sink))
    assert await mailing.statuses(only) == [FAILED]


async def test_an_outage_of_our_own_gives_nothing_up(mailing: Mailing) -> None:
    async with smtp_sink() as sink:
        pass
    old = mailing.told("anna")
    await mailing.send(NOW + 10 * DAY, **to(sink))
    assert await mailing.statuses(old) == [PENDING]


async def test_who_left_meanwhile_is_not_written_to(mailing: Mailing, sink: Sink) -> None:
    gone, nowhere, anna = mailing.told("gone"), mailing.told("nowhere"), mailing.told("anna")
    await mailing.begin()
    await mailing.change(Operator, await mailing.receiver_of(gone), active=False)
    await mailing.change(Operator, await mailing.receiver_of(nowhere), email="")
    await mailing.send(**to(sink))
    assert await mailing.statuses(gone, nowhere, anna) == [CANCELED, CANCELED, SENT]
    assert sink.receivers == ["anna@example.org"]


async def test_many_senders_at_once_send_everything_once(mailing: Mailing, sink: Sink) -> None:
    for number in range(150):
        mailing.told(f"person{number}")
    await mailing.begin()
    await asyncio.gather(*(mailing.sender(**to(sink)).send(NOW) for _ in range(3)))
    assert Counter(sink.receivers) == {f"person{number}@example.org": 1 for number in range(150)}


async def test_what_a_dead_process_had_in_hand_is_sent_after_its_lease(mailing: Mailing, sink: Sink) -> None:
    anna = mailing.told("anna")
    await mailing.begin()
    async with mailing.database.transaction() as session:
        batch = await claim(session, Queue("email", None), NOW)
    assert batch.ids == (anna.id,)
    await mailing.send(NOW + MINUTE, **to(sink))
    assert await mailing.statuses(anna) == [PENDING]
    await mailing.send(batch.lease, **to(sink))
    assert await mailing.statuses(anna) == [SENT]


async def test_what_a_dead_process_had_in_hand_is_due_when_it_is_found_dead(mailing: Mailing, sink: Sink) -> None:
    anna = mailing.told("anna")
    await mailing.begin()
    async with mailing.database.transaction() as session:
        await claim(session, Queue("email", None), NOW, by="dead")
    bob = mailing.told("bob")
    await mailing.begin()
    async with mailing.database.transaction() as session:
        await claim(session, Queue("email", None), NOW, by="alive")
        await release(session, "dead", NOW + MINUTE)
    await mailing.send(NOW + MINUTE, **to(sink))
    assert await mailing.statuses(anna, bob) == [SENT, PENDING]


async def test_what_waits_for_its_next_attempt_is_in_nobodys_hands(mailing: Mailing, sink: Sink) -> None:
    sink.refused_receivers["bob@example.org"] = ["450 greylisted"]
    bob = mailing.told("bob")
    await mailing.begin()
    await mailing.sender(process="dead", **to(sink)).send(NOW)
    due_at = (await mailing.fate(bob)).due_at
    async with mailing.database.transaction() as session:
        await release(session, "dead", NOW)
    assert (await mailing.fate(bob)).due_at == due_at


async def test_a_slow_mail_server_is_in_nobodys_way(mailing: Mailing, sink: Sink) -> None:
    anna, sink.gate = mailing.told("anna"), asyncio.Event()
    await mailing.begin()
    slow = asyncio.create_task(mailing.send(**to(sink)))
    await asyncio.wait_for(sink.busy.wait(), 20)
    await asyncio.wait_for(mailing.change(Operator, mailing.owner.id, name="Olga Berg"), 20)
    assert await mailing.statuses(anna) == [PENDING]
    sink.gate.set()
    await slow
    assert await mailing.statuses(anna) == [SENT]


async def test_a_process_that_stops_hands_back_all_but_the_message_in_its_hand(mailing: Mailing, sink: Sink) -> None:
    messages, sink.gate = [mailing.told(f"person{number}") for number in range(3)], asyncio.Event()
    await mailing.begin()
    stopping = asyncio.create_task(mailing.send(**to(sink)))
    await asyncio.wait_for(sink.busy.wait(), 20)
    stopping.cancel()
    await asyncio.gather(stopping, return_exceptions=True)
    sink.gate.set()
    await mailing.send(**to(sink))
    assert sorted(await mailing.statuses(*messages)) == [PENDING, SENT, SENT]


class _Faulty(Renderer):
    """Has no words for one person."""

    async def messages(self, session: Any, notifications: Sequence[Notification]) -> dict[UUID, Rendered]:
        made = await super().messages(session, notifications)
        if any(each.to == "bob@example.org" for each in made.values()):
            raise ZeroDivisionError
        return made


async def test_one_text_that_cannot_be_made_holds_nobody_up(mailing: Mailing, sink: Sink) -> None:
    anna, bob, cleo = (mailing.told(name) for name in ("anna", "bob", "cleo"))
    mailing.renderer = _Faulty(mailing.renderer.types, mailing.settings)
    await mailing.send(**to(sink))
    assert await mailing.statuses(anna, bob, cleo) == [SENT, PENDING, SENT]
    assert (await mailing.fate(bob)).attempts == 1


async def test_after_its_turn_a_queue_hands_back_what_is_left(
    mailing: Mailing, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = mailing.told("anna")
    monkeypatch.setattr(sending, "BUDGET_SECONDS", 0.0)
    await mailing.send(**to(sink))
    fate = await mailing.fate(anna)
    assert (fate.status, fate.due_at, fate.attempts) == (PENDING, NOW, 0)
    monkeypatch.undo()
    await mailing.send(**to(sink))
    assert await mailing.statuses(anna) == [SENT]


async def test_without_a_mail_server_everybody_has_a_file(mailing: Mailing, tmp_path: Path) -> None:
    sent = [mailing.told(f"person{number}") for number in range(3)]
    await mailing.send(mail_folder=tmp_path / "mail")
    assert set(await mailing.statuses(*sent)) == {SENT}
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 3


async def test_messages_of_a_channel_that_is_not_installed_wait(mailing: Mailing, sink: Sink) -> None:
    fax = mailing.told("anna")
    fax.channel = "fax"
    await mailing.send(**to(sink))
    assert await mailing.statuses(fax) == [PENDING]
