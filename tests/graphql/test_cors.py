"""Pages of other origins: what their browsers may send and read, by the setting allowed_origins."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import ValidationError

from server.settings import Settings
from tests.graphql.edge import STAGE, Stage, small_app

APP = {"origin": "https://app.example.org"}
EVIL = {"origin": "https://evil.example"}
BEARER = {"authorization": "Bearer anna"}
COOKIE = {"cookie": "samverkan=anna"}
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization, content-type"}
CHANGE = {"query": "mutation { change }"}


def client_of(*origins: str) -> httpx.AsyncClient:
    app = small_app(Settings(allowed_origins=frozenset(origins)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://samverkan")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    STAGE.__dict__.update(Stage().__dict__)
    STAGE.go_on.set()
    async with client_of("https://app.example.org") as client:
        yield client


async def test_the_browser_of_a_listed_page_may_send_a_token_and_read_the_answer(client: httpx.AsyncClient) -> None:
    asked = await client.options("/graphql", headers=APP | PREFLIGHT)
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == APP["origin"]
    assert {"authorization", "content-type"} <= set(asked.headers["access-control-allow-headers"].lower().split(", "))
    answer = await client.post("/graphql", json=CHANGE, headers=APP | BEARER)
    assert answer.json() == {"data": {"change": "changed"}}
    assert answer.headers["access-control-allow-origin"] == APP["origin"]
    assert "origin" in answer.headers["vary"].lower()
    assert {"etag", "retry-after"} <= set(answer.headers["access-control-expose-headers"].split(", "))


async def test_a_listed_page_may_log_in_without_any_token_yet(client: httpx.AsyncClient) -> None:
    assert (await client.post("/graphql", json=CHANGE, headers=APP)).status_code == 200


@pytest.mark.parametrize("headers", [APP | COOKIE, EVIL, EVIL | COOKIE, {"origin": "null"}])
async def test_cookies_of_listed_pages_and_all_others_change_nothing(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await client.post("/graphql", json=CHANGE, headers=headers | {"sec-fetch-site": "cross-site"})
    assert (answer.status_code, STAGE.changes) == (403, [])
    assert "access-control-allow-credentials" not in answer.headers


async def test_the_browsers_of_other_pages_are_told_nothing(client: httpx.AsyncClient) -> None:
    asked = await client.options("/graphql", headers=EVIL | PREFLIGHT)
    assert asked.status_code == 400
    answer = await client.post("/graphql", json=CHANGE, headers=EVIL | BEARER)
    assert "access-control-allow-origin" not in {*asked.headers, *answer.headers}


async def test_without_the_setting_there_is_no_word_of_cors() -> None:
    async with client_of() as client:
        asked = await client.options("/graphql", headers=APP | PREFLIGHT)
        answer = await client.post("/graphql", json={"query": "{ hello }"}, headers=APP | BEARER)
    assert (asked.status_code, answer.status_code) == (405, 200)
    assert not [name for name in (*asked.headers, *answer.headers) if name.startswith("access-control")]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_other_sites_cannot_even_query_under_a_cookie(client: httpx.AsyncClient, site: str) -> None:
    headers = COOKIE | {"sec-fetch-site": site}  # a link or an image: no origin, but cookies
    assert (await client.get("/graphql", params={"query": "{ hello }"}, headers=headers)).status_code == 403


async def test_a_page_without_tls_is_not_our_own_when_we_have_it() -> None:
    transport = httpx.ASGITransport(small_app(Settings()))
    async with httpx.AsyncClient(transport=transport, base_url="https://samverkan") as client:
        plain = await client.post("/graphql", json=CHANGE, headers=COOKIE | {"origin": "http://samverkan"})
        own = await client.post("/graphql", json=CHANGE, headers=COOKIE | {"origin": "https://samverkan"})
    assert (plain.status_code, own.status_code) == (403, 200)


@pytest.mark.parametrize("origin", ["*", "https://*.example.org", "https://a.org/", "a.org", "null", "HTTPS://a.org"])
def test_only_exact_origins_are_listed(origin: str) -> None:
    with pytest.raises(ValidationError, match="is not an origin"):
        Settings(allowed_origins=frozenset({origin}))
