"""Locks between processes: lost with their connection, and taken again as soon as they can be [decision 15]."""

from sqlalchemy import text

from server.database import Database
from server.jobs.locks import locks_of


async def test_a_lock_is_held_by_one_until_it_is_released(database: Database, address: str) -> None:
    other = Database(address)
    mine, theirs = locks_of(database), locks_of(other)
    assert await mine.take("one") and not await theirs.take("one")
    await mine.release("one")
    assert await theirs.take("one") and not await mine.take("one")
    await theirs.close()
    await mine.close()
    await other.dispose()


async def test_a_lock_that_went_with_its_connection_is_taken_again_also_later(database: Database, address: str) -> None:
    if database.is_sqlite:
        return  # there is no connection that could be lost
    other = Database(address)
    mine, theirs = locks_of(database), locks_of(other)
    assert await mine.take("one")
    async with other.engine.connect() as connection:
        await connection.execute(text(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ))
    assert await theirs.take("one")
    await mine.keep()  # in vain
    assert not await mine.take("one")
    await theirs.release("one")
    await mine.keep()
    assert not await theirs.take("one")
    await theirs.close()
    await mine.close()
    await other.dispose()
