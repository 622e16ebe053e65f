"""/healthz: the process answers. /readyz: it can do its work, or why not, in words for strangers."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from server import readiness
from server.app import create_app
from server.database import Database
from server.jobs.loop import Rounds, repeating
from server.migrations import newest
from server.readiness import NotReady, Readiness, checks_of
from server.settings import Settings

CHECKS = {"database", "schema", "writer", "documents", "jobs"}
Look = Callable[..., Any]


@pytest.fixture
async def look(database: Database, tmp_path: Path) -> Look:
    """`await look()` gives the reasons why a server is not ready, by check."""
    async def reasons(documents: Path = tmp_path, idle: Callable[[], float | None] = lambda: 0.0) -> dict[str, str]:
        found = await Readiness(checks_of(database, documents, newest(), idle)).look()
        assert found["ready"] is all(each["ok"] for each in found["checks"].values())
        return {name: each["reason"] for name, each in found["checks"].items() if not each["ok"]}

    return reasons


@pytest.fixture
async def served(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://samverkan") as client,
    ):
        yield client


async def test_a_server_that_runs_is_ready_and_says_how_long_each_check_took(served: httpx.AsyncClient) -> None:
    response = await served.get("/readyz")
    body = response.json()
    assert (response.status_code, body["status"], response.headers["cache-control"]) == (200, "ready", "no-store")
    assert set(body["checks"]) == CHECKS
    assert all(set(each) == {"ok", "seconds"} and each["ok"] for each in body["checks"].values())


async def test_a_process_is_healthy_whatever_its_database_does(served: httpx.AsyncClient, settings: Settings) -> None:
    shutil.rmtree(settings.documents)
    assert (await served.get("/healthz")).json() == {"status": "ok"}
    response = await served.get("/readyz")
    assert response.status_code == 503 and response.json()["checks"]["documents"]["ok"] is False


async def test_it_is_not_ready_before_it_has_started(settings: Settings) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(settings)), base_url="http://samverkan"
    ) as client:
        response = await client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["jobs"]["reason"] == "the jobs do not run"


async def test_the_schema_is_behind(look: Look, database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert await look() == {"schema": "the schema is not that of this version: run `samverkan migrate`"}


async def test_there_is_no_schema(look: Look, database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("DROP TABLE alembic_version"))
    assert await look() == {"schema": "the schema cannot be read"}


async def test_the_database_is_gone(postgres: Any, tmp_path: Path) -> None:
    gone = Database("postgresql://somebody:hunter2@127.0.0.1:1/nowhere")
    found = await Readiness(checks_of(gone, tmp_path, newest(), lambda: 0.0)).look()
    reasons = {name: each.get("reason", "") for name, each in found["checks"].items()}
    assert reasons["database"] == "the database does not answer" and reasons["writer"] and reasons["schema"]
    assert not any(internal in str(found) for internal in ("hunter2", "127.0.0.1", "nowhere", "Error"))
    await gone.dispose()


async def test_the_file_of_an_embedded_database_is_gone(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "samverkan.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    checks = checks_of(database, tmp_path, newest(), lambda: 0.0)
    await checks["database"]()
    path.unlink()
    with pytest.raises(NotReady, match="the database file is gone or read-only"):
        await checks["writer"]()
    await database.dispose()


async def test_a_database_that_only_reads_takes_no_writes(postgres_template: Any, tmp_path: Path) -> None:
    postgres_template.psql("CREATE DATABASE read_only TEMPLATE template_samverkan;")
    postgres_template.psql("ALTER DATABASE read_only SET default_transaction_read_only = on;")
    database = Database(str(postgres_template.get_uri()).replace("/postgres?", "/read_only?"))
    found = await Readiness(checks_of(database, tmp_path, newest(), lambda: 0.0)).look()
    assert {name for name, each in found["checks"].items() if not each["ok"]} == {"writer"}
    assert found["checks"]["writer"]["reason"] == "the database is read-only"
    await database.dispose()
    postgres_template.psql("DROP DATABASE read_only WITH (FORCE);")


@pytest.mark.parametrize("make", [
    lambda path: path,  # removed
    lambda path: path.parent / "samverkan.db" / "documents",  # below a file
    lambda _path: Path("/proc"),  # nobody can write there
], ids=["removed", "below a file", "read-only"])
async def test_documents_cannot_be_stored(look: Look, tmp_path: Path, make: Callable[[Path], Path]) -> None:
    reasons = await look(documents=make(tmp_path / "documents"))
    assert reasons == {"documents": "the folder of documents is gone or read-only"}


async def test_the_disk_is_full(look: Look, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "LEAST_FREE", 2**80)
    full = {"documents": "the disk is full"} | ({"writer": "the disk is full"} if database.is_sqlite else {})
    assert await look() == full


async def test_the_loop_is_dead_or_stuck(look: Look) -> None:
    assert await look(idle=lambda: None) == {"jobs": "the jobs do not run"}
    assert await look(idle=lambda: readiness.LONGEST_ROUND + 1) == {"jobs": "the jobs are stuck"}


async def test_the_loop_gives_signs_of_life_until_it_stops() -> None:
    rounds, failing = Rounds(), asyncio.Event()

    async def work() -> None:
        failing.set()
        raise ZeroDivisionError

    assert rounds.idle() is None
    async with repeating(60, work, rounds):
        await failing.wait()
        assert rounds.idle() is not None and rounds.idle() < 5
    assert rounds.idle() is None


async def test_a_check_that_does_not_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "WITHIN", 0.01)
    found = await Readiness({"database": lambda: asyncio.sleep(60)}).look()
    assert found["checks"]["database"]["reason"] == "no answer within 0.01 seconds"


async def test_a_flood_of_questions_costs_one_look_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []

    async def check() -> None:
        looks.append(monotonic())
        await asyncio.sleep(0)

    asked = Readiness({"database": check})
    monkeypatch.setattr(readiness, "KEPT_FOR", 60.0)
    await asyncio.gather(*(asked.look() for _ in range(100)))
    assert len(looks) == 1
    monkeypatch.setattr(readiness, "KEPT_FOR", 0.0)
    await asked.look()
    assert len(looks) == 2
