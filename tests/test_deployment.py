"""docs/deployment.md: its nginx configuration in front of the real server, and what the server believes of a proxy."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from server.app import create_app
from server.database import Database
from server.domain.network import Right
from server.domain.package import Package
from server.graphql import ids
from server.graphql.transport.socket_messages import PROTOCOL
from server.identity.passwords import hash_password
from server.settings import Settings
from tests.builders import NOW, a_campaign, a_package, an_operator, given
from tests.graphql.edge import STAGE, Edge, Session, Stage, serving, small_app

PAGE = Path(__file__).parent.parent / "docs" / "deployment.md"
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
PASSWORD = "correct horse battery"
LOGIN = """mutation ($login: String!, $password: String!) {
    login(input: {login: $login, password: $password, cookie: true}) { operator { login } } }"""
UPLOAD = """mutation ($input: UploadDocumentInput!) { uploadDocument(input: $input) {
    document { url } problems { code message } } }"""

needs_nginx = pytest.mark.skipif(not NGINX, reason="nginx is not installed")


@pytest.fixture
def address(sqlite_template: Path, tmp_path: Path) -> str:
    """One database is enough here."""
    shutil.copy(sqlite_template, tmp_path / "samverkan.db")
    return f"sqlite:///{tmp_path / 'samverkan.db'}"


@pytest.fixture
async def package(database: Database) -> Package:
    anna = an_operator(Right.CENTRAL, login="anna", password_hash=hash_password(PASSWORD))
    campaign = a_campaign(max_documents=1)
    package = a_package(campaign, anna)
    await given(database, anna, campaign, package)
    return package


class Front:
    """nginx as clients see it."""

    def __init__(self, port: int, certificate: Path) -> None:
        self.port = port
        self.tls = ssl.create_default_context(cafile=str(certificate))
        self.url = f"https://127.0.0.1:{port}"

    def raw(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        return self.tls.wrap_socket(plain, server_hostname="127.0.0.1")

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, verify=self.tls, timeout=30)


@contextmanager
def nginx(edge: Edge, folder: Path) -> Iterator[Front]:
    """nginx with the documented configuration, but for addresses and certificate."""
    certificate, key = folder / "tls.crt", folder / "tls.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
         "-out", certificate, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )
    with socket.create_server(("127.0.0.1", 0)) as free, socket.create_server(("127.0.0.1", 0)) as other:
        port, plain = (each.getsockname()[1] for each in (free, other))
    (site,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for documented, here in {
        "listen 443 ": f"listen 127.0.0.1:{port} ", "listen 80;": f"listen 127.0.0.1:{plain};",
        "127.0.0.1:8000": f"{edge.host}:{edge.port}",
        "/etc/ssl/samverkan.crt": str(certificate), "/etc/ssl/samverkan.key": str(key),
    }.items():
        assert site.count(documented) == 1
        site = site.replace(documented, here)
    places = "\n".join(f"{kind}_temp_path {folder / kind};" for kind in
                       ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    whole = f"daemon off;\nevents {{}}\nhttp {{\naccess_log off;\n{places}\n{site}\n}}\n"
    (folder / "nginx.conf").write_text(whole)
    process = subprocess.Popen([
        str(NGINX), "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log",
        "-g", f"pid {folder / 'nginx.pid'};",
    ])
    try:
        edge.until(lambda: process.poll() is not None or socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        assert process.poll() is None, (folder / "error.log").read_text()
        yield Front(port, certificate)
    finally:
        process.terminate()
        process.wait(30)


@needs_nginx
def test_clients_of_the_server_pass_nginx(settings: Settings, package: Package, tmp_path: Path) -> None:
    settings = settings.model_copy(update={"trusted_proxies": "127.0.0.1", "sweep_seconds": 1000})
    app = create_app(settings, lambda: NOW)
    with (
        serving(app, settings) as edge, nginx(edge, tmp_path) as front, front.client() as browser, front.raw() as slow,
    ):
        slow.sendall(b"GET /graphql HTTP/1.1\r\nhost: samverkan\r\n")
        login = browser.post("/graphql", json={
            "query": LOGIN, "variables": {"login": "anna", "password": PASSWORD},
        }, headers={"x-forwarded-proto": "http", "x-forwarded-for": "10.0.0.1"})
        cookie = login.headers["set-cookie"]
        assert cookie.startswith("__Host-samverkan=")
        assert "; Secure" in cookie
        assert login.headers["strict-transport-security"]

        content = b"%PDF-1.7 " + os.urandom(5_000_000)
        input = {"packageId": ids.encode("Package", package.id), "file": None}
        form = {"operations": json.dumps({"query": UPLOAD, "variables": {"input": input}}),
                "map": json.dumps({"file": ["variables.input.file"]})}
        uploaded = browser.post("/graphql", data=form, files={"file": ("a.pdf", content)},
                                headers={"x-samverkan-request": "1", "origin": front.url})
        document = uploaded.json()["data"]["uploadDocument"]["document"]
        assert browser.get(document["url"]).content == content
        assert browser.get("/metrics").status_code == 404

        own = {"cookie": cookie.partition(";")[0], "origin": front.url}
        with connect(front.url.replace("https", "wss") + "/graphql", ssl=front.tls, additional_headers=own,
                     subprotocols=[PROTOCOL]) as client:  # type: ignore[list-item]
            session = Session(client)
            session.send(type="connection_init")
            assert session.receive() == {"type": "connection_ack"}
            assert session.ask("{ viewer { login } }")[0]["payload"] == {"data": {"viewer": {"login": "anna"}}}

        assert to_its_end(slow) in (b"", b"HTTP/1.1 408 Request Time-out")


def to_its_end(client: ssl.SSLSocket) -> bytes:
    """The first line of what the server says before it drops a client that goes on, a byte at a time."""
    client.settimeout(0.5)
    said, deadline = b"", time.monotonic() + 60
    while True:
        assert time.monotonic() < deadline, "it was not dropped"
        try:
            client.sendall(b"x")
            part = client.recv(10_000)
        except TimeoutError:
            continue
        except (OSError, ssl.SSLError):
            break
        if not part:
            break
        said += part
    return said.partition(b"\r\n")[0]


@needs_nginx
def test_events_and_slow_bodies_pass_nginx_as_they_come(tmp_path: Path) -> None:
    STAGE.__dict__.update(Stage().__dict__)
    settings = Settings(trusted_proxies="127.0.0.1", body_seconds=0.3)
    with serving(small_app(settings), settings) as edge, nginx(edge, tmp_path) as front, front.client() as client:
        query: dict[str, Any] = {"query": "subscription { ticks }"}
        with client.stream("POST", "/graphql", json=query, headers={"accept": "text/event-stream"}) as response:
            lines = response.iter_lines()
            assert next(line for line in lines if line.startswith("data:")) == 'data: {"data":{"ticks":""}}'
            STAGE.go_on.set()  # only now: the first event was not held back
            assert next(line for line in lines if line.startswith("data:"))
        assert STAGE.ended.wait(20)
        with front.raw() as slow:
            slow.sendall(b"POST /graphql HTTP/1.1\r\nhost: samverkan\r\ncontent-type: application/json\r\n"
                         b"content-length: 22\r\n\r\n{")
            assert slow.recv(10_000).startswith(b"HTTP/1.1 408 ")
        edge.until(edge.is_idle)


@pytest.mark.parametrize(
    ("trusted", "cookie"), [("", "samverkan="), ("10.9.9.9", "samverkan="), ("127.0.0.1", "__Host-samverkan=")],
)
def test_only_trusted_proxies_tell_how_the_server_is_reached(
    settings: Settings, package: Package, trusted: str, cookie: str
) -> None:
    settings = settings.model_copy(update={"trusted_proxies": trusted, "sweep_seconds": 1000})
    with serving(create_app(settings), settings) as edge:
        login = httpx.post(edge.http, json={
            "query": LOGIN, "variables": {"login": "anna", "password": PASSWORD},
        }, headers={"x-forwarded-proto": "https"}, timeout=30)
    assert login.headers["set-cookie"].startswith(cookie)
