"""The load generator: prebuilt requests over connections that are kept open, in a process of its own.

Two ways: as fast as answers come, on so many connections; or at given moments, whatever the server does, where a
request that finds no free connection waits, and the wait counts.
"""

import asyncio
import time
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import httptools
import uvloop

GIVE_UP = 30.0
"""Seconds after which what is not answered counts as an error."""


@dataclass(frozen=True)
class Expected:
    """What every answer must be, so that nobody is fast by failing. `length` in bytes; None: any but nothing."""

    length: int | None = None
    holds: bytes = b""

    def is_met(self, status: int, body: bytes) -> bool:
        right = len(body) > 0 if self.length is None else len(body) == self.length
        return status == 200 and right and self.holds in body


@dataclass(frozen=True)
class Plan:
    """`requests` go round until `seconds` are over, or are sent `once` each. `within`: spread over so many seconds."""

    ports: Sequence[int]
    requests: Sequence[bytes]
    expected: Expected
    connections: int
    seconds: float
    once: bool = False
    within: float | None = None


@dataclass
class Outcome:
    """What came of a plan; latencies in seconds, `elapsed` from the first request to the last answer."""

    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    errors: int = 0
    first_error: str = ""
    elapsed: float = 0.0
    generator_seconds: float = 0.0

    @property
    def answered(self) -> int:
        return len(self.latencies)


def run(plan: Plan) -> Outcome:
    """Runs a plan to its end; for a process of its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(plan))


async def _run(plan: Plan) -> Outcome:
    load = _Load(plan)
    loop = asyncio.get_running_loop()
    clients: list[_Client] = []
    for place in range(plan.connections):
        port = plan.ports[place % len(plan.ports)]
        _transport, client = await loop.create_connection(lambda: _Client(load), "127.0.0.1", port)
        clients.append(client)
    used, began = time.process_time(), time.perf_counter()
    load.start(clients, began)
    try:
        await asyncio.wait_for(load.ended, plan.seconds + GIVE_UP)
    except TimeoutError:
        load.fail(f"{load.in_flight + len(load.due)} requests were not answered", load.in_flight + len(load.due))
    load.outcome.elapsed = load.last_answer - began
    load.outcome.generator_seconds = time.process_time() - used
    for client in clients:
        client.close()
    return load.outcome


class _Load:
    """What is still to be sent, and what has come back."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.outcome = Outcome()
        self.ended = asyncio.get_running_loop().create_future()
        self.free: list[_Client] = []
        self.due: deque[tuple[bytes, float]] = deque()
        self.in_flight = 0
        self.to_come = len(plan.requests) if plan.within else 0
        self.last_answer = 0.0

    def start(self, clients: list["_Client"], now: float) -> None:
        self.last_answer, self.until = now, now + self.plan.seconds
        self.requests = self._requests()
        if self.plan.within is None:
            for client in clients:
                self._next(client, now)
            return
        self.free = list(clients)
        loop, gap = asyncio.get_running_loop(), self.plan.within / len(self.plan.requests)
        origin = loop.time()
        for place, request in enumerate(self.plan.requests):
            loop.call_at(origin + place * gap, self._arrive, request, now + place * gap)

    def _requests(self) -> Iterator[bytes]:
        yield from self.plan.requests
        while not self.plan.once:
            yield from self.plan.requests

    def _arrive(self, request: bytes, at: float) -> None:
        self.to_come -= 1
        if self.free:
            self.in_flight += 1
            self.free.pop().send(request, at)
        else:
            self.due.append((request, at))

    def answered(self, client: "_Client", status: int, body: bytes) -> None:
        now = self.last_answer = time.perf_counter()
        self.in_flight -= 1
        self.outcome.latencies.append(now - client.since)
        if not self.plan.expected.is_met(status, body):
            self.fail(f"status {status}, {len(body)} bytes: {body[:300].decode(errors='replace')}")
        self._next(client, now)

    def lost(self) -> None:
        """A connection was closed on its request."""
        self.in_flight -= 1
        self.fail("the server closed a connection on its request")
        self._end_if_done()

    def fail(self, words: str, number: int = 1) -> None:
        self.outcome.errors += number
        self.outcome.first_error = self.outcome.first_error or words

    def _next(self, client: "_Client", now: float) -> None:
        if self.plan.within is not None:
            if self.due:
                self.in_flight += 1
                client.send(*self.due.popleft())
            else:
                self.free.append(client)
        elif now < self.until and (request := next(self.requests, None)):
            self.in_flight += 1
            client.send(request, now)
        self._end_if_done()

    def _end_if_done(self) -> None:
        if not (self.in_flight or self.due or self.to_come or self.ended.done()):
            self.ended.set_result(None)


class _Client(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, load: _Load) -> None:
        self.load = load
        self.since = 0.0
        self.waits = False
        self.body: list[bytes] = []
        self.parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def send(self, request: bytes, since: float) -> None:
        self.since, self.waits = since, True
        self.transport.write(request)  # type: ignore[attr-defined]  # a TCP transport

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, part: bytes) -> None:
        self.body.append(part)

    def on_message_complete(self) -> None:
        body, self.body, self.waits = b"".join(self.body), [], False
        self.load.answered(self, self.parser.get_status_code(), body)

    def connection_lost(self, error: Exception | None) -> None:
        if self.waits:
            self.waits = False
            self.load.lost()

    def close(self) -> None:
        self.waits = False
        self.transport.close()
