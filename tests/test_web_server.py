"""Answers as they leave: our uvicorn sends the same as any server would, one after the other on a connection."""

import http.client
from collections.abc import AsyncIterator, Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from server.graphql.transport.streams import Streams
from server.settings import Settings
from tests.graphql.edge import serving

SETTINGS = Settings()


async def whole(_: Request) -> Response:
    return PlainTextResponse("hello", headers={"x-own": "yes"})


async def missing(_: Request) -> Response:
    return PlainTextResponse("nothing", 404)


async def unchanged(_: Request) -> Response:
    return Response(status_code=304, headers={"etag": '"1"'})


async def in_parts(_: Request) -> Response:
    async def parts() -> AsyncIterator[str]:
        yield "hel"
        yield "lo"

    return StreamingResponse(parts())


async def split(_: Request) -> Response:
    return PlainTextResponse("hello", headers={"x-own": "yes\r\nx-forged: yes"})


class Halted(Response):
    """Fails between the head of its answer and the body."""

    async def __call__(self, _scope: object, _receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        raise RuntimeError


async def halted(_: Request) -> Response:
    return Halted()


@pytest.fixture(scope="module")
def connection() -> Iterator[http.client.HTTPConnection]:
    app = Starlette(routes=[Route(f"/{each.__name__}", each) for each in (
        whole, missing, unchanged, in_parts, split, halted
    )])
    app.state.streams = Streams(SETTINGS)
    with serving(app, SETTINGS) as edge:
        connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=10)
        yield connection
        connection.close()


@pytest.mark.parametrize(("method", "path", "status", "body"), [
    ("GET", "/whole", 200, b"hello"),
    ("HEAD", "/whole", 200, b""),
    ("GET", "/missing", 404, b"nothing"),
    ("GET", "/unchanged", 304, b""),
    ("GET", "/in_parts", 200, b"hello"),
    ("GET", "/halted", 500, b"Internal Server Error"),
    ("GET", "/whole", 200, b"hello"),
])
def test_an_answer_comes_as_it_was_given(
    connection: http.client.HTTPConnection, method: str, path: str, status: int, body: bytes
) -> None:
    connection.request(method, path)
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (status, body)
    assert "date" in answer.headers
    assert path != "/whole" or (answer.headers["x-own"], answer.headers["content-length"]) == ("yes", "5")


def test_a_header_does_not_become_two(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/split")
    answer = connection.getresponse()
    assert (answer.status, answer.headers["x-forged"]) == (500, None)
    answer.read()
