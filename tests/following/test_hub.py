"""From the database to those who follow: who is told what, and what happens when that cannot be known."""

import asyncio
import sqlite3
from contextlib import closing
from uuid import uuid4

import pytest
from sqlalchemy import text

from server import changes
from server.changes import MOST_IDS, Subject, changed
from server.database import Database
from server.domain.network import Right
from server.following import hub as module
from server.following.follower import Change, Wanted
from server.following.hub import Hub
from server.following.listening import _read_on, listening
from tests.builders import a_campaign, a_package, an_entity, an_operator, an_order, given, linked

CENTRAL, LUC = an_operator(), an_operator(Right.LOCAL)
PARIS, OSLO = an_entity("Paris"), an_entity("Oslo")
CAMPAIGN = a_campaign()
PACKAGE = a_package(CAMPAIGN, CENTRAL)
HERE, ELSEWHERE = an_order(PACKAGE, PARIS), an_order(PACKAGE, OSLO)
STAGE = (CENTRAL, LUC, PARIS, OSLO, linked(LUC, PARIS), CAMPAIGN, PACKAGE, HERE, ELSEWHERE)
RELOAD = Change(None, reload=True)
ORDERS = Wanted(Subject.ORDER, LUC.id)


async def tell(database: Database, *orders: object) -> None:
    async with database.transaction() as session:
        changed(session, Subject.ORDER, *(order.id for order in orders))  # type: ignore[attr-defined]


async def test_one_statement_finds_what_each_of_many_viewers_sees(database: Database) -> None:
    await given(database, STAGE)
    hub = Hub(database)
    with hub.follow(ORDERS) as luc, hub.follow(Wanted(Subject.ORDER, CENTRAL.id)) as central:
        async with listening(hub, database):
            assert [await luc.next(), await central.next()] == [RELOAD, RELOAD]
            await tell(database, ELSEWHERE, HERE)
            assert await luc.next() == Change(HERE.id)
            assert [await central.next(), await central.next()] == [Change(ELSEWHERE.id), Change(HERE.id)]


async def test_too_many_to_look_through_are_told_to_read_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_PAIRS", 1)
    await given(database, STAGE)
    hub = Hub(database)
    with hub.follow(ORDERS) as luc:
        async with listening(hub, database):
            assert await luc.next() == RELOAD
            await tell(database, ELSEWHERE, HERE)
            assert await luc.next() == RELOAD


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
async def test_all_of_a_subject_may_have_changed(database: Database) -> None:
    hub = Hub(database)
    with hub.follow(ORDERS) as all_, hub.follow(Wanted(Subject.ORDER, LUC.id, HERE.id)) as one:
        async with listening(hub, database):
            assert [await all_.next(), await one.next()] == [RELOAD, Change(HERE.id, reload=True)]
            async with database.transaction() as session:
                changed(session, Subject.ORDER, *(uuid4() for _ in range(MOST_IDS + 1)))
            assert [await all_.next(), await one.next()] == [RELOAD, Change(HERE.id, reload=True)]


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
async def test_when_it_cannot_be_known_who_sees_it_they_read_again(database: Database) -> None:
    hub = Hub(database)
    with hub.follow(ORDERS) as luc:
        async with listening(hub, database):
            assert await luc.next() == RELOAD
            async with database.transaction() as session:
                await session.execute(text("DROP TABLE operator_entity"))
            await tell(database, HERE)
            assert await luc.next() == RELOAD


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
async def test_who_comes_too_late_for_what_was_written_reads_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "KEPT", 5)
    monkeypatch.setattr(changes, "TIDIED", 10)
    hub = Hub(database)
    with hub.follow(ORDERS) as luc, closing(sqlite3.connect(database.url.database or "")) as connection:
        for _ in range(20):
            await tell(database, HERE)
        assert _read_on(hub, connection, 3) == 20
        assert await luc.next() == RELOAD


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
async def test_nothing_is_polled_when_nobody_follows(database: Database) -> None:
    hub = Hub(database)
    async with listening(hub, database):
        for _ in range(2):
            with hub.follow(ORDERS) as luc:
                assert await luc.next() == RELOAD
                assert hub.listens
            for _ in range(1000):
                if hub.listens:
                    await asyncio.sleep(0.01)
            assert not hub.listens
