"""Trusted documents: asked for by id, registered by nobody but `samverkan trust`."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, func, select

from server.app import create_app
from server.database import Database
from server.domain.access import TrustedDocument
from server.settings import Settings, TrustedDocuments
from tests.builders import NOW, given

TEXT = "query Name { server { name } }"
HASH = sha256(TEXT.encode()).hexdigest()
OTHER = "query Other { server { name } }"
ANSWER = {"data": {"server": {"name": "samverkan"}}}
NOT_FOUND, NOT_SUPPORTED = "PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_NOT_SUPPORTED"


def apollo(hash: str, **members: Any) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash}}} | members


class Api:
    """A server in one of the modes; its clock can be moved."""

    def __init__(self, settings: Settings, mode: TrustedDocuments) -> None:
        self.now = NOW
        app = create_app(settings.model_copy(update={"trusted_documents": mode}), lambda: self.now)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://samverkan")

    async def ask(self, request: dict[str, Any]) -> Any:
        """The data, or the code of the error."""
        answer = (await self.client.post("/graphql", json=request)).json()
        return answer if "data" in answer else answer["errors"][0]["extensions"]["code"]


@pytest.fixture
async def database(database: Database) -> Database:
    """With one trusted document, under its sha256 and under what its build calls it."""
    await given(database, [
        TrustedDocument(id=id, sha256=HASH, name="Name", text=TEXT, registered_at=NOW) for id in (HASH, "0f3e-md5")
    ])
    return database


@pytest.fixture(params=[TrustedDocuments.ACCEPT, TrustedDocuments.ONLY])
async def api(request: pytest.FixtureRequest, settings: Settings, database: Database) -> AsyncIterator[Api]:
    api = Api(settings, request.param)
    yield api
    await api.client.aclose()


@pytest.mark.parametrize(
    "request_",
    [
        {"documentId": HASH}, {"documentId": f"sha256:{HASH}"}, {"doc_id": "0f3e-md5"}, {"id": "0f3e-md5"},
        {"documentId": HASH, "query": None}, apollo(HASH), apollo(HASH, operationName="Name"),
    ],
    ids=str,
)
async def test_every_way_of_clients_to_name_a_document_is_understood(api: Api, request_: dict[str, Any]) -> None:
    assert await api.ask(request_) == ANSWER


async def test_a_get_may_name_a_document_too(api: Api) -> None:
    extensions = f'{{"persistedQuery": {{"version": 1, "sha256Hash": "{HASH}"}}}}'
    for parameters in ({"documentId": HASH}, {"extensions": extensions}):
        assert (await api.client.get("/graphql", params=parameters)).json() == ANSWER


@pytest.mark.parametrize("request_", [{"documentId": "x" * 64}, {"documentId": OTHER}, apollo("0" * 64)], ids=str)
async def test_an_unknown_id_is_told_in_the_words_that_clients_know(api: Api, request_: dict[str, Any]) -> None:
    assert await api.ask(request_) == NOT_FOUND


@pytest.mark.parametrize("id", [5, ["x"], {}, "x" * 201])
async def test_an_odd_id_is_a_bad_request(api: Api, id: Any) -> None:
    assert await api.ask({"documentId": id}) == "BAD_REQUEST"


async def test_a_hash_that_comes_with_its_text_registers_nothing(api: Api, database: Database) -> None:
    hash = sha256(OTHER.encode()).hexdigest()
    await api.ask(apollo(hash, query=OTHER))
    assert await api.ask(apollo(hash)) == NOT_FOUND
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(TrustedDocument)) == 2


async def test_texts_are_run_where_ids_are_only_accepted(settings: Settings, database: Database) -> None:
    api = Api(settings, TrustedDocuments.ACCEPT)
    assert await api.ask({"query": OTHER}) == ANSWER
    assert await api.ask(apollo(HASH, query=TEXT)) == ANSWER
    assert await api.ask(apollo(HASH, query=OTHER)) == "PERSISTED_QUERY_HASH_MISMATCH"


@pytest.mark.parametrize("request_", [{"query": TEXT}, apollo(HASH, query=TEXT), {"documentId": HASH, "query": TEXT}],
                         ids=str)
async def test_no_text_is_run_where_only_trusted_documents_are(
    settings: Settings, database: Database, request_: dict[str, Any]
) -> None:
    assert await Api(settings, TrustedDocuments.ONLY).ask(request_) == "DOCUMENT_NOT_TRUSTED"


async def test_graphiql_is_not_served_where_no_text_is_run(settings: Settings, database: Database) -> None:
    assert (await Api(settings, TrustedDocuments.ONLY).client.get("/graphiql")).status_code == 404


async def test_no_id_is_looked_for_where_they_are_off(settings: Settings, database: Database) -> None:
    api = Api(settings, TrustedDocuments.OFF)
    assert [await api.ask({"documentId": HASH}), await api.ask(apollo(HASH))] == [NOT_SUPPORTED, NOT_SUPPORTED]
    assert await api.ask({"query": TEXT}) == ANSWER


async def test_a_removed_document_is_forgotten_within_a_minute(api: Api, database: Database) -> None:
    assert await api.ask({"documentId": HASH}) == ANSWER
    async with database.transaction() as session:
        await session.execute(delete(TrustedDocument))
    api.now += timedelta(minutes=1)
    assert await api.ask({"documentId": HASH}) == NOT_FOUND


async def test_a_trusted_document_skips_no_limit(settings: Settings, database: Database) -> None:
    dear = "{ packages(first: 100) { nodes { orders(first: 100) { nodes { approvals(first: 100) { nodes { id }}}}}}}"
    await given(database, TrustedDocument(id="dear", sha256="", name="", text=dear, registered_at=NOW))
    assert await Api(settings, TrustedDocuments.ONLY).ask({"documentId": "dear"}) == "COST_LIMIT_EXCEEDED"
