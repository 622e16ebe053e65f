"""A server in a thread of its own, with a small schema that has subscriptions; sockets and streams talk to it."""

import asyncio
import json
import socket as net
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import strawberry
import uvloop
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.routing import Route, WebSocketRoute
from websockets.sync.client import ClientConnection, connect

from server.cli.web_server import Config, Server, drop_deaf_clients
from server.domain.network import Right
from server.errors import NotFound
from server.graphql.context import Context
from server.graphql.operations import Operations
from server.graphql.transport.http import GraphQLEndpoint
from server.graphql.transport.origins import cors
from server.graphql.transport.security import RAW
from server.graphql.transport.socket_messages import PROTOCOL
from server.graphql.transport.sockets import socket_endpoint
from server.graphql.transport.streams import Streams
from server.identity.credentials import token_of
from server.observability.requests import Requests
from server.reads.visibility import Caller
from server.settings import Settings

Info = strawberry.Info[Context, None]
BEARER = {"authorization": "Bearer anna"}


@dataclass
class Stage:
    """What the resolvers of the small schema tell their tests, and wait for."""

    tokens: set[str] = field(default_factory=lambda: {"anna"})
    contexts: list[Context] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    began: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)


STAGE = Stage()


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, info: Info, name: str = "world") -> str:
        STAGE.contexts.append(info.context)
        return f"Hello, {name}"

    @strawberry.field
    def secret(self, info: Info) -> str:
        return str(info.context.caller.right)

    @strawberry.field
    def long(self, letters: int) -> str:
        return "x" * letters


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def change(self) -> str:
        STAGE.began.set()
        await asyncio.to_thread(STAGE.go_on.wait, 10)
        STAGE.changes.append("changed")
        return "changed"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int) -> AsyncGenerator[str, None]:
        for number in range(to):
            yield str(number)

    @strawberry.subscription
    async def ticks(self, info: Info) -> AsyncGenerator[str, None]:
        """One at once, the next ones when the test says so."""
        try:
            while True:
                yield info.context.token or ""
                STAGE.began.set()
                await asyncio.to_thread(STAGE.go_on.wait, 10)
        finally:
            STAGE.ended.set()

    @strawberry.subscription
    async def floods(self) -> AsyncGenerator[str, None]:
        try:
            while True:
                yield "x" * 1_000_000
        finally:
            STAGE.ended.set()

    @strawberry.subscription
    async def waits(self) -> AsyncGenerator[str, None]:
        STAGE.began.set()
        try:
            await asyncio.Event().wait()
            yield "never"
        finally:
            STAGE.ended.set()

    @strawberry.subscription
    async def lost(self, deliberately: bool) -> AsyncGenerator[str, None]:
        yield "one"
        raise NotFound("There is nothing more.") if deliberately else ZeroDivisionError("secret")


SETTINGS = Settings()
NOTHING = cast(Any, None)


async def context_of(asking: HTTPConnection) -> Context:
    token = token_of(asking, SETTINGS)
    visitor = Caller(None, Right.CENTRAL) if token in STAGE.tokens else None
    return Context(NOTHING, NOTHING, SETTINGS, NOTHING, NOTHING, NOTHING, visitor=visitor, token=token)


def small_app(settings: Settings) -> Starlette:
    schema = strawberry.Schema(Query, Mutation, Subscription)
    operations, streams = Operations(schema), Streams(settings)
    app = Starlette(
        routes=[
            Route("/graphql", GraphQLEndpoint(operations, context_of, settings, streams)),
            WebSocketRoute("/graphql", socket_endpoint(operations, context_of, settings, streams)),
        ],
        middleware=[Middleware(Requests, standing=RAW), *cors(settings.allowed_origins)],
    )
    app.state.streams = streams
    return app


OWN_TASKS = {"run.<locals>.wrapper", "LifespanOn.main"}


class Edge:
    """A running server as its clients see it, and what it holds."""

    def __init__(self, app: Starlette, settings: Settings, listening: net.socket) -> None:
        self.streams: Streams = app.state.streams
        self.host, self.port = listening.getsockname()[:2]
        self.http, self.ws = (f"{scheme}://{self.host}:{self.port}/graphql" for scheme in ("http", "ws"))
        self._server = Server(Config(app, settings))
        self._listening = listening
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: uvloop.run(self._serve()), daemon=True)
        self._thread.start()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve([self._listening])

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive()

    def socket(self, headers: dict[str, str] | None = None, **named: Any) -> ClientConnection:
        """A socket that has only been opened."""
        named = {"subprotocols": [PROTOCOL], "max_size": None, "compression": None} | named
        return connect(self.ws, additional_headers=headers, open_timeout=30, close_timeout=30, **named)

    @contextmanager
    def session(self, payload: Any = None, **named: Any) -> Iterator["Session"]:
        """An acknowledged connection."""
        with self.socket(**named) as client:
            session = Session(client)
            session.send(type="connection_init", payload=payload)
            assert session.receive() == {"type": "connection_ack"}
            yield session

    def raw(self) -> net.socket:
        return net.create_connection((self.host, self.port), timeout=30)

    def is_idle(self) -> bool:
        """Whether nothing is left of what clients began: no place taken, and no task but the server's own."""
        tasks = asyncio.all_tasks(self._loop) if self._loop and not self._loop.is_closed() else set()
        return not len(self.streams) and {task.get_coro().__qualname__ for task in tasks} <= OWN_TASKS

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, "it did not come true"
            time.sleep(0.005)


class Session:
    """Messages over one socket."""

    def __init__(self, client: ClientConnection) -> None:
        self.client = client

    def send(self, **message: Any) -> None:
        self.client.send(json.dumps(message))

    def receive(self) -> dict[str, Any]:
        return dict(json.loads(self.client.recv(30)))

    def subscribe(self, query: str, id: str = "1", **variables: Any) -> None:
        self.send(id=id, type="subscribe", payload={"query": query, "variables": variables})

    def ask(self, query: str, id: str = "1", **variables: Any) -> list[dict[str, Any]]:
        """Every message about one operation."""
        self.subscribe(query, id, **variables)
        messages = [self.receive()]
        while messages[-1]["type"] == "next":
            messages.append(self.receive())
        assert {message["id"] for message in messages} == {id}
        return messages


@contextmanager
def serving(app: Starlette, settings: Settings) -> Iterator[Edge]:
    listening = net.create_server(("127.0.0.1", 0), backlog=100)
    drop_deaf_clients(listening, settings.send_seconds)
    edge = Edge(app, settings, listening)
    try:
        yield edge
    finally:
        edge.stop()
