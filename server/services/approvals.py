"""Decisions: taken on the approval, on the revision that was read, once [5.2, 5.5, 5.7]."""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from server.domain.approval import Approval, Reminder, ReminderAnchor, ReminderStatus
from server.domain.dates import moment_of
from server.domain.record import SubjectKind
from server.errors import refuse
from server.services.deciding import decide_all
from server.services.loading import load_approval
from server.services.verdicts import Decision, Verdict, check_open
from server.services.work import Work

__all__ = ["Approvals", "Decision"]


class Approvals:
    """The questions that wait for reviewers."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def decide(self, approval_id: UUID, revision: int, decision: Decision, comment: str = "") -> Approval:
        """Approves or rejects the subject in the `revision` that the reviewer read. The first decision is final; a
        later one gets ALREADY_DECIDED with who and when. A rejection needs a comment."""
        [outcome] = await decide_all(
            self.work, [Verdict(self.work.caller, approval_id, revision, decision, comment)]
        )
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def move_deadline(self, approval_id: UUID, deadline: date | datetime, comment: str = "") -> Approval:
        """Gives reviewers another deadline; their reminders move with it [9.17]. For administrators."""
        package, _order, approval = await load_approval(self.work, approval_id)
        self.work.require_admin("move the deadline of an approval")
        self.work.types.require(package.type)
        await check_open(self.work, approval)
        moment = moment_of("deadline", deadline, self.work.settings.zone)
        if moment is None or moment <= self.work.now:
            raise refuse("IN_THE_PAST", "The new deadline must lie in the future.", "deadline")
        moved, approval.deadline = moment - approval.deadline, moment
        await self.work.record(
            SubjectKind.APPROVAL, approval, "MOVE_DEADLINE", comment=comment, entity_id=approval.entity_id
        )
        await self._move_reminders(approval, moved)
        return approval

    async def _move_reminders(self, approval: Approval, moved: timedelta) -> None:
        """Reminders that count from the deadline move with it, unless they were sent: none is sent twice."""
        for reminder in await self.work.session.scalars(select(Reminder).where(
            Reminder.approval_id == approval.id, Reminder.anchor == ReminderAnchor.DEADLINE,
            Reminder.status != ReminderStatus.SENT,
        )):
            reminder.due_at += moved
            to_come = reminder.due_at > self.work.now
            reminder.status = ReminderStatus.SCHEDULED if to_come else ReminderStatus.SKIPPED
