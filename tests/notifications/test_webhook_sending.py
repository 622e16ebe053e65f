"""Events on their way to webhooks: in order, logged, and no webhook in the way of anybody else [7]."""

import asyncio
import json
from datetime import timedelta

from sqlalchemy import select

from server.domain.base import new_id
from server.domain.notification import DispatchStatus, Webhook
from server.domain.record import EventKind, History
from server.graphql.ids import encode
from tests.builders import NOW, an_entity, an_order
from tests.http_receiver import Receiver, http_receiver
from tests.notifications.mailing import SECRET, Mailing
from tests.notifications.test_sending import about
from tests.notifications.test_webhook import is_signed

OPEN = {"webhook_private_targets": True, "web_address": "https://samverkan.example.org"}
PENDING, SENT, FAILED, CANCELED = DispatchStatus


def at(receiver: Receiver) -> str:
    return f"http://127.0.0.1:{receiver.port}/hook"


async def test_an_event_arrives_with_ids_codes_and_labels_and_nobody_by_name(mailing: Mailing, shop: Receiver) -> None:
    paris = an_entity("Paris")
    order = an_order(mailing.package, paris)
    mailing.rows += [paris, order]
    dispatch = mailing.posted(
        mailing.webhook(at(shop)), EventKind.ORDER_SUBMITTED, order_id=order.id, entity_id=paris.id,
        actor_id=mailing.owner.id, payload={"comment": "Olga likes it"},
    )
    await mailing.send(**OPEN)
    [request] = shop.requests
    assert is_signed(request) and request.headers["webhook-id"] == str(dispatch.id)
    assert json.loads(request.body) == {
        "specversion": "1.0", "id": str(dispatch.event_id), "source": "https://samverkan.example.org",
        "type": "org.samverkan.order.submitted", "subject": order.code, "time": "2026-03-02T09:00:00Z",
        "datacontenttype": "application/json",
        "data": {
            "package": {"id": encode("Package", mailing.package.id), "code": mailing.package.code,
                        "label": "Spring package", "type": "simple"},
            "order": {"id": encode("Order", order.id), "code": order.code, "label": order.label},
            "entity": {"id": encode("Entity", paris.id), "code": paris.code, "label": "Paris"},
        },
    }
    assert await mailing.statuses(dispatch) == [SENT] and await mailing.attempts(dispatch) == [(200, "")]
    assert SECRET not in request.body.decode() + str(request.headers)


async def test_it_is_tried_again_after_five_seconds_then_five_minutes_under_the_same_id(
    mailing: Mailing, shop: Receiver
) -> None:
    shop.answers = [(500, "broken"), (503, ""), (200, "")]
    dispatch = mailing.posted(mailing.webhook(at(shop)))
    await mailing.send(**OPEN)
    first = (await mailing.fate(dispatch)).due_at
    await mailing.send(first, **OPEN)
    second = (await mailing.fate(dispatch)).due_at
    await mailing.send(second, **OPEN)
    assert about(NOW + timedelta(seconds=5))(first) and about(first + timedelta(minutes=5))(second)
    assert await mailing.attempts(dispatch) == [(500, "500: broken"), (503, "503"), (200, "")]
    assert {request.headers["webhook-id"] for request in shop.requests} == {str(dispatch.id)}
    assert await mailing.statuses(dispatch) == [SENT]


async def test_a_webhook_gets_its_events_in_their_order(mailing: Mailing, shop: Receiver) -> None:
    webhook = mailing.webhook(at(shop))
    sent = [mailing.posted(webhook) for _ in range(12)]
    await mailing.send(**OPEN)
    assert [request.headers["webhook-id"] for request in shop.requests] == [str(each.id) for each in sent]


async def test_an_endpoint_that_is_gone_is_switched_off_and_the_history_says_why(
    mailing: Mailing, shop: Receiver
) -> None:
    shop.answers = [(410, "")]
    webhook = mailing.webhook(at(shop))
    first = mailing.posted(webhook)
    await mailing.send(**OPEN)
    async with mailing.database.reading() as session:
        assert not (await session.get_one(Webhook, webhook.id)).active
        [entry] = await session.scalars(select(History).where(History.subject_id == webhook.id))
    assert (entry.action, entry.after, entry.actor_id) == ("DEACTIVATE", {"active": False}, None)
    assert entry.comment == "The endpoint answered 410 (gone)."
    assert await mailing.statuses(first) == [FAILED] and len(shop.requests) == 1


async def test_one_that_was_switched_off_gets_nothing(mailing: Mailing, shop: Receiver) -> None:
    dispatch = mailing.posted(mailing.webhook(at(shop), active=False))
    await mailing.send(**OPEN)
    assert await mailing.statuses(dispatch) == [CANCELED] and not shop.requests


async def test_a_private_target_is_refused_for_good_and_logged(mailing: Mailing, shop: Receiver) -> None:
    dispatch = mailing.posted(mailing.webhook(f"https://127.0.0.1:{shop.port}/"))
    await mailing.send()
    assert await mailing.statuses(dispatch) == [FAILED]
    assert await mailing.attempts(dispatch) == [(None, "127.0.0.1 is in a private network, where webhooks may not go.")]
    assert not shop.requests


async def test_one_that_does_not_answer_is_in_nobodys_way(mailing: Mailing, shop: Receiver) -> None:
    async with http_receiver() as silent:
        silent.answers = [(0, "")]
        stuck = mailing.posted(mailing.webhook(at(silent)))
        quick = [mailing.posted(mailing.webhook(at(shop), id=new_id())) for _ in range(3)]
        await mailing.begin()
        sending = asyncio.create_task(mailing.send(**OPEN, webhook_timeout_seconds=20.0))
        async with asyncio.timeout(15):
            while set(await mailing.statuses(*quick)) != {SENT}:  # noqa: ASYNC110  # another task writes it
                await asyncio.sleep(0.02)
        assert not sending.done() and await mailing.statuses(stuck) == [PENDING]
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
