"""The inbox reads what it shows and no more, however many notifications there are: its plans go by indexes."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from server.database import Database
from server.domain.base import new_id
from server.domain.network import Operator
from server.domain.notification import Notification
from server.domain.record import Event, EventKind
from server.graphql.context import Context
from server.plugins import CampaignTypes
from server.settings import Settings
from tests.benchmarks.test_plans import Followed, nodes_of
from tests.builders import NOW, an_operator, caller_of, given
from tests.graphql.asking import DOCUMENTS, FAST

EACH, UNREAD = 2_000, 5
PAGE = "notifications(first: 20{}) {{ nodes {{ kind subject at readAt }} pageInfo {{ hasNextPage endCursor }} }}"


@pytest.fixture
async def anna(database: Database) -> Operator:
    """Has read nearly all of two thousand notifications, as nine others have."""
    people = [an_operator() for _ in range(10)]
    events = [{"id": new_id(), "kind": EventKind.ORDER_SUBMITTED, "at": NOW, "payload": {}} for _ in range(EACH)]
    await given(database, people)
    async with database.transaction() as session:
        await session.execute(insert(Event), events)
        for person in people:
            await session.execute(insert(Notification), [
                {"id": new_id(), "event_id": event["id"], "operator_id": person.id, "kind": event["kind"],
                 "subject": f"[Order] {n}", "at": NOW + timedelta(minutes=n), "read_at": NOW if n >= UNREAD else None}
                for n, event in enumerate(events)
            ])
        await session.execute(text("ANALYZE"))
    return people[0]


@pytest.mark.parametrize(("query", "index", "most"), [
    (PAGE.format(""), "ix_notification_operator_id", 21),
    (PAGE.format(", filter: {read: false}"), "ix_notification_unread", UNREAD),
    ("viewer { unreadNotifications }", "ix_notification_unread", UNREAD),
], ids=["a page", "what is unread", "how many are unread"])
async def test_the_inbox_goes_by_its_indexes(
    database: Database, types: CampaignTypes, settings: Settings, anna: Operator, query: str, index: str, most: int
) -> None:
    direct = database.direct
    database.direct = followed = Followed(database)  # type: ignore[assignment]  # it does all that reads ask for
    context = Context(database, types, settings, None, None, NOW, caller_of(anna))  # type: ignore[arg-type]  # for queries
    asked = DOCUMENTS.of(f"{{ {query} }}")
    assert await FAST.answer(asked, asked.operation(None).node, {}, context) is not None
    database.direct = direct
    [(statement, values)] = followed.statements
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN (ANALYZE, FORMAT JSON) "

    def explained() -> Any:
        return (yield explain + statement, values)

    rows = await direct.run(explained, single=True)
    if database.is_sqlite:
        steps = [row[3] for row in rows]
        assert [step for step in steps if index in step], steps
        assert not [step for step in steps if "TEMP B-TREE" in step or step.startswith("SCAN notification")], steps
    else:
        found = nodes_of(json.loads(rows[0][0])[0]["Plan"])
        read = [node for node in found if node.get("Relation Name") == "notification"]
        assert [node["Index Name"] for node in read] == [index]
        assert sum(node["Actual Rows"] * node["Actual Loops"] for node in read) <= most
