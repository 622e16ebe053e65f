"""The server put together: it starts, looks for due moves, tells its health, and stops."""

import asyncio
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from server.app import create_app
from server.database import Database
from server.domain.campaign import Campaign
from server.domain.lifecycles import PackageStatus
from server.domain.package import Package
from server.errors import StartupError
from server.graphql.errors import bug
from server.jobs.loop import repeating
from server.logs import configure_logs
from server.settings import Settings
from tests.builders import DAY, NOW, a_campaign, a_package, an_operator, given
from tests.chaos.waiting import until


def client_of(settings: Settings) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(settings)), base_url="http://samverkan")


async def test_the_server_moves_what_is_due_while_it_runs(settings: Settings, database: Database) -> None:  # [4.4]
    owner, campaign = an_operator(), a_campaign()
    package = a_package(campaign, owner, PackageStatus.APPROVED, start=NOW - DAY)
    await given(database, owner, campaign, package)
    app = create_app(settings.model_copy(update={"poll_seconds": 0.05}), lambda: NOW)

    async def published() -> bool:
        async with database.reading() as session:
            status = await session.scalar(select(Package.status).where(Package.id == package.id))
        return status is PackageStatus.PUBLISHED

    async with app.router.lifespan_context(app):
        assert await until(published)


async def test_the_start_brings_the_templates_of_new_types(settings: Settings, database: Database) -> None:  # [3]
    app = create_app(settings)
    for _ in range(2):
        async with app.router.lifespan_context(app):
            pass
    async with database.reading() as session:
        codes = (await session.scalars(select(Campaign.code).where(Campaign.is_template))).all()
    assert sorted(codes) == [
        "opCollaborativeByCampaign", "opCollaborativeByForm", "opCollaborativeByTargetApproval",
        "opCollaborativeSimple",
    ]


async def test_the_loop_survives_errors_and_finishes_its_round() -> None:
    rounds: list[str] = []
    failed, working = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        rounds.append("begun")
        if len(rounds) == 1:
            failed.set()
            raise ZeroDivisionError
        working.set()
        await asyncio.sleep(0)
        rounds.append("finished")

    async with repeating(0.001, work):
        await failed.wait()
        await working.wait()
    assert rounds[-1] == "finished"
    count = len(rounds)
    await asyncio.sleep(0.01)
    assert len(rounds) == count


async def test_a_server_without_tables_says_what_to_do_and_does_not_start(tmp_path: Path) -> None:
    settings = Settings(database=f"sqlite:///{tmp_path / 'empty.db'}")
    app = create_app(settings)
    with pytest.raises(StartupError, match="samverkan migrate"):
        async with app.router.lifespan_context(app):
            pass


def test_the_log_shows_where_a_bug_is_but_no_local_variables(capsys: pytest.CaptureFixture[str]) -> None:
    def check(password: str) -> float:
        return len(password) / 0

    configure_logs()
    try:
        check("hunter" + "2")
    except ZeroDivisionError as error:
        bug(error)
    logged = capsys.readouterr().out
    assert "in check" in logged
    assert "hunter2" not in logged


def test_an_unusable_database_address_stops_the_start() -> None:
    with pytest.raises(StartupError, match="must look like"):
        create_app(Settings(database="mysql://x"))


async def test_pages_that_do_not_exist_are_404_with_the_security_headers(settings: Settings) -> None:
    async with client_of(settings) as client:
        response = await client.get("/nothing")
    assert response.status_code == 404
    assert response.headers["x-content-type-options"] == "nosniff"


