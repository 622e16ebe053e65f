"""Running a mutation: one transaction, the service's answer or its problems, and the object as the client selected it.

    submit_order = change("SubmitOrder", ORDER, OrderInput, "…", lambda work, it: Orders(work).submit(*it.read()))

makes the mutation `submitOrder(input: OrderInput!): SubmitOrderPayload!` with the fields `order` and `problems`.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import strawberry
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from server.errors import Problem, Refused
from server.graphql.context import Context
from server.graphql.fields import result
from server.graphql.mutations.inputs import INPUT, Input
from server.graphql.mutations.problems import PROBLEMS, ImpactType, ProblemType, problems_of
from server.graphql.reading import Info, fetch
from server.graphql.together import ActOnAll, Member
from server.reads.visibility import Caller
from server.services.conflicts import problem_of
from server.services.repeating import Key, keep_results, results_of, take_keys
from server.services.work import Impact, Work

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


Read = Callable[[AsyncSession | None, UUID], Awaitable[Any]]
"""Reads the changed object for the payload, as the client selected it: in the transaction that changed it, or as it is
after the commit."""


@dataclass(frozen=True, eq=False)
class Jointly(Generic[In]):
    """A mutation that is done together with others of its kind: what one of them asks for, and who does them all."""

    asked: Callable[[Caller, In, Impact], Any]
    act: ActOnAll

    async def done(self, context: Context, mutation: str, input: In) -> tuple[UUID | None, Impact]:
        """The id of what was changed, once it is committed, and what that came to."""
        caller, impact = context.caller, Impact()
        return await context.together.do(self.act, Member(
            context.database, context.work, context.now, self.asked(caller, input, impact),
            key_of(caller, mutation, input),
        )), impact

    async def alone(self, work: Work, input: In) -> Any:
        """What was changed, in a transaction of its own."""
        [outcome] = await self.act(work, [self.asked(work.caller, input, work.impact)])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@dataclass(frozen=True, eq=False)
class Change(Generic[In]):
    """What a mutation does that was made by `change`, whoever executes it: `field` of its payload holds the object."""

    payload_type: Any
    field: str
    act: Act[In] | Jointly[In]
    alone: bool

    async def run(self, context: Context, mutation: str, input: In, read: Read) -> Any:
        """The payload: what was done, or why not."""
        return await attempt(self.payload_type, lambda: self._run(context, mutation, input, read))

    async def _run(self, context: Context, mutation: str, input: In, read: Read) -> Any:
        rehearsed = getattr(input, "dry_run", False)
        if isinstance(self.act, Jointly) and not rehearsed:
            object_id, impact = await self.act.done(context, mutation, input)
            return self._payload(await read(None, object_id) if object_id else None, impact)
        act = self.act.alone if isinstance(self.act, Jointly) else self.act
        async with context.database.transaction(alone=self.alone) as session:
            work = context.work(session)
            object_id = await once(work, mutation, input, lambda: act(work, input))
            await session.flush()
            found = await read(session, object_id) if object_id else None
            done = self._payload(found, work.impact, work.warnings)
            if rehearsed:
                raise _Rehearsed(done)
            return done

    def _payload(self, found: Any, impact: Impact, warnings: Sequence[Problem] = ()) -> Any:
        answer: dict[str, Any] = {self.field: found}
        if "impact" in self.payload_type.__annotations__:
            answer["impact"] = ImpactType.of(impact)
        if "warnings" in self.payload_type.__annotations__:
            answer["warnings"] = problems_of(warnings)
        return self.payload_type(**answer)


def change(
    name: str, target: Target, input_type: type[In], description: str, act: Act[In] | Jointly[In], *,
    warns: bool = False, alone: bool = False,
) -> Any:
    """A mutation that answers with one object. Inputs with `dryRun` give the payload an `impact`; `warns`: a list of
    what was done but should be looked at; `alone`: it may take long, so it shares its commit with nobody."""
    payload_type = payload(name, target, impact=hasattr(input_type, "dry_run"), warns=warns)
    field, type_name, _ = target
    made = Change(payload_type, field, act, alone)

    async def resolve(root: object, info: Any, input: Any) -> Any:
        if isinstance(root, payload_type):
            return root  # it was done already, and only its answer is still to be written

        async def read(session: AsyncSession | None, id: UUID) -> Any:
            async with nullcontext(session) if session else info.context.database.reading() as open_session:
                return await fetch(info, open_session, field, type_name, id)

        return await made.run(info.context, info.field_name, input, read)

    resolve.__annotations__ |= {"info": Info, "input": Annotated[input_type, INPUT], "return": payload_type}
    resolve.change = made  # type: ignore[attr-defined]  # for the path that needs no executor
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


async def once(
    work: Work, mutation: str, input: Input, act: Callable[[], Awaitable[Any]], part: int = 0
) -> UUID | None:
    """Acts, unless a mutation with the same key did: then the id of what that one returned. The key is taken first, so
    that of two at once the second one waits for the first. `part` counts what one input asks to be done separately."""
    key = key_of(work.caller, mutation, input, part)
    if key is None:
        return await _id_of(act)
    if not await take_keys(work, [key]):
        before = (await results_of(work, [key]))[key]
        if isinstance(before, Refused):
            raise before
        return before
    done = await _id_of(act)
    await keep_results(work, {key: done})
    return done


def key_of(caller: Caller, mutation: str, input: Input, part: int = 0) -> Key | None:
    """The key under which the mutation may come again, if its client gave one."""
    key = input.key()
    if not key or caller.id is None:
        return None
    return Key(caller.id, f"{key}#{part}" if part else key, mutation, input.fingerprint())


async def _id_of(act: Callable[[], Awaitable[Any]]) -> UUID | None:
    thing = await act()
    return thing if thing is None or isinstance(thing, UUID) else thing.id
