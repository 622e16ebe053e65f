"""What the tests of observability share: the server over HTTP, and an operator with a password."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from server.app import create_app
from server.database import Database
from server.domain.network import Operator, Right
from server.identity.logins import Logins
from server.identity.passwords import hash_password
from server.settings import LoggedOperations, Settings
from tests.builders import NOW, an_operator, given

PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)
TOKEN = "a token for prometheus"


@pytest.fixture
async def anna(database: Database) -> Operator:
    anna = an_operator(Right.CENTRAL, login="anna", password_hash=HASH)
    await given(database, anna)
    return anna


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Every operation is slow and is logged, and /metrics is there."""
    chosen = {"slow_seconds": 0.0, "log_operations": LoggedOperations.ALL, "metrics_token": TOKEN}
    return settings.model_copy(update=chosen)


ON_SQLITE = pytest.mark.parametrize("address", ["sqlite"], indirect=True)
"""Where the database does not matter, one is enough."""
EXECUTORS = pytest.mark.parametrize("executor", ["fast", "ordinary"])


def by(executor: str, settings: Settings) -> Settings:
    """Settings of a server that answers by one of the EXECUTORS."""
    return settings.model_copy(update={"fast_path": executor == "fast"})


@asynccontextmanager
async def serving(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client with anna's login, while the server runs."""
    granted = await Logins(database, settings).log_in("anna", PASSWORD, "", NOW)
    app = create_app(settings, lambda: NOW)
    headers = {"authorization": f"Bearer {granted.token}"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://samverkan", headers=headers) as client,
    ):
        yield client


@pytest.fixture
async def client(settings: Settings, database: Database, anna: Operator) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(settings, database) as client:
        yield client


async def ask(client: httpx.AsyncClient, query: str, headers: dict[str, str] | None = None, **variables: Any) -> Any:
    """The response to an operation."""
    return await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers or {})
