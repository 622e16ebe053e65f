"""Tokens are looked up together when many come at once, and each is told whose it is."""

import asyncio
from datetime import timedelta
from uuid import UUID

from server.database import Database
from server.domain.network import Login, Operator
from server.identity.holders import AT_ONCE, Holders
from tests.builders import NOW, an_operator, given

MANY = 3 * AT_ONCE


async def operators(database: Database) -> list[Operator]:
    """Each with a login whose hash is the name."""
    made = [an_operator() for _ in range(MANY)]
    await given(database, made, [
        Login(token_hash=each.name, operator_id=each.id, created_at=NOW, expires_at=NOW + timedelta(days=1))
        for each in made
    ])
    return made


def seen(told: list[object]) -> list[UUID | None]:
    return [getattr(each, "id", None) for each in told]


async def test_many_at_once_are_told_each_for_itself(database: Database) -> None:
    made, holders = await operators(database), Holders(database.direct)
    names = [name for each in made for name in (each.name, f"not {each.name}", each.name)]
    told = await asyncio.gather(*(holders.of(name, NOW) for name in names))
    assert seen([*told]) == [id for each in made for id in (each.id, None, each.id)]


async def test_who_goes_away_does_not_keep_the_others_waiting(database: Database) -> None:
    made, holders = await operators(database), Holders(database.direct)
    waiting = [asyncio.create_task(holders.of(each.name, NOW)) for each in made]
    await asyncio.sleep(0)
    waiting[0].cancel()
    waiting[AT_ONCE // 2].cancel()
    told = await asyncio.gather(*waiting, return_exceptions=True)
    gone = {number for number, each in enumerate(told) if isinstance(each, asyncio.CancelledError)}
    assert gone <= {0, AT_ONCE // 2}
    assert [each for number, each in enumerate(seen([*told])) if number not in gone] == [
        each.id for number, each in enumerate(made) if number not in gone
    ]
