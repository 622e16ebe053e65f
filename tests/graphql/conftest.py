"""What the tests of the schema share."""

from typing import Any

import pytest

from server.database import Database
from server.plugins import CampaignTypes
from server.settings import Settings
from tests import builders
from tests.graphql.asking import Asker
from tests.graphql.stage import STAGE


@pytest.fixture
def ask(database: Database, types: CampaignTypes, settings: Settings) -> Asker:
    """`await ask(operator, query, **variables)` gives the data of a query."""
    return Asker(database, types, settings)


@pytest.fixture
def given(database: Database) -> Any:
    """`await given(rows...)` inserts the stage and these rows."""
    async def insert(*rows: Any) -> None:
        await builders.given(database, STAGE, *rows)

    return insert
