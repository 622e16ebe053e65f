"""What metrics, records and request ids cost per request: CPU microseconds, the best of several runs."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from server.observability.operations import Watch
from server.observability.records import begin_statement
from server.observability.requests import Requests
from server.observability.slow import SlowLog
from server.observability.tracing import span

TIMES, RUNS = 20_000, 7
HEADERS = [(name, b"value") for name in (b"host", b"content-type", b"authorization", b"accept", b"user-agent")]
Act = Callable[[], Awaitable[None]]


async def sent(_message: Any) -> None:
    pass


async def app(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b""})


def request(served: Any) -> Act:
    return lambda: served({"type": "http", "headers": HEADERS}, None, sent)


def operation(statements: int) -> Act:
    watch = Watch(SlowLog(1.0, lambda _text: asyncio.sleep(0, [])))
    fields = frozenset({"node"})

    async def run() -> None:
        with watch.operation("query", "One", "query One { node }", fields, lambda: None):
            for _ in range(statements):
                with begin_statement("SELECT 1", "sqlite") as running:
                    running.end(1)

    return run


async def nothing() -> None:
    pass


async def untraced() -> None:
    with span("plan"):
        pass


async def repeated(act: Act) -> None:
    for _ in range(TIMES):
        await act()


def microseconds(act: Act) -> float:
    spent = []
    for _ in range(RUNS):
        began = time.process_time()
        asyncio.run(repeated(act))
        spent.append(time.process_time() - began)
    return min(spent) / TIMES * 1e6


if __name__ == "__main__":
    print(f"request id and HTTP metrics      {microseconds(request(Requests(app))) - microseconds(request(app)):5.2f}")
    empty = microseconds(nothing)
    print(f"operation without a statement    {microseconds(operation(0)) - empty:5.2f}")
    print(f"operation with one               {microseconds(operation(1)) - empty:5.2f}")
    print(f"operation with ten               {microseconds(operation(10)) - empty:5.2f}")
    print(f"a span while tracing is off      {microseconds(untraced) - empty:5.2f}")
