"""What an operator wants to be told through which channel: every choice there is, chosen or not [7]."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.domain.notification import Preference, kinds_for
from server.domain.record import EventKind
from server.reads.resource import Reader


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether messages of a kind are wanted in a channel; they are until the operator says otherwise."""

    kind: EventKind
    channel: str
    wanted: bool


async def of_the_reader(session: AsyncSession, reader: Reader, ids: Sequence[UUID]) -> Mapping[UUID, object]:
    """The reader's own; nothing for other operators."""
    me = reader.caller.id
    if me is None or me not in ids:
        return {}
    rows = await session.execute(
        select(Preference.kind, Preference.channel, Preference.wanted).where(Preference.operator_id == me)
    )
    chosen = {(kind, channel): wanted for kind, channel, wanted in rows}
    return {me: [
        Choice(kind, channel, chosen.get((kind, channel), True))
        for kind in kinds_for(reader.caller.right) for channel in reader.channels
    ]}
