"""Endpoints that ask to be left alone (Retry-After) are: for what they ask, a day at most, and no others [7]."""

from datetime import datetime, timedelta

import pytest

from server.domain.base import new_id
from server.domain.notification import DispatchStatus, Webhook
from tests.builders import NOW
from tests.http_receiver import Receiver, http_receiver
from tests.notifications.mailing import Mailing
from tests.notifications.test_sending import about
from tests.notifications.test_webhook_sending import OPEN, at

PENDING, SENT, FAILED, CANCELED = DispatchStatus
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


async def paused_until(mailing: Mailing, webhook: Webhook) -> datetime | None:
    async with mailing.database.reading() as session:
        return (await session.get_one(Webhook, webhook.id)).paused_until


async def busy(mailing: Mailing, shop: Receiver, retry_after: str = "120") -> Webhook:
    """A webhook whose endpoint has just answered an event with it, and would take everything from now on."""
    webhook = mailing.webhook(at(shop))
    shop.answers, shop.extra = [(429, ""), (200, "")], f"retry-after: {retry_after}\r\n"
    return webhook


async def test_nothing_is_posted_before_the_time_that_it_asked_for(mailing: Mailing, shop: Receiver) -> None:
    webhook = await busy(mailing, shop)
    refused, waiting = mailing.posted(webhook), mailing.posted(webhook)
    await mailing.send(**OPEN)
    fresh = mailing.posted(webhook)  # an event of meanwhile
    await mailing.send(NOW + MINUTE, **OPEN)
    assert len(shop.requests) == 1 and await mailing.statuses(refused, waiting, fresh) == [PENDING] * 3
    assert about(NOW + 2 * MINUTE)((await mailing.fate(refused)).due_at)
    await mailing.send(NOW + 3 * MINUTE, **OPEN)
    assert await mailing.statuses(refused, waiting, fresh) == [SENT] * 3


async def test_only_the_refused_event_bears_an_attempt(mailing: Mailing, shop: Receiver) -> None:
    webhook = await busy(mailing, shop)
    refused, waiting = mailing.posted(webhook), mailing.posted(webhook)
    await mailing.send(**OPEN)
    assert await mailing.attempts(refused) == [(429, "429")] and await mailing.attempts(waiting) == []
    assert [(await mailing.fate(each)).attempts for each in (refused, waiting)] == [1, 0]


async def test_another_webhook_does_not_wait_with_it(mailing: Mailing, shop: Receiver) -> None:
    refused = mailing.posted(await busy(mailing, shop))
    async with http_receiver() as other:
        told = mailing.posted(mailing.webhook(at(other), id=new_id()))
        await mailing.send(**OPEN)
    assert await mailing.statuses(refused, told) == [PENDING, SENT]


@pytest.mark.parametrize(("tried", "asked", "waits"), [
    (0, "1", timedelta(seconds=5)),  # its own wait is longer, so that no endpoint uses up the attempts in seconds
    (1, "3600", 60 * MINUTE), (3, "60", timedelta(hours=2)), (0, "31536000", DAY),
])
async def test_an_event_waits_for_the_longer_of_both_and_a_day_at_most(
    mailing: Mailing, shop: Receiver, tried: int, asked: str, waits: timedelta
) -> None:
    dispatch = mailing.posted(await busy(mailing, shop, asked))
    dispatch.attempts = tried
    await mailing.send(**OPEN)
    assert about(NOW + waits)((await mailing.fate(dispatch)).due_at)


async def test_the_webhook_is_the_same_revision_and_says_how_long(mailing: Mailing, shop: Receiver) -> None:
    webhook = await busy(mailing, shop)
    mailing.posted(webhook)
    await mailing.send(**OPEN)
    until = await paused_until(mailing, webhook)
    assert until and about(NOW + 2 * MINUTE)(until)
    async with mailing.database.reading() as session:
        assert (await session.get_one(Webhook, webhook.id)).revision == 1
