"""What is out of scope does not exist for the viewer: lists, counts, links, cursors, ids, filters [2.3]."""

import json
import re
from collections.abc import Iterator
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.database import Database
from server.domain.base import new_id
from server.domain.network import Right
from server.graphql.ids import decode, encode
from tests import builders
from tests.builders import an_operator
from tests.graphql.asking import Asker
from tests.graphql.documents_of_the_schema import CORE, everything, root_lists
from tests.graphql.world import World, grow

SECRET = re.compile(r"secret\d{6}\.")
PLAIN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
quick = settings(
    max_examples=3, derandomize=True, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
KINDS = dict(root_lists())
DOCUMENTS = {name: everything(name, kind) for name, kind in KINDS.items()}
LINKS = {
    "parent": {"entities": "Entity", "campaigns": "Campaign"}, "entity": "Entity", "owner": "Operator",
    "assignee": "Operator", "actor": "Operator", "campaign": "Campaign", "package": "Package", "subject": "Order",
}
"""What the ids of a filter field are of, where a filter takes ids."""


CHANCES = st.integers(0, 2**32).map(Random)
"""One number is all that hypothesis draws: what is chosen depends on what has grown before."""


@pytest.fixture
def world() -> World:
    """Grows from example to example: strangers of earlier networks are out of scope too."""
    return World()


@quick
@given(CHANCES)
async def test_a_local_operator_learns_nothing_out_of_scope(
    database: Database, ask: Asker, world: World, chance: Random
) -> None:
    viewer = chance.choice(grow(world, chance))
    await builders.given(database, world.taken())
    visible, secrets = world.visible(viewer), secrets_of(world, viewer)
    hidden = {str(row.id) for kind, rows in world.rows.items() for row in rows if row.id not in visible[kind]}
    for name, document in DOCUMENTS.items():
        data = await ask(viewer, document)
        text = json.dumps(data)
        assert not set(SECRET.findall(text)) & secrets, (name, set(SECRET.findall(text)) & secrets)
        assert not set(PLAIN_ID.findall(text)) & hidden, name
        for type_name, id in ids_in(data):
            assert id in visible[type_name], (name, type_name)
        for page in pages_in(data):
            assert page["totalCount"] == len(page["nodes"]) == len(page["edges"]), name
        reviewers = [each for each in objects_in(data, "Reviewer") if "operator" in each]  # deeper ones end before
        assert all(each["operator"] or each["group"] for each in reviewers), name
        assert {id for _, id in (decode("", node["id"]) for node in data[name]["nodes"])} == visible[KINDS[name]], name


@quick
@given(CHANCES)
async def test_nodes_and_filters_tell_nothing_of_what_is_out_of_scope(
    database: Database, ask: Asker, world: World, chance: Random
) -> None:
    viewer = chance.choice(grow(world, chance))
    await builders.given(database, world.taken())
    visible = world.visible(viewer)
    hidden = {kind: [row.id for row in rows if row.id not in visible[kind]] for kind, rows in world.rows.items()}
    for kind, rows in world.rows.items():
        ids = [encode(kind, row.id) for row in rows[-90:]]
        nodes = (await ask(viewer, "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids))["nodes"]
        assert nodes == [{"id": id} if decode("", id)[1] in visible[kind] else None for id in ids]
    for name, field, kind in link_filters():
        ids = [encode(kind, id) for id in [*hidden[kind][-90:], new_id()]]
        query = f"query ($ids: [ID!]) {{ {name}(first: 1, filter: {{{field}: $ids}}) {{ totalCount nodes {{ id }} }} }}"
        assert await ask(viewer, query, ids=ids) == {name: {"totalCount": 0, "nodes": []}}, (name, field)
    counts = (await ask(viewer, "{ packageCounts { count } }"))["packageCounts"]
    assert sum(each["count"] for each in counts) == len(visible["Package"])


async def test_central_and_administrators_see_everything(database: Database, ask: Asker, world: World) -> None:  # [2.2]
    grow(world, Random(1))
    central, admin = an_operator(login="c", name="c"), an_operator(Right.ADMIN, login="a", name="a")
    for operator in (central, admin):
        world.add("Operator", operator)
    await builders.given(database, world.taken())
    for viewer in (central, admin):
        for name, kind in KINDS.items():
            nodes = (await ask(viewer, everything(name, kind, depth=0)))[name]["nodes"]
            assert {decode("", node["id"])[1] for node in nodes} == world.visible(viewer)[kind], name


def link_filters() -> Iterator[tuple[str, str, str]]:
    """Every field of a root filter that takes ids, with the type of the ids."""
    for name in DOCUMENTS:
        for field, definition in CORE.query_type.fields[name].args["filter"].type.fields.items():
            if "ID" in str(definition.type):
                kind: Any = LINKS[field]
                yield name, field, kind if isinstance(kind, str) else kind[name]


def secrets_of(world: World, viewer: Any) -> set[str]:
    """The texts of all objects that the viewer may not see, apart from what they repeat of those that he sees."""
    visible = world.visible(viewer)
    owned = [(kind, row.id, row) for kind, rows in world.rows.items() for row in rows] + world.parts
    hidden, shown = (
        {text for kind, owner, row in owned if (owner in visible[kind]) is seen for text in texts(row)}
        for seen in (False, True)
    )
    return hidden - shown


def texts(row: Any) -> list[str]:
    return SECRET.findall(json.dumps({key: str(value) for key, value in vars(row).items()}))


def ids_in(data: Any) -> Iterator[tuple[str, UUID]]:
    """Every global id anywhere in an answer."""
    for key, value in items(data):
        if key.endswith("id") and isinstance(value, str):
            yield decode("", value)


def pages_in(data: Any) -> Iterator[Any]:
    if isinstance(data, dict) and "totalCount" in data:
        yield data
    for _, value in items(data, deep=False):
        yield from pages_in(value)


def objects_in(data: Any, type_name: str) -> Iterator[Any]:
    if isinstance(data, dict) and data.get("__typename") == type_name:
        yield data
    for _, value in items(data, deep=False):
        yield from objects_in(value, type_name)


def items(data: Any, *, deep: bool = True) -> Iterator[tuple[str, Any]]:
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else (("", each) for each in data):
            yield key, value
            if deep:
                yield from items(value)
