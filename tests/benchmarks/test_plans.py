"""The catalogue page reads what it shows and no more, however many orders there are: its plans go by indexes."""

import json
import os
from typing import Any

import pytest

from benchmarks.cases import document
from benchmarks.dataset import Size, fill
from benchmarks.numbered import Kind, key
from server.database import Database
from server.domain.network import Right
from server.graphql.context import Context
from server.plugins import CampaignTypes
from server.reads.visibility import Caller
from server.settings import Settings
from tests.builders import NOW
from tests.graphql.asking import DOCUMENTS, FAST

ORDERS = 1_000_000 if os.environ.get("SAMVERKAN_FUZZ") else 20_000
SIZE = Size(packages=ORDERS // 500, orders=ORDERS, entities=1_000, lists=1, contacts=10)
BIG = ("order", "approval")
SHOWN = 50 * 11 + 1
"""Orders on the page, and one more of each list."""


class Followed:
    """The statements that run directly on the driver, with their values."""

    def __init__(self, database: Database) -> None:
        self.statements: list[tuple[str, Any]] = []
        self._direct = database.direct

    async def run(self, read: Any, *, single: bool) -> Any:
        def followed() -> Any:
            steps = read()
            statement = next(steps)
            try:
                while True:
                    self.statements.append(statement)
                    statement = steps.send((yield statement))
            except StopIteration as finished:
                return finished.value

        return await self._direct.run(followed, single=single)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._direct, name)


def nodes_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(inner for below in plan.get("Plans", ()) for inner in nodes_of(below))]


@pytest.mark.fuzz
@pytest.mark.parametrize("name", ["catalogue", "flat"])
async def test_a_page_goes_by_indexes(
    database: Database, types: CampaignTypes, settings: Settings, name: str
) -> None:
    await fill(database, SIZE)
    direct = database.direct
    database.direct = followed = Followed(database)  # type: ignore[assignment]  # it does all that reads ask for
    central = Caller(key(Kind.CENTRAL, 0), Right.CENTRAL)
    context = Context(database, types, settings, None, None, NOW, central)  # type: ignore[arg-type]  # for queries
    query = DOCUMENTS.of(document("samverkan", name))
    assert await FAST.answer(query, query.operation(None).node, {}, context) is not None
    database.direct = direct
    for text, values in followed.statements:
        explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN (ANALYZE, FORMAT JSON) "

        def explained(statement: tuple[str, Any] = (explain + text, values)) -> Any:
            return (yield statement)

        rows = await direct.run(explained, single=True)
        if database.is_sqlite:
            steps = [row[3] for row in rows]
            scans = [step for step in steps for table in BIG if step.split()[:2] == ["SCAN", table]]
            assert all("USING INDEX" in step for step in scans), steps  # in its order, up to the limit
            assert not [step for step in steps if step == "USE TEMP B-TREE FOR ORDER BY" and scans], steps
        else:
            found = nodes_of(json.loads(rows[0][0])[0]["Plan"])
            assert not [node for node in found if node["Node Type"] == "Seq Scan" and node["Relation Name"] in BIG]
            read = sum(node["Actual Rows"] * node["Actual Loops"] for node in found
                       if node.get("Relation Name") == "order")
            assert read <= (SHOWN if name == "catalogue" else 1_010)
