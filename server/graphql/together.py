"""Mutations of one kind that wait for each other are done together: in one transaction, by a service that takes any
number of them. Each is answered for itself, after the commit (decision 18)."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence, Sized
from contextvars import Context
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from server.database import Database
from server.graphql.gathering import Gathering
from server.observability.joint import Asker, for_all
from server.reads.visibility import SYSTEM
from server.services.repeating import Key, give_back, keep_results, results_of, take_keys
from server.services.work import Alone, Work

MOST = 100
"""How many are done in one transaction."""
Outcome = UUID | Exception | None
"""The id of what was changed, or why nothing was."""
ActOnAll = Callable[[Work, Sequence[Any]], Awaitable[Sequence[Any]]]
"""Does what is asked, by whomever: for each the object that it changed, the SamverkanError that refused it, or an
Alone."""


@dataclass(slots=True, eq=False)
class Member:
    """One mutation: what it asks for, and the key under which it may come again."""

    database: Database
    work: Callable[[AsyncSession], Work]
    now: datetime
    asked: Any
    key: Key | None
    asker: Asker = field(default_factory=Asker.now)
    done: "asyncio.Future[UUID | None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


@dataclass(slots=True)
class Line:
    """Those who wait for one act, and how many are being done in each group that is on its way."""

    waiting: deque[Member] = field(default_factory=deque)
    groups: "dict[asyncio.Task[None], int]" = field(default_factory=dict)

    @property
    def goes_on(self) -> bool:
        """Whether it is time for another group. On PostgreSQL one is prepared or answered here while another one is in
        the database; it begins when as many wait as are in the other one, or groups would become ever smaller."""
        if not self.waiting or not self.groups:
            return bool(self.waiting)
        return len(self.groups) < _at_once(self.waiting[0]) and len(self.waiting) >= max(self.groups.values())


class Together:
    """Those who come while others are being done are the next ones. Nobody waits for company: who comes alone is done
    alone. What fails for another reason than its own refusal is done once more, each by itself."""

    def __init__(self) -> None:
        self._lines: dict[ActOnAll, Line] = {}
        self.readings = Gathering()
        """How the payloads are read of those who were done together."""

    async def do(self, act: ActOnAll, member: Member) -> UUID | None:
        """The id of what was changed, or what the service refused with."""
        line = self._lines.setdefault(act, Line())
        line.waiting.append(member)
        self._go_on(act, line)
        return await member.done

    def _go_on(self, act: ActOnAll, line: Line) -> None:
        if line.goes_on:
            task = asyncio.create_task(self._run(act, line), context=Context())  # of no operation
            line.groups[task] = MOST  # until it is known how many come

    async def _run(self, act: ActOnAll, line: Line) -> None:
        task: Any = asyncio.current_task()
        try:
            await _arrived(line.waiting)
            members = _next(line.waiting)
            line.groups[task] = len(members)
            self._go_on(act, line)
            await self._group(act, members)
        except BaseException:  # only when the server stops
            while line.waiting:
                line.waiting.popleft().done.cancel()
            raise
        finally:
            del line.groups[task]
            self._go_on(act, line)

    async def _group(self, act: ActOnAll, members: Sequence[Member]) -> None:
        try:
            with for_all([member.asker for member in members]):
                outcomes = await _outcomes(act, members)
        except Exception as error:
            if len(members) == 1:
                _answer(members[0], error)
            else:
                for member in members:
                    await self._group(act, [member])
        except BaseException:
            for member in members:
                member.done.cancel()
            raise
        else:
            alone = []
            for member, outcome in zip(members, outcomes, strict=True):
                if isinstance(outcome, Alone):
                    alone.append(self._group(outcome.act, [member]))
                else:
                    _answer(member, outcome)
            await asyncio.gather(*alone)


def _at_once(member: Member) -> int:
    """How many groups may be on their way; SQLite has one writer."""
    return 1 if member.database.is_sqlite else 2


async def _arrived(waiting: Sized) -> None:
    """Lets those in whose requests have been read already: it takes a turn of the loop, and no time when there are
    none."""
    before = 0
    while before < len(waiting) < MOST:
        before = len(waiting)
        await asyncio.sleep(0)


def _next(waiting: deque[Member]) -> list[Member]:
    """Who is next: nobody who has gone meanwhile, and one only of those with the same key."""
    members: list[Member] = []
    keys: set[Key] = set()
    while waiting and len(members) < MOST:
        if waiting[0].key in keys:
            break
        member = waiting.popleft()
        if not member.done.done():
            members.append(member)
            keys |= {member.key} if member.key else set()
    return members


async def _outcomes(act: ActOnAll, members: Sequence[Member]) -> Sequence[Outcome]:
    """What came of each, committed."""
    if not members:
        return []
    async with members[0].database.transaction() as session:
        work = replace(members[0].work(session), caller=SYSTEM, now=max(member.now for member in members))
        return await _done_once(work, act, members)


async def _done_once(work: Work, act: ActOnAll, members: Sequence[Member]) -> Sequence[Outcome]:
    """Does what no mutation with the same key has done before. The keys are taken first, so that of two at once, on
    whichever servers, the second one waits for the first."""
    keys = [member.key for member in members if member.key]
    taken = await take_keys(work, keys)
    before = await results_of(work, [key for key in keys if key not in taken])
    todo = [member for member in members if member.key is None or member.key in taken]
    acted = await act(work, [member.asked for member in todo]) if todo else []
    done = [each if isinstance(each, Exception) else each.id for each in acted]
    results = {member.key: outcome for member, outcome in zip(todo, done, strict=True) if member.key}
    await give_back(work, [key for key, outcome in results.items() if isinstance(outcome, Exception)])
    await keep_results(work, {key: outcome for key, outcome in results.items() if isinstance(outcome, UUID)})
    outcomes = dict(zip(todo, done, strict=True))
    return [before[member.key] if member.key in before else outcomes[member] for member in members]


def _answer(member: Member, outcome: Outcome) -> None:
    if member.done.done():
        return
    if isinstance(outcome, Exception):
        member.done.set_exception(outcome)
    else:
        member.done.set_result(outcome)
