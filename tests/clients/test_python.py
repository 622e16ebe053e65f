"""Clients in Python: gql, ariadne-codegen, and what is still built on graphql-core 3.2."""

import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from gql import Client, FileVar, GraphQLRequest, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport
from graphql import GraphQLError
from icalendar import Calendar

from tests.clients.conftest import SCHEMA, Site, run

ORDERS = """
query Orders($first: Int!, $after: String) {
  orders(first: $first, after: $after) { totalCount pageInfo { endCursor } nodes { id createdAt } }
}
"""
UPLOAD = """
mutation Upload($input: UploadDocumentInput!) {
  uploadDocument(input: $input) { document { name contentType } problems { code } }
}
"""
INBOX = """
query Inbox($after: String) {
  viewer { id unreadNotifications calendarFeed { createdAt } }
  notifications(first: 20, after: $after, filter: { read: false }) {
    pageInfo { hasNextPage endCursor }
    nodes { id kind subject text at url package { label } }
  }
}
"""
READ = """
mutation Read($input: MarkNotificationsReadInput!) {
  markNotificationsRead(input: $input) {
    notifications { id readAt }
    viewer { id unreadNotifications }
    problems { code message path }
  }
}
"""
PREFER = """
mutation Prefer($input: SetNotificationPreferencesInput!) {
  setNotificationPreferences(input: $input) {
    viewer { id notificationPreferences { kind channel wanted } }
    problems { code message path }
  }
}
"""
PUBLISHED = "{ packages(first: 1, filter: { status: [PUBLISHED] }) { nodes { id } } }"
INTROSPECT = """
import json, sys
from urllib.request import Request, urlopen
from graphql import assert_valid_schema, build_client_schema, get_introspection_query, lexicographic_sort_schema
from graphql import print_schema

query = get_introspection_query(specified_by_url=True, directive_is_repeatable=True, schema_description=True,
                                input_value_deprecation=True)
headers = {"content-type": "application/json", "authorization": f"Bearer {sys.argv[2]}"}
request = Request(sys.argv[1], json.dumps({"query": query}).encode(), headers)
schema = build_client_schema(json.load(urlopen(request))["data"])
assert_valid_schema(schema)
print(print_schema(lexicographic_sort_schema(schema)))
"""


@pytest.fixture
def client(site: Site) -> Client:
    transport = HTTPXAsyncTransport(url=site.graphql, headers={"authorization": f"Bearer {site.token}"})
    return Client(transport=transport, fetch_schema_from_transport=True)


async def test_gql_reads_the_schema_and_asks_for_pages(client: Client) -> None:
    async with client as session:
        first = (await session.execute(GraphQLRequest(ORDERS, variable_values={"first": 20})))["orders"]
        variables = {"first": 20, "after": first["pageInfo"]["endCursor"]}
        second = (await session.execute(GraphQLRequest(ORDERS, variable_values=variables)))["orders"]
    assert len({order["id"] for order in (*first["nodes"], *second["nodes"])}) == 40
    assert first["totalCount"] == 73


async def test_gql_refuses_by_the_fetched_schema_what_does_not_fit(client: Client) -> None:
    async with client as session:
        with pytest.raises(GraphQLError, match="Cannot query field 'colour' on type 'Server'"):
            await session.execute(gql("{ server { colour } }"))


async def test_gql_shows_an_error_with_code_and_path_and_the_rest_of_the_answer(client: Client) -> None:
    async with client as session:
        with pytest.raises(TransportQueryError) as failed:
            await session.execute(gql('{ bad: node(id: "nonsense") { id } viewer { name } }'))
    [error] = failed.value.errors or []
    assert (error["path"], error["extensions"]) == (["bad"], {"code": "BAD_USER_INPUT"})
    assert failed.value.data == {"bad": None, "viewer": {"name": "Ingrid Nordmark"}}


async def test_gql_uploads_a_file(client: Client) -> None:
    async with client as session:
        [package] = (await session.execute(gql(PUBLISHED)))["packages"]["nodes"]
        file = FileVar(io.BytesIO(b"how the windows look"), filename="windows.txt", content_type="text/plain")
        variables = {"input": {"packageId": package["id"], "file": file}}
        answer = await session.execute(GraphQLRequest(UPLOAD, variable_values=variables), upload_files=True)
    assert answer["uploadDocument"]["document"] == {"name": "windows.txt", "contentType": "text/plain"}


async def test_gql_reads_the_inbox_and_says_what_is_wanted(client: Client) -> None:
    wish = {"kind": "ORDER_SUBMITTED", "channel": "email", "wanted": False}
    async with client as session:
        shown = (await session.execute(gql(INBOX)))["notifications"]["nodes"]
        variables = {"input": {"ids": [each["id"] for each in shown]}}
        read = await session.execute(GraphQLRequest(READ, variable_values=variables))
        variables = {"input": {"preferences": [wish]}}
        chosen = await session.execute(GraphQLRequest(PREFER, variable_values=variables))
    assert read["markNotificationsRead"]["viewer"]["unreadNotifications"] == 0
    assert wish in chosen["setNotificationPreferences"]["viewer"]["notificationPreferences"]


async def test_a_calendar_reads_deadlines_at_the_address_that_was_made_for_it(client: Client, site: Site) -> None:
    async with client as session:
        made = (await session.execute(gql("mutation { createCalendarFeed { url } }")))["createCalendarFeed"]
    path = made["url"].partition("/calendar/")[2]
    async with httpx.AsyncClient() as calendar:
        events = Calendar.from_ical((await calendar.get(f"{site.address}/calendar/{path}")).content).events
    assert {str(event["SUMMARY"]) for event in events} >= {"Spring sale (CAT1) upphör"}


async def test_gql_asks_over_a_socket(site: Site) -> None:
    transport = WebsocketsTransport(
        url=site.graphql.replace("http", "ws", 1), init_payload={"authorization": f"Bearer {site.token}"}
    )
    async with Client(transport=transport, fetch_schema_from_transport=True) as session:
        assert await session.execute(gql("{ viewer { name } }")) == {"viewer": {"name": "Ingrid Nordmark"}}


@pytest.fixture
def ariadne(project: Callable[[str], Path], old_python: Path) -> Callable[[str], Path]:
    """`ariadne(source)` is a folder with the client that ariadne-codegen makes from a source of the schema."""
    def generate(source: str) -> Path:
        folder = project("ariadne")
        settings = folder / "pyproject.toml"
        settings.write_text(re.sub(r"^schema_path.*", source, settings.read_text(), flags=re.MULTILINE))
        run(old_python / "ariadne-codegen", folder=folder)
        return folder

    return generate


LIVE = 'remote_schema_url = "{graphql}"\nremote_schema_headers = {{ Authorization = "Bearer {token}" }}'


@pytest.mark.parametrize("source", ['schema_path = "schema.graphql"', LIVE], ids=["file", "server"])
def test_ariadne_codegen_makes_a_client(
    site: Site, ariadne: Callable[[str], Path], old_python: Path, source: str
) -> None:
    folder = ariadne(source.format(graphql=site.graphql, token=site.token))
    pages, problems, name, error = json.loads(
        run(old_python / "python", "app.py", site.graphql, site.token, folder=folder)
    )
    assert pages == [40, 73]
    assert problems == ["NOT_FOUND template"]
    assert name == "windows.txt"
    assert error == [{"code": "BAD_USER_INPUT"}, ["node"], {"node": None, "viewer": {"name": "Ingrid Nordmark"}}]


def test_what_ariadne_codegen_makes_is_typed(ariadne: Callable[[str], Path], old_python: Path) -> None:
    folder = ariadne('schema_path = "schema.graphql"')
    told = run(sys.executable, "-m", "mypy", "--python-executable", old_python / "python", "app.py", folder=folder)
    assert told.startswith("Success")


def test_graphql_core_3_2_reads_the_schema_as_it_is_printed(site: Site, old_python: Path) -> None:
    told = run(old_python / "python", "-c", INTROSPECT, site.graphql, site.token, folder=SCHEMA.parent)
    assert told.strip() == SCHEMA.read_text().strip()
