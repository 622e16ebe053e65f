"""Readings that begin at once are one statement on PostgreSQL, and each has its own rows."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest

from server.database import Database
from server.direct import DirectReads, Steps
from server.domain.network import Operator, Right
from server.graphql.gathering import Gathering
from tests.builders import an_operator, given

pytestmark = pytest.mark.parametrize("address", ["postgresql"], indirect=True)

FIND = 'SELECT login AS c0, id AS c1 FROM operator WHERE id = ANY($1::UUID[]) AND "right" = $2::VARCHAR ORDER BY id'


class Counting:
    """The way to the database; `number` counts what went over it."""

    def __init__(self, direct: DirectReads) -> None:
        self._direct, self.dialect, self.number = direct, direct.dialect, 0

    async def run(self, read: Callable[[], Steps], *, single: bool) -> Any:
        self.number += 1
        return await self._direct.run(read, single=single)

    async def close(self) -> None: ...


def finding(ids: Sequence[UUID], right: Any = Right.CENTRAL) -> Steps:
    rows = yield FIND, [list(ids), right]
    return [row[0] for row in rows]


@pytest.fixture
async def people(database: Database) -> list[Operator]:
    people = [an_operator(Right.CENTRAL if place < 3 else Right.LOCAL) for place in range(5)]
    await given(database, *people)
    return people


async def test_each_has_its_own_rows_of_one_statement(database: Database, people: list[Operator]) -> None:
    direct, gathering = Counting(database.direct), Gathering()
    asked = [finding([each.id]) for each in people] + [finding([each.id], Right.LOCAL) for each in people]
    found = await asyncio.gather(*(gathering.run(direct, steps) for steps in asked))
    logins = [[each.login] for each in people]
    assert found == [*logins[:3], [], [], [], [], [], *logins[3:]] and direct.number == 1


@pytest.mark.parametrize("number", [1, 2])
async def test_what_cannot_be_one_statement_is_several(
    database: Database, people: list[Operator], number: int
) -> None:
    direct, gathering = Counting(database.direct), Gathering()
    ids = [each.id for each in people[:3]]
    found = await asyncio.gather(*(gathering.run(direct, finding(ids)) for _ in range(number)))
    assert [set(each) for each in found] == [{each.login for each in people[:3]}] * number and direct.number == number


async def test_who_has_gone_is_not_missed(database: Database, people: list[Operator]) -> None:
    direct, gathering = Counting(database.direct), Gathering()
    staying, going = (asyncio.create_task(gathering.run(direct, finding([each.id]))) for each in people[:2])
    await asyncio.sleep(0)
    going.cancel()
    assert await staying == [people[0].login] and going.cancelled()


async def test_everybody_hears_what_the_database_says(database: Database, people: list[Operator]) -> None:
    gathering = Gathering()
    asked = [finding([each.id], right) for each, right in zip(people[:2], (5, Right.LOCAL), strict=True)]
    answers = await asyncio.gather(*(gathering.run(database.direct, steps) for steps in asked), return_exceptions=True)
    assert all(isinstance(answer, Exception) for answer in answers)
    assert await gathering.run(database.direct, finding([people[0].id])) == [people[0].login], "and it goes on"
