"""Request ids: the client's own when it is sane, on every answer and on every line of the log."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from server.app import create_app
from server.database import Database
from server.domain.network import Operator
from server.observability.records import request_id
from server.observability.requests import Requests
from server.settings import Settings
from tests.observability.conftest import ON_SQLITE, TOKEN, ask
from tests.running import running


@pytest.mark.parametrize("path", ["/graphql", "/documents/nothing", "/healthz", "/nothing"])
@ON_SQLITE
async def test_every_answer_says_the_id_that_the_client_gave(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path, headers={"x-request-id": "order-47:1.a_B"})
    assert response.headers.get_list("x-request-id") == ["order-47:1.a_B"]


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "line\u2028", "{}", "\"", "a\tb", "ä"])
@ON_SQLITE
async def test_an_id_that_could_forge_a_line_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    response = await client.get("/healthz", headers=[(b"x-request-id", given.encode())])
    [made] = response.headers.get_list("x-request-id")
    assert made != given and len(made) == 16 and made.isalnum()


@ON_SQLITE
async def test_ids_differ(client: httpx.AsyncClient) -> None:
    ids = {(await client.get("/healthz")).headers["x-request-id"] for _ in range(20)}
    assert len(ids) == 20


async def test_requests_at_once_keep_their_ids_apart() -> None:
    seen: dict[str, str] = {}

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        await asyncio.sleep(0)  # the others run now
        seen[scope["path"]] = request_id.get()

    async def request(number: int) -> None:
        scope = {"type": "http", "path": str(number), "headers": [(b"x-request-id", b"id-%d" % number)]}
        await Requests(app)(scope, None, None)  # type: ignore[arg-type]

    await asyncio.gather(*(request(number) for number in range(50)))
    assert seen == {str(number): f"id-{number}" for number in range(50)}


async def test_operations_at_once_are_logged_under_their_own_ids(
    client: httpx.AsyncClient, anna: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    queries = {f"id-{number}": f"query Q{number} {{ viewer {{ login }} }}" for number in range(20)}
    await asyncio.gather(*(ask(client, query, {"x-request-id": id}) for id, query in queries.items()))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = {
        line["request_id"]: (line["operation"], line["operator_id"]) for line in lines if line["event"] == "operation"
    }
    assert told == {f"id-{number}": (f"Q{number}", str(anna.id)) for number in range(20)}


async def test_a_bug_is_logged_under_the_id_that_its_client_is_told(
    settings: Settings, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    async with database.transaction() as session:
        await session.execute(text("DROP TABLE login"))
    transport = httpx.ASGITransport(create_app(settings), raise_app_exceptions=False)
    headers = {"authorization": "Bearer hunter2", "x-request-id": "known"}
    async with httpx.AsyncClient(transport=transport, base_url="http://samverkan", headers=headers) as client:
        response = await client.get("/documents/nothing")
    [line] = [line for line in map(json.loads, capsys.readouterr().out.splitlines()) if "reference" in line]
    assert (response.status_code, response.headers["x-request-id"], line["request_id"]) == (500, "known", "known")
    assert response.text == f"Internal error ({line['reference']})"
    assert "hunter2" not in str(line) and "caller_of" in line["exception"]


def test_a_websocket_has_an_id_and_is_counted_while_it_is_open(sqlite_template: Path, tmp_path: Path) -> None:
    def open_sockets() -> str:
        metrics = httpx.get(f"{url}/metrics", headers={"authorization": f"Bearer {TOKEN}"}, timeout=60).text
        return next(line for line in metrics.splitlines() if line.startswith("samverkan_sockets_open "))

    shutil.copy(sqlite_template, tmp_path / "samverkan.db")
    with running(f"sqlite:///{tmp_path}/samverkan.db", tmp_path, SAMVERKAN_METRICS_TOKEN=TOKEN) as url, connect(
        f"{url.replace('http', 'ws')}/graphql", additional_headers={"x-request-id": "socket-1"}, open_timeout=60,
        subprotocols=[Subprotocol("graphql-transport-ws")],
    ) as socket:
        assert socket.response and socket.response.headers["x-request-id"] == "socket-1"
        assert open_sockets() == "samverkan_sockets_open 1.0"
