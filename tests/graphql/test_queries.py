"""What queries answer to documents of every shape."""

from typing import Any

import pytest

from server.domain.base import new_id
from server.graphql.ids import encode
from tests.builders import a_package, an_order
from tests.graphql.asking import Asker
from tests.graphql.stage import CAMPAIGN, CENTRAL, LOCAL, LYON, PARIS


def id_of(kind: str, row: Any) -> str:
    return encode(kind, row.id)


async def test_the_viewer_is_whoever_is_logged_in(ask: Asker, given: Any) -> None:
    await given()
    query = "{ viewer { name right entities(first: 5) { nodes { label parent { label } } } } }"
    assert await ask(LOCAL, query) == {"viewer": {
        "name": "Luc", "right": "LOCAL", "entities": {"nodes": [{"label": "Paris", "parent": None}]},
    }}


async def test_fragments_aliases_variables_and_directives(ask: Asker, given: Any) -> None:
    package = a_package(CAMPAIGN, CENTRAL, label="Easter")
    await given(package, [an_order(package, entity, label=entity.label) for entity in (PARIS, LYON)])
    data = await ask(CENTRAL, """
      query ($no: Boolean!, $yes: Boolean!, $n: Int = 1) {
        packages(first: 1) { ...page nodes { label @skip(if: $no) } }
      }
      fragment page on PackageConnection { list: nodes { ...on Package { title: label code @skip(if: $yes) } ...more } }
      fragment more on Node {
        __typename id @include(if: $no)
        ... on Package {
          up: orders(first: $n, orderBy: LABEL_ASC) { nodes { label } }
          down: orders(first: 1, orderBy: LABEL_DESC) { edges { the: node { name: label ...it } } }
        }
      }
      fragment it on Order { name: label entity { label } entity { code @include(if: $no) } }
    """, no=False, yes=True)
    assert data["packages"] == {
        "list": [{
            "title": "Easter", "__typename": "Package", "up": {"nodes": [{"label": "Lyon"}]},
            "down": {"edges": [{"the": {"name": "Paris", "entity": {"label": "Paris"}}}]},
        }],
        "nodes": [{"label": "Easter"}],
    }


async def test_an_alias_may_have_the_name_of_another_field(ask: Asker, given: Any) -> None:
    await given(a_package(CAMPAIGN, CENTRAL, code="CAT1", label="Easter"))
    query = "{ packages(first: 1) { nodes { id: code code: id label: campaign { label } campaign: label } } }"
    [node] = (await ask(CENTRAL, query))["packages"]["nodes"]
    assert (node["id"], node["label"], node["campaign"]) == ("CAT1", {"label": "Spring"}, "Easter")


async def test_two_aliases_of_a_link_read_their_own_fields(ask: Asker, given: Any) -> None:
    package = a_package(CAMPAIGN, CENTRAL, label="Easter")
    await given(package, an_order(package, PARIS))
    query = "{ orders(first: 1) { nodes { a: package { x: label } b: package { x: cycle } } } }"
    assert (await ask(CENTRAL, query))["orders"]["nodes"] == [{"a": {"x": "Easter"}, "b": {"x": 1}}]


async def test_node_and_nodes_give_null_for_what_is_hidden_and_what_never_was(ask: Asker, given: Any) -> None:  # [2.3]
    package = a_package(CAMPAIGN, CENTRAL)
    mine, other = an_order(package, PARIS, label="Mine"), an_order(package, LYON)
    await given(package, mine, other)
    ids = [id_of("Order", other), id_of("Order", mine), encode("Order", new_id()), encode("Cat", mine.id)]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on Order { label } } }"
    assert (await ask(LOCAL, query, ids=ids))["nodes"] == [None, {"__typename": "Order", "label": "Mine"}, None, None]
    assert await ask(LOCAL, "query ($id: ID!) { node(id: $id) { id } }", id=ids[0]) == {"node": None}


@pytest.mark.parametrize("id", ["", "nonsense", "T3JkZXI6MTI=", "T3JkZXI6MTI", "å", "\ud800"])
async def test_a_malformed_id_is_refused_at_its_field(ask: Asker, id: str) -> None:
    assert await ask.refused(CENTRAL, "query ($id: ID!) { node(id: $id) { id } }", id=id) == [
        ("BAD_USER_INPUT", ["node"])
    ]
    inbox = "query ($id: [ID!]) { orders(first: 1, filter: {package: $id}) { totalCount } server { name } }"
    assert await ask.refused(CENTRAL, inbox, id=[id]) == [("BAD_USER_INPUT", ["orders"])]


async def test_an_id_of_another_type_is_refused_and_the_other_fields_stand(ask: Asker, given: Any) -> None:
    await given()
    query = "query ($id: [ID!]) { orders(first: 1, filter: {package: $id}) { totalCount } server { name } }"
    result = await ask.run(CENTRAL, query, id=[id_of("Entity", PARIS)])
    assert result.data == {"orders": None, "server": {"name": "samverkan"}}
    [error] = result.errors
    assert error.message == "filter.package: this is the id of a Entity; the id of a Package is needed here."


async def test_at_most_a_hundred_nodes_at_once(ask: Asker) -> None:
    ids = [encode("Order", new_id())] * 101
    assert await ask.refused(CENTRAL, "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids) == [
        ("BAD_USER_INPUT", ["nodes"])
    ]


@pytest.mark.parametrize(("text", "found"), [("50%", ["50% off"]), ("_", ["a_b"]), ("EASTER", ["Easter"]), ("zzz", [])])
async def test_text_is_searched_as_it_is_written(ask: Asker, given: Any, text: str, found: list[str]) -> None:
    await given([a_package(CAMPAIGN, CENTRAL, label=label) for label in ("50% off", "a_b", "Easter", "500")])
    query = "query ($text: String) { packages(first: 9, filter: {text: $text}) { nodes { label } } }"
    assert [node["label"] for node in (await ask(CENTRAL, query, text=text))["packages"]["nodes"]] == found


@pytest.mark.parametrize("value", ["a\0b", "a\ud800", ["x"] * 101])
async def test_a_value_that_no_column_can_hold_is_refused(ask: Asker, value: Any) -> None:
    query = "query ($folder: [String!]) { packages(first: 9, filter: {folder: $folder}) { totalCount } }"
    assert await ask.refused(CENTRAL, query, folder=value) == [("BAD_USER_INPUT", ["packages"])]


@pytest.mark.parametrize("text", ["a\0b", "x" * 201, "a\ud800"])
async def test_text_that_cannot_be_searched_is_refused(ask: Asker, text: str) -> None:
    query = "query ($text: String) { packages(first: 9, filter: {text: $text}) { totalCount } }"
    assert await ask.refused(CENTRAL, query, text=text) == [("BAD_USER_INPUT", ["packages"])]
