"""What entities, operators and groups have in common: loading for a change, checks against the database, writing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute

from server.domain.base import Base, Json
from server.domain.network import Entity, Operator, OperatorGroup
from server.errors import NotFound, Problem, refuse
from server.reads.visibility import Visible
from server.services.tree import lock_network
from server.services.work import Work

Fields = Mapping[str, Any]
T = TypeVar("T", Entity, Operator, OperatorGroup)


async def load(work: Work, kind: type[T], key: UUID, visible: Visible, what: str) -> T:
    """The row for a change, with the network locked; NotFound when the caller does not see it [2.3]."""
    seen = await work.session.scalar(select(kind.id).where(kind.id == key, visible))
    if seen is None:
        raise NotFound(f"There is no such {what}.")
    work.require_admin(f"change this {what}")
    await lock_network(work.session)
    return await work.session.get_one(kind, key, populate_existing=True)


async def check_free(work: Work, column: InstrumentedAttribute[str], value: str, own: Base | None) -> list[Problem]:
    """Codes and logins are unique; `own` is the row that may hold the value."""
    kind = column.class_
    holder = await work.session.scalar(select(kind).where(column == value))
    if holder is None or holder is own:
        return []
    label = holder.name if isinstance(holder, Operator) else holder.label
    return [_taken(column.key, f"{label} ({value})")]


async def check_exist(work: Work, kind: type[T], ids: Sequence[UUID], field: str, what: str) -> list[Problem]:
    """Everything that a list of ids names exists."""
    found = set(await work.session.scalars(select(kind.id).where(kind.id.in_(ids))))
    return [
        Problem("NOT_FOUND", f"There is no such {what}.", (field, str(position)))
        for position, key in enumerate(ids) if key not in found
    ]


async def relink(
    work: Work, field: str, own: InstrumentedAttribute[UUID], key: UUID, other: InstrumentedAttribute[UUID],
    ids: Iterable[UUID],
) -> tuple[Json, Json]:
    """Makes `ids` all that `key` is linked to in a table of links. Gives what the history shows of `field`, before and
    after; both empty when nothing changed."""
    table, wanted = own.class_, set(ids)
    linked = set(await work.session.scalars(select(other).where(own == key)))
    if gone := linked - wanted:
        await work.session.execute(delete(table).where(own == key, other.in_(gone)))
    if fresh := sorted(wanted - linked):
        await work.session.execute(insert(table), [{own.key: key, other.key: each} for each in fresh])
    return ({}, {}) if linked == wanted else ({field: sorted(linked)}, {field: sorted(wanted)})


def changed(thing: Base, fields: Fields) -> bool:
    """Sets the given columns; whether any of them is different now."""
    different = False
    for field, value in fields.items():
        if getattr(thing, field) != value:
            setattr(thing, field, value)
            different = True
    return different


@contextmanager
def unique(field: str, value: str) -> Iterator[None]:
    """Turns the database's refusal of a code that someone else has just taken into ours."""
    try:
        yield
    except IntegrityError as error:
        problem = _taken(field, value)
        raise refuse(problem.code, problem.message, *problem.path) from error


def _taken(field: str, who: str) -> Problem:
    return Problem("TAKEN", f"The {field} is taken by {who}: choose another {field}.", (field,))
