"""The fast path and the ordinary executor answer any query alike; `ask` compares them, keys in the same order."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.database import Database
from server.domain.network import Operator, Right
from server.graphql.ids import encode
from server.graphql.relay import READABLE
from tests import builders
from tests.builders import an_operator
from tests.fuzzing import fuzzed
from tests.graphql.asking import SCHEMA, Asker
from tests.graphql.documents_of_the_schema import root_lists
from tests.graphql.queries_at_random import Query
from tests.graphql.world import World, grow

ROOTS = {listed: name for name, listed in root_lists()}


class Stage:
    """A world in the database, who looks at it, its ids and its cursors: made once for all examples."""

    viewers: list[Operator]
    ids: list[str]
    cursors: dict[tuple[str, str], list[str]]

    async def make(self, database: Database, ask: Asker) -> None:
        world, chance = World(), Random(7)
        local = [operator for _ in range(4) for operator in grow(world, chance)]
        central, admin = an_operator(login="c", name="c"), an_operator(Right.ADMIN, login="a", name="a")
        for operator in (central, admin):
            world.add("Operator", operator)
        await builders.given(database, world.taken())
        self.viewers = [*local[:4], central, admin]
        self.ids = [encode(kind, row.id) for kind, rows in world.rows.items() for row in rows[-8:]]
        self.cursors = {}
        for listed, name in ROOTS.items():
            for order in READABLE[listed].orderings:
                query = f"{{ {name}(first: 20, orderBy: {order}) {{ edges {{ cursor }} }} }}"
                edges = (await ask(central, query))[name]["edges"]
                self.cursors[listed, order] = [edge["cursor"] for edge in edges]


@pytest.fixture
async def stage(database: Database, ask: Asker) -> Stage:
    made = Stage()
    await made.make(database, ask)
    return made


@pytest.mark.fuzz
@fuzzed(250)
@given(st.randoms(use_true_random=False))
async def test_any_query_is_answered_alike_for_anybody_and_with_any_values(
    ask: Asker, stage: Stage, chance: Random
) -> None:
    query = Query(chance, SCHEMA._schema, stage.ids, stage.cursors)
    text = query.text()
    for variables in query.variables:  # the same programs, with other values and for other people
        for viewer in chance.sample(stage.viewers, 2):
            await ask.run(viewer, text, **json.loads(json.dumps(variables)))


@pytest.mark.parametrize("document", [
    "query ($id: ID!) { node(id: $id) { id ... on Order { code approvals(first: 2) { nodes { status } } } } }",
    "{ packages(first: 3) { totalCount edges { cursor node { code orders(last: 2) { nodes { code isLate } } } } } }",
    "{ approvals(first: 5) { nodes { viewerDecision subject { ... on Order { code } } } } viewer { login } }",
    "query ($s: [OrderStatus!]) { orders(first: 5, filter: {status: $s}) { pageInfo { endCursor } nodes { label } } }",
    "query ($t: String) { dataDistributions(first: 5, filter: {text: $t}) { totalCount nodes { code } } }",
    "query ($s: [PackageStatus!]) { viewer { name } server { name version } packages(first: 3) { nodes { code } } "
    "packageCounts(filter: {status: $s}) { status count } ...rest } fragment rest on Query { "
    "campaignType(name: \"simple\") { name label } forms: packages(first: 2) { nodes { orderForm { version } } } "
    "notifications(first: 2) { nodes { subject text } } campaignTypes { name } orders(first: 2) { nodes { code } } }",
], ids=["an object", "lists in a list", "the inbox", "a filter", "a list that is nobody's", "all at once"])
async def test_what_an_app_asks_is_answered_by_the_fast_path(ask: Asker, stage: Stage, document: str) -> None:
    status = "PUBLISHED" if "PackageStatus" in document else "ORDERED"
    variables: dict[str, Any] = {"id": stage.ids[-1], "s": [status], "t": "a"}
    used = {name: value for name, value in variables.items() if f"${name}" in document}
    for viewer in (stage.viewers[0], stage.viewers[-1]):
        await ask(viewer, document, **used)
        assert await ask.fast(viewer, document, used) is not None


@pytest.mark.parametrize(("document", "refused"), [
    ("{ viewer { login } jobs { id } packages(first: 2) { nodes { code } } }", ("NOT_ALLOWED", ["jobs"])),
    ("{ all: packages(first: 100) { nodes { orders(first: 100) { nodes { approvals(first: 3) { nodes { id } } } } } } "
     "forms: packages(first: 100) { nodes { orderForm { version } orders(first: 100) { nodes { id } } } } }",
     ("BAD_USER_INPUT", ["forms"])),
], ids=["what a field says", "what all ask for together"])
async def test_an_error_in_what_has_no_program_is_told_as_ever(
    ask: Asker, stage: Stage, document: str, refused: tuple[str, list[str]]
) -> None:
    assert await ask.fast(stage.viewers[0], document, {}) is None
    assert refused in await ask.refused(stage.viewers[0], document)
