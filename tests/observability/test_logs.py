"""The log: JSON lines with ids, and never a password, a token, an address or any other value of a client."""

import asyncio
import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError

from server.database import Database
from server.domain.network import Operator, Right
from server.graphql.errors import bug
from server.logs import configure_logs
from server.settings import LogFormat
from tests.builders import DAY, a_campaign, a_package, an_entity, an_operator, given, linked, offered
from tests.graphql.api import global_id
from tests.observability.conftest import HASH, ON_SQLITE, PASSWORD
from tests.running import running

LOGIN = "mutation SignIn($input: LoginInput!) { login(input: $input) { token problems { code } } }"
ORDER = "mutation Take($input: CreateOrderInput!) { createOrder(input: $input) { order { id } problems { code } } }"
SEARCH = 'query Search { orders(first: 5, filter: {text: "aunt"}) { nodes { label comment } } }'
SECRETS = (
    PASSWORD, "hunter2", "paula@example.org", "my own comment", "littlesecret", "bearer-of-nothing", "Galette", "aunt"
)


async def a_shop(database: Database) -> tuple[Any, Any]:
    """Paula may order this package for this entity, today."""
    now = datetime.now(UTC)
    paris, anna = an_entity("Galette"), an_operator()
    paula = an_operator(Right.LOCAL, login="paula@example.org", password_hash=HASH)
    campaign = a_campaign()
    times = {"start": now - DAY, "end": now + 9 * DAY, "registration_deadline": now + 5 * DAY}
    package = a_package(campaign, anna, label="My aunt", **times)
    await given(database, paris, anna, paula, linked(paula, paris), campaign, package, offered(package, paris))
    return package, paris


def work(url: str, package: Any, paris: Any) -> str:
    """A login, one with a wrong password, an order, a search, things that are refused; gives the token."""
    with httpx.Client(base_url=url, timeout=60) as client:
        def ask(query: str, token: str, **variables: Any) -> Any:
            headers = {"authorization": f"Bearer {token}", "x-request-id": "req-1"}
            return client.post("/graphql", json={"query": query, "variables": variables}, headers=headers).json()

        wrong = ask(LOGIN, "bearer-of-nothing", input={"login": "paula@example.org", "password": "hunter2"})
        assert wrong["data"]["login"]["problems"]
        who = {"login": "paula@example.org", "password": PASSWORD}
        token: str = ask(LOGIN, "bearer-of-nothing", input=who)["data"]["login"]["token"]
        order = {"packageId": global_id(package), "entityId": global_id(paris), "comment": "my own comment"}
        assert ask(ORDER, token, input=order)["data"]["createOrder"]["order"]
        assert "errors" in ask(ORDER, token, input=order | {"end": "littlesecret"})
        assert "data" in ask(SEARCH, token)
        assert "errors" in ask("{ littlesecret }", token)
        client.get("/graphql", params={"query": SEARCH, "variables": '{"a": "hunter2"}'})
        client.get("/documents/littlesecret?token=hunter2")
    return token


async def test_nothing_that_a_client_sends_is_in_the_output_of_a_server(
    database: Database, address: str, tmp_path: Path
) -> None:
    package, paris = await a_shop(database)
    output = tmp_path / "output"
    settings = {"SAMVERKAN_LOG_OPERATIONS": "all", "SAMVERKAN_SLOW_SECONDS": "0"}
    with running(address, tmp_path, output=output, **settings) as url:
        token = await asyncio.to_thread(work, url, package, paris)
    printed = output.read_text()
    assert [secret for secret in (*SECRETS, token) if secret in printed] == []
    told = [line for line in map(json.loads, printed.splitlines()) if line["event"] != "channel_ready"]
    assert {line["operation"] for line in told} == {"SignIn", "Take", "Search"}
    assert {line["request_id"] for line in told if line["operation"] == "Take"} == {"req-1"}
    assert {line["event"] for line in told} == {"operation", "slow_operation"}


@ON_SQLITE
async def test_the_line_of_an_operation_says_what_it_came_to(
    database: Database, address: str, tmp_path: Path
) -> None:
    package, paris = await a_shop(database)
    output = tmp_path / "output"
    with running(address, tmp_path, output=output, SAMVERKAN_LOG_OPERATIONS="all") as url:
        await asyncio.to_thread(work, url, package, paris)
    told = [line for line in map(json.loads, output.read_text().splitlines()) if line.get("operation") == "Search"]
    assert [(line["kind"], line["outcome"]) for line in told] == [("query", "OK"), ("query", "UNAUTHENTICATED")]
    line = told[0]
    assert set(line) == {
        "timestamp", "level", "event", "request_id", "operator_id", "operation", "kind", "seconds", "outcome",
        "executor", "cost", "statements", "statement_seconds", "rows", "document",
    }
    assert line["statements"] >= 1 and line["rows"] == 1 and len(line["document"]) == 64 and line["cost"] > 0


async def test_the_values_in_an_error_of_the_database_are_not_logged(
    database: Database, anna: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs(LogFormat.JSON)
    row = {"id": anna.id, "login": "hunter2", "name": "littlesecret", "right": Right.LOCAL, "active": True}
    with pytest.raises(DBAPIError) as caught:
        async with database.transaction() as session:
            await session.execute(insert(Operator).values(row))
    bug(caught.value)
    line = json.loads(capsys.readouterr().out)
    assert "IntegrityError" in line["exception"] and "test_logs.py" in line["exception"]
    assert "IntegrityError: SQLITE_CONSTRAINT" in line["exception"] or "Error: 23502" in line["exception"]
    assert not any(secret in str(line) for secret in ("hunter2", "littlesecret", str(anna.id)))


def test_errors_within_errors_are_told_without_their_messages(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogFormat.JSON)
    try:
        try:
            int("hunter2")
        except ValueError as error:
            raise ExceptionGroup("littlesecret", [KeyError("hunter2"), AttributeError("no attribute x")]) from error
    except ExceptionGroup as group:
        bug(group)
    told = json.loads(capsys.readouterr().out)["exception"]
    assert "hunter2" not in told.replace('int("hunter2")', "").replace('KeyError("hunter2")', "")
    assert "AttributeError: no attribute x" in told and told.index("ValueError") < told.index("ExceptionGroup: (")


@pytest.mark.parametrize(("logger", "message", "told"), [
    ("uvicorn.access", 'a - "GET /graphql?query={secret} HTTP/1.1" 200', 'a - "GET /graphql?… HTTP/1.1" 200'),
    ("asyncio", "Task exception was never retrieved\nfuture: 'secret'", "Task exception was never retrieved"),
    ("elsewhere", "connection is lost", "connection is lost"),
])
def test_libraries_log_in_the_same_format_without_values(
    logger: str, message: str, told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(logger), "propagate", True)  # a server in this process may have turned it off
    configure_logs(LogFormat.JSON)
    logging.getLogger(logger).warning(message)
    line = json.loads(capsys.readouterr().out)
    assert (line["logger"], line["event"], line["level"]) == (logger, told, "warning")


def test_what_uvicorn_catches_is_logged_without_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogFormat.JSON)
    logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=ValueError("hunter2"))
    line = json.loads(capsys.readouterr().out)
    assert "ValueError: (" in line["exception"] and "hunter2" not in str(line)


def test_people_are_told_in_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogFormat.TEXT)
    structlog.get_logger().warning("round_failed", number=3)
    logging.getLogger("elsewhere").warning("connection is lost")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("] ", 1)[1].split()[0] for line in lines] == ["round_failed", "connection"]
    assert "number=3" in lines[0]
