"""Webhooks in the API: for administrators, checked, with a secret that is shown once, a log and replays [7]."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from server.app import create_app
from server.database import Database
from server.domain.base import new_id
from server.domain.network import Operator, Right
from server.domain.notification import Dispatch, DispatchAttempt, DispatchStatus, Webhook
from server.domain.record import Event, EventKind, History
from server.graphql.ids import decode
from server.identity.logins import Logins
from server.identity.passwords import hash_password
from server.notifications.channels.sealing import unsealed
from server.settings import Settings
from tests.builders import DAY, NOW, STAMPS, an_entity, an_operator, given
from tests.graphql.api import Api, global_id
from tests.http_receiver import http_receiver
from tests.notifications.test_webhook import is_signed

PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)
URL = "https://hooks.example.org/samverkan"
LOG = """query { webhooks(first: 10) { nodes { label deliveries(first: 10) { totalCount nodes {
    event kind status sentAt attempts { answer error } } } } } }"""


def person(right: Right) -> Operator:
    return an_operator(right, login=right.value.lower(), password_hash=HASH)


ADA, ANNA, PAULA = person(Right.ADMIN), person(Right.CENTRAL), person(Right.LOCAL)
PARIS = an_entity("Paris")


@pytest.fixture
async def api(database: Database, settings: Settings) -> AsyncIterator[Api]:
    await given(database, ADA, ANNA, PAULA, PARIS)
    app = create_app(settings, clock=lambda: NOW)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://samverkan") as client:
        yield Api(client, Logins(database, settings), PASSWORD)


def a_webhook(**fields: Any) -> Webhook:
    return Webhook(**{"id": new_id(), "label": "Shop", "url": URL, "secret": "whsec_c2VjcmV0", **STAMPS} | fields)


async def test_a_webhook_is_made_with_a_secret_that_is_shown_once(api: Api, database: Database) -> None:
    selection = "secret webhook { id label url kinds types entityIds active createdBy { login } revision }"
    given = {"label": "Shop", "url": URL, "kinds": ["PACKAGE_PUBLISHED"], "types": ["simple"],
             "entityIds": [global_id(PARIS)], "idempotencyKey": "one"}
    made = await api(ADA, "createWebhook", selection, **given)
    webhook = made["webhook"]
    assert made["problems"] == [] and made["secret"].startswith("whsec_")
    assert webhook | {"id": ""} == {
        "id": "", "label": "Shop", "url": URL, "kinds": ["PACKAGE_PUBLISHED"], "types": ["simple"],
        "entityIds": [global_id(PARIS)], "active": True, "createdBy": {"login": "admin"}, "revision": 1,
    }
    again = await api(ADA, "createWebhook", selection, **given)
    assert again["secret"] is None and again["webhook"] == webhook
    async with database.reading() as session:
        [stored] = await session.scalars(select(Webhook))
        [entry] = await session.scalars(select(History).where(History.subject_id == stored.id))
    assert stored.secret == made["secret"] and made["secret"] not in str(entry.after) + str(entry.before)


async def test_with_a_key_what_is_stored_is_not_the_secret(database: Database, settings: Settings) -> None:
    await given(database, ADA)
    keys = base64.urlsafe_b64encode(b"k" * 32).decode()
    chosen = settings.model_copy(update={"secret_keys": keys, "webhook_private_targets": True})
    transport = httpx.ASGITransport(create_app(chosen, clock=lambda: NOW))
    async with http_receiver() as receiver, httpx.AsyncClient(transport=transport, base_url="http://a") as client:
        api, url = Api(client, Logins(database, chosen), PASSWORD), f"http://127.0.0.1:{receiver.port}/"
        made = await api(ADA, "createWebhook", "webhook { id } secret", label="Shop", url=url)
        await api(ADA, "testWebhook", "answer", id=made["webhook"]["id"])
    async with database.reading() as session:
        stored = await session.scalar(select(Webhook.secret))
    assert stored and "whsec_" not in stored and unsealed(stored, keys) == made["secret"]
    assert is_signed(receiver.requests[0], made["secret"])


async def test_a_new_secret_replaces_the_old_one(api: Api, database: Database) -> None:
    webhook = a_webhook()
    await given(database, webhook)
    done = await rotated(api, webhook)
    async with database.reading() as session:
        stored = await session.get_one(Webhook, webhook.id)
        [entry] = await session.scalars(select(History).where(History.subject_id == webhook.id))
    assert done["secret"] == stored.secret != webhook.secret and done["webhook"] == {"revision": 2}
    assert (entry.action, entry.after) == ("ROTATE_SECRET", {"secret": "changed"})


async def rotated(api: Api, webhook: Webhook) -> Any:
    query = """mutation ($input: WebhookInput!) { rotateWebhookSecret(input: $input) {
        secret webhook { revision } problems { code } } }"""
    answer = await api.ask(ADA, query, input={"id": global_id(webhook), "revision": 1})
    return answer["data"]["rotateWebhookSecret"]


async def test_an_address_inside_is_refused(api: Api) -> None:
    made = await api(ADA, "createWebhook", "webhook { id } secret", label="Shop", url="https://127.0.0.1/")
    assert [(each["code"], each["path"]) for each in made["problems"]] == [("PRIVATE_TARGET", ["url"])]
    assert made["webhook"] is None and made["secret"] is None


async def test_everything_that_is_wrong_is_told_at_once(api: Api) -> None:
    made = await api(ADA, "createWebhook", "webhook { id }", label=" ", url=URL, types=["simple", "fax"],
                     entityIds=[global_id(PARIS), global_id(an_entity("Nowhere"))])
    assert [(each["code"], each["path"]) for each in made["problems"]] == [
        ("REQUIRED", ["label"]), ("TYPE_NOT_INSTALLED", ["types", "1"]), ("NOT_FOUND", ["entityIds", "1"]),
    ]


async def test_changes_keep_what_is_left_out(api: Api, database: Database) -> None:
    webhook = a_webhook(filter={"kinds": ["PACKAGE_PUBLISHED"], "types": ["simple"]})
    await given(database, webhook)
    selection = "webhook { label kinds types active revision }"
    done = await api(ADA, "updateWebhook", selection, id=global_id(webhook), revision=1, kinds=[], label="Till")
    assert done["webhook"] == {"label": "Till", "kinds": [], "types": ["simple"], "active": True, "revision": 2}
    stale = await api(ADA, "updateWebhook", selection, id=global_id(webhook), revision=1, label="Tills")
    assert [each["code"] for each in stale["problems"]] == ["STALE_REVISION"]


async def test_a_change_ends_the_rest_that_the_endpoint_asked_for(api: Api, database: Database) -> None:
    webhook = a_webhook(paused_until=NOW + DAY)
    await given(database, webhook)
    asked = "query { webhooks(first: 1) { nodes { pausedUntil } } }"
    assert (await api.ask(ADA, asked))["data"]["webhooks"]["nodes"] == [{"pausedUntil": (NOW + DAY).isoformat()}]
    done = await api(ADA, "updateWebhook", "webhook { pausedUntil }", id=global_id(webhook), revision=1, url=URL + "/2")
    assert done["webhook"] == {"pausedUntil": None}


async def test_a_deleted_one_is_off_and_its_log_stays(api: Api, database: Database) -> None:
    webhook = a_webhook()
    await given(database, webhook)
    query = "mutation ($input: WebhookInput!) { deleteWebhook(input: $input) { webhook { active } problems { code } } }"
    answer = await api.ask(ADA, query, input={"id": global_id(webhook), "revision": 1})
    assert answer["data"]["deleteWebhook"] == {"webhook": {"active": False}, "problems": []}
    assert len((await api.ask(ADA, LOG))["data"]["webhooks"]["nodes"]) == 1


@pytest.mark.parametrize("who", [ANNA, PAULA])
async def test_nobody_else_sees_or_does_anything(api: Api, database: Database, who: Operator) -> None:
    webhook = a_webhook()
    await given(database, webhook)
    assert (await api.ask(who, LOG))["data"]["webhooks"]["nodes"] == []
    seen = await api.ask(who, "query ($id: ID!) { node(id: $id) { id } }", id=global_id(webhook))
    assert seen["data"] == {"node": None}
    assert await api.error(who, "createWebhook", "secret", label="Shop", url=URL) == "NOT_ALLOWED"
    assert await api.error(who, "updateWebhook", "webhook { id }", id=global_id(webhook), revision=1) == "NOT_ALLOWED"
    assert await api.error(who, "replayWebhook", "delivery { id }", id=global_id(webhook), event="x") == "NOT_ALLOWED"
    assert await api.error(who, "testWebhook", "answer", id=global_id(webhook)) == "NOT_ALLOWED"
    for mutation in ("deleteWebhook", "rotateWebhookSecret"):
        query = f"mutation ($input: WebhookInput!) {{ {mutation}(input: $input) {{ problems {{ code }} }} }}"
        answer = await api.ask(who, query, input={"id": global_id(webhook), "revision": 1})
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["NOT_ALLOWED"]


async def test_the_log_tells_every_attempt_and_a_replay_sends_again(api: Api, database: Database) -> None:
    webhook, other = a_webhook(), a_webhook(label="Other")
    event = Event(id=new_id(), kind=EventKind.PACKAGE_PUBLISHED, at=NOW)
    dispatch = a_dispatch(webhook, event)
    tries = [DispatchAttempt(id=new_id(), dispatch_id=dispatch.id, at=NOW, milliseconds=9, answer=answer, error=error)
             for answer, error in ((500, "500: oh no"), (200, ""))]
    await given(database, webhook, other, event, dispatch, tries)
    delivery = {"event": str(event.id), "kind": "PACKAGE_PUBLISHED", "status": "SENT",
                "sentAt": (await told(api, "Shop"))["nodes"][0]["sentAt"],
                "attempts": [{"answer": 500, "error": "500: oh no"}, {"answer": 200, "error": ""}]}
    assert await told(api, "Shop") == {"totalCount": 1, "nodes": [delivery]}
    for target in (webhook, other):
        done = await api(ADA, "replayWebhook", "delivery { status event sentAt webhook { label } }",
                         id=global_id(target), event=str(event.id))
        assert done["delivery"] == {
            "status": "PENDING", "event": str(event.id), "sentAt": None, "webhook": {"label": target.label}
        }
    async with database.reading() as session:
        found = (await session.scalars(select(Dispatch).order_by(Dispatch.id))).all()
    assert [each.id for each in found if each.webhook_id == webhook.id] == [dispatch.id] and len(found) == 2
    assert {(each.status, each.attempts, each.due_at) for each in found} == {(DispatchStatus.PENDING, 0, NOW)}


async def told(api: Api, label: str) -> Any:
    hooks = (await api.ask(ADA, LOG))["data"]["webhooks"]["nodes"]
    return next(each["deliveries"] for each in hooks if each["label"] == label)


def a_dispatch(webhook: Webhook, event: Event, sent_at: datetime = NOW) -> Dispatch:
    return Dispatch(
        id=new_id(), channel="webhook", event_id=event.id, webhook_id=webhook.id, status=DispatchStatus.SENT,
        attempts=2, created_at=NOW, due_at=NOW, sent_at=sent_at,
    )


async def test_a_replay_of_nothing_or_to_nobody_is_refused(api: Api, database: Database) -> None:
    webhook = a_webhook()
    await given(database, webhook)
    for event in (str(new_id()), "x"):
        done = await api(ADA, "replayWebhook", "delivery { id }", id=global_id(webhook), event=event)
        assert [(each["code"], each["path"]) for each in done["problems"]] == [("NOT_FOUND", ["event"])]
    async with database.transaction() as session:
        await session.execute(update(Webhook).values(active=False))
    done = await api(ADA, "replayWebhook", "delivery { id }", id=global_id(webhook), event=str(new_id()))
    assert [each["code"] for each in done["problems"]] == ["INACTIVE"]


async def test_a_trial_says_what_the_endpoint_answers(database: Database, settings: Settings) -> None:
    await given(database, ADA)
    settings = settings.model_copy(update={"webhook_private_targets": True})
    app = create_app(settings, clock=lambda: NOW)
    async with (
        http_receiver() as receiver,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://samverkan") as client,
    ):
        receiver.answers = [(200, ""), (503, "closed")]
        api = Api(client, Logins(database, settings), PASSWORD)
        url = f"http://127.0.0.1:{receiver.port}/"
        made = await api(ADA, "createWebhook", "secret webhook { id }", label="Shop", url=url)
        good, bad = [await api(ADA, "testWebhook", "answer error", id=made["webhook"]["id"]) for _ in range(2)]
    assert (good, bad) == (
        {"answer": 200, "error": None, "problems": []}, {"answer": 503, "error": "503: closed", "problems": []}
    )
    assert is_signed(receiver.requests[0], made["secret"])
    assert json.loads(receiver.requests[0].body)["type"] == "org.samverkan.test"
    assert decode("id", made["webhook"]["id"])[0] == "Webhook"
