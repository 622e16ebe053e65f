"""Secrets of webhooks in the database: encrypted with the first key, read with any, and anew when it changes [7]."""

import base64

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from server.background import Background
from server.cli.settings import load_settings
from server.domain.base import new_id
from server.domain.notification import DispatchStatus, Webhook
from server.errors import StartupError
from server.notifications.channels.sealing import SecretUnreadable, resealed, sealed, unsealed
from server.plugins import CampaignTypes, load_channels
from server.settings import Settings
from tests.builders import NOW, given
from tests.http_receiver import Receiver
from tests.notifications.mailing import SECRET, Mailing
from tests.notifications.test_webhook import is_signed
from tests.notifications.test_webhook_sending import OPEN, at


def a_key(letter: str) -> str:
    return base64.urlsafe_b64encode(letter.encode() * 32).decode()


OLD, NEW, OTHER = map(a_key, "abc")


def test_what_is_stored_is_read_by_the_right_key_only() -> None:
    stored = sealed(SECRET, OLD)
    assert SECRET not in stored and stored != sealed(SECRET, OLD)
    assert [unsealed(stored, keys) for keys in (OLD, f"{NEW},{OLD}")] == [SECRET, SECRET]
    for keys in (OTHER, ""):
        with pytest.raises(SecretUnreadable):
            unsealed(stored, keys)


def test_without_a_key_it_stands_as_it_is_and_is_read_with_one_too() -> None:
    assert sealed(SECRET, "") == SECRET == unsealed(SECRET, "") == unsealed(SECRET, NEW)


@pytest.mark.parametrize("stored", [SECRET, sealed(SECRET, OLD)])
def test_the_first_key_takes_over(stored: str) -> None:
    again = resealed(stored, f"{NEW},{OLD}")
    assert unsealed(again, NEW) == SECRET and resealed(again, f"{NEW},{OLD}") == again


@pytest.mark.parametrize("keys", ["short", f"{OLD},", f"{OLD},{NEW[:40]}", "é" * 44])
def test_a_key_that_is_none_stops_the_start_and_is_not_shown(keys: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMVERKAN_SECRET_KEYS", keys)
    with pytest.raises(StartupError, match=r"SAMVERKAN_SECRET_KEYS: key [12] is not 32 bytes") as refused:
        load_settings()
    assert keys not in str(refused.value) and OLD not in str(refused.value)
    with pytest.raises(ValidationError):
        Settings(secret_keys=keys)


async def test_an_event_is_signed_with_what_was_encrypted(mailing: Mailing, shop: Receiver) -> None:
    mailing.posted(mailing.webhook(at(shop), secret=sealed(SECRET, OLD)))
    await mailing.send(**OPEN, secret_keys=f"{NEW},{OLD}")
    [request] = shop.requests
    assert is_signed(request)


async def test_without_its_key_an_event_waits(mailing: Mailing, shop: Receiver) -> None:
    event = mailing.posted(mailing.webhook(at(shop), secret=sealed(SECRET, OLD)))
    await mailing.send(**OPEN, secret_keys=NEW)
    assert await mailing.statuses(event) == [DispatchStatus.PENDING] and not shop.requests
    await mailing.send((await mailing.fate(event)).due_at, **OPEN, secret_keys=OLD)
    assert await mailing.statuses(event) == [DispatchStatus.SENT]


async def test_at_the_start_the_first_key_takes_over_what_it_can(mailing: Mailing, types: CampaignTypes) -> None:
    mailing.webhook("https://one.example.org", secret=SECRET)
    mailing.webhook("https://two.example.org", id=new_id(), secret=sealed(SECRET, OLD))
    lost = mailing.webhook("https://three.example.org", id=new_id(), secret=sealed(SECRET, OTHER))
    await given(mailing.database, mailing.rows)
    settings = mailing.settings.model_copy(update={"secret_keys": f"{NEW},{OLD}"})
    async with Background(mailing.database, types, load_channels(settings), settings, lambda: NOW).running():
        pass
    async with mailing.database.reading() as session:
        stored = {row.url: row for row in await session.scalars(select(Webhook))}
    assert stored["https://three.example.org"].secret == lost.secret
    for url in ("https://one.example.org", "https://two.example.org"):
        assert unsealed(stored[url].secret, NEW) == SECRET and stored[url].revision == 1


def test_the_start_says_when_nothing_is_encrypted() -> None:
    said = {keys: load_channels(Settings(secret_keys=keys))["webhook"].channel.target() for keys in ("", NEW)}
    assert "not encrypted, since SAMVERKAN_SECRET_KEYS" in said[""] and "encrypted" not in said[NEW]
