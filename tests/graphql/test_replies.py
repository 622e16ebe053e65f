"""Answers over HTTP as they leave: compressed, tagged, and several for a list of operations."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from server.graphql.transport.negotiation import takes_gzip
from server.graphql.transport.replies import IN_A_THREAD
from server.settings import Settings
from tests.graphql.edge import STAGE, Stage, small_app

QUERY = {"query": "query ($n: Int!) { long(letters: $n) }"}


def client_of(**settings: Any) -> httpx.AsyncClient:
    app = small_app(Settings(**settings))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://samverkan")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    STAGE.__dict__.update(Stage().__dict__)
    STAGE.go_on.set()
    async with client_of(max_batch=3) as client:
        yield client


async def encoding(client: httpx.AsyncClient, accept_encoding: str, letters: int = 5_000) -> str | None:
    body = QUERY | {"variables": {"n": letters}}
    response = await client.post("/graphql", json=body, headers={"accept-encoding": accept_encoding})
    assert response.json() == {"data": {"long": "x" * letters}}
    return response.headers.get("content-encoding")


@pytest.mark.parametrize("letters", [5_000, IN_A_THREAD])
async def test_a_long_answer_is_compressed_for_clients_that_read_it(client: httpx.AsyncClient, letters: int) -> None:
    assert await encoding(client, "br, gzip", letters) == "gzip"
    assert await encoding(client, "identity", letters) is None


async def test_a_short_answer_and_by_setting_any_answer_is_sent_as_it_is(client: httpx.AsyncClient) -> None:
    assert await encoding(client, "gzip", 100) is None
    async with client_of(compress_from_bytes=0) as other:
        assert await encoding(other, "gzip") is None


@pytest.mark.parametrize(
    ("accept_encoding", "taken"),
    [("", False), ("gzip", True), ("GZIP;q=0.5", True), ("br, gzip", True), ("gzip;q=0", False), ("gzip; q=0.0", False),
     ("x-gzip", False), ("*", False), ("gzip;q=x", False)],
)
def test_gzip_is_used_when_it_is_named(accept_encoding: str, taken: bool) -> None:
    assert takes_gzip(accept_encoding) is taken


async def test_answers_to_mutations_are_not_compressed(client: httpx.AsyncClient) -> None:  # tokens are among them
    names = " ".join(f"change{i}{'x' * 400}: change" for i in range(15))
    response = await client.post("/graphql", json={"query": f"mutation {{ {names} }}"})
    assert len(response.content) > 5_000
    assert "content-encoding" not in response.headers


async def get(client: httpx.AsyncClient, name: str = "Åsa", **headers: str) -> httpx.Response:
    parameters = {"query": f'{{ hello(name: "{name}") }}'}
    return await client.get("/graphql", params=parameters, headers={k.replace("_", "-"): v for k, v in headers.items()})


async def test_what_a_client_has_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await get(client)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    assert {"authorization", "cookie"} <= set(first.headers["vary"].split(", "))
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = await get(client, if_none_match=known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    changed = await get(client, "Eva", if_none_match=tag)
    assert (changed.status_code, changed.headers["etag"] != tag) == (200, True)


async def test_a_compressed_answer_has_a_tag_of_its_own(client: httpx.AsyncClient) -> None:
    parameters = {"query": "{ long(letters: 5000) }"}
    packed = await client.get("/graphql", params=parameters, headers={"accept-encoding": "gzip"})
    plain = await client.get("/graphql", params=parameters, headers={"accept-encoding": "identity"})
    assert packed.headers["etag"] != plain.headers["etag"]
    again = {"accept-encoding": "gzip", "if-none-match": packed.headers["etag"]}
    assert (await client.get("/graphql", params=parameters, headers=again)).status_code == 304


async def test_only_queries_that_ran_are_kept(client: httpx.AsyncClient) -> None:
    posted = await client.post("/graphql", json={"query": "{ hello }"})
    refused = await client.get("/graphql", params={"query": "{ nothing }"})
    for response in (posted, refused):
        assert (response.headers["cache-control"], "etag" in response.headers) == ("no-store", False)


async def test_a_list_of_operations_has_a_list_of_answers(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json=[
        {"query": "{ hello }"}, {"query": "{ nothing }"}, {"query": "mutation { change }"},
    ])
    first, second, third = response.json()
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert (first, third) == ({"data": {"hello": "Hello, world"}}, {"data": {"change": "changed"}})
    assert second["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_operations_of_a_list_share_no_context(client: httpx.AsyncClient) -> None:
    await client.post("/graphql", json=[{"query": "{ hello }"}, {"query": "{ hello }"}])
    first, second = STAGE.contexts
    assert first is not second


@pytest.mark.parametrize(
    "body",
    [[], [{"query": "{ hello }"}] * 4, [5], [{"query": "{ hello }"}, {}], [[{"query": "{ hello }"}]],
     [{"query": "subscription { count(to: 1) }"}]],
)
async def test_an_odd_list_is_refused_as_a_whole(client: httpx.AsyncClient, body: Any) -> None:
    response = await client.post("/graphql", json=body)
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")


async def test_lists_are_off_by_default() -> None:
    async with client_of() as client:
        assert (await client.post("/graphql", json=[{"query": "{ hello }"}])).status_code == 400


async def test_gzip_is_gzip(client: httpx.AsyncClient) -> None:
    async with client.stream("POST", "/graphql", json=QUERY | {"variables": {"n": 5_000}}) as response:
        raw = b"".join([chunk async for chunk in response.aiter_raw()])
    assert len(raw) < 200
    assert gzip.decompress(raw) == b'{"data":{"long":"' + b"x" * 5_000 + b'"}}'
