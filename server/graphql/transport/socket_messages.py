"""The messages of graphql-transport-ws: what a client may send, and what it is told."""

from dataclasses import dataclass
from typing import Any

import orjson

from server.graphql.answers import Answer

PROTOCOL = "graphql-transport-ws"


class Closing(Exception):
    """The socket is to be closed with this code, for this reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:120].decode(errors="ignore")  # a close frame has room for 123 bytes


@dataclass(frozen=True, slots=True)
class Message:
    """A well-formed message of a client; `id` is empty where the type has none."""

    type: str
    id: str
    payload: dict[str, Any]


def message_of(text: str) -> Message:
    """The message in a frame; Closing with 4400 when it is none of the protocol."""
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Closing(4400, f"The message is not JSON: {error}") from None
    type_ = given.get("type") if isinstance(given, dict) else None
    if type_ not in ("connection_init", "ping", "pong", "subscribe", "complete"):
        raise Closing(4400, f"Clients send no message of the type {type_!r:.40}")
    id, payload = given.get("id", ""), given.get("payload")
    if type_ in ("subscribe", "complete") and not (isinstance(id, str) and id):
        raise Closing(4400, f"A message {type_} needs an id: a text that is not empty")
    if payload is None and type_ != "subscribe":
        payload = {}
    if not isinstance(payload, dict):
        raise Closing(4400, f"The payload of {type_} must be an object")
    if type_ == "subscribe":
        _check_request(payload)
    return Message(type_, id, payload)


def _check_request(payload: dict[str, Any]) -> None:
    for member, kind in (("query", str), ("operationName", str), ("variables", dict), ("extensions", dict)):
        if not isinstance(payload.get(member), kind | None):
            raise Closing(4400, f"The member {member} of the payload must be {kind.__name__} or null")


def next_(id: str, answer: Answer) -> str:
    return f'{{"id":{_text(id)},"type":"next","payload":{answer.body.decode()}}}'


def error(id: str, answer: Answer) -> str:
    """The last word on an operation that was not executed, or that cannot go on."""
    errors = orjson.dumps(orjson.loads(answer.body)["errors"])
    return f'{{"id":{_text(id)},"type":"error","payload":{errors.decode()}}}'


def complete(id: str) -> str:
    return f'{{"id":{_text(id)},"type":"complete"}}'


def _text(value: str) -> str:
    return orjson.dumps(value).decode()


CONNECTION_ACK = '{"type":"connection_ack"}'
PONG = '{"type":"pong"}'
