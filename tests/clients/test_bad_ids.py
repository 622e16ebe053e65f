"""A bad id or a foreign cursor is a coded error at its field: the rest of the answer stands, nothing internal shows."""

import re
from typing import Any

import httpx
import pytest

from server.domain.base import new_id
from server.graphql.ids import encode
from tests.clients.conftest import Site

INTERNAL = re.compile(r"Traceback|SELECT|sqlalchemy|\.py|object at|Error\(|UUID|InvalidArg|\bNone\b", re.IGNORECASE)
PACKAGE = """{ packages(first: 1, filter: { status: [PUBLISHED] }) {
  nodes { id orders(first: 2) { nodes { id } pageInfo { endCursor } } }
} }"""


ID = new_id()
BAD_IDS = [
    "", "nonsense", "å", "T3JkZXI6MTI=", "' OR 1=1 --", "x" * 5000, encode("Cat", ID)[:-2], "\ud7ff", f"Order:{ID}",
    encode("Order", ID).upper(), f" {encode('Order', ID)}", "Order:", ":",
]
BAD_CURSORS = [
    "", "nonsense", "å", ",", "Order.CREATED_AT_DESC", "Order.CREATED_AT_DESC,x,y",
    f"Order.LABEL_ASC,11:Spring sale,{ID.hex}", "Package.CREATED_AT_DESC,2026-03-02,1", "' OR 1=1 --", "x" * 5000,
    f"Order.CREATED_AT_DESC,2026-03-02T09:00:00+01:00,{ID.hex}",
]


@pytest.fixture(scope="module")
def http(site: Site) -> Any:
    with httpx.Client(headers={"authorization": f"Bearer {site.token}"}, timeout=30) as client:
        yield client


class Asking:
    """Asks over HTTP; errors must be coded and show nothing of the inside."""

    def __init__(self, http: httpx.Client, url: str) -> None:
        self._http, self._url = http, url
        [self.package] = self.data(PACKAGE)["packages"]["nodes"]

    def answer(self, query: str, **variables: Any) -> tuple[Any, list[Any]]:
        """The data, and the paths of the errors."""
        answer = self._http.post(self._url, json={"query": query, "variables": variables}).json()
        for error in answer.get("errors", ()):
            assert error["extensions"] == {"code": "BAD_USER_INPUT"}
            assert not INTERNAL.search(error["message"]), error["message"]
            assert len(error["message"]) < 200 and error["locations"]
        return answer["data"], [error["path"] for error in answer.get("errors", ())]

    def data(self, query: str, **variables: Any) -> Any:
        data, errors = self.answer(query, **variables)
        assert not errors
        return data


@pytest.fixture(scope="module")
def ask(site: Site, http: httpx.Client) -> Asking:
    return Asking(http, site.graphql)


@pytest.mark.parametrize("bad", BAD_IDS, ids=lambda id: id[:12])
def test_a_bad_id_is_an_error_at_its_field(ask: Asking, bad: str) -> None:
    query = """query ($bad: ID!, $good: ID!) {
      server { name } bad: node(id: $bad) { id } good: node(id: $good) { id } nodes(ids: [$good, $bad]) { id }
      orders(first: 1, filter: { package: [$bad] }) { totalCount }
      inner: node(id: $good) { ... on Package { status orders(first: 1, filter: { entity: [$bad] }) { totalCount } } }
    }"""
    good = ask.package["id"]
    data, errors = ask.answer(query, bad=bad, good=good)
    assert data == {
        "server": {"name": "samverkan"}, "bad": None, "good": {"id": good}, "nodes": [{"id": good}, None],
        "orders": None, "inner": {"status": "PUBLISHED", "orders": None},
    }
    assert sorted(errors, key=str) == [["bad"], ["inner", "orders"], ["nodes", 1], ["orders"]]


def test_an_id_of_another_type_is_an_error_where_a_type_is_needed_and_nothing_where_none_is(ask: Asking) -> None:
    query = """query ($order: ID!) {
      server { name } orders(first: 1, filter: { package: [$order] }) { totalCount }
      node(id: $order) { __typename ... on Package { label } }
    }"""
    data, errors = ask.answer(query, order=ask.package["orders"]["nodes"][0]["id"])
    assert data == {"server": {"name": "samverkan"}, "orders": None, "node": {"__typename": "Order"}}
    assert errors == [["orders"]]


def test_an_id_of_nothing_is_null_without_an_error(ask: Asking) -> None:
    unknown = [encode("Order", new_id()), encode("Cat", new_id())]
    assert ask.data("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=unknown) == {"nodes": [None, None]}


@pytest.mark.parametrize("direction", ["first: 1, after", "last: 1, before"])
@pytest.mark.parametrize("bad", BAD_CURSORS, ids=lambda cursor: cursor[:12])
def test_a_bad_or_foreign_cursor_is_an_error_at_its_field_at_every_depth(ask: Asking, bad: str, direction: str) -> None:
    query = """query ($bad: String!, $id: ID!) {
      server { name } orders(PAGE: $bad) { totalCount }
      node(id: $id) { ... on Package { status orders(PAGE: $bad) { nodes { id } } } }
      entities(first: 2, filter: { kind: LOCAL }) { nodes { kind orders(PAGE: $bad) { edges { cursor } } } }
      packages(first: 1, filter: { status: [PUBLISHED] }) { edges { node { status
        orders(first: 1) { nodes { entity { kind orders(PAGE: $bad) { pageInfo { endCursor } } } } } } } }
    }""".replace("PAGE", direction)
    data, errors = ask.answer(query, bad=bad, id=ask.package["id"])
    store = {"kind": "LOCAL", "orders": None}
    assert data == {
        "server": {"name": "samverkan"}, "orders": None, "node": {"status": "PUBLISHED", "orders": None},
        "entities": {"nodes": [store, store]},
        "packages": {"edges": [{"node": {"status": "PUBLISHED", "orders": {"nodes": [{"entity": store}]}}}]},
    }
    deepest = ["packages", "edges", 0, "node", "orders", "nodes", 0, "entity", "orders"]
    stores = [["entities", "nodes", place, "orders"] for place in (0, 1)]
    assert sorted(errors, key=str) == sorted([["orders"], ["node", "orders"], *stores, deepest], key=str)


def test_a_cursor_of_another_order_is_an_error_and_of_the_same_list_is_not(ask: Asking) -> None:
    query = """query ($after: String!, $id: ID!) {
      other: orders(first: 1, orderBy: LABEL_ASC, after: $after) { totalCount }
      node(id: $id) { ... on Package { orders(first: 1, after: $after) { nodes { id } } } }
    }"""
    data, errors = ask.answer(query, after=ask.package["orders"]["pageInfo"]["endCursor"], id=ask.package["id"])
    assert data["other"] is None and len(data["node"]["orders"]["nodes"]) == 1
    assert errors == [["other"]]


def test_a_mutation_with_a_bad_id_does_not_hide_what_the_others_did(ask: Asking) -> None:
    query = """mutation ($campaign: CreateCampaignInput!, $id: ID!, $after: String!) {
      before: createCampaign(input: $campaign) { campaign { label } problems { code } }
      submitPackage(input: { id: $id, revision: 1 }) { package { id } }
      after: createCampaign(input: $campaign) { campaign { label packages(first: 1, after: $after) { totalCount } } }
    }"""
    campaign = {"template": "opCollaborativeSimple", "label": "Bad ids"}
    data, errors = ask.answer(query, campaign=campaign, id="nonsense", after="nonsense")
    assert data == {
        "before": {"campaign": {"label": "Bad ids"}, "problems": []}, "submitPackage": None,
        "after": {"campaign": {"label": "Bad ids", "packages": None}},
    }
    assert errors == [["submitPackage"], ["after", "campaign", "packages"]]
