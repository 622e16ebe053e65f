"""The benchmark suite measures what it says: the data is right, every document of it is answered, failures count."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.batches import count_submitted, prepare
from benchmarks.cases import READS, writes
from benchmarks.contenders import Contender, contenders
from benchmarks.explain import Statement, executed, scans
from benchmarks.load import Expected, Outcome, Plan, run
from benchmarks.suite import WRITTEN
from server.database import Database
from tests.benchmarks.conftest import OBJECTS, SMALL

LOG = """\
2026-11-23 18:04:31.438 UTC [7] LOG:  duration: 0.031 ms  bind __asyncpg_stmt_1__: SELECT label
2026-11-23 18:04:31.439 UTC [7] LOG:  duration: 0.012 ms  execute __asyncpg_stmt_1__: SELECT label
\tFROM package WHERE code = $1 AND folder = $2 AND nature = $3
2026-11-23 18:04:31.439 UTC [7] DETAIL:  Parameters: $1 = 'CAT1', $2 = 'Lule''å, $2', $3 = NULL
2026-11-23 18:04:31.440 UTC [7] LOG:  duration: 0.012 ms  execute <unnamed>: SELECT 1
"""


@pytest.fixture
def server(filled: Database, address: str, tmp_path: Path) -> Iterator[Contender]:
    """This server, as the suite starts it."""
    one = next(contenders())
    try:
        one.start({one.database: address}, tmp_path)
        yield one
    finally:
        one.end()


async def load(server: Contender, requests: list[bytes], expected: Expected) -> Outcome:
    plan = Plan(server.ports, requests, expected, connections=2, seconds=30, once=True)
    return await asyncio.to_thread(run, plan)


async def test_every_read_holds_what_its_title_says_and_another_length_is_an_error(server: Contender) -> None:
    prepared = {read.name: server.prepare(read, SMALL) for read in READS}
    assert {name: objects for name, (_, _, objects) in prepared.items()} == OBJECTS
    wire, expected, _ = prepared["order"]
    assert (await load(server, [wire] * 5, expected)).errors == 0
    assert (await load(server, [wire] * 5, Expected(1))).errors == 5


async def test_orders_made_for_the_writes_are_submitted_and_decided_once(filled: Database, server: Contender) -> None:
    drafts = await prepare(filled, SMALL, 7, submitted=False)
    submitted = await load(server, writes("submit", drafts), WRITTEN)
    assert (submitted.answered, submitted.errors, submitted.first_error) == (7, 0, "")
    found = await count_submitted(filled, drafts)
    assert len(found) == 5 and set(found.values()) == {(7, 7)}
    decisions = writes("decide", await prepare(filled, SMALL, 3, submitted=True))
    assert (await load(server, decisions, WRITTEN)).errors == 0
    assert (await load(server, decisions, WRITTEN)).errors == 3


def test_statements_are_read_from_the_log_with_their_parameters() -> None:
    text = "SELECT label\nFROM package WHERE code = $1 AND folder = $2 AND nature = $3"
    found = list(executed(LOG))
    assert found == [Statement(text, ("'CAT1'", "'Lule''å, $2'", "NULL")), Statement("SELECT 1", ())]


def test_the_scans_of_a_plan_are_told_with_their_index() -> None:
    inner = {"Node Type": "Index Scan", "Relation Name": "order", "Index Name": "ix_order_status"}
    plan = [{"Plan": {"Node Type": "Seq Scan", "Relation Name": "package", "Plans": [{"Node Type": "Limit",
                                                                                       "Plans": [inner]}]}}]
    assert list(scans(plan)) == [("Seq Scan", "package", ""), ("Index Scan", "order", "ix_order_status")]
