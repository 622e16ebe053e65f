"""Jobs in the API: administrators see them and have a hand on each, nobody else does."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from server.app import create_app
from server.database import Database
from server.domain.network import Operator, Right
from server.identity.logins import Logins
from server.identity.passwords import hash_password
from server.jobs.enqueue import JobKind, enqueue
from server.settings import Settings
from tests.builders import NOW, an_operator, given
from tests.graphql.api import Api

PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)
JOBS = "query ($s: [JobState!], $k: [JobKind!], $n: Int, $a: String) {"
JOBS += " jobs(states: $s, kinds: $k, first: $n, after: $a) { id kind state attempts until error } }"
LATER = datetime(2100, 1, 1, tzinfo=UTC)


def person(right: Right) -> Operator:
    return an_operator(right, login=right.value.lower(), password_hash=HASH)


ADA, ANNA, PAULA = person(Right.ADMIN), person(Right.CENTRAL), person(Right.LOCAL)


@pytest.fixture
async def api(database: Database, settings: Settings) -> AsyncIterator[Api]:
    await given(database, ADA, ANNA, PAULA)
    async with database.transaction() as session:
        enqueue(session, JobKind.FAN_OUT, "one")
        enqueue(session, JobKind.ADVANCE, "later", at=LATER)
    app = create_app(settings, clock=lambda: NOW)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://samverkan") as client:
        yield Api(client, Logins(database, settings), PASSWORD)


async def seen(api: Api, n: int = 50, **variables: Any) -> dict[str, Any]:
    answer = await api.ask(ADA, JOBS, n=n, **variables)
    return {job["id"]: job for job in answer["data"]["jobs"]}


async def test_an_administrator_sees_what_is_done_later(api: Api) -> None:
    assert await seen(api) == {
        "fan_out:one": {"id": "fan_out:one", "kind": "FAN_OUT", "state": "QUEUED", "attempts": 0, "until": None,
                        "error": None},
        "advance:later": {"id": "advance:later", "kind": "ADVANCE", "state": "DELAYED", "attempts": 0,
                          "until": LATER.isoformat(), "error": None},
    }


async def test_jobs_are_chosen_by_state_and_kind_and_read_in_pages(api: Api) -> None:
    assert list(await seen(api, s=["DELAYED"])) == list(await seen(api, k=["ADVANCE"])) == ["advance:later"]
    [first] = await seen(api, n=1)
    [second] = await seen(api, n=1, a=first)
    assert {first, second} == set(await seen(api)) and not await seen(api, a=second)


async def test_nobody_else_sees_or_moves_them(api: Api) -> None:
    for operator in (ANNA, PAULA):
        answer = await api.ask(operator, JOBS)
        assert answer["data"]["jobs"] is None
        assert answer["errors"][0]["extensions"]["code"] == "NOT_ALLOWED"
        for mutation in ("retryJob", "cancelJob"):
            query = f'mutation {{ {mutation}(input: {{ id: "fan_out:one" }}) {{ problems {{ code }} }} }}'
            [error] = (await api.ask(operator, query))["errors"]
            assert error["extensions"]["code"] == "NOT_ALLOWED"
    assert len(await seen(api)) == 2


async def test_a_job_is_canceled_and_retried(api: Api) -> None:
    async def act(mutation: str, id: str) -> dict[str, Any]:
        query = f'mutation {{ {mutation}(input: {{ id: "{id}" }}) {{ job {{ state until }} problems {{ code }} }} }}'
        answer = await api.ask(ADA, query)
        return answer["data"][mutation] or {"error": answer["errors"][0]["extensions"]["code"]}

    assert await act("retryJob", "advance:later") == {"job": {"state": "QUEUED", "until": None}, "problems": []}
    assert await act("retryJob", "advance:later") == {"job": None, "problems": [{"code": "ILLEGAL_TRANSITION"}]}
    assert (await act("cancelJob", "advance:later"))["job"]["state"] == "CANCELED"
    assert list(await seen(api)) == ["fan_out:one"]
    assert (await act("retryJob", "advance:later"))["job"]["state"] == "QUEUED"
    assert await act("retryJob", "nothing") == {"error": "NOT_FOUND"}


async def test_the_rest_of_what_was_begun_is_not_canceled(api: Api) -> None:
    query = 'mutation { cancelJob(input: { id: "fan_out:one" }) { job { state } problems { code message } } }'
    answer = (await api.ask(ADA, query))["data"]["cancelJob"]
    [problem] = answer["problems"]
    assert answer["job"] is None and problem["code"] == "NOT_CANCELABLE" and "retry it" in problem["message"]
    assert (await seen(api))["fan_out:one"]["state"] == "QUEUED"


async def test_pages_are_bounded(api: Api) -> None:
    [error] = (await api.ask(ADA, JOBS, n=101))["errors"]
    assert "from 1 to 100" in error["message"]
