"""Messages that were not taken, in the API: administrators find them, see why, and have them sent again [7]."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from server.app import create_app
from server.database import Database
from server.domain.base import new_id
from server.domain.network import Operator, Right
from server.domain.notification import Dispatch, DispatchAttempt, DispatchStatus, Webhook
from server.domain.record import Event, EventKind
from server.identity.logins import Logins
from server.identity.passwords import hash_password
from server.jobs.enqueue import JobKind
from server.jobs.listing import list_jobs
from server.settings import Settings
from tests.builders import NOW, STAMPS, a_notification, an_operator, given
from tests.graphql.api import Api, global_id

PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)
LIST = """query ($n: Int, $a: String, $f: DispatchFilter) { dispatches(first: $n, after: $a, filter: $f) {
    totalCount pageInfo { endCursor hasNextPage }
    nodes { id channel kind status tries lastError
        operator { login } webhook { label } attempts { answer error } } } }"""
PENDING, SENT, FAILED, CANCELED = DispatchStatus
LATER = NOW + timedelta(hours=4)


def person(right: Right, login: str = "") -> Operator:
    return an_operator(right, login=login or right.value.lower(), password_hash=HASH, email="somebody@example.org")


ADA, ANNA, PAULA = person(Right.ADMIN), person(Right.CENTRAL), person(Right.LOCAL)
HOOK = Webhook(id=new_id(), label="Shop", url="https://hooks.example.org/", secret="whsec_c2VjcmV0", **STAMPS)


def a_mail(**fields: Any) -> tuple[Dispatch, list[Any]]:
    """A mail to Paula, and the rows that it needs."""
    notification, event = a_notification(PAULA, EventKind.PACKAGE_PUBLISHED)
    mail = Dispatch(**{
        "id": new_id(), "channel": "email", "event_id": event.id, "notification_id": notification.id,
        "created_at": NOW, "due_at": NOW, "status": FAILED, "attempts": 11, "last_error": "550 no such person",
    } | fields)
    return mail, [event, notification, mail]


def a_post(**fields: Any) -> tuple[Dispatch, list[Any]]:
    event = Event(id=new_id(), kind=EventKind.ORDER_SUBMITTED, at=NOW)
    post, _ = a_mail(channel="webhook", webhook_id=HOOK.id, notification_id=None, event_id=event.id, **fields)
    return post, [event, post]


class Troubles:
    """One message of every fate."""

    def __init__(self) -> None:
        made = {
            "failed": a_mail(), "retried": a_mail(status=PENDING, attempts=2, due_at=LATER, last_error="450 later"),
            "sent": a_mail(status=SENT, last_error=""), "waits": a_mail(status=PENDING, attempts=0, last_error=""),
            "in_hand": a_mail(status=PENDING, attempts=2, due_at=LATER, claimed_by="somebody"),
            "gone": a_mail(status=CANCELED), "posted": a_post(),
        }
        self.of = {name: mail for name, (mail, _) in made.items()}
        self.rows = [row for _, rows in made.values() for row in rows]


@pytest.fixture
async def troubles(database: Database) -> Troubles:
    troubles = Troubles()
    failure = DispatchAttempt(id=new_id(), dispatch_id=troubles.of["failed"].id, at=NOW, milliseconds=3, answer=550,
                              error="550 no such person")
    await given(database, ADA, ANNA, PAULA, HOOK, troubles.rows, failure)
    return troubles


@pytest.fixture
async def api(database: Database, settings: Settings, troubles: Troubles) -> AsyncIterator[Api]:
    app = create_app(settings, clock=lambda: NOW)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://samverkan") as client:
        yield Api(client, Logins(database, settings), PASSWORD)


async def listed(api: Api, who: Operator = ADA, n: int = 50, **filter: Any) -> list[dict[str, Any]]:
    answer = await api.ask(who, LIST, n=n, f=filter)
    nodes: list[dict[str, Any]] = answer["data"]["dispatches"]["nodes"]
    return nodes


async def names(api: Api, troubles: Troubles, **filter: Any) -> set[str]:
    ids = {global_id(mail): name for name, mail in troubles.of.items()}
    return {ids[node["id"]] for node in await listed(api, **filter)}


async def test_an_administrator_sees_what_was_not_taken_to_whom_it_goes_and_why(
    api: Api, troubles: Troubles
) -> None:
    [mail] = await listed(api, status=["FAILED"], channel=["email"])
    assert mail == {
        "id": global_id(troubles.of["failed"]), "channel": "email", "kind": "PACKAGE_PUBLISHED", "status": "FAILED",
        "tries": 11, "lastError": "550 no such person", "operator": {"login": "local"}, "webhook": None,
        "attempts": [{"answer": 550, "error": "550 no such person"}],
    }
    [post] = await listed(api, channel=["webhook"])
    assert (post["operator"], post["webhook"], post["kind"]) == (None, {"label": "Shop"}, "ORDER_SUBMITTED")


async def test_they_are_chosen_by_what_became_of_them_channel_and_kind(api: Api, troubles: Troubles) -> None:
    assert await names(api, troubles) == set(troubles.of)
    assert await names(api, troubles, inTrouble=True) == {"failed", "retried", "in_hand", "posted"}
    assert await names(api, troubles, inTrouble=False) == {"sent", "waits", "gone"}
    assert await names(api, troubles, inTrouble=True, channel=["email"], status=["PENDING"]) == {"retried", "in_hand"}
    assert await names(api, troubles, kind=["ORDER_SUBMITTED"]) == {"posted"}
    assert await names(api, troubles, createdAt={"since": LATER.isoformat()}) == set()


async def test_they_are_read_in_pages_the_newest_first(api: Api, troubles: Troubles) -> None:
    seen, after = [], None
    while True:
        page = (await api.ask(ADA, LIST, n=3, a=after, f={}))["data"]["dispatches"]
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert page["totalCount"] == len(troubles.of)
    assert seen == [global_id(mail) for mail in sorted(troubles.of.values(), key=lambda mail: mail.id, reverse=True)]


@pytest.mark.parametrize("who", [ANNA, PAULA])
async def test_nobody_else_sees_or_sends_anything(api: Api, troubles: Troubles, who: Operator) -> None:
    mail = global_id(troubles.of["failed"])
    assert await listed(api, who) == []
    assert (await api.ask(who, "query ($id: ID!) { node(id: $id) { id } }", id=mail))["data"] == {"node": None}
    assert await api.error(who, "resendDispatch", "dispatch { id }", id=mail) == "NOT_ALLOWED"
    assert await api.error(who, "resendDispatches", "count") == "NOT_ALLOWED"


@pytest.mark.parametrize("name", ["failed", "retried", "posted"])
async def test_one_is_sent_again_with_all_its_attempts_before_it(
    api: Api, troubles: Troubles, database: Database, name: str
) -> None:
    selection = "dispatch { status tries dueAt lastError }"
    done = await api(ADA, "resendDispatch", selection, id=global_id(troubles.of[name]))
    assert done == {"problems": [], "dispatch": {
        "status": "PENDING", "tries": 0, "dueAt": "2026-03-02T09:00:00+00:00", "lastError": "",
    }}
    async with database.reading() as session:
        assert [job.kind for job in await list_jobs(session)] == [JobKind.SEND]


@pytest.mark.parametrize("name", ["sent", "waits", "in_hand", "gone"])
async def test_what_was_taken_waits_anyway_or_is_being_sent_is_left_alone(
    api: Api, troubles: Troubles, name: str
) -> None:
    done = await api(ADA, "resendDispatch", "dispatch { id }", id=global_id(troubles.of[name]))
    assert done["dispatch"] is None and [each["code"] for each in done["problems"]] == ["ILLEGAL_TRANSITION"]


async def test_all_are_sent_again_at_once_and_a_repeated_key_does_nothing(
    api: Api, troubles: Troubles, database: Database
) -> None:
    async def again(**more: Any) -> Any:
        done = await api(ADA, "resendDispatches", "count", **more)
        assert done["problems"] == []
        return done["count"]

    assert await again(channel="webhook") == 1
    assert await again(idempotencyKey="one") == 2
    async with database.transaction() as session:
        failed = update(Dispatch).where(Dispatch.id == troubles.of["failed"].id)
        await session.execute(failed.values(status=FAILED, last_error="550 again"))
    assert await again(idempotencyKey="one") == 0
    assert await again() == 1
    async with database.reading() as session:
        attempts = {mail.id: mail.attempts for mail in await session.scalars(select(Dispatch))}
    assert [attempts[troubles.of[name].id] for name in ("failed", "retried", "posted", "in_hand")] == [0, 0, 0, 2]


async def test_what_goes_to_an_inactive_webhook_stays(api: Api, troubles: Troubles, database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(update(Webhook).values(active=False))
    done = await api(ADA, "resendDispatch", "dispatch { id }", id=global_id(troubles.of["posted"]))
    assert [each["code"] for each in done["problems"]] == ["INACTIVE"]
    assert (await api(ADA, "resendDispatches", "count", channel="webhook"))["count"] == 0
