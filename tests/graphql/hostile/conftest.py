"""A server of one operator, asked in this process."""

import gc
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from server.app import create_app
from server.database import Database
from server.domain.network import Right
from server.identity.logins import Logins
from server.identity.passwords import hash_password
from server.plugins import CampaignTypes
from server.reads.visibility import Caller
from server.settings import Settings
from tests.builders import NOW, an_operator, given
from tests.graphql.hostile.serving import Server

PASSWORD = "correct horse battery"


@pytest.fixture
def address(sqlite_template: Path, tmp_path: Path) -> str:
    """What a document may cost before it is run is no matter of the database."""
    shutil.copy(sqlite_template, tmp_path / "samverkan.db")
    return f"sqlite:///{tmp_path / 'samverkan.db'}"


@pytest.fixture
async def client(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Logged in, so that everything that can be asked for is open."""
    await given(database, an_operator(Right.CENTRAL, login="anna", password_hash=hash_password(PASSWORD)))
    token = (await Logins(database, settings).log_in("anna", PASSWORD, "", NOW)).token
    transport = httpx.ASGITransport(create_app(settings, lambda: NOW))
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    async with httpx.AsyncClient(transport=transport, base_url="http://samverkan", headers=headers) as client:
        yield client


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Collecting the garbage of everything that the tests hold is not a document's doing."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
async def server(database: Database, types: CampaignTypes, settings: Settings) -> Server:
    anna = an_operator(Right.CENTRAL)
    await given(database, anna)
    return Server(database, types, settings, Caller(anna.id, anna.right))
