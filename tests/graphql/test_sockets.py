"""Operations over WebSocket: graphql-transport-ws as its clients speak it, and as nobody should."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Close, Frame, Opcode
from websockets.sync.client import ClientConnection

from server.settings import Settings
from tests.graphql.edge import STAGE, Edge, Session, Stage, serving, small_app

SETTINGS = Settings(
    max_body_bytes=100_000, max_socket_operations=3, max_streams=6, max_streams_per_address=5,
    allowed_origins=frozenset({"https://app.example.org"}),
)
BEARER = {"authorization": "Bearer anna"}


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


def closed(client: ClientConnection) -> Close:
    """How the server closed the socket; whatever it said before is not looked at."""
    with pytest.raises(ConnectionClosed) as told:
        while True:
            client.recv(30)
    assert told.value.rcvd
    return told.value.rcvd


def refused(edge: Edge, **named: Any) -> int:
    """The HTTP status of a handshake that is refused."""
    with pytest.raises(InvalidStatus) as told, edge.socket(**named):
        pass
    return told.value.response.status_code


def code(message: dict[str, Any]) -> str:
    assert message["type"] == "error"
    [error] = message["payload"]
    return str(error["extensions"]["code"])


def test_queries_and_mutations_have_one_answer(edge: Edge) -> None:
    STAGE.go_on.set()
    with edge.session() as session:
        assert session.ask("query ($n: String!) { hello(name: $n) }", n="Åsa") == [
            {"id": "1", "type": "next", "payload": {"data": {"hello": "Hello, Åsa"}}}, {"id": "1", "type": "complete"},
        ]
        assert session.ask("mutation { change }")[0]["payload"] == {"data": {"change": "changed"}}


def test_a_subscription_has_an_answer_for_every_event(edge: Edge) -> None:
    with edge.session() as session:
        *answers, last = session.ask("subscription { count(to: 3) }")
    assert [answer["payload"]["data"]["count"] for answer in answers] == ["0", "1", "2"]
    assert last == {"id": "1", "type": "complete"}


def test_operations_run_side_by_side(edge: Edge) -> None:
    with edge.session() as session:
        session.subscribe("subscription { ticks }", "a")
        assert session.receive()["id"] == "a"
        assert session.ask("{ hello }", "b")[0]["payload"]["data"] == {"hello": "Hello, world"}
        STAGE.go_on.set()
        assert session.receive()["id"] == "a"


def test_a_ping_is_answered_by_a_pong_at_any_time(edge: Edge) -> None:
    with edge.socket() as client:
        for _ in range(2):
            Session(client).send(type="ping", payload={"at": 1})
            assert Session(client).receive() == {"type": "pong"}
        Session(client).send(type="pong")
        Session(client).send(type="connection_init")
        assert Session(client).receive() == {"type": "connection_ack"}


def test_a_client_ends_a_subscription_and_may_use_its_id_again(edge: Edge) -> None:
    with edge.session() as session:
        session.subscribe("subscription { ticks }")
        assert session.receive()["type"] == "next"
        for _ in range(2):
            session.send(id="1", type="complete")
            session.send(type="ping")
            assert session.receive() == {"type": "pong"}  # and nothing about 1
            STAGE.go_on.set()
            assert STAGE.ended.wait(20)
        assert session.ask("{ hello }")[-1] == {"id": "1", "type": "complete"}


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("", "BAD_REQUEST"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ hello " * 40 + "}" * 40, "GRAPHQL_VALIDATION_FAILED"),
        ("query A { hello } query B { hello }", "OPERATION_RESOLUTION_FAILURE"),
        ("subscription ($to: Int!) { count(to: $to) }", "BAD_USER_INPUT"),
        ("query ($n: String!) { hello(name: $n) }", "BAD_USER_INPUT"),
    ],
)
def test_what_cannot_run_is_answered_by_one_error(edge: Edge, query: str, refusal: str) -> None:
    with edge.session() as session:
        [error] = session.ask(query)
        assert code(error) == refusal
        assert session.ask("{ hello }")[-1]["type"] == "complete"  # the id is free, the connection goes on


def test_a_subscription_that_breaks_off_says_why(edge: Edge) -> None:
    with edge.session() as session:
        first, error = session.ask("subscription { lost(deliberately: true) }")
        assert (first["type"], error["payload"][0]["message"]) == ("next", "There is nothing more.")
        assert code(error) == "NOT_FOUND"
        assert code(session.ask("subscription { lost(deliberately: false) }")[-1]) == "INTERNAL"


ODD = [
    "", "{", "5", "null", "[]", '"text"', "{}", '{"type": 5}', '{"type": null}', '{"type": "start"}', "[" * 50_000,
    '{"type": "connection_terminate"}', '{"type": "next", "id": "1", "payload": {}}', '{"type": "connection_ack"}',
    '{"type": "error", "id": "1", "payload": []}', '{"type": "connection_init", "payload": 5}',
    '{"type": "connection_init", "payload": []}', '{"type": "ping", "payload": "x"}', '{"type": "complete"}',
    '{"type": "complete", "id": ""}', '{"type": "complete", "id": 5}', '{"type": "subscribe"}',
    '{"type": "subscribe", "id": "1"}', '{"type": "subscribe", "id": "1", "payload": null}',
    '{"type": "subscribe", "id": "", "payload": {"query": "{ hello }"}}',
    '{"type": "subscribe", "id": 1, "payload": {"query": "{ hello }"}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": 5}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{ hello }", "variables": []}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{ hello }", "operationName": {}}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{ hello }", "extensions": "x"}}',
    '{"type": "\\ud800"}', b"{}", b"\x00",
]


@pytest.mark.parametrize("message", ODD)
def test_a_message_outside_of_the_protocol_closes_the_socket(edge: Edge, message: str | bytes) -> None:
    with edge.socket() as client:
        client.send(message)
        assert closed(client).code == 4400
    if isinstance(message, str) and "connection_init" not in message:
        with edge.session() as session:
            session.client.send(message)
            assert closed(session.client).code == 4400


def test_an_operation_has_to_wait_for_the_acknowledgement(edge: Edge) -> None:
    subscribe = json.dumps({"id": "1", "type": "subscribe", "payload": {"query": "mutation { change }"}})
    init = json.dumps({"type": "connection_init"})
    with edge.socket() as early, edge.socket() as hasty:
        early.send(subscribe)
        assert closed(early).code == 4401
        frames = [Frame(Opcode.TEXT, text.encode()).serialize(mask=True) for text in (init, subscribe)]
        hasty.socket.sendall(b"".join(frames))
        assert closed(hasty).code == 4401
    assert STAGE.changes == []


def test_a_connection_is_initialised_once(edge: Edge) -> None:
    with edge.session() as session:
        session.send(type="connection_init")
        assert closed(session.client) == Close(4429, "Too many initialisation requests")


def test_an_id_names_one_running_operation(edge: Edge) -> None:
    with edge.session() as session:
        session.subscribe("subscription { waits }", "ä" * 100)
        assert STAGE.began.wait(20)
        session.subscribe("subscription { waits }", "ä" * 100)
        told = closed(session.client)
    assert (told.code, told.reason[:16]) == (4409, "Subscriber for ä")
    assert STAGE.ended.wait(20)


def test_too_many_operations_at_once_are_refused_one_by_one(edge: Edge) -> None:
    with edge.session() as session:
        for id in "abc":
            session.subscribe("subscription { waits }", id)
        assert code(session.ask("{ hello }", "d")[0]) == "TOO_MANY_OPERATIONS"
        session.send(type="complete", id="a")
        assert session.ask("{ hello }", "d")[-1] == {"id": "d", "type": "complete"}


def test_a_message_over_the_limit_closes_the_socket(edge: Edge) -> None:
    with edge.session() as session:
        session.subscribe("{ hello }" + " " * SETTINGS.max_body_bytes)
        assert closed(session.client).code == 1009


def part(opcode: Opcode, content: bytes, fin: bool = True) -> bytes:
    return Frame(opcode, content, fin).serialize(mask=True)


FRAMES = {
    "no UTF-8": (part(Opcode.TEXT, b"\xff\xfe"), 1007),
    "no mask": (Frame(Opcode.TEXT, b"{}").serialize(mask=False), 1002),
    "reserved bits": (b"\xf1\x80\0\0\0\0", 1002),
    "an opcode that does not exist": (b"\x83\x80\0\0\0\0", 1002),
    "goes on with nothing": (part(Opcode.CONT, b"{}"), 1002),
    "begins anew": (part(Opcode.TEXT, b"{", fin=False) + part(Opcode.TEXT, b"}"), 1002),
    "a ping that is too long": (b"\x89\xfe\0\x7e\0\0\0\0" + b"x" * 126, 1002),
    "announces exabytes": (b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 1009),
    "large parts": (part(Opcode.TEXT, b"{" * 60_000, fin=False) + part(Opcode.CONT, b"{" * 60_000, fin=False), 1009),
    "many parts": (part(Opcode.TEXT, b"", fin=False) + part(Opcode.CONT, b"", fin=False) * 2_000, 1009),
}


@pytest.mark.parametrize("frames", FRAMES)
def test_a_frame_that_is_none_closes_the_socket(edge: Edge, frames: str) -> None:
    content, expected = FRAMES[frames]
    with edge.socket() as client:
        client.socket.sendall(content)
        assert closed(client).code == expected


HANDSHAKE = (b"GET /graphql HTTP/1.1\r\nhost: samverkan\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
             b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n"
             b"sec-websocket-protocol: graphql-transport-ws\r\n\r\n")


@pytest.mark.parametrize("wrong", [(b"13", b"7"), (b"dGhlIHNhbXBsZSBub25jZQ==", b"short"), (b"GET", b"POST")])
def test_a_handshake_that_is_none_is_refused(edge: Edge, wrong: tuple[bytes, bytes]) -> None:
    with edge.raw() as client:
        client.sendall(HANDSHAKE.replace(*wrong))
        assert client.recv(10_000).startswith(b"HTTP/1.1 4")


def test_pings_of_a_client_that_does_not_read_are_not_kept(edge: Edge) -> None:
    ping, received = part(Opcode.PING, b"x" * 125), 0
    with socket.socket() as client, suppress(ConnectionResetError):  # it may well be dropped
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        client.settimeout(30)
        client.connect((edge.host, edge.port))
        client.sendall(HANDSHAKE)
        client.sendall(ping * 80_000)
        client.sendall(part(Opcode.CLOSE, b"\x03\xe8"))
        while content := client.recv(1_000_000):
            received += len(content)
    assert received < len(ping) * 80_000 / 2


@pytest.mark.parametrize("offered", [None, ["graphql-ws"]])
def test_the_old_protocol_and_none_are_not_spoken(edge: Edge, offered: Any) -> None:
    with edge.socket(subprotocols=offered) as client:
        assert closed(client).code == 4406


def test_sockets_are_limited_by_address_and_in_all(edge: Edge) -> None:
    with ExitStack() as clients:
        for _ in range(SETTINGS.max_streams_per_address):
            clients.enter_context(edge.socket())
        assert refused(edge) == 429
    edge.until(edge.is_idle)
    with edge.session():
        pass


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-site", "origin": "https://sister.example.org"}, 403),
        ({"origin": "https://app.example.org"}, 101),
        ({"sec-fetch-site": "same-origin", "origin": "https://behind.proxy"}, 101),
        ({}, 101),
    ],
)
def test_pages_of_other_sites_get_no_socket(edge: Edge, headers: dict[str, str], status: int) -> None:
    if status == 101:
        with edge.session(headers=headers):
            pass
    else:
        assert refused(edge, headers=headers | BEARER) == status


COOKIE = {"cookie": "samverkan=anna"}


@pytest.mark.parametrize(
    ("headers", "payload", "known"),
    [
        ({}, {"authorization": "Bearer anna"}, True),
        ({}, {"Authorization": "bearer anna"}, True),
        (BEARER, None, True),
        (COOKIE, None, True),
        ({"origin": "http://HOST"} | COOKIE, {}, True),
        ({"origin": "https://app.example.org"} | COOKIE, None, False),  # cookies of foreign pages do not count
        ({"origin": "https://app.example.org"}, {"authorization": "Bearer anna"}, True),
        ({"cookie": "samverkan=old"}, None, False),
        ({}, None, False),
    ],
)
def test_a_connection_is_logged_in_by_its_payload_or_its_own_cookie(
    edge: Edge, headers: dict[str, str], payload: Any, known: bool
) -> None:
    headers = {name: value.replace("HOST", f"{edge.host}:{edge.port}") for name, value in headers.items()}
    with edge.session(payload, headers=headers) as session:
        answer = session.ask("{ secret }")[0]["payload"]
    assert ("errors" in answer) is not known


@pytest.mark.parametrize("token", ["Bearer eve", "anna", 5, "Bearer änna"])
def test_a_wrong_token_closes_the_connection(edge: Edge, token: Any) -> None:
    with edge.socket() as client:
        Session(client).send(type="connection_init", payload={"authorization": token})
        assert closed(client).code == 4403


def test_a_token_in_the_address_is_not_looked_at(edge: Edge) -> None:
    edge_with_token = Edge.__new__(Edge)
    edge_with_token.ws = f"{edge.ws}?authorization=Bearer+anna&token=anna&access_token=anna"
    with edge_with_token.session() as session:
        assert session.ask("{ secret }")[0]["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_every_operation_has_a_context_of_its_own(edge: Edge) -> None:
    with edge.session() as session:
        session.ask("{ a: hello b: hello }")
        session.ask("{ hello }")
    first, same, other = STAGE.contexts
    assert first is same
    assert first is not other


def test_a_login_that_has_ended_closes_the_connection_at_the_next_operation(edge: Edge) -> None:
    with edge.session({"authorization": "Bearer anna"}) as session:
        assert session.ask("{ secret }")[0]["payload"]["data"]
        STAGE.tokens.clear()
        session.subscribe("{ secret }")
        assert closed(session.client).code == 4403


def test_a_subscription_ends_with_the_login(edge: Edge) -> None:
    with edge.session({"authorization": "Bearer anna"}) as session:
        session.subscribe("subscription { ticks }")
        assert session.receive()["payload"] == {"data": {"ticks": "anna"}}
        STAGE.tokens.clear()
        STAGE.go_on.set()
        assert code(session.receive()) == "UNAUTHENTICATED"
    assert STAGE.ended.wait(20)


@pytest.mark.parametrize("leave", [ClientConnection.close, lambda client: client.socket.close()])
def test_a_client_that_leaves_ends_its_operations(edge: Edge, leave: Callable[[ClientConnection], None]) -> None:
    with edge.session() as session:
        session.subscribe("subscription { waits }")
        assert STAGE.began.wait(20)
        leave(session.client)
        assert STAGE.ended.wait(20)


def test_a_change_that_has_begun_comes_to_its_end(edge: Edge) -> None:
    with edge.session() as session:
        session.subscribe("mutation { change }")
        assert STAGE.began.wait(20)
    assert STAGE.changes == []
    STAGE.go_on.set()
    edge.until(edge.is_idle)
    assert STAGE.changes == ["changed"]


def test_a_socket_that_never_begins_is_closed() -> None:
    settings = SETTINGS.model_copy(update={"socket_init_seconds": 0.05})
    with serving(small_app(settings), settings) as edge, edge.socket() as client:
        assert closed(client) == Close(4408, "Connection initialisation timeout")


def test_an_idle_connection_is_closed_when_its_login_has_ended() -> None:
    settings = SETTINGS.model_copy(update={"socket_init_seconds": 0.05, "ping_seconds": 0.05})
    with serving(small_app(settings), settings) as edge, edge.session({"authorization": "Bearer anna"}) as session:
        STAGE.tokens.clear()
        assert closed(session.client).code == 4403


def test_a_client_that_does_not_read_is_closed_with_a_reason() -> None:
    settings = SETTINGS.model_copy(update={"send_seconds": 0.2})
    with serving(small_app(settings), settings) as edge, edge.session(max_queue=1) as session:
        session.subscribe("subscription { floods }")
        assert STAGE.ended.wait(20)  # the events have stopped; the client reads again
        told = closed(session.client)
    assert (told.code, "read anew" in told.reason) == (1013, True)


def test_all_sockets_are_limited_and_closed_when_the_server_stops() -> None:
    settings = SETTINGS.model_copy(update={"max_streams": 1})
    with serving(small_app(settings), settings) as edge, edge.session() as session:
        assert refused(edge) == 503
        session.subscribe("subscription { waits }")
        assert STAGE.began.wait(20)
        stopping = threading.Thread(target=edge.stop)
        stopping.start()
        assert closed(session.client).code == 1012
        stopping.join(20)
        assert STAGE.ended.is_set()
        assert edge.is_idle()
