"""Sets the alarms: whoever writes or moves a date has the due moves looked for at that moment, by the same commit
(decision 14)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from server.domain.alarms import WATCHED, moments_of, to_the_second
from server.domain.base import new_id
from server.jobs.enqueue import JobKind, enqueue

ALARMS = "alarms"
"""Key in `session.info`: the seconds for which the transaction has set an alarm."""
NOTICE = "registration_notice"
"""Key in `session.info`: how long before the registration deadline entities are told (N11)."""


def set_alarm(session: AsyncSession | Session, moment: datetime) -> None:
    """Has the due moves looked for at `moment`, or at once when it is past. The listener below does so for everything
    that goes through the session's flush; bulk inserts call this themselves.

    A transaction sets one alarm for a second, however many rows wait for it; two transactions never share one, so that
    neither waits for the other's commit, and none relies on an alarm that rings before its own commit. Moving a date
    sets another alarm. The former one rings all the same and finds nothing, which costs one statement.
    """
    at = to_the_second(moment.astimezone(UTC))
    if at not in (known := session.info.setdefault(ALARMS, set())):
        known.add(at)
        enqueue(session, JobKind.ADVANCE, f"{at:%Y%m%dT%H%M%S}-{new_id()}", at=at, moment=at.isoformat())


def rung_at(clock: datetime, arguments: dict[str, Any]) -> datetime:
    """The `now` of an alarm that rings: the clock's, unless it is behind the clock of who rang it, since then nothing
    would be due yet and nobody would look again."""
    return max(clock, datetime.fromisoformat(arguments["moment"])) if "moment" in arguments else clock


@event.listens_for(Session, "after_flush")
def _set_alarms(session: Session, _context: object) -> None:
    """For what was just written: whatever is new, or has another status or date than before."""
    notice = session.info.get(NOTICE, timedelta(0))
    new = session.new  # made anew on every access
    for thing in (*new, *session.dirty):
        columns = WATCHED.get(type(thing), ())
        if columns and (thing in new or _changed(thing, columns)):
            for moment in moments_of(thing, notice):
                set_alarm(session, moment)


def _changed(thing: Any, columns: tuple[str, ...]) -> bool:
    attributes = inspect(thing).attrs
    return any(attributes[column].history.has_changes() for column in columns)
