"""Asking entities about their target lists: one question per order, many in the same few statements [9.11, 9.15]."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from server.changes import changed
from server.domain.alarms import just_after
from server.domain.approval import (
    Approval,
    ApprovalReviewer,
    ApprovalStatus,
    ApprovalSubject,
    Reminder,
    ReminderAnchor,
    ReminderStatus,
)
from server.domain.base import new_id
from server.domain.campaign import Campaign, NoResponse
from server.domain.package import ApprovalMode, NoDecision, Package
from server.domain.record import Event, EventKind, History, SubjectKind
from server.domain.reminders import reminder_times
from server.jobs.enqueue import JobKind, enqueue
from server.services.alarms import set_alarm
from server.services.work import Work, plain

Rows = list[dict[str, Any]]
Times = Sequence[tuple[ReminderAnchor, datetime]]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: whether the entity keeps these contacts. `reviewers_id` is a group; None: whoever is in scope."""

    order_id: UUID
    code: str
    label: str
    revision: int
    entity_id: UUID
    reviewers_id: UUID | None
    contacts: int


def on_no_response(package: Package, campaign: Campaign) -> NoResponse:
    """What silence means: as the campaign says, or by the package's approval mode [9.15]."""
    manual = package.approval_mode is ApprovalMode.MANUAL
    return campaign.on_no_response or (NoResponse.EXCLUDE_ALL if manual else NoResponse.KEEP_PRESELECTED)


async def ask_target_approvals(
    work: Work, package: Package, campaign: Campaign, questions: Sequence[Question], comment: str = ""
) -> None:
    """Opens a pending approval for each order, with its reviewer, its reminders and its message (N14)."""
    deadline = work.now + timedelta(hours=campaign.target_deadline_hours)
    times, silence = reminder_times(package.reminders, work.now, deadline), on_no_response(package, campaign)
    keys = {question.order_id: new_id() for question in questions}
    written: list[tuple[type[Any], Rows]] = [
        (Approval, [_approval(work, package, question, keys[question.order_id], deadline) for question in questions]),
        (ApprovalReviewer, [
            {"id": new_id(), "approval_id": keys[q.order_id], "position": 0, "operator_id": None,
             "group_id": q.reviewers_id}
            for q in questions if q.reviewers_id
        ]),
        (Reminder, list(_reminders(keys.values(), times))),
        (History, [_history(work, question, keys[question.order_id], deadline, comment) for question in questions]),
        (Event, [_event(work, package, q, keys[q.order_id], deadline, silence) for q in questions]),
    ]
    for table, rows in written:
        if rows:
            await work.session.execute(insert(table), rows)
    changed(work.session, SubjectKind.APPROVAL, *keys.values())
    for moment in (just_after(deadline), *(due_at for _, due_at in times)):
        set_alarm(work.session, moment)
    enqueue(work.session, JobKind.DELIVER)
    for question in questions:
        work.impact.add("MESSAGE", question.code, question.label, EventKind.TARGET_APPROVAL_ASKED)


def _approval(work: Work, package: Package, question: Question, key: UUID, deadline: datetime) -> dict[str, Any]:
    return {
        "id": key, "subject": ApprovalSubject.TARGET, "package_id": package.id, "order_id": question.order_id,
        "entity_id": question.entity_id, "subject_revision": question.revision, "requested_at": work.now,
        "requested_by_id": work.caller.id, "deadline": deadline, "on_no_decision": NoDecision.NOTHING,
        "status": ApprovalStatus.PENDING, "comment": "", "override": False, "revision": 1, "created_at": work.now,
        "modified_at": work.now,
    }


def _reminders(approvals: Iterable[UUID], times: Times) -> Iterator[dict[str, Any]]:
    for approval_id in approvals:
        for anchor, due_at in times:
            yield {"id": new_id(), "approval_id": approval_id, "anchor": anchor, "due_at": due_at,
                   "status": ReminderStatus.SCHEDULED}


def _history(work: Work, question: Question, key: UUID, deadline: datetime, comment: str) -> dict[str, Any]:
    return {
        "id": new_id(), "at": work.now, "actor_id": work.caller.id, "subject": SubjectKind.APPROVAL, "subject_id": key,
        "subject_code": "", "entity_id": question.entity_id, "revision": 1, "action": "ASK", "before": {},
        "after": plain({
            "status": ApprovalStatus.PENDING, "order": question.code, "deadline": deadline,
            "contacts": question.contacts,
        }),
        "comment": comment,
    }


def _event(
    work: Work, package: Package, question: Question, key: UUID, deadline: datetime, silence: NoResponse
) -> dict[str, Any]:
    return {
        "id": new_id(), "kind": EventKind.TARGET_APPROVAL_ASKED, "at": work.now, "actor_id": work.caller.id,
        "package_id": package.id, "order_id": question.order_id, "approval_id": key, "campaign_id": package.campaign_id,
        "entity_id": question.entity_id,
        "payload": plain({"deadline": deadline, "contacts": question.contacts, "on_no_response": silence}),
    }
