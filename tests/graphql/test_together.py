"""Mutations of one kind that come at once: one transaction, an answer for each, and none done twice."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.database import Database
from server.domain.network import Operator
from server.domain.order import IdempotencyKey, Order
from server.errors import NotFound, SamverkanError
from server.graphql.together import ActOnAll, Member, Together
from server.plugins import CampaignTypes
from server.reads.visibility import SYSTEM
from server.services.repeating import Key
from server.services.work import Work
from server.settings import Settings
from tests.builders import NOW, an_operator, caller_of, given


class Acts:
    """A service that takes any number of wishes: it grants an id, refuses, or breaks; `runs` is what it was given."""

    def __init__(self, database: Database, types: CampaignTypes, settings: Settings, who: Operator) -> None:
        self.database, self.types, self.settings, self.who = database, types, settings, who
        self.runs: list[list[Any]] = []
        self.together = Together()
        self.act: ActOnAll = self._act  # one and the same for all of them

    async def _act(self, work: Work, asked: Sequence[Any]) -> Sequence[Any]:
        self.runs.append(list(asked))
        if "break" in asked:
            raise RuntimeError("broken")
        await asyncio.sleep(0)
        return [NotFound("no") if wish == "refuse" else Order(id=uuid4()) for wish in asked]

    def work(self, session: AsyncSession) -> Work:
        return Work(session, SYSTEM, NOW, self.types, self.settings)

    def ask(self, wish: Any, key: str | None = None, digest: str = "") -> "asyncio.Task[Any]":
        named = Key(self.who.id, key, "wish", digest or str(wish)) if key else None
        member = Member(self.database, self.work, caller_of(self.who), wish, named)
        return asyncio.create_task(self.together.do(self.act, member))

    async def answers(self, *tasks: "asyncio.Task[Any]") -> list[Any]:
        return list(await asyncio.gather(*tasks, return_exceptions=True))


@pytest.fixture
async def acts(database: Database, types: CampaignTypes, settings: Settings) -> Acts:
    who = an_operator()
    await given(database, who)
    return Acts(database, types, settings, who)


async def test_those_who_come_at_once_are_done_together(acts: Acts) -> None:
    answers = await acts.answers(*(acts.ask(number) for number in range(30)))
    assert len(set(answers)) == 30 and all(isinstance(answer, UUID) for answer in answers)
    assert acts.runs == [list(range(30))]


async def test_a_refusal_is_for_its_own_client(acts: Acts) -> None:
    first, refused, last = await acts.answers(acts.ask(1), acts.ask("refuse"), acts.ask(3))
    assert isinstance(refused, NotFound) and isinstance(first, UUID) and isinstance(last, UUID)


async def test_what_breaks_takes_nobody_with_it(acts: Acts) -> None:
    first, broken, last = await acts.answers(acts.ask(1), acts.ask("break"), acts.ask(3))
    assert isinstance(broken, RuntimeError) and isinstance(first, UUID) and isinstance(last, UUID)
    assert acts.runs == [[1, "break", 3], [1], ["break"], [3]]


async def test_who_has_gone_is_not_done(acts: Acts) -> None:
    staying, going = acts.ask("stay"), acts.ask("go")
    await asyncio.sleep(0)  # both wait now
    going.cancel()
    await acts.answers(staying, going)
    assert acts.runs == [["stay"]]


async def test_they_go_on_after_a_pause(acts: Acts) -> None:
    await acts.ask(1)
    await acts.ask(2)
    assert acts.runs == [[1], [2]]


class TestKeys:
    async def test_the_same_key_is_done_once_and_answered_alike(self, acts: Acts) -> None:
        twice = await acts.answers(acts.ask("a", "k"), acts.ask("a", "k"), acts.ask("b", "other"))
        again = await acts.ask("a", "k")
        assert twice[0] == twice[1] == again != twice[2]
        assert [wish for run in acts.runs for wish in run].count("a") == 1

    async def test_a_key_with_something_else_is_refused(self, acts: Acts) -> None:
        await acts.ask("a", "k")
        [refused] = await acts.answers(acts.ask("b", "k"))
        assert isinstance(refused, SamverkanError) and "another wish" in str(refused)

    async def test_a_refused_one_leaves_its_key_free(self, acts: Acts, database: Database) -> None:
        await acts.answers(acts.ask("refuse", "k"), acts.ask("b", "other"))
        async with database.reading() as session:
            assert await session.scalar(select(func.count()).select_from(IdempotencyKey)) == 1
        assert isinstance(await acts.ask("better", "k"), UUID)

    async def test_of_two_servers_the_second_answers_what_the_first_has_done(self, acts: Acts) -> None:
        other = Acts(acts.database, acts.types, acts.settings, acts.who)
        answers = await acts.answers(acts.ask("a", "k"), other.ask("a", "k"))
        assert answers[0] == answers[1] and acts.runs + other.runs == [["a"]]
