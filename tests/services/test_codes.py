"""Human codes: counted per prefix, given out once, whoever asks at the same moment [1]."""

import asyncio

from server.database import Database
from server.services.codes import next_code, next_codes


async def test_codes_count_from_one_for_each_prefix(database: Database) -> None:
    async with database.transaction() as session:
        codes = [await next_code(session, prefix) for prefix in ("CAT", "ORD", "CAT")]
    assert codes == ["CAT1", "ORD1", "CAT2"]


async def test_many_codes_are_taken_at_once_without_a_gap(database: Database) -> None:
    async with database.transaction() as session:
        codes = await next_codes(session, "ORD", 3) + [await next_code(session, "ORD")]
    assert codes == ["ORD1", "ORD2", "ORD3", "ORD4"]


async def test_what_is_rolled_back_was_not_given_out(database: Database) -> None:
    async with database.transaction() as session:
        await next_code(session, "ORD")
        await session.rollback()
    async with database.transaction() as session:
        assert await next_code(session, "ORD") == "ORD1"


async def test_no_code_is_given_out_twice_to_connections_that_ask_at_once(database: Database, address: str) -> None:
    other = Database(address)

    async def take(source: Database, count: int) -> list[str]:
        async with source.transaction() as session:
            return await next_codes(session, "ORD", count)

    try:
        asking = [take(source, 1 + each % 3) for each in range(15) for source in (database, other)]
        taken = await asyncio.gather(*asking)
    finally:
        await other.dispose()
    codes = [code for some in taken for code in some]
    assert sorted(codes, key=lambda code: int(code[3:])) == [f"ORD{number}" for number in range(1, 61)]
