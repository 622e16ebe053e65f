"""Clients that are slow on purpose, or seem so: heads, bodies and answers have a time after which they are given up."""

import socket
import time
from collections.abc import Iterator

import pytest

from server.cli.web_server import LARGEST_HEAD
from server.settings import Settings
from tests.graphql.edge import STAGE, Edge, Stage, serving, small_app

SETTINGS = Settings(header_seconds=0.3, body_seconds=0.3)
HEAD = b"POST /graphql HTTP/1.1\r\nhost: samverkan\r\ncontent-type: application/json\r\n"
BODY = b'{"query": "{ hello }"}'
WHOLE = HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    with serving(small_app(SETTINGS), SETTINGS) as edge:
        yield edge


@pytest.fixture(autouse=True)
def _stage() -> None:
    STAGE.__dict__.update(Stage().__dict__)


def to_its_end(client: socket.socket) -> bytes:
    """What the server says before it closes the connection."""
    said = b""
    try:
        while part := client.recv(65_536):
            said += part
    except ConnectionResetError:
        pass
    return said


def answer(client: socket.socket) -> bytes:
    """One answer of the small schema."""
    said = b""
    while not said.endswith(b"}"):
        part = client.recv(65_536)
        assert part, said
        said += part
    return said


@pytest.mark.parametrize("begun", [b"", b"\r\n", b"POST", HEAD, HEAD + b"content-le"])
def test_a_head_that_does_not_come_is_not_waited_for(edge: Edge, begun: bytes) -> None:
    with edge.raw() as client:
        client.sendall(begun)
        assert to_its_end(client) == b""


@pytest.mark.parametrize("begun", [b"\r\n", b"GET /graphql"])
def test_a_second_head_has_no_more_time_than_the_first(edge: Edge, begun: bytes) -> None:
    with edge.raw() as client:
        client.sendall(WHOLE)
        assert b"Hello, world" in answer(client)
        client.sendall(begun)
        assert to_its_end(client) == b""


def test_a_head_that_does_not_end_is_not_read_to_its_end(edge: Edge) -> None:
    with edge.raw() as client:
        for _ in range(2):  # the first part is let through, uvicorn has read it in one piece
            client.sendall(HEAD + b"x-long: " + b"x" * LARGEST_HEAD)
        assert to_its_end(client) == b""


@pytest.mark.parametrize("coding", [b"content-length: 22\r\n\r\n{", b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n"])
def test_a_body_that_does_not_come_is_a_408(edge: Edge, coding: bytes) -> None:
    with edge.raw() as client:
        client.sendall(HEAD + coding)
        said = to_its_end(client)
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"REQUEST_TIMEOUT" in said


def test_a_body_that_keeps_coming_is_waited_for(edge: Edge) -> None:
    body = BODY[:-1] + b" " * 90_000 + b"}"
    with edge.raw() as client:
        client.sendall(HEAD + b"content-length: %d\r\n\r\n" % len(body) + body[:-1])
        time.sleep(SETTINGS.body_seconds * 2)  # 90 kB may take five seconds longer
        client.sendall(b"}")
        assert b"Hello, world" in answer(client)


def test_the_body_of_a_refused_request_is_not_waited_for_either(edge: Edge) -> None:
    with edge.raw() as client:
        client.sendall(HEAD.replace(b"json", b"xml") + b"content-length: 22\r\n\r\n")
        assert b"415 " in answer(client)
        client.sendall(b"{")
        assert to_its_end(client) == b""


def test_an_answer_may_take_longer_than_a_head(edge: Edge) -> None:
    body = b'{"query": "mutation { change }"}'
    with edge.raw() as client:
        client.sendall(HEAD + b"content-length: %d\r\n\r\n" % len(body) + body)
        assert STAGE.began.wait(20)
        client.sendall(b"GET /graphql?query={hello} HTTP/1.1\r\n")  # the next head has begun
        time.sleep(SETTINGS.header_seconds * 2)
        STAGE.go_on.set()
        assert b"changed" in answer(client)
