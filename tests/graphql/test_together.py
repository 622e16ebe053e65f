"""Mutations of one kind that come at once: one transaction, an answer for each, and none done twice."""

import asyncio
from collections.abc import Callable, Sequence
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
from server.observability.records import Record, current
from server.plugins import CampaignTypes
from server.reads.visibility import SYSTEM
from server.services.repeating import Key
from server.services.work import Alone, Work
from server.settings import Settings
from tests.builders import NOW, an_operator, given


class Acts:
    """A service that takes any number of wishes: it grants an id, refuses, or breaks; `runs` is what it was given."""

    def __init__(self, database: Database, types: CampaignTypes, settings: Settings, who: Operator) -> None:
        self.database, self.types, self.settings, self.who = database, types, settings, who
        self.runs: list[list[Any]] = []
        self.together = Together()
        self.held: asyncio.Event | None = None  # what acts wait for
        self.act: ActOnAll = self._act  # one and the same for all of them

    async def _act(self, work: Work, asked: Sequence[Any]) -> Sequence[Any]:
        self.runs.append(list(asked))
        if "break" in asked:
            raise RuntimeError("broken")
        await asyncio.sleep(0)
        if self.held:
            await self.held.wait()
        return [
            NotFound("no") if wish == "refuse" else Alone(self._alone) if wish == "alone" else Order(id=uuid4())
            for wish in asked
        ]

    async def _alone(self, _work: Work, asked: Sequence[Any]) -> Sequence[Any]:
        self.runs.append([f"{wish} by itself" for wish in asked])
        return [Order(id=uuid4()) for _ in asked]

    def work(self, session: AsyncSession) -> Work:
        return Work(session, SYSTEM, NOW, self.types, self.settings)

    def ask(self, wish: Any, key: str | None = None, digest: str = "") -> "asyncio.Task[Any]":
        named = Key(self.who.id, key, "wish", digest or str(wish)) if key else None
        member = Member(self.database, self.work, NOW, wish, named)
        return asyncio.create_task(self.together.do(self.act, member))

    async def answers(self, *tasks: "asyncio.Task[Any]") -> list[Any]:
        return list(await asyncio.gather(*tasks, return_exceptions=True))


async def until(there: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not there():  # noqa: ASYNC110  # what is waited for sets no event
            await asyncio.sleep(0.005)


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


async def test_what_is_not_done_with_others_is_done_after_them(acts: Acts) -> None:
    answers = await acts.answers(acts.ask(1), acts.ask("alone", "k"), acts.ask(3))
    assert len(set(answers)) == 3 and all(isinstance(answer, UUID) for answer in answers)
    assert acts.runs == [[1, "alone", 3], ["alone by itself"]]
    assert await acts.ask("alone", "k") == answers[1]


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


class TestGroupsAtOnce:
    async def test_on_postgresql_another_group_begins_when_it_is_as_large(self, acts: Acts) -> None:
        acts.held = asyncio.Event()
        first = [acts.ask(number) for number in range(2)]
        await until(lambda: len(acts.runs) == 1)
        second = [acts.ask(2)]
        await asyncio.sleep(0.05)
        assert acts.runs == [[0, 1]], "a smaller one waits"
        second.append(acts.ask(3))
        if not acts.database.is_sqlite:  # which has one writer
            await until(lambda: len(acts.runs) == 2)
        acts.held.set()
        assert len(set(await acts.answers(*first, *second))) == 4 and acts.runs == [[0, 1], [2, 3]]

    async def test_one_that_stops_leaves_nobody_waiting(self, acts: Acts) -> None:
        acts.held = asyncio.Event()
        first = acts.ask(1)
        await until(lambda: len(acts.runs) == 1)
        later = [acts.ask(number) for number in range(2, 6)]
        acts.held.set()
        assert len(set(await acts.answers(first, *later))) == 5


async def test_every_operation_remembers_what_was_done_for_it_and_the_others(acts: Acts, database: Database) -> None:
    async def operation(wish: int) -> Record:
        current.set(record := Record("mutation", "", "", lambda: None))
        await acts.ask(wish, f"key {wish}")
        return record

    one, other = await asyncio.gather(operation(1), operation(2))
    assert one.shared == other.shared == len(one.running) > 0 and one.statements == 0
    assert [each.text for each in one.running] == [each.text for each in other.running]


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
