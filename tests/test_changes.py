"""What is written for those who follow changes: ids, once per transaction, only if it commits."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import func, select

from server import changes
from server.changes import CHANNEL, MOST_IDS, Subject, Told, changed, messages_of, told_by
from server.database import Database
from server.domain.later import Change

A, B = uuid4(), uuid4()


@pytest.fixture
async def log(database: Database) -> AsyncIterator["Log"]:
    log = Log(database)
    if not database.is_sqlite:
        url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        log.connection = await asyncpg.connect(url)
        await log.connection.add_listener(CHANNEL, lambda *told: log.heard.append(told[-1]))
    yield log
    if log.connection:
        await log.connection.close()


class Log:
    """What other processes can hear of a database's changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.connection: asyncpg.Connection | None = None
        self.heard: list[str] = []

    async def told(self) -> list[Told]:
        """All that was told so far."""
        if self.connection:
            await self.connection.execute("SELECT 1")  # notifications that were sent come before the answer
            return self._decoded(self.heard)
        async with self._database.reading() as session:
            return self._decoded(await session.scalars(select(Change.message).order_by(Change.id)))

    @staticmethod
    def _decoded(messages: Iterable[str]) -> list[Told]:
        return [told for message in messages for told in told_by(message)]


async def test_what_a_transaction_changed_is_told_once(database: Database, log: Log) -> None:
    async with database.transaction() as session:
        changed(session, Subject.ORDER, A)
        changed(session, Subject.PACKAGE, B)
        changed(session, Subject.ORDER, B, A)
    assert await log.told() == [("ORDER", [A, B]), ("PACKAGE", [B])]


async def test_what_was_taken_back_is_not_told(database: Database, log: Log) -> None:
    async def fails() -> None:
        async with database.transaction() as session:
            changed(session, Subject.ORDER, A)
            raise ZeroDivisionError

    async def works() -> None:
        async with database.transaction() as session:
            changed(session, Subject.ORDER, B)

    await asyncio.gather(fails(), works(), return_exceptions=True)  # on SQLite members of one commit
    assert await log.told() == [("ORDER", [B])]


async def test_savepoints_tell_nothing_by_themselves(database: Database, log: Log) -> None:
    async with database.transaction() as session:
        async with session.begin_nested():
            changed(session, Subject.ORDER, A)
        changed(session, Subject.ORDER, B)
    assert await log.told() == [("ORDER", [A, B])]


async def test_subjects_that_nobody_follows_are_left_out(database: Database, log: Log) -> None:
    async with database.transaction() as session:
        changed(session, "CAMPAIGN", A)
    assert await log.told() == []


async def test_many_ids_take_several_messages(database: Database, log: Log) -> None:
    ids = [uuid4() for _ in range(MOST_IDS)]
    async with database.transaction() as session:
        changed(session, Subject.NOTIFICATION, *ids)
    told = await log.told()
    assert [id for _, part in told for id in part or ()] == ids
    assert all(len(message.encode()) < 8_000 for message in messages_of({"NOTIFICATION": dict.fromkeys(ids)}))


async def test_too_many_ids_are_told_as_all(database: Database, log: Log) -> None:
    async with database.transaction() as session:
        changed(session, Subject.ORDER, *(uuid4() for _ in range(MOST_IDS + 1)))
    assert await log.told() == [("ORDER", None)]


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
async def test_old_messages_go(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "KEPT", 20)
    monkeypatch.setattr(changes, "TIDIED", 10)
    for number in range(50):
        async with database.transaction() as session:
            changed(session, Subject.ORDER, UUID(int=number))
    async with database.reading() as session:
        kept = await session.scalar(select(func.count()).select_from(Change))
    assert kept == 20
