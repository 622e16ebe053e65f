"""SQL does not grow with rows, sessions are never shared, and too much is refused before anything is read."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from server.database import Database
from server.plugins import CampaignTypes
from server.settings import Settings
from tests.builders import (
    a_campaign,
    a_document,
    a_package,
    an_approval,
    an_entity,
    an_operator,
    an_order,
    given,
    linked,
    offered,
    reviewers,
)
from tests.graphql.asking import Asker

THREE_LEVELS = """{ packages(first: 50) { totalCount pageInfo { hasNextPage } nodes {
  code owner { name } campaign { code form { version } } orderCounts { status count } viewerCanOrder viewerCanApprove
  orderForm { version } reviewers { operator { name } }
  audience(first: 5) { totalCount nodes { label } }
  orders(first: 50) { totalCount edges { cursor node {
    code entity { label parent { label } } viewerCanEdit isLate orderForm { fields { name } }
    documents(last: 3) { nodes { name uploadedBy { name } } }
    approvals(first: 3) { nodes {
      status viewerDecision subject { ... on Order { code } ... on Package { code } } reviewers { operator { login } }
    } }
  } } }
} } }"""


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """Every statement that runs inside."""
    statements: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            statements.append(statement)

    engine = database._reader.sync_engine if database.is_sqlite else database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", count)
    yield statements
    event.remove(engine, "before_cursor_execute", count)


async def network(database: Database, packages: int, orders: int, number: int) -> Any:
    """A local operator whose entities see this many packages with this many orders each."""
    region = an_entity(f"Region {number}")
    stores = [an_entity(f"Store {number}.{n}", parent=region) for n in range(orders)]
    owner, local = an_operator(), an_operator("LOCAL")
    campaign = a_campaign()
    catalogue = [a_package(campaign, owner) for _ in range(packages)]
    ordered = [an_order(package, store) for package in catalogue for store in stores]
    asked = [an_approval(order) for order in ordered]
    await given(
        database, region, stores, owner, local, linked(local, region), campaign, catalogue, ordered, asked,
        [offered(package, *stores) for package in catalogue], [a_document(order) for order in ordered],
        [reviewers(approval, local) for approval in asked], [reviewers(package, owner) for package in catalogue],
    )
    return local


async def test_statements_do_not_grow_with_rows(database: Database, ask: Asker) -> None:
    few, many = await network(database, 2, 2, 1), await network(database, 12, 9, 2)
    texts, sizes = [], []
    for viewer in (few, many):
        with counted(database) as statements:
            data = await ask(viewer, THREE_LEVELS)
        texts.append(statements)
        sizes.append(sum(len(package["orders"]["edges"]) for package in data["packages"]["nodes"]))
    assert sizes == [4, 108]
    assert texts[0] == texts[1]
    assert len(texts[0]) == 19  # one per level, one per total, one for each form and count


async def test_counts_are_made_only_when_asked_for(database: Database, ask: Asker) -> None:
    viewer = await network(database, 1, 1, 1)
    with counted(database) as without:
        await ask(viewer, "{ orders(first: 1) { nodes { code } } }")
    with counted(database) as alone:
        await ask(viewer, "{ orders(first: 1) { totalCount } }")
    assert len(without) == len(alone) == 1
    assert "count" not in without[0].lower() and "count" in alone[0].lower()


async def test_only_selected_columns_are_read(database: Database, ask: Asker) -> None:
    viewer = await network(database, 1, 1, 1)
    with counted(database) as statements:
        await ask(viewer, "{ orders(first: 1) { nodes { code } } }")
    assert "parameters" not in statements[0] and "comment" not in statements[0]


async def test_root_fields_never_share_a_session(address: str, types: CampaignTypes, settings: Settings) -> None:
    """On a cold pool, many root fields at once, in several operations at once."""
    warm = Database(address)
    viewer = await network(warm, 2, 2, 1)
    await warm.dispose()
    cold = Database(address)
    ask = Asker(cold, types, settings)
    query = "{" + " ".join(
        f"a{n}: packages(first: 5) {{ nodes {{ code orders(first: 5) {{ nodes {{ code }} }} }} }}" for n in range(15)
    ) + "}"
    try:
        answers = await asyncio.gather(*(ask(viewer, query) for _ in range(3)))
    finally:
        await cold.dispose()
    assert all(page == answers[0]["a0"] for answer in answers for page in answer.values())


TOO_MUCH = "packages(first: 100) { nodes { orders(first: 100) { nodes { approvals(first: 100) { nodes { id } } } } } }"
HALF = "orders(first: 100) { nodes { approvals(first: 100) { nodes { history(first: 3) { nodes { id } } } } } }"


@pytest.mark.parametrize("query", [f"{{ {TOO_MUCH} }}", f"{{ a: {HALF} b: {HALF} c: {HALF} }}"])
async def test_an_operation_that_multiplies_into_too_many_rows_is_refused(ask: Asker, query: str) -> None:
    refused = await ask.refused(an_operator(), query)
    assert [code for code, _path in refused] == ["BAD_USER_INPUT"] * len(refused) and refused
