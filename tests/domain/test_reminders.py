"""Reminders count from the submission, to the deadline, or have a date [5.4]."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from server.domain.approval import ReminderAnchor
from server.domain.reminders import check_reminders, reminder_times
from tests.builders import DAY, NOW


@pytest.mark.parametrize(("reminder", "anchor", "due"), [
    ({"anchor": "SUBMISSION", "hours": 24}, ReminderAnchor.SUBMISSION, NOW + DAY),
    ({"anchor": "DEADLINE", "hours": 12}, ReminderAnchor.DEADLINE, NOW + 3 * DAY - timedelta(hours=12)),
    ({"at": "2026-03-03T10:00:00+01:00"}, ReminderAnchor.DATE, datetime.fromisoformat("2026-03-03T09:00:00+00:00")),
])
def test_a_reminder_is_due(reminder: dict[str, Any], anchor: ReminderAnchor, due: datetime) -> None:
    assert check_reminders([reminder]) == []
    assert reminder_times([reminder], NOW, NOW + 3 * DAY) == [(anchor, due)]


@pytest.mark.parametrize(("stored", "path"), [
    ("tomorrow", ()),
    ([{"anchor": "DEADLINE", "hours": 1}] * 21, ()),
    ([{"anchor": "DEADLINE"}], ("0",)),
    ([{"anchor": "DEADLINE", "hours": 1, "at": "2026-03-03T10:00:00Z"}], ("0",)),
    ([{"anchor": "START", "hours": 1}], ("0", "anchor")),
    ([{"anchor": "DATE", "hours": 1}], ("0", "anchor")),
    ([{"anchor": "DEADLINE", "hours": 1}, {"anchor": "DEADLINE", "hours": 0}], ("1", "hours")),
    ([{"anchor": "DEADLINE", "hours": True}], ("0", "hours")),
    ([{"at": "2026-03-03T10:00:00"}], ("0", "at")),  # no offset
    ([{"at": "soon"}], ("0", "at")),
    ([{"at": 5}], ("0", "at")),
])
def test_a_fault_is_found_at_its_path(stored: Any, path: tuple[str, ...]) -> None:
    assert [problem.path for problem in check_reminders(stored)] == [path]
