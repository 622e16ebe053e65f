"""Operations over server-sent events, as graphql-sse has them: one request, one stream."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from server.settings import Settings
from tests.graphql.edge import BEARER, STAGE, Edge, Stage, serving, small_app

SETTINGS = Settings(max_streams=3, max_streams_per_address=2)
EVENTS = {"accept": "text/event-stream"}


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    with serving(small_app(SETTINGS), SETTINGS) as edge:
        yield edge


@pytest.fixture(autouse=True)
def _nothing_is_left(edge: Edge) -> Iterator[None]:
    STAGE.__dict__.update(Stage().__dict__)
    yield
    STAGE.go_on.set()
    edge.until(edge.is_idle)


def events(text: str) -> list[tuple[str, Any]]:
    """Name and content of every event; comments are none."""
    found = []
    for block in text.split("\n\n"):
        if not block.strip(":"):
            continue
        name, content = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(content.removeprefix("data:") or "null")))
    return found


def post(edge: Edge, query: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.post(edge.http, json={"query": query}, headers=EVENTS | (headers or {}), timeout=30)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_subscription_is_a_stream_of_events(edge: Edge, method: str) -> None:
    query = "subscription { count(to: 2) }"
    got = httpx.get(edge.http, params={"query": query}, headers=EVENTS) if method == "GET" else post(edge, query)
    assert got.status_code == 200
    assert got.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert events(got.text) == [
        ("next", {"data": {"count": "0"}}), ("next", {"data": {"count": "1"}}), ("complete", None),
    ]


def test_queries_and_mutations_have_one_event(edge: Edge) -> None:
    STAGE.go_on.set()
    assert events(post(edge, "{ hello }").text) == [("next", {"data": {"hello": "Hello, world"}}), ("complete", None)]
    assert events(post(edge, "mutation { change }").text)[0] == ("next", {"data": {"change": "changed"}})


@pytest.mark.parametrize("query", ["{", "{ nothing }", "subscription ($n: Int!) { count(to: $n) }"])
def test_what_cannot_run_is_told_in_the_stream(edge: Edge, query: str) -> None:
    response = post(edge, query)
    (first, content), last = events(response.text)
    assert (response.status_code, first, last) == (200, "next", ("complete", None))
    assert content["errors"]


def test_a_get_cannot_change_anything_here_either(edge: Edge) -> None:
    response = httpx.get(edge.http, params={"query": "mutation { change }"}, headers=EVENTS)
    assert (response.status_code, STAGE.changes) == (405, [])


def test_a_subscription_needs_a_client_that_takes_events(edge: Edge) -> None:
    query = "subscription { count(to: 1) }"
    assert post(edge, query, {"accept": "application/json"}).status_code == 406
    assert events(post(edge, query, {"accept": "application/json, text/event-stream;q=0.1"}).text)[-1][0] == "complete"


def test_a_stream_that_breaks_off_says_why(edge: Edge) -> None:
    *_, (_, told), _ = events(post(edge, "subscription { lost(deliberately: true) }").text)
    assert told["errors"][0]["message"] == "There is nothing more."
    *_, (_, bug), last = events(post(edge, "subscription { lost(deliberately: false) }").text)
    assert bug["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert last == ("complete", None)


def test_a_stream_ends_with_the_login(edge: Edge) -> None:
    with httpx.stream("POST", edge.http, json={"query": "subscription { ticks }"}, headers=EVENTS | BEARER) as response:
        lines = response.iter_lines()
        assert next(line for line in lines if line.startswith("data")) == 'data: {"data":{"ticks":"anna"}}'
        STAGE.tokens.clear()
        STAGE.go_on.set()
        assert "UNAUTHENTICATED" in next(line for line in lines if line.startswith("data"))
        assert list(lines)[-2:] == ["data:", ""]


def test_a_client_that_leaves_ends_the_subscription(edge: Edge) -> None:
    with httpx.stream("POST", edge.http, json={"query": "subscription { waits }"}, headers=EVENTS):
        assert STAGE.began.wait(20)
    assert STAGE.ended.wait(20)


def test_a_client_that_does_not_read_ends_the_subscription() -> None:
    settings = SETTINGS.model_copy(update={"send_seconds": 0.2})
    query = {"query": "subscription { floods }"}
    with serving(small_app(settings), settings) as edge:
        with httpx.stream("POST", edge.http, json=query, headers=EVENTS):
            assert STAGE.ended.wait(20)
        edge.until(edge.is_idle)


def test_streams_are_limited(edge: Edge) -> None:
    query = {"query": "subscription { waits }"}
    with httpx.stream("POST", edge.http, json=query, headers=EVENTS), edge.socket():
        response = post(edge, query["query"])
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (429, "TOO_MANY_STREAMS")


def test_a_stream_is_kept_alive_and_ends_when_the_server_stops() -> None:
    settings = SETTINGS.model_copy(update={"ping_seconds": 0.01})
    query = {"query": "subscription { waits }"}
    with (
        serving(small_app(settings), settings) as edge,
        httpx.stream("POST", edge.http, json=query, headers=EVENTS, timeout=30) as response,
    ):
        lines = response.iter_lines()
        assert [next(lines) for _ in range(4)] == [":", ""] * 2
        assert STAGE.began.wait(20)
        edge.stop()
        assert set(lines) <= {":", ""}  # no complete: the client comes again
    assert STAGE.ended.is_set()
