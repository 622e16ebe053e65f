"""A small network of the benchmark's own kind."""

import pytest

from benchmarks.dataset import Size, fill
from server.database import Database

SMALL = Size(packages=6, orders=1_100, entities=200, lists=2, contacts=120)
_PAGE = 7 + 60 * 3 + 2 * 2  # packages; orders with entity and approval; the orders with target lists
OBJECTS = {"catalogue": _PAGE, "local": _PAGE, "order": 4, "flat": 1_000, "inbox": 50 * 4, "targets": 1 + 100}
"""How many things with an id each read of it gives."""


@pytest.fixture
async def filled(database: Database) -> Database:
    await fill(database, SMALL)
    return database
