"""Mutations of messages that were not taken: for administrators [7]."""

from typing import Annotated

import strawberry

from server.graphql.fields import resolver
from server.graphql.mutations.inputs import INPUT, Input, an_id, optional
from server.graphql.mutations.problems import PROBLEMS, ProblemType
from server.graphql.mutations.running import attempt, change, once
from server.graphql.reading import Info
from server.services.dispatches import Dispatches

DISPATCH = ("dispatch", "Dispatch", "The message as it is now; null when the mutation was refused.")


@strawberry.input(description="A message that was not taken.")
class ResendDispatchInput(Input):
    id: strawberry.ID = an_id("Dispatch", "The message.")


@strawberry.input(description="Messages that were not taken.")
class ResendDispatchesInput(Input):
    channel: str | None = optional("Only those of this channel, such as email.")


@strawberry.type(description="How many messages are sent again, or why none is.")
class ResendDispatchesPayload:
    count: int = strawberry.field(
        default=0,
        description="How many; none when the mutation is repeated with its key. With ten thousand there may be more.",
    )
    problems: list[ProblemType] = strawberry.field(default_factory=list, description=PROBLEMS)


@strawberry.type
class DispatchMutations:
    resend_dispatch = change(
        "ResendDispatch", DISPATCH, ResendDispatchInput,
        "Has a message that FAILED, or waits after a failed attempt, sent at once. It has all its attempts before it.",
        lambda work, it: Dispatches(work).resend(it.decoded("id")),
    )

    @resolver(
        "Has all messages that FAILED or wait after a failed attempt sent at once, the 10,000 oldest at most; those to "
        "webhooks that are not active stay as they are."
    )
    async def resend_dispatches(
        self, info: Info, input: Annotated[ResendDispatchesInput, INPUT]
    ) -> ResendDispatchesPayload:
        return await attempt(ResendDispatchesPayload, lambda: _resend(info, input))


async def _resend(info: Info, input: ResendDispatchesInput) -> ResendDispatchesPayload:
    async with info.context.database.transaction(alone=True) as session:
        work, done = info.context.work(session), ResendDispatchesPayload()

        async def act() -> None:
            done.count = await Dispatches(work).resend_all(input.fields().get("channel"))

        await once(work, info.field_name, input, act)
        return done
