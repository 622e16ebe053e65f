"""The token of a calendar stands in its path: no log, metric or span may hold it, not even when something fails [7]."""

from pathlib import Path

import httpx
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import text

from server.database import Database
from server.domain.network import Operator
from server.settings import Settings
from tests.observability.conftest import ON_SQLITE, PASSWORD, TOKEN, ask, serving
from tests.observability.test_tracing import spans
from tests.running import running

__all__ = ["spans"]

LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { token } }"
CREATE = "mutation { createCalendarFeed { url } }"


def token_of(url: str) -> str:
    token = url.rpartition("/")[2].removesuffix(".ics")
    assert len(token) >= 43
    return token


@ON_SQLITE
async def test_neither_log_nor_metrics_hold_it(
    address: str, database: Database, anna: Operator, tmp_path: Path
) -> None:
    printed, said = tmp_path / "printed", {"SAMVERKAN_LOG_OPERATIONS": "all", "SAMVERKAN_SLOW_SECONDS": "0"}
    with running(address, tmp_path, output=printed, SAMVERKAN_METRICS_TOKEN=TOKEN, **said) as url:
        fresh = httpx.Limits(max_keepalive_connections=0)  # the server drops a connection after an error
        async with httpx.AsyncClient(base_url=url, timeout=60, limits=fresh) as client:
            who = {"input": {"login": "anna", "password": PASSWORD}}
            granted = (await ask(client, LOGIN, **who)).json()["data"]["login"]["token"]
            made = (await ask(client, CREATE, {"authorization": f"Bearer {granted}"})).json()["data"]
            token = token_of(made["createCalendarFeed"]["url"])
            path = f"/calendar/{token}.ics"
            answers = [await client.get(path), await client.post(path), await client.get(f"{path}x")]
            async with database.transaction() as session:
                await session.execute(text("DROP TABLE approval_reviewer"))
            answers.append(await client.get(path))
            measured = (await client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})).text
    assert [each.status_code for each in answers] == [200, 405, 404, 500]
    assert "internal_error" in printed.read_text() and 'status="405"' in measured
    assert token not in printed.read_text() + measured


@ON_SQLITE
async def test_spans_do_not_hold_it(
    settings: Settings, database: Database, anna: Operator, spans: InMemorySpanExporter
) -> None:
    async with serving(settings, database) as client:
        made = (await ask(client, CREATE)).json()["data"]["createCalendarFeed"]
        token = token_of(made["url"])
        assert (await client.get(f"/calendar/{token}.ics")).status_code == 200
    told = [each.to_json() for each in spans.get_finished_spans()]
    assert any("calendar_feed" in each for each in told)
    assert not [each for each in told if token in each]
