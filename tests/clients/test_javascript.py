"""Clients in JavaScript: what single-page apps are made with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.clients.conftest import SCHEMA, Site, run

Node = Callable[..., Any]
PARTLY = {"path": ["bad"], "code": "BAD_USER_INPUT", "bad": None, "viewer": "Ingrid Nordmark"}
"""An error at its field, with its code, and the rest of the answer."""


def test_apollo_client_queries_pages_changes_and_uploads(site: Site, node: Node) -> None:
    seen = node("apollo.mjs", site.graphql)
    assert seen["pages"] == {"first": 20, "both": 40, "hasNextPage": True}
    assert seen["cached"] == {"packages": 1, "label": "Spring sale", "description": ""}  # two queries, one object
    assert [problem["code"] for problem in seen["refused"]] == ["REQUIRED"] * 4
    assert seen["upload"] == {"name": "windows.txt", "contentType": "text/plain", "size": 20}
    assert seen["partly"] == PARTLY


def test_urql_queries_pages_changes_and_uploads(site: Site, node: Node) -> None:
    seen = node("urql.mjs", site.graphql, SCHEMA)
    assert seen["pages"] == {"first": 30, "both": 60}
    assert seen["created"] == {"label": "urql"}
    assert seen["refused"] == [{"code": "NOT_FOUND", "path": ["template"]}]
    assert seen["upload"] == {"name": "windows.txt", "contentType": "text/plain", "size": 20}
    assert seen["partly"] == PARTLY


def test_relay_compiles_and_its_runtime_loads_pages_by_node_and_by_query(
    site: Site, node: Node, project: Callable[[str], Path]
) -> None:
    folder = project("relay")
    run(folder / "node_modules" / ".bin" / "relay-compiler", folder=folder)
    run("node", "babel.cjs", folder=folder)
    seen = node("src/main.js", site.graphql, site.token, folder=folder)
    assert seen["orders"] == [10, 20] and seen["hasNextPage"] and seen["refetchedBy"] == ["node"]
    assert seen["entities"] == [10, 20]
    assert seen["refused"] == [{"code": "NOT_FOUND", "path": ["template"]}]
    assert seen["bad"]["node"] == {"ok": False, "errors": [{"extensions": {"code": "BAD_USER_INPUT"}}]}
    assert seen["unknown"]["node"] == {"ok": True, "value": None}
    assert seen["bad"]["viewer"] == seen["unknown"]["viewer"] == {"name": "Ingrid Nordmark"}
    followed = node("src/changes.js", site.graphql, site.token, folder=folder)
    assert followed == {"stored": "Renamed"}


def test_code_generator_types_documents_that_compile_strictly(
    site: Site, node: Node, project: Callable[[str], Path]
) -> None:
    folder = project("codegen")
    programs = folder / "node_modules" / ".bin"
    run(programs / "graphql-codegen", "--config", "codegen.json", folder=folder)
    run(programs / "tsc", folder=folder)
    seen = node("dist/app.js", site.graphql, site.token, folder=folder)
    assert seen["total"] == 73 and len(seen["rows"]) == 2
    assert seen["problems"] == ["ILLEGAL_TRANSITION"]


def test_old_and_new_introspection_tells_the_schema_as_it_is_printed(site: Site, node: Node) -> None:
    seen = node("introspection.mjs", site.graphql, site.token, SCHEMA)
    assert {version.split(".")[0]: same for version, same in seen.items()} == {
        "15": [True, True], "16": [True, True], "17": [True, True],
    }


def test_graphql_ws_asks_and_changes_over_one_socket(site: Site, node: Node) -> None:
    seen = node("websocket.mjs", site.graphql)
    assert seen["viewer"] == {"data": {"viewer": {"name": "Ingrid Nordmark"}}}
    assert seen["created"]["data"]["createCampaign"] == {"campaign": {"label": "graphql-ws"}, "problems": []}
    [error] = seen["partly"]["errors"]
    assert (error["path"], error["extensions"]) == (["bad"], {"code": "BAD_USER_INPUT"})
    assert seen["partly"]["data"] == {"bad": None, "viewer": {"name": "Ingrid Nordmark"}}
    assert [error["extensions"]["code"] for error in seen["invalid"]] == ["GRAPHQL_VALIDATION_FAILED"]


def test_apollo_client_keeps_its_cache_by_a_subscription(site: Site, node: Node) -> None:
    seen = node("apollo-subscriptions.mjs", site.graphql)
    assert seen == {"heard": [{"reload": True}, {"reload": False, "label": "Renamed"}], "cached": "Renamed"}


def test_urql_keeps_its_cache_by_a_subscription(site: Site, node: Node) -> None:
    assert node("urql-subscriptions.mjs", site.graphql, SCHEMA)["labels"][-1] == "Renamed"
