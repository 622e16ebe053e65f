"""The address under which an operator's deadlines are read as a calendar: made, made anew, revoked [7].

It is a secret like a login, and ends with the logins: by a new password, and with the operator's deactivation."""

import hashlib
import secrets
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.domain.network import Operator
from server.domain.notification import CalendarFeed
from server.services.work import Work


def fingerprint(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


class CalendarFeeds:
    """The caller's own; one at a time."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def create(self) -> str:
        """The token of a new one, told once and stored nowhere; the former one ends."""
        await self.revoke()
        token = secrets.token_urlsafe(32)
        self.work.session.add(CalendarFeed(
            operator_id=self.work.caller.id, token_hash=fingerprint(token), created_at=self.work.now
        ))
        await self.work.session.flush()
        return token

    async def revoke(self) -> None:
        me = self.work.caller.id
        await self.work.session.execute(select(Operator.id).where(Operator.id == me).with_for_update())
        await revoke_feeds(self.work.session, me, self.work.now)


async def revoke_feeds(session: AsyncSession, operator_id: UUID | None, now: datetime) -> None:
    """Ends the address of an operator's calendar, if there is one."""
    await session.execute(
        update(CalendarFeed).where(CalendarFeed.operator_id == operator_id, CalendarFeed.revoked_at.is_(None))
        .values(revoked_at=now).execution_options(synchronize_session=False)
    )
