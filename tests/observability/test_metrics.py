"""/metrics: for who has the token, right in what it counts, and bounded whatever clients send."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.app import create_app
from server.database import Database
from server.domain.network import Operator
from server.graphql.mutation import Mutation
from server.graphql.schema import make_schema
from server.observability import metrics
from server.settings import Settings
from tests.observability.conftest import EXECUTORS, ON_SQLITE, TOKEN, ask, by, serving
from tests.running import running

Labels = Mapping[str, str]
VIEWER = "query Who { viewer { login } }"


async def measured(client: httpx.AsyncClient) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    response = await client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200 and response.headers["content-type"].startswith("text/plain; version=")
    samples = (sample for family in text_string_to_metric_families(response.text) for sample in family.samples)
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


class Growth:
    """`(await Growth.of(client, act))("name", label=…)` tells by how much a metric has grown while `act` ran."""

    def __init__(self, before: dict[Any, float], after: dict[Any, float]) -> None:
        self._before, self._after = before, after

    @classmethod
    async def of(cls, client: httpx.AsyncClient, *queries: str) -> "Growth":
        before = await measured(client)
        for query in queries:
            await ask(client, query)
        return cls(before, await measured(client))

    def __call__(self, name: str, **labels: str) -> float:
        key = (name, frozenset(labels.items()))
        return self._after.get(key, 0) - self._before.get(key, 0)


@ON_SQLITE
async def test_there_are_no_metrics_without_a_token_in_the_settings(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"metrics_token": ""}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://samverkan") as client:
        assert (await client.get("/metrics", headers={"authorization": "Bearer "})).status_code == 404


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer wrong", TOKEN, f"Bearer {TOKEN}x", "Bearer \u00e4"])
@ON_SQLITE
async def test_strangers_do_not_see_the_metrics(client: httpx.AsyncClient, authorization: str) -> None:
    response = await client.get("/metrics", headers=[(b"authorization", authorization.encode())])
    assert (response.status_code, response.content) == (401, b"")


def test_a_token_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 characters"):
        Settings(metrics_token="secret")


@ON_SQLITE
async def test_operations_are_counted_by_how_they_ended(client: httpx.AsyncClient) -> None:
    logout = "mutation { logout { problems { code } } }"
    grown = await Growth.of(client, VIEWER, VIEWER, '{ node(id: "?") { id } }', "{ nothing }", "{", logout)
    assert grown("samverkan_operations_total", kind="query", outcome="OK") == 2
    assert grown("samverkan_operations_total", kind="query", outcome="BAD_USER_INPUT") == 1
    assert grown("samverkan_operations_total", kind="refused", outcome="GRAPHQL_VALIDATION_FAILED") == 1
    assert grown("samverkan_operations_total", kind="refused", outcome="GRAPHQL_PARSE_FAILED") == 1
    assert grown("samverkan_operations_total", kind="mutation", outcome="OK") == 1
    assert grown("samverkan_root_fields_total", kind="query", field="viewer") == 2
    assert grown("samverkan_root_fields_total", kind="mutation", field="logout") == 1
    assert grown("samverkan_slow_operations_total") == 4
    assert grown("samverkan_http_responses_total", status="200") == 5  # one is the first look at the metrics
    assert grown("samverkan_http_responses_total", status="400") == 2


@ON_SQLITE
async def test_a_root_field_counts_once_however_often_it_is_asked_for(client: httpx.AsyncClient) -> None:
    grown = await Growth.of(client, "{ ...A b: viewer { name } } fragment A on Query { a: viewer { login } }")
    assert grown("samverkan_root_fields_total", kind="query", field="viewer") == 1


@EXECUTORS
async def test_statements_and_rows_are_counted_on_both_executors(
    settings: Settings, database: Database, anna: Operator, executor: str
) -> None:
    async with serving(by(executor, settings), database) as client:
        grown = await Growth.of(client, "{ viewer { login } }")
    assert grown("samverkan_operation_seconds_count", kind="query", executor=executor) == 1
    assert grown("samverkan_rows_read_total") == 1
    assert grown("samverkan_statements_total", of="operation") >= 1
    assert grown("samverkan_statement_seconds_total", of="operation") > 0


@ON_SQLITE
async def test_documents_that_were_seen_before_are_hits(client: httpx.AsyncClient) -> None:
    query = "query Fresh { viewer { id } }"
    assert (await Growth.of(client, query))("samverkan_documents_total", cache="miss") == 1
    assert (await Growth.of(client, query))("samverkan_documents_total", cache="hit") == 1


@ON_SQLITE
async def test_the_loop_and_the_process_are_measured(client: httpx.AsyncClient) -> None:
    found = await measured(client)
    assert found["samverkan_job_rounds_total", frozenset({("outcome", "done")})] >= 1
    assert found["samverkan_requests_in_flight", frozenset()] == 1  # this one
    assert found["samverkan_sockets_open", frozenset()] == 0
    assert found["process_resident_memory_bytes", frozenset()] > 0


@ON_SQLITE
async def test_labels_are_bounded_whatever_documents_come(client: httpx.AsyncClient) -> None:
    odd = [f"query N{number} {{ a{number}: viewer {{ b{number}: login }} }}" for number in range(30)]
    odd += [f"{{ field{number} }}" for number in range(30)]
    odd += [f"{{ viewer {{ login @unknown{number} }} }}" for number in range(5)] + ["{" * number for number in range(5)]
    before = {str(labels) for _, labels in await measured(client)}  # other schemas may have been served here
    await Growth.of(client, *odd)
    schema = make_schema(Mutation)._schema
    roots = {*schema.query_type.fields, *schema.mutation_type.fields, "__typename", "__schema", "__type"}
    ours = [labels for name, labels in await measured(client) if name.startswith("samverkan_")]
    labels = [dict(each) for each in ours if str(each) not in before]
    assert {each["field"] for each in labels if "field" in each} <= roots
    assert {each["kind"] for each in labels if "kind" in each} <= {"query", "mutation", "refused"}
    assert {each["executor"] for each in labels if "executor" in each} <= {"fast", "ordinary"}
    assert len({each["outcome"] for each in labels if "outcome" in each}) <= metrics.MOST_OUTCOMES + 3


def test_outcomes_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_outcomes", set())
    told = {metrics.outcome_of(f"CODE_{number}") for number in range(200)}
    assert len(told) == metrics.MOST_OUTCOMES + 1 and "OTHER" in told


def test_several_processes_may_be_measured_as_one(sqlite_template: Path, tmp_path: Path) -> None:
    address, folder = f"sqlite:///{tmp_path / 'samverkan.db'}", tmp_path / "metrics"
    shutil.copy(sqlite_template, tmp_path / "samverkan.db")
    folder.mkdir()
    variables = {"SAMVERKAN_METRICS_TOKEN": TOKEN, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    with running(address, tmp_path, **variables) as one, running(address, tmp_path, **variables) as other:
        for url in (one, one, other):
            asked = {"query": "{ server { name } }"}
            httpx.post(f"{url}/graphql", json=asked, timeout=60).raise_for_status()
        text = httpx.get(f"{other}/metrics", headers={"authorization": f"Bearer {TOKEN}"}, timeout=60).text
    samples = {(each.name, each.labels.get("outcome")): each.value
               for family in text_string_to_metric_families(text) for each in family.samples}
    assert samples["samverkan_operations_total", "OK"] == 3
    assert samples["samverkan_requests_in_flight", None] == 1
