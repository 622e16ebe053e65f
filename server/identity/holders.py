"""Whom tokens belong to. Those who come while the database is being asked are told by the next statement, together."""

import asyncio
from datetime import datetime
from itertools import islice
from uuid import UUID

from sqlalchemy import Select, bindparam, select

from server.direct import DirectReads
from server.domain.network import Login, Operator, Right
from server.reads.lookup import Lookup
from server.reads.visibility import Caller

Told = asyncio.Future[Caller | None]
AT_ONCE = 20
"""Tokens of one statement. On SQLite it is one: nobody waits there for an answer to come over the network."""


def holders(number: int) -> Select[str, UUID, Right]:
    """The active operators whom so many tokens belong to, if they are neither revoked nor expired."""
    return select(Login.token_hash, Operator.id, Operator.right).join(Login, Login.operator_id == Operator.id).where(
        Login.token_hash.in_([bindparam(f"hash{place}") for place in range(number)]),
        Login.revoked_at.is_(None), Login.expires_at > bindparam("now"), Operator.active,
    )


class Holders:
    """Looks them up in one database."""

    def __init__(self, direct: DirectReads) -> None:
        self._at_once = 1 if direct.dialect.name == "sqlite" else AT_ONCE
        self._lookup = Lookup(holders(self._at_once), direct)
        self._waiting: dict[str, Told] = {}
        self._turn = asyncio.Lock()

    async def of(self, token_hash: str, now: datetime) -> Caller | None:
        """Whose token has this hash."""
        told = self._waiting.get(token_hash)
        if told is None:
            told = self._waiting[token_hash] = asyncio.get_running_loop().create_future()
        async with self._turn:
            if not told.done():  # else somebody before has asked for this one too
                await self._ask(token_hash, told, now)
        return told.result()

    async def _ask(self, token_hash: str, told: Told, now: datetime) -> None:
        """Asks for this one, and for others that wait. Who comes from now on is not told: it may have changed."""
        asked = dict(islice(self._waiting.items(), self._at_once - 1)) | {token_hash: told}
        self._waiting = {each: other for each, other in self._waiting.items() if asked.get(each) is not other}
        padded = [*asked, *[token_hash] * (self._at_once - len(asked))]
        hashes = {f"hash{place}": each for place, each in enumerate(padded)}
        found = {row[0]: Caller(*row[1:]) for row in await self._lookup.rows(now=now, **hashes)}
        for each, other in asked.items():
            other.set_result(found.get(each))
