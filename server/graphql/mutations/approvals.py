"""Mutations of approvals: decisions, one or many, and deadlines [5]."""

from typing import Annotated, Any

import strawberry

from server.graphql.enums import describe
from server.graphql.fields import resolver, result
from server.graphql.mutations.inputs import INPUT, Input, Part, an_id
from server.graphql.mutations.problems import PROBLEMS, ProblemType
from server.graphql.mutations.running import attempt, change, once
from server.graphql.reading import Info, fetch
from server.graphql.scalars import DateOrDateTime
from server.services.approvals import Approvals, Decision

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
        lambda work, it: Approvals(work).decide(it.decoded("approval_id"), it.revision, it.decision, it.comment),
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
        results = [await _decide(info, input, part, it) for part, it in enumerate(input.decisions, 1)]
        return DecideApprovalsPayload(results=results)


async def _decide(info: Info, input: DecideApprovalsInput, part: int, it: DecisionInput) -> DecisionResult:
    """One decision in a transaction of its own."""
    def refused_or(**answer: Any) -> DecisionResult:
        return DecisionResult(approval_id=it.approval_id, **answer)

    async def act() -> DecisionResult:
        approval_id = it.decoded("approval_id")
        async with info.context.database.transaction() as session:
            approvals = Approvals(work := info.context.work(session))
            await once(
                work, info.field_name, input,
                lambda: approvals.decide(approval_id, it.revision, it.decision, it.comment), part,
            )
            await session.flush()
            return refused_or(approval=await fetch(info, session, "results.approval", "Approval", approval_id))

    return await attempt(refused_or, act)
