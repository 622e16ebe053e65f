"""Mutations of approvals: decisions, one or many, and deadlines [5]."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from server.graphql.enums import describe
from server.graphql.fields import resolver, result
from server.graphql.mutations.inputs import INPUT, Input, Part, an_id
from server.graphql.mutations.problems import PROBLEMS, ProblemType
from server.graphql.mutations.running import Jointly, attempt, change, key_of
from server.graphql.reading import Info, fetch
from server.graphql.scalars import DateOrDateTime
from server.graphql.together import Member
from server.reads.visibility import Caller
from server.services.approvals import Approvals, Decision
from server.services.deciding import decide_all
from server.services.verdicts import Verdict
from server.services.work import Impact

APPROVAL = ("approval", "Approval", "The approval as it is now; null when the mutation was refused.")
MOST = 100

describe(Decision, "Decision", "What a reviewer decides.", {
    "APPROVE": "Yes.",
    "REJECT": "No; needs a comment.",
})


@strawberry.input(description="A decision on the revision of the subject that was read.")
class DecisionInput(Part):
    approval_id: strawberry.ID = an_id("Approval", "The approval.")
    revision: int = strawberry.field(
        description="The revision of the subject, the package or the order, that you read; not that of the approval."
    )
    decision: Decision = strawberry.field(description="What you decide.")
    comment: str = strawberry.field(default="", description="Why; a rejection needs one.")

    def verdict(self, caller: Caller, impact: Impact) -> Verdict:
        return Verdict(caller, self.decoded("approval_id"), self.revision, self.decision, self.comment, impact)


@strawberry.input(description="One decision.")
class DecideApprovalInput(Input, DecisionInput):
    dry_run: bool = strawberry.field(
        default=False, description="Answer with what would change, by the same code, and change nothing."
    )


@strawberry.input(description="Several decisions, each for itself.")
class DecideApprovalsInput(Input):
    decisions: list[DecisionInput] = strawberry.field(description="The decisions, at most 100.")


@strawberry.input(description="Another deadline for an approval that is pending.")
class MoveApprovalDeadlineInput(Input):
    id: strawberry.ID = an_id("Approval", "The approval.")
    deadline: DateOrDateTime = strawberry.field(description="The new deadline.")
    comment: str = strawberry.field(default="", description="Why.")


@strawberry.type(description="What became of one of several decisions.")
class DecisionResult:
    approval_id: strawberry.ID = strawberry.field(description="The approval that it was about.")
    approval: Any = result("Approval", "The approval as it is now; null when the decision was refused.")
    problems: list[ProblemType] = strawberry.field(default_factory=list, description=PROBLEMS)


@strawberry.type(description="What became of several decisions.")
class DecideApprovalsPayload:
    results: list[DecisionResult] = strawberry.field(
        default_factory=list, description="A result per decision, in the order in which they came."
    )
    problems: list[ProblemType] = strawberry.field(default_factory=list, description="Why none of them was looked at.")


@strawberry.type
class ApprovalMutations:
    decide_approval = change(
        "DecideApproval", APPROVAL, DecideApprovalInput,
        "Approves or rejects. The first decision is final; a later one gets ALREADY_DECIDED with who and when.",
        Jointly(lambda caller, it, impact: it.verdict(caller, impact), decide_all),
    )
    move_approval_deadline = change(
        "MoveApprovalDeadline", APPROVAL, MoveApprovalDeadlineInput,
        "Gives an approval another deadline; its reminders move with it. For administrators.",
        lambda work, it: Approvals(work).move_deadline(it.decoded("id"), it.decoded("deadline"), it.comment),
    )

    @resolver("Takes several decisions; one that is refused does not hold up the others.")
    async def decide_approvals(
        self, info: Info, input: Annotated[DecideApprovalsInput, INPUT]
    ) -> DecideApprovalsPayload:
        if len(input.decisions) > MOST:
            message = f"Take at most {MOST} decisions at once, not {len(input.decisions)}."
            return DecideApprovalsPayload(problems=[ProblemType(code="TOO_MANY", message=message, path=["decisions"])])
        taken = await asyncio.gather(*(_take(info, input, part, it) for part, it in enumerate(input.decisions, 1)))
        async with info.context.database.reading() as session:
            return DecideApprovalsPayload(results=[
                await _result(info, session, it, outcome)
                for it, outcome in zip(input.decisions, taken, strict=True)
            ])


async def _take(info: Info, input: DecideApprovalsInput, part: int, it: DecisionInput) -> UUID | Exception | None:
    """What came of a decision, which is taken together with others."""
    context, caller = info.context, info.context.caller
    try:
        key = key_of(caller, info.field_name, input, part)
        verdict = it.verdict(caller, Impact())
        return await context.together.do(decide_all, Member(context.database, context.work, context.now, verdict, key))
    except Exception as error:
        return error


async def _result(
    info: Info, session: AsyncSession, it: DecisionInput, outcome: UUID | Exception | None
) -> DecisionResult:
    def about(**answer: Any) -> DecisionResult:
        return DecisionResult(approval_id=it.approval_id, **answer)

    async def read() -> DecisionResult:
        if isinstance(outcome, Exception):
            raise outcome
        return about(approval=await fetch(info, session, "results.approval", "Approval", it.decoded("approval_id")))

    return await attempt(about, read)
