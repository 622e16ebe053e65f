"""The HTTP edge: GraphQL over HTTP to the letter, odd requests, foreign pages, uploads, masked bugs, limits."""

import json
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
import strawberry
from graphql import build_client_schema, get_introspection_query
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from strawberry.file_uploads import Upload
from strawberry.scalars import JSON

from server.domain.network import Right
from server.errors import NotFound, TooManyAttempts
from server.graphql.context import Context
from server.graphql.operations import Operations
from server.graphql.transport.http import GraphQLEndpoint
from server.graphql.transport.negotiation import accepted
from server.graphql.transport.request import BadRequestError
from server.graphql.transport.security import RAW
from server.graphql.transport.streams import Streams
from server.observability.requests import Requests
from server.reads.visibility import Caller
from server.settings import Settings

SETTINGS = Settings(max_body_bytes=100_000, max_document_bytes=50_000)
RESPONSE = "application/graphql-response+json"
PREFLIGHT = {"x-samverkan-request": "1"}
BEARER = {"authorization": "Bearer anna"}
changes: list[str] = []


@strawberry.type
class Thing:
    name: str = "thing"

    @strawberry.field
    def thing(self) -> "Thing":
        return Thing()

    @strawberry.field
    def old(self) -> str:
        return self.name


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str = "world") -> str:
        return f"Hello, {name}"

    @strawberry.field
    def thing(self) -> Thing:
        return Thing()

    @strawberry.field
    def missing(self) -> str | None:
        raise NotFound("There is no such thing.")

    @strawberry.field
    def slowed(self) -> str | None:
        raise TooManyAttempts(4)

    @strawberry.field
    async def broken(self) -> str:
        raise ZeroDivisionError("secret")

    @strawberry.field
    def echo(self, value: JSON) -> JSON:
        return value

    @strawberry.field(deprecation_reason="gone soon")
    def ancient(self) -> str:
        return "old"


@strawberry.type
class Mutation:
    @strawberry.mutation
    def change(self, info: strawberry.Info[Context, None]) -> str:
        changes.append("changed")
        info.context.headers.append(("set-cookie", "a=b"))
        return "changed"

    @strawberry.mutation
    async def upload(self, files: list[Upload]) -> list[str]:
        return [f"{cast(Any, file).filename}:{(await cast(Any, file).read()).decode()}" for file in files]


async def context_of(request: Request) -> Context:
    visitor = Caller(None, Right.CENTRAL) if "anna" in str(request.headers.raw) else None
    nothing = cast(Any, None)
    return Context(nothing, nothing, SETTINGS, nothing, nothing, nothing, visitor=visitor)


@pytest.fixture(autouse=True)
def _no_changes() -> None:
    changes.clear()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    schema = strawberry.Schema(Query, Mutation)
    route = Route("/graphql", GraphQLEndpoint(Operations(schema), context_of, SETTINGS, Streams(SETTINGS)))
    app = Requests(Starlette(routes=[route]), RAW)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://samverkan") as client:
        yield client


async def post(client: httpx.AsyncClient, query: str, headers: dict[str, str] | None = None, **members: Any) -> Any:
    return await client.post("/graphql", json={"query": query} | members, headers=headers)


def code(response: httpx.Response) -> str:
    """The code of the only error; a request that was refused has no data."""
    assert "data" not in response.json()
    [error] = response.json()["errors"]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ([], RESPONSE),
        (["*/*"], RESPONSE),
        (["application/json"], "application/json"),
        (["application/graphql-response+json; charset=utf-8, application/json; q=0.9"], RESPONSE),
        (["application/graphql-response+json;q=0.5", "application/json"], "application/json"),
        (["text/html, application/json;q=0.1"], "application/json"),
        (["APPLICATION/JSON"], "application/json"),
    ],
)
def test_the_answer_comes_in_the_media_type_that_the_client_prefers(accept: list[str], media_type: str) -> None:
    assert accepted(tuple(accept)) == media_type


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "application/json;q=x", ""])
def test_a_client_that_accepts_neither_media_type_gets_406(accept: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        accepted((accept,))
    assert refused.value.status == 406


async def test_a_query_is_answered_over_post_and_get(client: httpx.AsyncClient) -> None:
    query = "query Q($n: String!) { hello(name: $n) }"
    posted = await post(client, query, variables={"n": "Åsa"}, operationName="Q", extensions={})
    got = await client.get("/graphql", params={"query": query, "variables": '{"n":"Åsa"}', "operationName": "Q"})
    for response in (posted, got):
        assert response.status_code == 200
        assert response.headers["content-type"] == f"{RESPONSE}; charset=utf-8"
        assert response.json() == {"data": {"hello": "Hello, Åsa"}}


@pytest.mark.parametrize(("accept", "status"), [(RESPONSE, 400), ("application/json", 200)])
@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { hello } query B { hello }", "OPERATION_RESOLUTION_FAILURE"),
        ("query ($n: Int!) { hello(name: $n) }", "GRAPHQL_VALIDATION_FAILED"),
        ("query ($n: String!) { hello(name: $n) }", "BAD_USER_INPUT"),
    ],
)
async def test_a_document_that_cannot_run_is_refused_with_the_status_of_the_media_type(
    client: httpx.AsyncClient, query: str, error: str, accept: str, status: int
) -> None:
    response = await post(client, query, {"accept": accept})
    assert (response.status_code, code(response)) == (status, error)


@pytest.mark.parametrize("name", ["", "C", "a"])
async def test_the_operation_must_exist_under_its_exact_name(client: httpx.AsyncClient, name: str) -> None:
    response = await post(client, "query A { hello } query B { hello }", operationName=name)
    assert code(response) == "OPERATION_RESOLUTION_FAILURE"


async def test_the_named_operation_of_several_runs(client: httpx.AsyncClient) -> None:
    query = "query A { a: hello } mutation B { change }"
    assert (await post(client, query, operationName="A")).json() == {"data": {"a": "Hello, world"}}
    assert (await post(client, query, operationName="B")).json() == {"data": {"change": "changed"}}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"5", b"null", b"[1]", b'"text"', b"[{}]", b"{}", b"{",
        b'{"query": 5}', b'{"query": ""}', b'{"query": null}',
        b'{"query": "{ hello }", "variables": 5}', b'{"query": "{ hello }", "variables": "{}"}',
        b'{"query": "{ hello }", "operationName": 5}', b'{"query": "{ hello }", "extensions": []}',
        b'{"query": "{ hello \xff }"}', b"\xff\xfe", b"[" * 50_000, b'{"a":' * 9_000,
        b'{"query": "{ hello }", "variables": ' + b'{"a":' * 60 + b"1" + b"}" * 61,
        b'{"query": "{ hello }", "variables": {"a": "\\u0000"}}',
        b'{"query": "{ hello }", "variables": {"\\u0000": 1}}',
    ],
)
async def test_an_odd_body_is_a_well_formed_400(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert (response.status_code, code(response)) == (400, "BAD_REQUEST")
    assert response.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("parameters", ["", "query=", "query={hello}&variables=5", "query={hello}&variables={",
                                        "query={hello}&extensions=[]"])
async def test_an_odd_query_string_is_a_well_formed_400(client: httpx.AsyncClient, parameters: str) -> None:
    assert code(await client.get(f"/graphql?{parameters}")) == "BAD_REQUEST"


@pytest.mark.parametrize("text", ["\\u0000", "\\u{0}", "\\u{000}", "\0"])
async def test_a_document_cannot_hold_the_character_that_postgresql_cannot_store(
    client: httpx.AsyncClient, text: str
) -> None:
    assert code(await post(client, f'{{ hello(name: "{text}") }}')) == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"}, {"content-type": "application/x-www-form-urlencoded"}, {"content-type": ""},
        {"content-type": "application/graphql"}, {"content-type": "application/json; charset=utf-16"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
async def test_other_content_types_get_415_and_change_nothing(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    response = await client.post("/graphql", content=b'{"query": "mutation { change }"}', headers=headers)
    assert (response.status_code, code(response), changes) == (415, "BAD_REQUEST", [])


async def test_a_body_over_the_limit_gets_413_whether_or_not_it_says_its_length(client: httpx.AsyncClient) -> None:
    body = b'{"query": "{ hello }", "variables": {"a": "' + b"x" * SETTINGS.max_body_bytes + b'"}}'

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 1000):
            yield body[start:start + 1000]

    for content in (body, chunks()):
        response = await client.post("/graphql", content=content, headers={"content-type": "application/json"})
        assert response.status_code == 413


async def test_a_get_cannot_change_anything(client: httpx.AsyncClient) -> None:
    response = await client.get("/graphql", params={"query": "mutation { change }"})
    assert (response.status_code, response.headers["allow"], changes) == (405, "POST", [])


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
async def test_other_methods_get_405(client: httpx.AsyncClient, method: str) -> None:
    response = await client.request(method, "/graphql")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),  # no browser
        ({"origin": "http://samverkan"}, 200),
        ({"origin": "http://evil"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin", "origin": "https://behind.proxy"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "cross-site", "authorization": "Bearer anna"}, 200),  # no browser adds this by itself
    ],
)
async def test_a_page_of_another_site_changes_nothing(
    client: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    response = await post(client, "mutation { change }", headers | {"cookie": "samverkan=anna"})
    assert response.status_code == status
    assert changes == (["changed"] if status == 200 else [])


async def test_a_mutation_may_send_headers(client: httpx.AsyncClient) -> None:
    response = await post(client, "mutation { a: change b: change }")
    assert response.headers.get_list("set-cookie") == ["a=b", "a=b"]
    assert response.headers["cache-control"] == "no-store"


UPLOAD = "mutation ($files: [Upload!]!) { upload(files: $files) }"


async def upload(
    client: httpx.AsyncClient, headers: dict[str, str], operations: Any = None, places: Any = None,
    content: bytes = b"abc",
) -> httpx.Response:
    given = operations or {"query": UPLOAD, "variables": {"files": [None, None]}}
    where = places or {"0": ["variables.files.0"], "1": ["variables.files.1"]}
    fields = {"operations": json.dumps(given), "map": json.dumps(where)}
    files = {"0": ("a.txt", content), "1": ("b.txt", b"def")}
    return await client.post("/graphql", data=fields, files=files, headers=headers)


@pytest.mark.parametrize("headers", [BEARER, {"cookie": "samverkan=anna"} | PREFLIGHT,
                                     {"cookie": "samverkan=anna", "graphql-preflight": "1"}])
async def test_files_come_in_a_multipart_request(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await upload(client, headers)).json() == {"data": {"upload": ["a.txt:abc", "b.txt:def"]}}


async def test_an_upload_under_a_cookie_needs_a_header_that_a_form_cannot_send(client: httpx.AsyncClient) -> None:
    response = await upload(client, {"cookie": "samverkan=anna"})
    assert (response.status_code, code(response)) == (403, "PREFLIGHT_HEADER_MISSING")


async def test_an_upload_needs_a_login_before_its_body_is_read(client: httpx.AsyncClient) -> None:
    response = await upload(client, PREFLIGHT)
    assert (response.status_code, code(response)) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("operations", "places"),
    [
        ([1], None),
        ("text", None),
        ({"query": UPLOAD, "variables": {"files": [1, 2]}}, None),
        ({"query": UPLOAD, "variables": {}}, None),
        (None, ["variables.files.0"]),
        (None, {"0": "variables.files.0"}),
        (None, {"0": [5]}),
        (None, {"7": ["variables.files.0"]}),
        (None, {"0": ["query"]}),
        (None, {"0": ["variables"]}),
        (None, {"0": [""]}),
        (None, {"0": ["variables.files.2"]}),
        (None, {"0": ["variables.files.-1"]}),
        (None, {"0": ["variables.files.0.name"]}),
        (None, {"operations": ["variables.files.0"]}),
    ],
)
async def test_an_odd_multipart_request_is_a_well_formed_400(
    client: httpx.AsyncClient, operations: Any, places: Any
) -> None:
    response = await upload(client, BEARER, operations, places)
    assert (response.status_code, code(response)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("content", "content_type"),
    [(b"", "multipart/form-data"), (b"x", "multipart/form-data; boundary=y"),
     (b'--y\r\ncontent-disposition: form-data; name="map"\r\n\r\n{}\r\n--y--\r\n', "multipart/form-data; boundary=y")],
)
async def test_a_broken_multipart_body_is_a_well_formed_400(
    client: httpx.AsyncClient, content: bytes, content_type: str
) -> None:
    response = await client.post("/graphql", content=content, headers=BEARER | {"content-type": content_type})
    assert (response.status_code, code(response)) == (400, "BAD_REQUEST")


async def test_an_upload_over_the_limits_gets_413(client: httpx.AsyncClient) -> None:
    size = SETTINGS.max_body_bytes + SETTINGS.max_document_bytes
    assert (await upload(client, BEARER, content=b"x" * size)).status_code == 413


async def test_deliberate_errors_keep_their_words(client: httpx.AsyncClient) -> None:
    response = await post(client, "{ missing hello slowed }")
    assert response.status_code == 200
    assert response.json()["data"] == {"missing": None, "hello": "Hello, world", "slowed": None}
    missing, slowed = response.json()["errors"]
    assert (missing["message"], missing["path"]) == ("There is no such thing.", ["missing"])
    assert missing["extensions"] == {"code": "NOT_FOUND"}
    assert slowed["extensions"] == {"code": "TOO_MANY_ATTEMPTS", "seconds": 4}


async def test_bugs_are_masked_with_an_id_that_the_log_names(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    response = await post(client, "{ broken }")
    assert response.json()["data"] is None
    [error] = response.json()["errors"]
    assert error["message"] == f"Internal error ({error['extensions']['id']})"
    assert error["extensions"]["code"] == "INTERNAL"
    assert "secret" not in response.text
    logged = capsys.readouterr().out
    assert error["extensions"]["id"] in logged
    assert "ZeroDivisionError" in logged


async def test_a_bug_outside_of_fields_is_masked_too() -> None:
    async def fail(_request: Request) -> Context:
        raise ZeroDivisionError("secret")

    operations = Operations(strawberry.Schema(Query))
    route = Route("/graphql", GraphQLEndpoint(operations, fail, SETTINGS, Streams(SETTINGS)))
    transport = httpx.ASGITransport(Starlette(routes=[route]))
    async with httpx.AsyncClient(transport=transport, base_url="http://samverkan") as client:
        response = await post(client, "{ hello }")
    assert (response.status_code, code(response)) == (500, "INTERNAL")
    assert "secret" not in response.text


@pytest.mark.parametrize("value", [2**70, 1e300, "é\u2028", {"a": [None, True]}])
async def test_any_json_value_comes_back(client: httpx.AsyncClient, value: Any) -> None:
    literal = json.dumps(value).replace('"a"', "a")
    assert (await post(client, f"{{ echo(value: {literal}) }}")).json() == {"data": {"echo": value}}


async def test_the_introspection_uses_no_word_that_old_clients_do_not_know(client: httpx.AsyncClient) -> None:
    response = await post(client, get_introspection_query())
    directives = response.json()["data"]["__schema"]["directives"]
    assert "deprecated" in {directive["name"] for directive in directives}
    assert "DIRECTIVE_DEFINITION" not in {place for directive in directives for place in directive["locations"]}
    build_client_schema(response.json()["data"])


async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient) -> None:
    for response in (await post(client, "{ hello }"), await client.get("/nowhere")):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]


def fragments(count: int) -> str:
    """668 bytes of this cost the stock limiters seconds: every fragment spreads the next one twice."""
    chain = " ".join(f"fragment F{i} on Thing {{ thing {{ ...F{i + 1} }} b: thing {{ ...F{i + 1} }} }}"
                     for i in range(count))
    return f"{{ thing {{ ...F0 }} }} {chain} fragment F{count} on Thing {{ name }}"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("{ thing" * 30 + "{ name }" + "}" * 30, "depth"),
        (fragments(16), "fields"),
        ("{" + " ".join(f"a{i}: hello" for i in range(101)) + "}", "aliases"),
        ("{ thing {" + " thing { name }" * 75 + "} }", "repeated"),
        ("{" + " hello" * 21 + "}", "root fields"),
        ("{ thing {" + " name(first: 1)" * 31 + "} }", "pages"),
        ("{ thing {" + " ... {" * 101 + "name" + "}" * 101 + "} }", "nested selections"),
        (" ".join(f"query Q{i} {{ hello }}" for i in range(51)), "operations"),
        ("{ hello }" + " ".join(f"fragment F{i} on Thing {{ name }}" for i in range(201)), "fragments"),
        ("{ echo(value: [" + "1 " * 500 + "]) }", "values"),
        ("{ hello ...F } fragment F on Query { hello } fragment F on Query { hello }", "only one fragment"),
        ("{ thing { ...F } thing { ...F } } fragment F on Thing {" + " thing { name }" * 55 + "}", "repeated"),
        ("{" + " hello" * 5000 + "}", "token"),
        ("#\n" * 5000 + "{ hello }", "comment"),
        ("{ thing { ...F } } fragment F on Thing { ...F }", "contains itself"),
        ("{ thing { ...A } } fragment A on Thing { ...B } fragment B on Thing { ...A }", "contains itself"),
        ("{ thing" * 2000 + "}" * 2000, "token|nested"),
    ],
)
async def test_a_document_that_asks_for_too_much_is_refused(
    client: httpx.AsyncClient, query: str, words: str
) -> None:
    response = await post(client, query)
    assert response.status_code == 400
    assert any(word in response.text for word in words.split("|")), response.text


async def test_spreading_an_unknown_fragment_is_told_by_the_validation(client: httpx.AsyncClient) -> None:
    assert code(await post(client, "{ thing { ...Nothing } }")) == "GRAPHQL_VALIDATION_FAILED"
