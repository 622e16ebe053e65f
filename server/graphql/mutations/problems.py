"""Expected refusals and impacts as clients see them: all at once, in the payload."""

from collections.abc import Iterable

import strawberry

from server.errors import Problem
from server.services.loading import camel
from server.services.work import Impact

PROBLEMS = "Why it was refused; empty when it was done."


@strawberry.type(name="Problem", description="Why a mutation was refused: nothing was changed.")
class ProblemType:
    code: str = strawberry.field(description="A stable word for programs, such as STALE_REVISION.")
    message: str = strawberry.field(description="A sentence for people: what is wrong, where, and what would be right.")
    path: list[str] = strawberry.field(description="The input field that it is about, from the input downwards.")


@strawberry.type(description="One thing that a mutation changes.")
class ImpactItem:
    kind: str = strawberry.field(description="ENTITY, ORDER, CAMPAIGN, PACKAGE or MESSAGE.")
    code: str = strawberry.field(description="Code of the object; of the receiver for messages to entities.")
    label: str = strawberry.field(description="Its label.")
    change: str = strawberry.field(description="What happens to it: its new status, or the kind of message.")


@strawberry.type(name="Impact", description="What a mutation changes, counted, and item by item up to 200.")
class ImpactType:
    entities: int = strawberry.field(description="Entities concerned.")
    orders: int = strawberry.field(description="Orders made or moved.")
    campaigns: int = strawberry.field(description="Campaigns made or moved.")
    packages: int = strawberry.field(description="Packages moved.")
    messages: int = strawberry.field(description="Messages to be sent.")
    items: list[ImpactItem] = strawberry.field(description="The first 200 changes.")

    @classmethod
    def of(cls, impact: Impact) -> "ImpactType":
        counts = {
            name: impact.counts.get(kind, 0)
            for name, kind in (("entities", "ENTITY"), ("orders", "ORDER"), ("campaigns", "CAMPAIGN"),
                               ("packages", "PACKAGE"), ("messages", "MESSAGE"))
        }
        items = [ImpactItem(kind=i.kind, code=i.code, label=i.label, change=i.change) for i in impact.items]
        return cls(**counts, items=items)


def problems_of(problems: Iterable[Problem]) -> list[ProblemType]:
    return [ProblemType(code=each.code, message=each.message, path=list(camel_path(each))) for each in problems]


def camel_path(problem: Problem) -> tuple[str, ...]:
    """The path in the names of the schema; below `parameters` stand the names of the form itself."""
    own = problem.path.index("parameters") if "parameters" in problem.path else len(problem.path)
    return (*map(camel, problem.path[:own]), *problem.path[own:])

