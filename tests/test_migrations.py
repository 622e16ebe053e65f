"""The schema's history leads to the model on both databases, and the history table cannot be changed [12.1]."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, inspect, select, text, update
from sqlalchemy.exc import DBAPIError

from server import migrations
from server.database import Database
from server.domain.base import new_id
from server.domain.record import History, SubjectKind
from tests.databases import NUMBERS, postgres_address


@pytest.fixture(params=["sqlite", "postgresql"])
def blank(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'made on the way' / '100%' / 'blank.db'}"
        return
    server, name = request.getfixturevalue("postgres"), f"blank_{next(NUMBERS)}"
    server.psql(f"CREATE DATABASE {name};")
    yield postgres_address(server, name)
    server.psql(f"DROP DATABASE {name} WITH (FORCE);")


@pytest.fixture
async def migrated(blank: str) -> Database:
    migrations.upgrade(blank)
    return Database(blank)


def test_a_migrated_database_is_what_the_model_says(blank: str) -> None:
    migrations.upgrade(blank)
    assert migrations.check(blank) == []


async def test_a_difference_from_the_model_is_found(blank: str, migrated: Database) -> None:
    async with migrated.transaction() as session:
        await session.execute(text("ALTER TABLE contact DROP COLUMN score"))
    await migrated.dispose()
    [(difference, _schema, table, column)] = migrations.check(blank)
    assert (difference, table, column.name) == ("add_column", "contact", "score")


def test_migrating_twice_changes_nothing(blank: str) -> None:
    assert migrations.current(blank) is None
    migrations.upgrade(blank)
    migrations.upgrade(blank)
    assert migrations.current(blank) == migrations.newest()


async def test_moments_of_an_older_sqlite_database_are_written_anew(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'old.db'}"
    migrations.upgrade(address)
    moments = [datetime(2026, 11, 1, 12, tzinfo=UTC), datetime(2026, 11, 1, 12, 0, 7, 500_000, UTC)]
    database = Database(address)
    async with database.transaction() as session:
        session.add_all(
            History(at=at, subject=SubjectKind.PACKAGE, subject_id=new_id(), action="CANCEL") for at in moments
        )
    async with database.transaction() as session:
        await session.execute(text("DROP TRIGGER history_refuses_update"))
        await session.execute(text("UPDATE history SET at = strftime('%Y-%m-%d %H:%M:%f', at) || '000'"))
        await session.execute(text("UPDATE alembic_version SET version_num = '0006'"))
    await database.dispose()
    migrations.upgrade(address)
    async with database.reading() as session:
        stored = list(await session.scalars(text("SELECT at FROM history ORDER BY at")))
        assert stored == ["2026-11-01T12:00:00+00:00", "2026-11-01T12:00:07.5+00:00"]
        assert list(await session.scalars(select(History.at).order_by(History.at))) == moments
    with pytest.raises(DBAPIError, match="the history cannot be changed"):
        async with database.transaction() as session:
            await session.execute(update(History).values(comment="it was not me"))
    await database.dispose()


async def test_one_standing_order_is_held_by_a_partial_index(migrated: Database) -> None:  # [6.3]
    async with migrated.engine.connect() as connection:
        indexes = await connection.run_sync(lambda sync: inspect(sync).get_indexes("order"))
    await migrated.dispose()
    [standing] = [index for index in indexes if index["name"] == "uq_order_standing"]
    [condition] = [str(value) for name, value in standing["dialect_options"].items() if name.endswith("_where")]
    assert standing["unique"] and "exclusive" in condition and "'CANCELED'" not in condition


@pytest.mark.parametrize("change", [
    update(History).values(comment="it was not me"),
    delete(History),
], ids=["update", "delete"])
async def test_the_history_cannot_be_changed(migrated: Database, change: object) -> None:  # [12.1]
    async with migrated.transaction() as session:
        session.add(History(
            at=datetime(2026, 11, 1, 12, tzinfo=UTC), subject=SubjectKind.PACKAGE, subject_id=new_id(), action="CANCEL",
        ))
    with pytest.raises(DBAPIError, match="the history cannot be changed"):
        async with migrated.transaction() as session:
            await session.execute(change)  # type: ignore[call-overload]
    await migrated.dispose()
