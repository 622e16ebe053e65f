"""What the tests of reading share."""

import pytest

from server.database import Database
from server.plugins import CampaignTypes
from server.settings import Settings
from tests.graphql.asking import Asker


@pytest.fixture
def ask(database: Database, types: CampaignTypes, settings: Settings) -> Asker:
    """`await ask(operator, query, **variables)` gives the data of a query."""
    return Asker(database, types, settings)
