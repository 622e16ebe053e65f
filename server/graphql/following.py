"""What a subscription's events become: the object as its viewer sees it at that moment, or silence [2.3]."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import strawberry
from graphql import GraphQLResolveInfo, get_named_type

from server.changes import Subject
from server.following.follower import Change, Follower, Wanted
from server.graphql import ids
from server.graphql.fields import TYPES, result
from server.graphql.reading import Info, fetch, is_visible

RELOAD = (
    "Whether more may have changed than this event says: read again what you show. So it is in the first event, after "
    "an interruption, and when more changed at once than was worth telling one by one."
)


class NothingToTell(Exception):
    """The subscriber must not hear of this event, and hears nothing."""


@dataclass(frozen=True, slots=True)
class Happened:
    """The source event: a change, and who hears of it."""

    change: Change
    follower: Follower

    @property
    def id_to_read(self) -> UUID | None:
        """The object that has to be read for its payload."""
        return None if self.change.gone else self.change.id


def change_of(type_name: str, noun: str) -> Any:
    """The payload type of changes of one type. It has no field `id`: clients that keep objects by id would take it for
    the object itself."""
    made: Any = type(f"{type_name}Change", (), {
        "__annotations__": {"gone_id": strawberry.ID | None, "reload": bool},
        noun: result(type_name, f"The {noun} as it is now; null when it is gone, and when only `reload` is told."),
        "gone_id": strawberry.field(
            default=None, description=f"Id of a {noun} that is gone, or out of your scope now."
        ),
        "reload": strawberry.field(default=False, description=RELOAD),
        "type_name": type_name, "noun": noun,
    })
    TYPES[made.__name__] = strawberry.type(made, description=f"That one {noun} is new, changed or gone.")
    return TYPES[made.__name__]


async def happening(info: Info, subject: Subject, **wanted: Any) -> AsyncGenerator[Happened, None]:
    """The source events of a subscription, until it is closed."""
    context = info.context
    with context.hub.follow(Wanted(subject, context.caller.id, **wanted)) as follower:
        while True:
            yield Happened(await follower.next(), follower)


async def resolve_change(happened: Happened, raw: GraphQLResolveInfo[Any], **_arguments: Any) -> Any:
    """The payload: read in a session of its own with the rights of now, and exactly what was selected."""
    field = raw.parent_type.fields[raw.field_name]
    payload = TYPES[get_named_type(field.type).name]
    if (id := happened.id_to_read) is None:
        return outcome(happened, payload, {}, seen=False)
    info = Info(_raw_info=raw, _field=field.extensions["strawberry-definition"])
    async with info.context.database.reading() as session:
        rows = await fetch(info, session, payload.noun, payload.type_name, id)
        seen = None not in rows.values() if rows else await is_visible(info, session, payload.type_name, id)
    return outcome(happened, payload, rows, seen=seen)


def outcome(happened: Happened, payload: Any, objects: Mapping[str, Any], *, seen: bool) -> Any:
    """The payload with the object as it was read, by response key; NothingToTell unless the viewer sees it, or its
    client has it and must let it go."""
    change, follower = happened.change, happened.follower
    if not (seen or change.reload or change.gone or follower.seen):
        raise NothingToTell
    follower.seen = seen and follower.wanted.id is not None
    gone_id = None if seen or change.id is None else ids.encode(payload.type_name, change.id)
    return payload(**{payload.noun: objects if seen else None}, gone_id=gone_id, reload=change.reload)
