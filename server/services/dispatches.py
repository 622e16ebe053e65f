"""What administrators do with messages that were not taken: have them sent again [7]."""

from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from server.domain.notification import Dispatch, DispatchStatus, Webhook
from server.errors import NotFound, refuse
from server.jobs.enqueue import JobKind, enqueue
from server.reads.dispatches import stuck
from server.services.work import Work

AT_MOST = 10_000
"""Messages that one act has sent again."""


class Dispatches:
    """For administrators. What is sent again has all its attempts before it, under the same message id."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def resend(self, dispatch_id: UUID) -> UUID:
        """One that failed, or waits for its next attempt. One that is being sent is left alone, so that it does not go
        out twice."""
        self.work.require_admin("send messages again")
        if not await self._again(Dispatch.id == dispatch_id):
            raise await self._refusal(dispatch_id)
        return dispatch_id

    async def resend_all(self, channel: str | None = None) -> int:
        """The same for all, or those of a channel; how many, at most 10,000 at a time, the oldest first."""
        self.work.require_admin("send messages again")
        return await self._again(Dispatch.channel == channel if channel else Dispatch.id.is_not(None))

    async def _again(self, which: ColumnElement[bool]) -> int:
        inactive = select(Webhook.id).where(~Webhook.active)
        to_somebody = Dispatch.webhook_id.is_(None) | Dispatch.webhook_id.not_in(inactive)
        ids = (
            select(Dispatch.id).where(stuck, to_somebody, which).order_by(Dispatch.id)
            .limit(AT_MOST).with_for_update(skip_locked=True)
        )
        moved = await self.work.session.scalars(
            update(Dispatch).where(Dispatch.id.in_(ids))
            .values(status=DispatchStatus.PENDING, attempts=0, due_at=self.work.now, last_error="")
            .returning(Dispatch.id).execution_options(synchronize_session=False)
        )
        enqueue(self.work.session, JobKind.SEND)
        return len(moved.all())

    async def _refusal(self, dispatch_id: UUID) -> Exception:
        dispatch = await self.work.session.get(Dispatch, dispatch_id)
        if dispatch is None:
            return NotFound("There is no such message.")
        if dispatch.webhook_id and not (await self.work.session.get_one(Webhook, dispatch.webhook_id)).active:
            return refuse("INACTIVE", "Its webhook is not active: activate it first.", "id")
        return refuse(
            "ILLEGAL_TRANSITION",
            f"The message is {dispatch.status}: one that FAILED, or waits after a failed attempt and is not being sent "
            "just now, is sent again.", "id",
        )
