"""The real schema over WebSocket, on both databases: logins, what needs none, and their end."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from server.app import create_app
from server.database import Database
from server.domain.network import Right
from server.identity.passwords import hash_password
from server.settings import Settings
from tests.builders import an_operator, given
from tests.graphql.edge import Edge, serving
from tests.graphql.test_sockets import closed

PASSWORD = "correct horse battery"
LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { token operator { login } } }"
VIEWER = "{ viewer { login } }"
ANNA = {"data": {"viewer": {"login": "anna"}}}


@pytest.fixture
async def edge(settings: Settings, database: Database) -> Any:
    await given(database, an_operator(Right.CENTRAL, login="anna", password_hash=hash_password(PASSWORD)))
    settings = settings.model_copy(update={"sweep_seconds": 1000})
    with serving(create_app(settings), settings) as edge:
        yield edge


@pytest.fixture
def browser(edge: Edge) -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as browser:
        yield browser


def log_in(browser: httpx.Client, edge: Edge, cookie: bool) -> str:
    who = {"login": "anna", "password": PASSWORD, "cookie": cookie}
    response = browser.post(edge.http, json={"query": LOGIN, "variables": {"input": who}})
    return str(response.json()["data"]["login"]["token"])


def test_a_socket_is_logged_in_by_its_token_until_that_is_revoked(edge: Edge, browser: httpx.Client) -> None:
    bearer = {"authorization": f"Bearer {log_in(browser, edge, cookie=False)}"}
    with edge.session(bearer) as session:
        assert session.ask(VIEWER)[0]["payload"] == ANNA
        browser.post(edge.http, json={"query": "mutation { logout { problems { code } } }"}, headers=bearer)
        session.subscribe(VIEWER)
        assert closed(session.client).code == 4403


def test_a_socket_is_logged_in_by_the_cookie_of_its_own_site(edge: Edge, browser: httpx.Client) -> None:
    log_in(browser, edge, cookie=True)
    cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
    with edge.session(headers=cookie | {"origin": f"http://{edge.host}:{edge.port}"}) as session:
        assert session.ask(VIEWER)[0]["payload"] == ANNA


def test_a_socket_without_a_login_may_do_what_needs_none(edge: Edge) -> None:
    with edge.session() as session:
        assert session.ask("{ server { name } }")[0]["payload"] == {"data": {"server": {"name": "samverkan"}}}
        [error] = session.ask(VIEWER)[0]["payload"]["errors"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
        who = {"login": "anna", "password": PASSWORD}
        granted = session.ask(LOGIN, input=who)[0]["payload"]["data"]["login"]
        assert granted["operator"] == {"login": "anna"}
    with edge.session({"authorization": f"Bearer {granted['token']}"}) as session:
        assert session.ask(VIEWER)[0]["payload"] == ANNA
