"""Documents over HTTP: multipart uploads with a login, their files, and what is left when they are refused."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from server.app import create_app
from server.database import Database
from server.domain.base import Base
from server.domain.lifecycles import OrderStatus
from server.domain.network import Operator, Right
from server.domain.order import Document, Order
from server.domain.package import Package
from server.graphql import ids
from server.identity.logins import Logins
from server.identity.passwords import hash_password
from server.settings import Settings
from tests.builders import (
    NOW,
    a_campaign,
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
PDF = b"%PDF-1.7 leaflet"
UPLOAD = """mutation ($input: UploadDocumentInput!) { uploadDocument(input: $input) {
    document { id name contentType late url order { code } package { code } } problems { code path } } }"""
REMOVE = """mutation ($input: RemoveDocumentInput!) { removeDocument(input: $input) {
    removedId problems { code } } }"""


@pytest.fixture
async def central() -> Operator:
    return an_operator(Right.CENTRAL, login="anna", password_hash=HASH)


@pytest.fixture
async def package(database: Database, central: Operator) -> Package:
    """A package of a campaign that takes one document per order."""
    campaign = a_campaign(max_documents=1)
    package = a_package(campaign, central)
    await given(database, central, campaign, package)
    return package


@pytest.fixture
async def order(database: Database, package: Package) -> Order:
    """An order of Paris, which Paula works for."""
    paris, paula = an_entity("Paris"), an_operator(Right.LOCAL, login="paula", password_hash=HASH)
    order = an_order(package, paris)
    await given(database, paris, paula, linked(paula, paris), offered(package, paris), order)
    return order


class Site:
    """The API as one operator uses it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def upload(self, owner: Base, content: bytes = PDF, name: str = "leaflet.pdf", **fields: Any) -> Any:
        kind = type(owner).__name__
        given_input = {f"{kind.lower()}Id": ids.encode(kind, owner.id), "file": None} | fields  # type: ignore[attr-defined]
        operations = {"query": UPLOAD, "variables": {"input": given_input}}
        form = {"operations": json.dumps(operations), "map": json.dumps({"file": ["variables.input.file"]})}
        response = await self.client.post("/graphql", data=form, files={"file": (name, content)})
        assert "errors" not in response.json(), response.text
        return response.json()["data"]["uploadDocument"]

    async def remove(self, document_id: str) -> Any:
        variables = {"input": {"id": document_id}}
        response = await self.client.post("/graphql", json={"query": REMOVE, "variables": variables})
        return response.json()["data"]["removeDocument"]


@pytest.fixture
async def log_in(settings: Settings, database: Database) -> AsyncIterator[Any]:
    """`await log_in("anna")` gives her the API."""
    transport = httpx.ASGITransport(create_app(settings, lambda: NOW))
    async with httpx.AsyncClient(transport=transport, base_url="http://samverkan") as client:
        async def log_in(login: str) -> Site:
            granted = await Logins(database, settings).log_in(login, PASSWORD, "", NOW)
            client.headers["authorization"] = f"Bearer {granted.token}"
            return Site(client)

        yield log_in


def files(settings: Settings) -> list[bytes]:
    return [path.read_bytes() for path in Path(settings.documents).rglob("*") if path.is_file()]


async def count(database: Database) -> int:
    async with database.reading() as session:
        return await session.scalar(select(func.count()).select_from(Document)) or 0


async def test_a_document_comes_and_goes_with_its_file(log_in: Any, order: Order, settings: Settings) -> None:
    site = await log_in("paula")
    answer = await site.upload(order, name="../Affiche.pdf")
    document = answer["document"]
    assert (document["name"], document["contentType"], document["late"]) == ("Affiche.pdf", "application/pdf", False)
    assert document["order"] == {"code": order.code}
    assert (await site.client.get(document["url"])).content == PDF
    assert files(settings) == [PDF]
    assert await site.remove(document["id"]) == {"removedId": document["id"], "problems": []}
    assert (await site.client.get(document["url"])).status_code == 404
    assert files(settings) == []


async def test_central_puts_a_document_on_a_package(log_in: Any, package: Package) -> None:
    answer = await (await log_in("anna")).upload(package)
    assert answer["document"]["package"] == {"code": package.code}


async def test_a_refused_document_leaves_no_file(log_in: Any, order: Order, settings: Settings) -> None:
    site = await log_in("paula")
    await site.upload(order)
    assert (await site.upload(order))["problems"] == [{"code": "TOO_MANY_DOCUMENTS", "path": ["file"]}]
    assert (await site.upload(order, b"MZ\x90\x00"))["problems"] == [{"code": "DOCUMENT_TYPE", "path": ["file"]}]
    assert (await site.upload(order, b""))["problems"] == [{"code": "DOCUMENT_EMPTY", "path": ["file"]}]
    assert files(settings) == [PDF]


async def test_a_deleted_draft_takes_its_files_with_it(
    log_in: Any, order: Order, database: Database, settings: Settings
) -> None:  # [6.6]
    async with database.transaction() as session:
        await session.execute(update(Order).values(status=OrderStatus.DRAFT))
    site = await log_in("paula")
    await site.upload(order)
    query = "mutation ($input: OrderInput!) { deleteOrder(input: $input) { deletedId problems { code } } }"
    draft = {"id": ids.encode("Order", order.id), "revision": 2}
    await site.client.post("/graphql", json={"query": query, "variables": {"input": draft}})
    assert (await count(database), files(settings)) == (0, [])


async def test_an_upload_that_is_repeated_with_its_key_is_done_once(
    log_in: Any, order: Order, database: Database, settings: Settings
) -> None:
    site = await log_in("paula")
    first = await site.upload(order, idempotencyKey="once")
    assert await site.upload(order, idempotencyKey="once") == first
    assert (await count(database), files(settings)) == (1, [PDF])


async def test_a_key_does_not_stand_for_another_file(log_in: Any, order: Order, settings: Settings) -> None:
    site = await log_in("paula")
    await site.upload(order, idempotencyKey="once")
    refused = await site.upload(order, PDF + b"!", idempotencyKey="once")
    assert refused["problems"] == [{"code": "IDEMPOTENCY_KEY_REUSED", "path": ["idempotencyKey"]}]
    assert files(settings) == [PDF]
