"""One subscription's place: what it wants to hear of, and what it has not heard yet."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

MOST_WAITING = 100
"""Changes that may wait for one subscription; with more it is told to read again."""
RELOAD_SECONDS = 1.0
"""A subscription is not told to read again more often than that."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Changes of one subject: of one object, or of all that the viewer sees and that fit."""

    subject: str
    viewer_id: UUID | None
    id: UUID | None = None
    package_id: UUID | None = None
    mine: bool = False
    """Only approvals that the viewer is expected to decide, or nobody any more."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a subscription hears: an object changed; or it is `gone` from a list; or `reload`: more may have changed,
    also before. `number` is that of the newest message about it: what is read from then on is as new."""

    id: UUID | None
    reload: bool = False
    gone: bool = False
    number: int = field(default=0, compare=False)


class Follower:
    """Holds a bounded number of ids, each once: who reads slowly costs no memory and misses nothing that matters."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.seen = False
        """Whether the client has the one object that it follows, as far as it was told."""
        self._waiting: dict[UUID, Change] = {}
        self._everything = False
        self._told = asyncio.Event()
        self._next_reload = 0.0

    def tell(self, ids: Iterable[UUID], number: int = 0, *, gone: bool = False) -> None:
        self._waiting.update((id, Change(id, gone=gone, number=number)) for id in ids)
        if len(self._waiting) > MOST_WAITING:
            self.tell_all()
        elif self._waiting:
            self._told.set()

    def tell_all(self) -> None:
        """Anything may have changed."""
        self._waiting.clear()
        self._everything = True
        self._told.set()

    async def next(self) -> Change:
        """Waits for a change."""
        await self._told.wait()
        if self._everything:
            now = asyncio.get_running_loop().time
            await asyncio.sleep(self._next_reload - now())
            self._next_reload = now() + RELOAD_SECONDS
            self._everything = False
            self._waiting.clear()
            change = Change(self.wanted.id, reload=True)
        else:
            change = self._waiting.pop(next(iter(self._waiting)))
        if not self._waiting:
            self._told.clear()
        return change
