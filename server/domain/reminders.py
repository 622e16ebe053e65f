"""When the reminders of an approval are due [5.4]."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from server.domain.approval import ReminderAnchor
from server.errors import Problem

MAX_REMINDERS = 20
MAX_HOURS = 24 * 366


def check_reminders(stored: object) -> list[Problem]:
    """Every fault of a list of reminders, each at its path: {"anchor": "SUBMISSION" | "DEADLINE", "hours": n} or
    {"at": a moment with its offset}."""
    if not isinstance(stored, list) or len(stored) > MAX_REMINDERS:
        return [Problem("INVALID_REMINDERS", f"Reminders are a list of at most {MAX_REMINDERS}.")]
    return [problem.at(str(index)) for index, reminder in enumerate(stored) for problem in _check(reminder)]


def reminder_times(
    stored: Sequence[Mapping[str, Any]], requested_at: datetime, deadline: datetime
) -> list[tuple[ReminderAnchor, datetime]]:
    """When each reminder is due: after the submission, before the deadline, or at its date. Moments that have passed
    already are among them; whoever sends reminders marks those skipped."""
    return [_time(reminder, requested_at, deadline) for reminder in stored]


def _time(reminder: Mapping[str, Any], requested_at: datetime, deadline: datetime) -> tuple[ReminderAnchor, datetime]:
    if "at" in reminder:
        return ReminderAnchor.DATE, datetime.fromisoformat(reminder["at"])
    anchor, delay = ReminderAnchor(reminder["anchor"]), timedelta(hours=reminder["hours"])
    return anchor, requested_at + delay if anchor is ReminderAnchor.SUBMISSION else deadline - delay


def _check(reminder: object) -> Iterator[Problem]:
    if isinstance(reminder, Mapping) and set(reminder) == {"at"}:
        if not _is_moment(reminder["at"]):
            yield Problem(
                "INVALID_REMINDER", "A reminder's date is a moment with its offset, such as 2026-03-01T09:00:00+01:00.",
                ("at",),
            )
    elif isinstance(reminder, Mapping) and set(reminder) == {"anchor", "hours"}:
        yield from _check_delay(reminder["anchor"], reminder["hours"])
    else:
        yield Problem("INVALID_REMINDER", "A reminder has an anchor and a number of hours, or else a date.")


def _check_delay(anchor: object, hours: object) -> Iterator[Problem]:
    if anchor not in (ReminderAnchor.SUBMISSION, ReminderAnchor.DEADLINE):
        yield Problem(
            "INVALID_REMINDER", f"A reminder counts from SUBMISSION or DEADLINE, not from {anchor!r:.40}.", ("anchor",)
        )
    if type(hours) is not int or not 0 < hours <= MAX_HOURS:
        yield Problem(
            "INVALID_REMINDER", f"A reminder's hours are a whole number from 1 to {MAX_HOURS}.", ("hours",)
        )


def _is_moment(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        moment = datetime.fromisoformat(value)
        return moment.tzinfo is not None and moment.astimezone(UTC) is not None
    except (ValueError, OverflowError):
        return False
