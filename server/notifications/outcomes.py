"""What became of an attempt: marked once, by a conditional update, whoever else may have tried the same message."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.channel import Channel, Gone, NotSent, Reaches, Rejected, TryLater
from server.domain.base import new_id
from server.domain.notification import Dispatch, DispatchAttempt, DispatchStatus, Webhook
from server.domain.record import History, SubjectKind
from server.notifications.queues import PENDING, Queue, postpone, slot, wake
from server.reads.ids import one_of

LONGEST_PAUSE = timedelta(minutes=15)
"""An other side that cannot be reached is looked for again at least this often."""
LONGEST_ASKED = timedelta(days=1)
"""An other side that asks for more than that is not left alone any longer."""
LONGEST_ERROR = 500


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at one dispatch: without an error it was taken."""

    dispatch: Dispatch
    at: datetime
    milliseconds: int
    answer: int | None = None
    error: NotSent | None = None

    @property
    def asked(self) -> timedelta:
        """How long the other side asks to be left alone."""
        return min(self.error.after, LONGEST_ASKED) if isinstance(self.error, TryLater) else timedelta()


async def record(session: AsyncSession, channel: Channel, queue: Queue, attempt: Attempt) -> DispatchStatus:
    """Marks the dispatch, and says as what; a message that another process has marked already stays so."""
    fate = _fate(channel, attempt)
    await _mark(session, channel, attempt, fate)
    if isinstance(attempt.error, Gone) and queue.webhook_id:
        await _deactivate(session, queue.webhook_id, attempt.at)
    if attempt.asked > timedelta() and queue.webhook_id:
        await _pause(session, queue.webhook_id, slot(attempt.at + attempt.asked))
    status: DispatchStatus = fate["status"]
    return status


async def record_silence(
    session: AsyncSession, channel: Channel, queue: Queue, attempt: Attempt, leased: Iterable[UUID]
) -> DispatchStatus:
    """The other side cannot be reached: this message bears the error, and the whole queue waits as long as it does.
    No attempt is counted. The pause doubles, since it is as long as the silence has lasted, and the message is given up
    when that is as long as all waits together."""
    first = await session.scalar(
        select(func.min(DispatchAttempt.at)).where(DispatchAttempt.dispatch_id == attempt.dispatch.id)
    )
    lasted = attempt.at - (first or attempt.at)
    shortest = min(channel.waits, default=LONGEST_PAUSE)
    until = slot(attempt.at + min(max(lasted, shortest), LONGEST_PAUSE))
    status = DispatchStatus.FAILED if lasted >= sum(channel.waits, timedelta()) else DispatchStatus.PENDING
    await _mark(session, channel, attempt, {"status": status, "due_at": until})
    await postpone(session, one_of(Dispatch.id, leased) | (queue.waiting & (Dispatch.due_at <= until)), until)
    return status


async def cancel(session: AsyncSession, ids: list[UUID]) -> None:
    await session.execute(
        update(Dispatch).where(one_of(Dispatch.id, ids), PENDING)
        .values(status=DispatchStatus.CANCELED, last_error="The receiver is no longer there.")
        .execution_options(synchronize_session=False)
    )


def _fate(channel: Channel, attempt: Attempt) -> dict[str, Any]:
    tried, waits = attempt.dispatch.attempts, channel.waits
    if attempt.error is None:
        return {"status": DispatchStatus.SENT, "sent_at": attempt.at, "attempts": tried + 1}
    if isinstance(attempt.error, Rejected) or tried >= len(waits):
        return {"status": DispatchStatus.FAILED, "attempts": tried + 1}
    due_at = slot(attempt.at + max(waits[tried], attempt.asked))
    return {"status": DispatchStatus.PENDING, "due_at": due_at, "attempts": tried + 1}


async def _mark(session: AsyncSession, channel: Channel, attempt: Attempt, fate: dict[str, Any]) -> None:
    reason = (attempt.error.reason or type(attempt.error).__name__)[:LONGEST_ERROR] if attempt.error else ""
    await session.execute(
        update(Dispatch).where(Dispatch.id == attempt.dispatch.id, PENDING)
        .values(last_error=reason, claimed_by=None, **fate)
        .execution_options(synchronize_session=False)
    )
    if attempt.error or channel.reaches is Reaches.SYSTEMS:
        session.add(DispatchAttempt(
            dispatch_id=attempt.dispatch.id, at=attempt.at, milliseconds=attempt.milliseconds, answer=attempt.answer,
            error=reason,
        ))
    if fate["status"] is DispatchStatus.PENDING:
        wake(session, fate["due_at"])


async def _pause(session: AsyncSession, webhook_id: UUID, until: datetime) -> None:
    """No change of the webhook's own: its revision stays."""
    await session.execute(
        update(Webhook).where(Webhook.id == webhook_id).values(paused_until=until)
        .execution_options(synchronize_session=False)
    )
    wake(session, until)


async def _deactivate(session: AsyncSession, webhook_id: UUID, at: datetime) -> None:
    """An endpoint that says it is gone is asked nothing any more; what waits for it is canceled when it is due."""
    webhook = await session.get_one(Webhook, webhook_id, with_for_update=True)
    if webhook.active:
        webhook.active, webhook.modified_at = False, at
        await session.flush()
        session.add(History(
            id=new_id(), at=at, subject=SubjectKind.WEBHOOK, subject_id=webhook_id, revision=webhook.revision,
            action="DEACTIVATE", before={"active": True}, after={"active": False},
            comment="The endpoint answered 410 (gone).",
        ))

