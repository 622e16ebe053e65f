"""A server where every store of the example network has an order, and clients as their registries have them."""

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from server.database import Database
from server.demo import documents as ask
from server.demo.client import Person
from server.services.importing.importer import Import, find_files
from tests.running import running
from web.build import tools

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCHEMA = ROOT / "schema.graphql"
LOGIN, PASSWORD = "ingrid", "fjallklover-demo"


@dataclass(frozen=True, slots=True)
class Pages:
    """Another origin, whose pages may use the API, and the folder that they come from."""

    origin: str
    folder: Path


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    folder = tmp_path_factory.mktemp("pages")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder))) as server:
        Thread(target=server.serve_forever).start()
        yield Pages(f"http://127.0.0.1:{server.server_port}", folder)
        server.shutdown()


@dataclass(frozen=True, slots=True)
class Site:
    """A running server, and the token of a central operator."""

    address: str
    token: str

    @property
    def graphql(self) -> str:
        return f"{self.address}/graphql"


@pytest.fixture(scope="session")
def site(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, pages: Pages) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(sqlite_template, folder / "samverkan.db")
    database = f"sqlite:///{folder / 'samverkan.db'}"
    asyncio.run(import_network(database))
    origins = json.dumps([pages.origin])
    with (
        running(database, folder, SAMVERKAN_ALLOWED_ORIGINS=origins) as address,
        httpx.Client(base_url=address, timeout=30) as http,
    ):
        central = Person(http, LOGIN, PASSWORD)
        publish(central)
        yield Site(address, central._token)


async def import_network(address: str) -> None:
    database, bad = Database(address), list[object]()
    await Import(database, datetime.now(UTC), bad=bad.append).run(find_files([ROOT / "examples" / "network"]))
    await database.dispose()
    assert not bad


def publish(central: Person) -> None:
    """A package in automatic mode: every store has an order as soon as it is approved [6.5]."""
    stores = central.ask("{ entities(first: 100, filter: { kind: LOCAL }) { nodes { id } } }")["nodes"]
    start, deadline, end = (
        (datetime.now(UTC) + timedelta(days)).date().isoformat() for days in (-1, 20, 30)
    )
    campaign = central.ask(ask.CREATE_CAMPAIGN, input={"template": "opCollaborativeSimple", "label": "Spring sale"})
    package = central.ask(ask.CREATE_PACKAGE, input={
        "campaignId": campaign["campaign"]["id"], "start": start, "end": end, "registrationDeadline": deadline,
        "approvalMode": "AUTOMATIC", "entityIds": [store["id"] for store in stores],
    })["package"]
    revision = central.ask(ask.SUBMIT_PACKAGE, input={"id": package["id"], "revision": 1})["package"]["revision"]
    [asked] = central.ask(ask.INBOX)["nodes"]
    central.ask(ask.DECIDE, input={"approvalId": asked["id"], "revision": revision, "decision": "APPROVE"})


def install_once(folder: Path, lock: Path, install: Callable[[], None]) -> None:
    """Installs what the lock file says, unless that is there; of two workers one waits for the other."""
    stamp, wanted = folder / "installed", hashlib.sha256(lock.read_bytes()).hexdigest()
    turn = os.open(HERE, os.O_RDONLY)
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (stamp.is_file() and stamp.read_text() == wanted):
            install()
            stamp.write_text(wanted)
    finally:
        os.close(turn)


node_and_npm = cache(tools)


def run(*command: Any, folder: Path) -> str:
    """What a program prints; its complaints when it fails."""
    path = f"{node_and_npm()[0].parent}{os.pathsep}{os.environ['PATH']}"
    finished = subprocess.run(
        [str(word) for word in command], cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="session")
def modules() -> Path:
    """The npm packages of package-lock.json."""
    folder = HERE / "node_modules"
    node, npm = node_and_npm()
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    install_once(folder, HERE / "package-lock.json", lambda: run(node, npm, "ci", *quiet, folder=HERE) and None)
    return folder


@pytest.fixture(scope="session")
def node(modules: Path) -> Callable[..., Any]:
    """`node("apollo.mjs", url)` gives the JSON that the script prints."""
    return lambda script, *arguments, folder=HERE: json.loads(run("node", script, *arguments, folder=folder))


@pytest.fixture(scope="session")
def old_python() -> Path:
    """A Python with clients that are built on graphql-core 3.2, which the server itself cannot be beside."""
    folder, locked = HERE / ".venv", HERE / "requirements.txt"

    def install() -> None:
        venv.create(folder, clear=True)
        pip = (sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "--disable-pip-version-check")
        run(*pip, "install", "--quiet", "--no-deps", "-r", locked, folder=HERE)

    install_once(folder, locked, install)
    return folder / "bin"


@pytest.fixture
def project(tmp_path: Path, modules: Path) -> Callable[[str], Path]:
    """`project("relay")` is a copy of that folder, with the schema and the npm packages, to generate code in."""
    def copy(name: str) -> Path:
        folder = shutil.copytree(HERE / name, tmp_path / name)
        shutil.copy(SCHEMA, folder)
        (folder / "node_modules").symlink_to(modules)
        return folder

    return copy
