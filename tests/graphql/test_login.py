"""Login over HTTP: bearer, cookie, logout, one's own password; and downloads, which need one."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from server.app import create_app
from server.database import Database
from server.domain.network import Operator, Right
from server.domain.order import Document
from server.domain.record import History
from server.graphql import ids
from server.identity.attempts import FREE_PER_LOGIN
from server.identity.passwords import hash_password
from server.services.documents import store
from server.settings import Settings
from server.storage import FolderStorage
from tests.builders import (
    NOW,
    a_campaign,
    a_document,
    a_package,
    an_entity,
    an_operator,
    an_order,
    given,
    linked,
    offered,
)

PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)
LOGIN = """mutation ($input: LoginInput!) {
    login(input: $input) { token expiresAt operator { login } problems { code path } } }"""
LOGOUT = "mutation { logout { problems { code } } }"
CHANGE = """mutation ($input: ChangePasswordInput!) {
    changePassword(input: $input) { operator { login } problems { code path } } }"""
VIEWER = "{ viewer { login } }"
Client = httpx.AsyncClient


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Any:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def anna(database: Database) -> Operator:
    anna = an_operator(Right.CENTRAL, login="anna", password_hash=HASH)
    await given(database, anna, an_operator(login="noise", password_hash=HASH))
    return anna


def browser(settings: Settings, clock: Clock, base: str = "http://samverkan") -> Client:
    return Client(transport=httpx.ASGITransport(create_app(settings, clock)), base_url=base)


@pytest.fixture
async def client(settings: Settings, clock: Clock, anna: Operator) -> AsyncIterator[Client]:
    async with browser(settings, clock) as client:
        yield client


async def ask(client: Client, query: str, token: str | None = None, **variables: Any) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    response = await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
    return dict(response.json())


async def log_in(client: Client, password: str = PASSWORD, **fields: Any) -> dict[str, Any]:
    answer = await ask(client, LOGIN, input={"login": "anna", "password": password} | fields)
    return dict(answer["data"]["login"])


def code(answer: dict[str, Any]) -> str:
    [error] = answer["errors"]
    return str(error["extensions"]["code"])


async def test_a_token_is_sent_as_bearer(client: Client) -> None:
    granted = await log_in(client)
    assert granted["operator"] == {"login": "anna"}
    assert granted["problems"] == []
    assert (await ask(client, VIEWER, granted["token"]))["data"] == {"viewer": {"login": "anna"}}
    assert code(await ask(client, VIEWER)) == "UNAUTHENTICATED"


async def test_a_browser_keeps_the_token_in_a_cookie_that_scripts_cannot_read(client: Client) -> None:
    response = await client.post("/graphql", json={
        "query": LOGIN, "variables": {"input": {"login": "anna", "password": PASSWORD, "cookie": True}},
    })
    assert response.json()["data"]["login"]["token"] is None
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("samverkan=")
    assert {"Path=/", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
    assert (await ask(client, VIEWER))["data"] == {"viewer": {"login": "anna"}}


async def test_behind_tls_the_cookie_belongs_to_this_host_only(settings: Settings, anna: Operator) -> None:
    secure = settings.model_copy(update={"secure_cookies": True})
    async with browser(secure, Clock(), "https://samverkan") as client:
        await log_in(client, cookie=True)
        assert list(client.cookies) == ["__Host-samverkan"]
        assert (await ask(client, VIEWER))["data"] == {"viewer": {"login": "anna"}}


async def test_an_authorization_header_outweighs_the_cookie(client: Client) -> None:
    await log_in(client, cookie=True)
    assert code(await ask(client, VIEWER, "made up")) == "UNAUTHENTICATED"


async def test_logging_out_ends_the_login_and_the_cookie(client: Client) -> None:
    token = (await log_in(client))["token"]
    await log_in(client, cookie=True)
    await ask(client, LOGOUT)
    assert list(client.cookies) == []
    assert code(await ask(client, VIEWER)) == "UNAUTHENTICATED"
    assert (await ask(client, VIEWER, token))["data"]["viewer"]


async def test_a_token_ends_after_its_time(client: Client, clock: Clock, settings: Settings) -> None:
    token = (await log_in(client))["token"]
    clock.now += timedelta(days=settings.token_days)
    assert code(await ask(client, VIEWER, token)) == "UNAUTHENTICATED"


async def test_a_wrong_password_is_a_problem_without_a_cookie(client: Client) -> None:
    refused = await log_in(client, "wrong", cookie=True)
    assert refused["problems"] == [{"code": "WRONG_CREDENTIALS", "path": ["password"]}]
    assert (refused["operator"], list(client.cookies)) == (None, [])


async def test_guessing_is_slowed_down_also_within_one_document(client: Client, clock: Clock) -> None:
    guesses = " ".join(
        f'a{i}: login(input: {{login: "anna", password: "guess {i}"}}) {{ token }}' for i in range(FREE_PER_LOGIN + 1)
    )
    [slowed] = (await ask(client, f"mutation {{ {guesses} }}"))["errors"]
    assert slowed["extensions"] == {"code": "TOO_MANY_ATTEMPTS", "seconds": 1}
    clock.now += timedelta(seconds=1)
    assert (await log_in(client))["token"]


async def test_a_new_password_ends_all_other_logins(client: Client, database: Database, anna: Operator) -> None:
    other, mine = (await log_in(client))["token"], (await log_in(client))["token"]
    changed = await ask(client, CHANGE, mine, input={"currentPassword": PASSWORD, "newPassword": "staple the battery"})
    assert changed["data"]["changePassword"] == {"operator": {"login": "anna"}, "problems": []}
    assert code(await ask(client, VIEWER, other)) == "UNAUTHENTICATED"
    assert (await ask(client, VIEWER, mine))["data"]["viewer"]
    assert (await log_in(client))["problems"]
    assert (await log_in(client, "staple the battery"))["token"]
    async with database.reading() as session:
        entries = (await session.execute(select(History.action, History.after).where(
            History.subject_id == anna.id))).all()
    assert entries == [("CHANGE_PASSWORD", {})]  # [12.1], and no word of the password


@pytest.mark.parametrize(
    ("current", "new", "path"),
    [("wrong", "staple the battery", "currentPassword"), (PASSWORD, "short", "newPassword")],
)
async def test_a_password_is_not_changed_without_the_old_one_or_to_a_weak_one(
    client: Client, current: str, new: str, path: str
) -> None:
    token = (await log_in(client))["token"]
    changed = await ask(client, CHANGE, token, input={"currentPassword": current, "newPassword": new})
    [problem] = changed["data"]["changePassword"]["problems"]
    assert problem["path"] == [path]
    assert (await log_in(client))["token"]


@pytest.mark.parametrize("query", [LOGOUT, CHANGE, VIEWER])
async def test_only_the_login_itself_needs_no_login(client: Client, query: str) -> None:
    given_input = {"input": {"currentPassword": PASSWORD, "newPassword": "staple the battery"}}
    assert code(await ask(client, query, **given_input if "$input" in query else {})) == "UNAUTHENTICATED"


async def test_the_name_and_version_of_the_server_need_no_login(client: Client) -> None:
    assert (await ask(client, "{ server { name } }"))["data"] == {"server": {"name": "samverkan"}}


Download = Callable[[str], Any]


@pytest.fixture
async def documents(database: Database, settings: Settings, anna: Operator) -> tuple[Document, Document]:
    """Stored documents on the orders of Paris, whom Paula works for, and of Lyon."""
    async def content() -> AsyncIterator[bytes]:
        yield b"%PDF-1.7 leaflet"

    file = await store(FolderStorage(settings.documents), settings, "Äpplen & päron.pdf", content())
    stored = {"name": file.name, "size": file.size, "storage_key": file.key, "content_type": file.content_type}
    paris, lyon = an_entity("Paris"), an_entity("Lyon")
    paula = an_operator(Right.LOCAL, login="paula", password_hash=HASH)
    campaign = a_campaign()
    package = a_package(campaign, anna)
    orders = [an_order(package, paris), an_order(package, lyon)]
    mine, foreign = (a_document(order, **stored) for order in orders)
    await given(
        database, paris, lyon, paula, linked(paula, paris), campaign, package, offered(package, paris, lyon), *orders,
        mine, foreign,
    )
    return mine, foreign


async def download(client: Client, document: Document, type_name: str = "Document") -> httpx.Response:
    return await client.get(f"/documents/{ids.encode(type_name, document.id)}")


async def test_a_document_is_downloaded_to_be_saved_under_its_name(
    client: Client, documents: tuple[Document, Document]
) -> None:
    await log_in(client, login="paula", cookie=True)
    response = await download(client, documents[0])
    assert (response.status_code, response.content) == (200, b"%PDF-1.7 leaflet")
    assert response.headers["content-type"] == "application/pdf"
    assert response.headers["content-disposition"] == (
        "attachment; filename=\"_pplen & p_ron.pdf\"; filename*=UTF-8''%C3%84pplen%20%26%20p%C3%A4ron.pdf"
    )
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "private, no-store"


async def test_a_document_out_of_scope_does_not_exist(
    client: Client, documents: tuple[Document, Document]
) -> None:  # [2.3]
    await log_in(client, login="paula", cookie=True)
    foreign = await download(client, documents[1])
    unknown = await client.get("/documents/nothing")
    wrong_type = await download(client, documents[0], "Order")
    assert {(each.status_code, each.text) for each in (foreign, unknown, wrong_type)} == {
        (404, "There is no such document.")
    }


async def test_a_document_needs_a_login(client: Client, documents: tuple[Document, Document]) -> None:
    assert (await download(client, documents[0])).status_code == 401


async def test_a_document_whose_file_is_lost_is_missing(
    client: Client, documents: tuple[Document, Document], settings: Settings
) -> None:
    await FolderStorage(settings.documents).remove(documents[0].storage_key)
    await log_in(client, cookie=True)
    assert (await download(client, documents[0])).status_code == 404
