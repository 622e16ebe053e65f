"""Brings changes to the subscriptions of this process that may hear of them, and to no others [2.3]."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from server.changes import MOST_IDS, Subject, told_by
from server.database import Database
from server.following.follower import Follower, Wanted
from server.following.sieve import LOST, lost_by, seen_by, taken_away
from server.observability import metrics

MOST_PAIRS = 100_000
"""Viewers times ids that are looked through at once; if there are more, these viewers are told to read again."""
log = structlog.get_logger(__name__)


class Hub:
    """Who follows one object is told when it changed, and reads it with its own eyes. For those who follow all of a
    subject, one statement finds for all of them at once which of the changed objects each one sees."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._of_one: defaultdict[tuple[str, UUID], set[Follower]] = defaultdict(set)
        self._of_all: defaultdict[str, set[Follower]] = defaultdict(set)
        self._waiting: dict[str, dict[UUID, None]] = {}
        self._some = asyncio.Event()
        self._followed = asyncio.Event()
        self._followers_now = 0
        self.listens = False
        """Whether changes come in, those of other processes too."""
        self.heard = 0
        """How many messages came in so far."""

    @contextmanager
    def follow(self, wanted: Wanted) -> Iterator[Follower]:
        """A follower as long as the block runs. The first that it hears, once changes come in, is that everything may
        have changed: so nothing is lost between what its client read before and now."""
        follower = Follower(wanted)
        place = self._of_one[wanted.subject, wanted.id] if wanted.id else self._of_all[wanted.subject]
        place.add(follower)
        self._count(1)
        if self.listens:
            follower.tell_all()
        try:
            yield follower
        finally:
            place.discard(follower)
            if wanted.id and not place:
                self._of_one.pop((wanted.subject, wanted.id), None)
            self._count(-1)

    def _count(self, more: int) -> None:
        self._followers_now += more
        metrics.SUBSCRIPTIONS.inc(more)
        if self._followers_now:
            self._followed.set()
        else:
            self._followed.clear()

    def _followers(self) -> Iterator[Follower]:
        for place in (*self._of_one.values(), *self._of_all.values()):
            yield from place

    @property
    def is_followed(self) -> bool:
        return self._followed.is_set()

    async def followed(self) -> None:
        """Waits until somebody follows."""
        await self._followed.wait()

    def begin(self) -> None:
        """Changes come in from now on; what was before is unknown."""
        self.listens = True
        metrics.LISTENS.set(1)
        for follower in self._followers():
            follower.tell_all()

    def end(self) -> None:
        """Changes do not come in for now."""
        self.listens = False
        metrics.LISTENS.set(0)

    def hear(self, message: str) -> None:
        """Takes in what some process wrote."""
        self.heard += 1
        for subject, ids in told_by(message):
            if subject == Subject.OPERATOR:
                self._tell_viewers(ids)
            elif ids is None:
                self._tell_all(subject)
            else:
                self._tell(subject, ids)

    def _tell(self, subject: str, ids: Sequence[UUID]) -> None:
        for id in ids:
            for follower in self._of_one.get((subject, id), ()):
                follower.tell([id], self.heard)
        if self._of_all.get(subject):
            waiting = self._waiting.setdefault(subject, {})
            waiting.update(dict.fromkeys(ids))
            self._some.set()
            if len(waiting) > MOST_IDS:
                self._tell_lists(subject)

    def _tell_viewers(self, ids: Sequence[UUID] | None) -> None:
        """What these operators see may be other things now, and what they saw may be gone."""
        for follower in self._followers():
            if ids is None or follower.wanted.viewer_id in ids:
                follower.tell_all()

    def _tell_all(self, subject: str) -> None:
        for (other, _), followers in self._of_one.items():
            for follower in followers if other == subject else ():
                follower.tell_all()
        self._tell_lists(subject)

    def _tell_lists(self, subject: str) -> None:
        self._waiting.pop(subject, None)
        for follower in self._of_all.get(subject, ()):
            follower.tell_all()

    async def sift(self) -> None:
        """Tells those who follow all of a subject what they see of it, for ever. What comes meanwhile waits for the
        next statement: the more there is, the fewer statements for each."""
        while True:
            await self._some.wait()
            self._some.clear()
            waiting, self._waiting = self._waiting, {}
            for subject, ids in waiting.items():
                try:
                    await self._sift(subject, list(ids))
                except Exception as error:
                    log.warning("changes_not_sifted", subject=subject, error=type(error).__name__)
                    self._tell_lists(subject)

    async def _sift(self, subject: str, ids: list[UUID]) -> None:
        for mine in (False, True):
            followers = [each for each in self._of_all.get(subject, ()) if each.wanted.mine == mine]
            viewers = {each.wanted.viewer_id for each in followers} - {None}
            if len(viewers) * len(ids) > MOST_PAIRS:
                self._tell_lists(subject)
                return
            if not viewers:
                continue
            async with self._database.reading() as session:
                rows = (await session.execute(seen_by(subject, viewers, ids, mine=mine))).all()
                lost = await _lost(session, subject, viewers, ids)
            seen = {(viewer, id): package for viewer, id, package in rows}
            for follower in followers:
                of, viewer = follower.wanted.package_id, follower.wanted.viewer_id
                fitting = (id for id in ids if (viewer, id) in seen and of in (None, seen[viewer, id]))
                follower.tell(fitting, self.heard)
                follower.tell((id for id in ids if (viewer, id) in lost and (viewer, id) not in seen), gone=True)


async def _lost(
    session: AsyncSession, subject: str, viewers: Collection[Any], ids: Collection[UUID]
) -> Collection[Any]:
    """Pairs of viewer and object; mostly nothing was lost, which one statement tells."""
    entries = (await session.scalars(taken_away(subject, ids))).all() if subject in LOST else ()
    return {tuple(pair) for pair in await session.execute(lost_by(subject, viewers, entries))} if entries else ()
