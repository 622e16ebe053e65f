"""The slow-operation log: statements with their times, now and then the plan of the slowest, and no values."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import text

from server.database import Database
from server.domain.network import Operator
from server.explaining import explain
from server.observability import slow
from server.observability.operations import Watch
from server.observability.records import begin_statement
from server.observability.slow import SlowLog
from server.settings import Settings
from tests.observability.conftest import ask, serving

FIND = """query Find($text: String) { operators(first: 3, filter: {text: $text}) { totalCount nodes { login } } }"""


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in told if line["event"] == "slow_operation"]


def watched(seconds: float, explained: list[str]) -> tuple[SlowLog, Watch]:
    async def plan(statement: str) -> list[str]:
        explained.append(statement)
        return ["SCAN of everything"]

    log = SlowLog(seconds, plan)
    return log, Watch(log)


def operation(watch: Watch, *statements: str, name: str = "Slow") -> None:
    """An operation that takes these statements."""
    with watch.operation("query", name, "query Slow { viewer { id } }", {"viewer"}, lambda: None):
        for statement in statements:
            begin_statement(statement, "sqlite").end(7)


async def test_a_slow_operation_is_told_with_its_statements_and_the_plan(
    settings: Settings, database: Database, anna: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(settings, database) as client:
        await ask(client, FIND, {"x-request-id": "slow-1"}, text="littlesecret")
    [line] = lines(capsys)
    assert (line["request_id"], line["operation"], line["kind"]) == ("slow-1", "Find", "query")
    assert len(line["document"]) == 64 and line["operator_id"] == str(anna.id)
    assert any("FROM operator" in each["text"] and each["seconds"] >= 0 for each in line["slowest"])
    assert any("operator" in step for step in line["plan"])
    assert "littlesecret" not in json.dumps(line)


async def test_an_operation_that_is_not_slow_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    log, watch = watched(60, [])
    operation(watch, "SELECT 1")
    await log.finish()
    assert lines(capsys) == []


async def test_plans_are_asked_for_now_and_then_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    explained: list[str] = []
    log, watch = watched(0, explained)
    for _ in range(3):
        operation(watch, "SELECT 1")
    await log.finish()
    assert [line.get("plan") for line in lines(capsys)] == [None, None, ["SCAN of everything"]]
    monkeypatch.setattr(slow, "PLAN_EVERY", 0.0)
    operation(watch, "SELECT 2")
    await log.finish()
    assert explained == ["SELECT 1", "SELECT 2"]


async def test_the_plan_is_that_of_the_slowest_statement_that_has_one(capsys: pytest.CaptureFixture[str]) -> None:
    explained: list[str] = []
    log, watch = watched(0, explained)
    with watch.operation("mutation", "", "mutation { logout { problems { code } } }", {"logout"}, lambda: None):
        for statement, seconds in (("SELECT quick", 0.1), ("\n WITH slow", 0.3), ("BEGIN IMMEDIATE", 0.9)):
            running = begin_statement(statement, "sqlite")
            running.end()
            running.seconds = seconds
    await log.finish()
    [line] = lines(capsys)
    assert explained == ["\n WITH slow"]
    assert [each["text"] for each in line["slowest"]] == ["BEGIN IMMEDIATE", "\n WITH slow", "SELECT quick"]


async def test_a_statement_that_never_ended_is_told_as_failed(capsys: pytest.CaptureFixture[str]) -> None:
    _, watch = watched(0, [])
    with (
        pytest.raises(asyncio.CancelledError),
        watch.operation("query", "", "{ viewer { id } }", {"viewer"}, lambda: None),
    ):
        begin_statement("VACUUM", "sqlite")
        raise asyncio.CancelledError
    [line] = lines(capsys)
    assert line["outcome"] == "CANCELLED" and line["slowest"][0]["failed"]


async def test_a_plan_that_cannot_be_had_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    async def broken(_text: str) -> list[str]:
        raise ConnectionError("to db.internal")

    log = SlowLog(0, broken)
    operation(Watch(log), "SELECT 1")
    await log.finish()
    [line] = lines(capsys)
    assert line["plan"] == ["no plan: ConnectionError"]


async def test_what_is_told_is_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    log, watch = watched(0, [])
    operation(watch, *[f"SELECT {number} {'x' * 10_000}" for number in range(1000)], name="N" * 500)
    await log.finish()
    [line] = lines(capsys)
    assert line["statements"] == 1000 and line["rows"] == 7000
    assert len(json.dumps(line)) < 60_000


async def test_a_plan_needs_no_values_and_runs_nothing(database: Database) -> None:
    here = "?" if database.is_sqlite else "$1"
    select, delete = f"SELECT '? $2 ''' FROM login WHERE token_hash = {here}", f"DELETE FROM login WHERE id = {here}"
    for statement in (select, delete, "DELETE FROM login", select):
        plan = await explain(database, statement)
        assert any("login" in step for step in plan) and all("NULL" not in step for step in plan)


async def test_a_plan_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(Exception, match="nowhere"):
        await explain(database, "SELECT * FROM nowhere")
    await explain(database, "SELECT 1")
    if not database.is_sqlite:
        async with database.reading() as session:
            mode = (await session.execute(text("SHOW plan_cache_mode"))).scalar()
            prepared = await session.execute(text("SELECT name FROM pg_prepared_statements WHERE name LIKE 'sam%'"))
            assert (mode, prepared.all()) == ("auto", [])
