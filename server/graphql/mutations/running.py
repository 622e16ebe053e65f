"""Running a mutation: one transaction, the service's answer or its problems, and the object as the client selected it.

    submit_order = change("SubmitOrder", ORDER, OrderInput, "…", lambda work, it: Orders(work).submit(*it.read()))

makes the mutation `submitOrder(input: OrderInput!): SubmitOrderPayload!` with the fields `order` and `problems`.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

import strawberry
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError

from server.domain.order import IdempotencyKey
from server.errors import Refused, refuse
from server.graphql.fields import result
from server.graphql.mutations.inputs import INPUT, Input
from server.graphql.mutations.problems import PROBLEMS, ImpactType, ProblemType, problems_of
from server.graphql.reading import Info, fetch
from server.services.conflicts import problem_of
from server.services.work import Work

In = TypeVar("In", bound=Input)
Payload = TypeVar("Payload")
Act = Callable[[Work, In], Awaitable[Any]]
"""Does the work, and answers with the changed object."""
Target = tuple[str, str, str]
"""Name of the payload's field, of the type it holds, and its description."""


class _Rehearsed(Exception):
    """Carries the payload of a dry run out of its transaction, which rolls back."""

    def __init__(self, payload: Any) -> None:
        self.payload = payload


def change(
    name: str, target: Target, input_type: type[In], description: str, act: Act[In], *, warns: bool = False,
    alone: bool = False,
) -> Any:
    """A mutation that answers with one object. Inputs with `dryRun` give the payload an `impact`; `warns`: a list of
    what was done but should be looked at; `alone`: it may take long, so it shares its commit with nobody."""
    payload_type = payload(name, target, impact=hasattr(input_type, "dry_run"), warns=warns)

    async def resolve(root: object, info: Any, input: Any) -> Any:
        return await attempt(payload_type, lambda: _run(info, payload_type, target, input, act, alone=alone))

    resolve.__annotations__ |= {"info": Info, "input": Annotated[input_type, INPUT], "return": payload_type}
    return strawberry.mutation(resolver=resolve, description=description)


def payload(name: str, target: Target, *, impact: bool = False, warns: bool = False) -> Any:
    """The payload type of a mutation."""
    field, type_name, description = target
    kinds: dict[str, Any] = {"problems": list[ProblemType]}
    members: dict[str, Any] = {
        field: result(type_name, description),
        "problems": strawberry.field(default_factory=list, description=PROBLEMS),
    }
    if impact:
        kinds["impact"] = ImpactType | None
        members["impact"] = strawberry.field(default=None, description="What it changes, or with dryRun would change.")
    if warns:
        kinds["warnings"] = list[ProblemType]
        members["warnings"] = strawberry.field(
            default_factory=list, description="What was done all the same, but should be looked at."
        )
    made = type(f"{name}Payload", (), members | {"__annotations__": kinds})
    return strawberry.type(made, description=f"What {name[0].lower()}{name[1:]} did, or why not.")


async def attempt(payload_type: Callable[..., Payload], act: Callable[[], Awaitable[Payload]]) -> Payload:
    """The payload of `act`, or one with the problems that it was refused with; what the database refused counts too.
    Anything else is a bug and stays one."""
    try:
        return await act()
    except _Rehearsed as rehearsed:
        return rehearsed.payload  # type: ignore[no-any-return]  # of this payload type: it is made by the same act
    except Refused as refused:
        return payload_type(problems=problems_of(refused.problems))
    except (StaleDataError, DBAPIError) as error:
        if problem := problem_of(error):
            return payload_type(problems=problems_of([problem]))
        raise


async def _run(
    info: Info, payload_type: Any, target: Target, input: In, act: Act[In], *, alone: bool
) -> Any:
    async with info.context.database.transaction(alone=alone) as session:
        work = info.context.work(session)
        object_id = await once(work, info.field_name, input, lambda: act(work, input))
        await session.flush()
        field, type_name, _ = target
        answer: dict[str, Any] = {
            field: await fetch(info, session, field, type_name, object_id) if object_id else None
        }
        if "impact" in payload_type.__annotations__:
            answer["impact"] = ImpactType.of(work.impact)
        if "warnings" in payload_type.__annotations__:
            answer["warnings"] = problems_of(work.warnings)
        done = payload_type(**answer)
        if getattr(input, "dry_run", False):
            raise _Rehearsed(done)
        return done


async def once(
    work: Work, mutation: str, input: Input, act: Callable[[], Awaitable[Any]], part: int = 0
) -> UUID | None:
    """Acts, unless a mutation with the same key did: then the id of what that one returned. The key is taken first, so
    that of two at once the second one waits for the first. `part` counts what one input asks to be done separately."""
    key, caller = input.key(), work.caller.id
    if not key or caller is None:
        return await _id_of(act)
    key = f"{key}#{part}" if part else key
    values = {"operator_id": caller, "key": key, "mutation": mutation, "input_hash": input.fingerprint(),
              "created_at": work.now}
    dialect = postgresql if work.session.get_bind().dialect.name == "postgresql" else sqlite
    taken = dialect.insert(IdempotencyKey).values(values).on_conflict_do_nothing().returning(IdempotencyKey.key)
    mine = await work.session.scalar(taken) is not None
    row = await work.session.get_one(IdempotencyKey, (caller, key))
    if mine:
        row.object_id = await _id_of(act)
    elif (row.mutation, row.input_hash) != (mutation, values["input_hash"]):
        raise refuse(
            "IDEMPOTENCY_KEY_REUSED",
            f"This key came with another {row.mutation} before; take a new key for a new change.", "idempotency_key",
        )
    return row.object_id


async def _id_of(act: Callable[[], Awaitable[Any]]) -> UUID | None:
    thing = await act()
    return thing if thing is None or isinstance(thing, UUID) else thing.id
