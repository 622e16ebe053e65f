"""What somebody decides about an approval, and whether it may be decided so [5.1, 5.2, 5.5, 5.6, 5.7]."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select

from server.domain.approval import Approval, ApprovalReviewer, ApprovalStatus
from server.domain.network import GroupMember
from server.domain.order import Order
from server.domain.package import Package
from server.domain.permissions import Decision as Capacity
from server.domain.permissions import can_decide
from server.errors import NotAllowed, refuse
from server.reads.ids import OneOf, ids_named
from server.reads.visibility import Caller
from server.services.approving import decider_of
from server.services.loading import check_going_on, check_revision, sets_of
from server.services.ready import Ready
from server.services.work import Impact, Work

NOBODY: frozenset[UUID] = frozenset()
NAMED = Ready(select(
    ApprovalReviewer.approval_id, func.coalesce(ApprovalReviewer.operator_id, ApprovalReviewer.group_id)
).where(OneOf(ApprovalReviewer.approval_id, ids_named("ids"))))
GROUPS = Ready(select(GroupMember.operator_id, GroupMember.group_id).where(
    OneOf(GroupMember.operator_id, ids_named("ids"))
))


class Decision(StrEnum):
    APPROVE = "APPROVE"
    REJECT = "REJECT"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody decides about an approval, on the `revision` of its subject that was read. A rejection needs a
    comment. `impact`, if given, is filled with what it changes."""

    caller: Caller
    approval_id: UUID
    revision: int
    decision: Decision
    comment: str = ""
    impact: Impact | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A verdict with what it is about, all locked; `work` is of whoever gives it."""

    work: Work
    verdict: Verdict
    package: Package
    order: Order | None
    approval: Approval

    def close(self, capacity: Capacity) -> None:
        """Puts the verdict into the approval; the caller records it."""
        approval, verdict = self.approval, self.verdict
        approval.status = ApprovalStatus.APPROVED if verdict.decision is Decision.APPROVE else ApprovalStatus.REJECTED
        approval.comment, approval.override = verdict.comment, capacity is Capacity.OVERRIDE
        approval.decided_at, approval.decided_by_id = self.work.now, self.work.caller.id


@dataclass(frozen=True, slots=True)
class Reviewers:
    """Whom approvals name, operators and groups alike, and the groups of those who decide."""

    named: Mapping[UUID | None, set[UUID]]
    groups: Mapping[UUID | None, set[UUID]]

    def capacity(self, asked: Asked) -> Capacity:
        """Whether the caller may decide, as reviewer or as an override [5.5, 5.6]. When the server decides, it does
        what the package's policy says in the reviewers' place [5.3]."""
        approval, caller = asked.approval, asked.work.caller
        if caller.id is None:
            return Capacity.REVIEWER
        named = self.named.get(approval.id, NOBODY)
        reviewer = caller.id in named or not self.groups.get(caller.id, NOBODY).isdisjoint(named)
        return can_decide(
            approval.subject, approval.status, caller.right, named=bool(named), reviewer=reviewer,
            owner=asked.package.owner_id == caller.id,
        )


async def reviewers_of(work: Work, approval_ids: Sequence[UUID], callers: Iterable[Caller]) -> Reviewers:
    """Who may decide, as the groups are now [5.1]."""
    if not approval_ids:
        return Reviewers({}, {})
    named = sets_of(await NAMED.rows(work.session, ids=approval_ids))
    deciders = list({caller.id for caller in callers if caller.id})
    groups = sets_of(await GROUPS.rows(work.session, ids=deciders)) if named else {}
    return Reviewers(named, groups)


async def check(asked: Asked, reviewers: Reviewers) -> Capacity:
    """In which capacity the caller decides; raises what speaks against it."""
    work, verdict, subject = asked.work, asked.verdict, asked.order or asked.package
    if asked.order:
        check_going_on(asked.package, asked.order)
    work.types.require(asked.package.type)
    await check_open(work, asked.approval)
    capacity = reviewers.capacity(asked)
    if capacity is Capacity.NO:
        raise NotAllowed("You are not among those who may decide this.")
    await check_revision(work, subject, verdict.revision, f"{subject.label} ({subject.code})")
    if verdict.decision is Decision.REJECT and not verdict.comment.strip():
        raise refuse("COMMENT_REQUIRED", "A rejection needs a comment that says why.", "comment")
    return capacity


async def check_open(work: Work, approval: Approval) -> None:
    """The first decision is final; a later one gets ALREADY_DECIDED with who and when [5.2]."""
    if approval.status is ApprovalStatus.PENDING:
        return
    if approval.status is ApprovalStatus.WITHDRAWN:
        raise refuse("WITHDRAWN", "The question was taken back; nobody decides it any more.", "id")
    who, when = await decider_of(work, approval), f"{approval.decided_at:%Y-%m-%d %H:%M:%S} UTC"
    raise refuse("ALREADY_DECIDED", f"{approval.status} by {who} at {when} already.", "id")
