"""Spans: operation, plan, statement; under the client's trace; without values; nothing when off."""

import asyncio
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from server.database import Database
from server.domain.network import Operator
from server.observability.records import begin_statement
from server.observability.tracing import Tracing, is_wanted, span
from server.settings import Settings
from tests.observability.conftest import EXECUTORS, ON_SQLITE, ask, by, serving
from tests.running import running

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
WHO = "query Who { viewer { login } }"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Where spans go while a test runs."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(Tracing, "on", True)
    monkeypatch.setattr(Tracing, "tracer", provider.get_tracer("tests"))
    return exporter


def tree(spans: InMemorySpanExporter, operation: str) -> dict[str, list[ReadableSpan]]:
    """The span of an operation, and those below it, by name."""
    everything = spans.get_finished_spans()
    [root] = [each for each in everything if (each.attributes or {}).get("graphql.operation.name") == operation]
    below: dict[str, list[ReadableSpan]] = {"": [root]}
    for each in everything:
        if each.parent and each.parent.span_id == root.context.span_id:
            below.setdefault(each.name, []).append(each)
    return below


@EXECUTORS
async def test_an_operation_has_a_plan_and_statements_below_it(
    settings: Settings, database: Database, anna: Operator, spans: InMemorySpanExporter, executor: str
) -> None:
    async with serving(by(executor, settings), database) as client:
        await ask(client, WHO)
    found = tree(spans, "Who")
    [operation] = found[""]
    assert operation.name == "query" and operation.attributes["executor"] == executor
    assert found["plan"] and found["SELECT"]
    statement = found["SELECT"][0].attributes["db.query.text"]
    assert "FROM operator" in statement and ("= ?" in statement or "$1" in statement or "json_each(?)" in statement)


async def test_spans_hold_no_values(client: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    query = """query Find($text: String) {
        orders(first: 5, filter: {text: $text}) { nodes { id } } a: node(id: "aunt") { id } }"""
    await ask(client, query, text="littlesecret")
    told = " ".join(each.to_json() for each in spans.get_finished_spans())
    assert "littlesecret" not in told and "aunt" not in told


@ON_SQLITE
async def test_the_trace_of_the_client_goes_on(client: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    await asyncio.gather(ask(client, WHO, {"traceparent": PARENT}), ask(client, "query Own { viewer { id } }"))
    [[theirs], [own]] = (tree(spans, name)[""] for name in ("Who", "Own"))
    assert f"{theirs.context.trace_id:032x}" == TRACE and theirs.parent.span_id == int(PARENT[36:52], 16)
    assert f"{own.context.trace_id:032x}" != TRACE and own.parent is None


@ON_SQLITE
async def test_a_broken_traceparent_is_no_trace(client: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    await ask(client, WHO, {"traceparent": "00-zz-1"})
    assert tree(spans, "Who")[""][0].parent is None


@ON_SQLITE
async def test_an_operation_that_was_refused_says_why_and_is_no_failure(
    client: httpx.AsyncClient, spans: InMemorySpanExporter
) -> None:
    await ask(client, 'query Odd { node(id: "?") { id } }')
    [operation] = tree(spans, "Odd")[""]
    assert operation.attributes["error.type"] == "BAD_USER_INPUT" and operation.status.status_code is StatusCode.UNSET


def test_a_statement_that_raises_is_a_failure(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ZeroDivisionError), begin_statement("SELECT 1/0", "sqlite"):
        raise ZeroDivisionError
    [failed] = spans.get_finished_spans()
    assert failed.status.status_code is StatusCode.ERROR and not failed.events


@ON_SQLITE
async def test_there_is_nothing_when_it_is_off(client: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    Tracing.on = False
    with span("plan"):
        await ask(client, WHO, {"traceparent": PARENT})
    assert spans.get_finished_spans() == ()


@pytest.mark.parametrize(("variables", "wanted"), [
    ({}, False),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
    ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
    ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
    ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
    ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
])
def test_the_standard_variables_turn_it_on(variables: dict[str, str], wanted: bool) -> None:
    assert is_wanted(variables) is wanted


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """An OpenTelemetry collector's HTTP port, and what came there."""
    bodies: list[bytes] = []

    class Receive(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Receive) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", bodies
        server.shutdown()


def test_a_server_sends_its_spans_to_the_collector(
    sqlite_template: Path, tmp_path: Path, collector: tuple[str, list[bytes]]
) -> None:
    endpoint, bodies = collector
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
    shutil.copy(sqlite_template, tmp_path / "samverkan.db")
    with running(f"sqlite:///{tmp_path}/samverkan.db", tmp_path, output=tmp_path / "output", **variables) as url:
        asked = {"query": "query Hello { server { name } }"}
        httpx.post(f"{url}/graphql", json=asked, headers={"traceparent": PARENT}, timeout=60).raise_for_status()
    sent = [resource for body in bodies for resource in ExportTraceServiceRequest.FromString(body).resource_spans]
    names = {each.key: each.value.string_value for each in sent[0].resource.attributes}
    found = [span for resource in sent for scope in resource.scope_spans for span in scope.spans]
    assert names["service.name"] == "samverkan"
    assert {each.trace_id.hex() for each in found if each.name == "query"} == {TRACE}
