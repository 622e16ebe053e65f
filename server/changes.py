"""What is told to those who follow changes, in this process and in others: ids, written with the transaction itself."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CursorResult, String, bindparam, column, delete, event, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from server.domain.later import Change


class Subject(StrEnum):
    """What can be followed, and whose ids are told."""

    PACKAGE = "PACKAGE"  # of the packages themselves
    ORDER = "ORDER"  # of the orders themselves
    APPROVAL = "APPROVAL"  # of the approvals themselves
    NOTIFICATION = "NOTIFICATION"  # of the notifications themselves
    FAN_OUT = "FAN_OUT"  # of the packages whose work on many rows went on
    OPERATOR = "OPERATOR"  # of those who may see other things now than before


CHANNEL = "samverkan"
CHANGED = "changed"
"""Key in `session.info`: the ids that were changed in this transaction, by subject."""
MOST_IDS = 2_000
"""Of one subject in one transaction; above it all of that subject may have changed."""
IDS_TOLD = 200
"""In one message: PostgreSQL takes less than 8,000 bytes."""
KEPT, TIDIED = 10_000, 1_000
"""How many messages SQLite keeps for those who come late, and after how many new ones the older ones go."""
_KNOWN = frozenset(Subject)
_NOTIFY = select(func.pg_notify(CHANNEL, column("message"))).select_from(
    func.unnest(bindparam("messages", type_=ARRAY(String))).alias("message")
)

Told = tuple[str, list[UUID] | None]
"""A subject and the ids that changed; None means all of them may have."""


def changed(session: AsyncSession, subject: str, *ids: UUID) -> None:
    """Tells with the session's commit that these objects of the subject are new, changed or gone: call it wherever rows
    are written past `Work.record`, which does it itself. Subjects that nobody can follow are left out."""
    if ids and subject in _KNOWN:
        session.info.setdefault(CHANGED, {}).setdefault(subject, {}).update(dict.fromkeys(ids))


def messages_of(changes: dict[str, dict[UUID, None]]) -> Iterator[str]:
    """The changes as texts that fit into a notification each."""
    for subject, ids in changes.items():
        if len(ids) > MOST_IDS:
            yield f"{subject} *"
        else:
            words = [id.hex for id in ids]
            for start in range(0, len(words), IDS_TOLD):
                yield " ".join([subject, *words[start:start + IDS_TOLD]])


def told_by(message: str) -> Iterator[Told]:
    """What a message says, subject by subject."""
    for line in message.splitlines():
        subject, *words = line.split(" ")
        yield subject, None if words == ["*"] else [UUID(word) for word in words]


@event.listens_for(Session, "before_commit")
def _tell(session: Session) -> None:
    """Writes what was collected, once per transaction and not for its savepoints."""
    if CHANGED not in session.info or session.in_nested_transaction():
        return
    messages = list(messages_of(session.info.pop(CHANGED)))
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_NOTIFY, {"messages": messages})
    else:
        _log(session, "\n".join(messages))


def _log(session: Session, message: str) -> None:
    written: CursorResult[Any] = session.connection().execute(insert(Change), {"message": message})
    if written.lastrowid % TIDIED == 0:
        session.connection().execute(delete(Change).where(Change.id <= written.lastrowid - KEPT))
