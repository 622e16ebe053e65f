"""Logging in and out: opaque tokens of which only the sha256 is stored."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.database import Database
from server.domain.network import Login, Operator
from server.domain.record import SubjectKind
from server.errors import Unauthenticated, refuse
from server.identity.attempts import count_attempt, forgive
from server.identity.holders import Holders
from server.identity.passwords import hash_password, verify
from server.reads.visibility import Caller
from server.services.calendar_feeds import revoke_feeds
from server.services.work import Work
from server.settings import Settings

HASHES_AT_ONCE = 2
"""argon2 takes 64 MB and a core each time: more at once would let strangers take the machine."""

MOST_RECENT = 10_000
"""How many callers are remembered for a moment."""


@dataclass(frozen=True, slots=True)
class Account:
    """An active operator whose password has just been checked."""

    caller: Caller
    login: str
    password_hash: str


@dataclass(frozen=True, slots=True)
class Granted:
    """A new login: the token is told once and stored nowhere."""

    token: str
    caller: Caller
    expires_at: datetime


class Logins:
    """Checks passwords and gives out tokens. Passwords are checked in threads and outside of any transaction."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._life = timedelta(days=settings.token_days)
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)
        self._holders = Holders(database.direct)
        self._recent: dict[str, tuple[Caller, datetime]] = {}
        self._recently = timedelta(seconds=settings.login_cache_seconds)

    async def log_in(self, login: str, password: str, address: str, now: datetime) -> Granted:
        """A token for the right password of an active operator; raises what `check` raises."""
        account = await self.check(login, password, address, now)
        async with self._database.transaction() as session:
            return await self._grant(session, account, now)

    async def check(
        self, login: str, password: str, address: str, now: datetime, field: str = "password"
    ) -> Account:
        """The account that the password fits; Refused in the same words, after the same work, when the login is
        unknown or inactive or the password wrong; TooManyAttempts when it comes too soon after failures."""
        async with self._database.transaction() as session:
            await count_attempt(session, login, address, now)
        async with self._database.reading() as session:
            found = (await session.execute(
                select(Operator.id, Operator.right, Operator.password_hash)
                .where(Operator.login == login, Operator.active)
            )).one_or_none()
        right = await self._matches(password, found.password_hash if found else "")
        if found is None or not right:
            raise refuse("WRONG_CREDENTIALS", "The login or the password is wrong.", field)
        async with self._database.transaction() as session:
            await forgive(session, login, address, now)
        return Account(Caller(found.id, found.right), login, found.password_hash)

    async def _matches(self, password: str, password_hash: str) -> bool:
        async with self._hashing:
            return await asyncio.to_thread(verify, password, password_hash)

    async def hash(self, password: str) -> str:
        async with self._hashing:
            return await asyncio.to_thread(hash_password, password)

    async def caller_of(self, token: str, now: datetime) -> Caller | None:
        """Whose token it is; None when it is unknown, revoked or expired, or the operator is not active any more."""
        return await self._holders.of(_fingerprint(token), now)

    async def recent_caller_of(self, token: str, now: datetime) -> Caller | None:
        """The same, for a moment without asking the database again; see `forget_callers`."""
        fingerprint = _fingerprint(token)
        known = self._recent.get(fingerprint)
        if known is not None and now < known[1]:
            return known[0]
        recent = self._recent
        caller = await self.caller_of(token, now)
        if len(recent) >= MOST_RECENT:
            recent.clear()
        if caller is not None:
            recent[fingerprint] = caller, now + self._recently
        return caller

    def forget_callers(self) -> None:
        """Asks the database about every caller again: to be called when a login or an operator may have been changed
        here. What another process changed is seen when the moment is over."""
        self._recent = {}  # what is being looked up at this moment goes into the one that nobody asks any more

    async def log_out(self, token: str, now: datetime) -> None:
        async with self._database.transaction() as session:
            mine = Login.token_hash == _fingerprint(token)
            await session.execute(update(Login).where(mine, Login.revoked_at.is_(None)).values(revoked_at=now))

    async def _grant(self, session: AsyncSession, account: Account, now: datetime) -> Granted:
        operator = await unchanged(session, account)
        await session.execute(delete(Login).where(Login.operator_id == operator.id, Login.expires_at < now))
        granted = Granted(secrets.token_urlsafe(32), account.caller, now + self._life)
        session.add(Login(
            token_hash=_fingerprint(granted.token), operator_id=operator.id, created_at=now,
            expires_at=granted.expires_at,
        ))
        return granted


async def unchanged(session: AsyncSession, account: Account) -> Operator:
    """The operator of an account, locked; Unauthenticated if it changed while its password was being checked."""
    still = (Operator.id == account.caller.id, Operator.active, Operator.password_hash == account.password_hash)
    operator = await session.scalar(select(Operator).where(*still).with_for_update())
    if operator is None:
        raise Unauthenticated("The account was changed at this moment: log in again.")
    return operator


async def change_password(work: Work, account: Account, password_hash: str, token: str | None) -> None:
    """Gives the account a new password and ends all its logins but the one with this token, and its calendar's
    address."""
    operator = await unchanged(work.session, account)
    operator.password_hash = password_hash
    await revoke_logins(work.session, operator.id, work.now, but=token)
    await revoke_feeds(work.session, operator.id, work.now)
    await work.record(SubjectKind.OPERATOR, operator, "CHANGE_PASSWORD")


async def revoke_logins(session: AsyncSession, operator_id: UUID, now: datetime, but: str | None = None) -> None:
    """Ends every login of an operator, except the one whose token is `but`."""
    others = [Login.token_hash != _fingerprint(but)] if but else []
    await session.execute(
        update(Login).where(Login.operator_id == operator_id, Login.revoked_at.is_(None), *others)
        .values(revoked_at=now)
    )


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
