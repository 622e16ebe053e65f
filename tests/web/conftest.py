"""A running server with one operator, and a real browser."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.async_api import Browser, async_playwright
from starlette.applications import Starlette

from server.app import create_app
from server.database import Database
from server.domain.network import Right
from server.identity.passwords import hash_password
from server.settings import Settings
from tests.builders import an_operator, given

PASSWORD = "correct horse battery"


@pytest.fixture
def address(sqlite_template: Path, tmp_path: Path) -> str:
    """One database is enough for a page."""
    shutil.copy(sqlite_template, tmp_path / "samverkan.db")
    return f"sqlite:///{tmp_path / 'samverkan.db'}"


@pytest.fixture
async def site(settings: Settings, database: Database) -> AsyncIterator[str]:
    """The address of a server where anna may log in."""
    await given(database, an_operator(Right.CENTRAL, login="anna", name="Anna", password_hash=hash_password(PASSWORD)))
    async with serving(create_app(settings)) as address:
        yield address


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        task = asyncio.create_task(server.serve([listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await task


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium as Debian packs it; without it the tests are skipped, except where everything has to be there."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None and "CI" not in os.environ:
        pytest.skip("there is no Chromium on this machine")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()
