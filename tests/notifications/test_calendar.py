"""Deadlines as iCalendar: what a calendar reads of each, in the language of its operator [7]."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from icalendar import Calendar

from server.notifications.calendar import NAME, TITLES, calendar
from server.notifications.wording.wordings import LANGUAGES
from server.reads.deadlines import Deadline, DeadlineKind
from server.settings import Settings
from tests.builders import NOW

ID = UUID("01a20a5a-9242-703a-95d1-fcd1a4856e0a")
SETTINGS = Settings(web_address="https://marketing.example.org")


def event(locale: str = "en", settings: Settings = SETTINGS, **fields: Any) -> Any:
    """The event of one deadline, as a calendar reads it."""
    ordinary = {"kind": DeadlineKind.END, "at": NOW, "id": ID, "revision": 2, "modified_at": NOW, "label": "Easter",
                "code": "CAT1"}
    [read] = Calendar.from_ical(calendar([Deadline(**ordinary | fields)], locale, settings)).events
    return read


def test_every_kind_has_words_in_every_language() -> None:
    assert set(TITLES) == set(NAME) == set(LANGUAGES)
    assert all(set(titles) == set(DeadlineKind) for titles in TITLES.values())


@pytest.mark.parametrize(("kind", "path"), [
    (DeadlineKind.PACKAGE_APPROVAL, f"/approvals/{ID}"), (DeadlineKind.ORDER_APPROVAL, f"/approvals/{ID}"),
    (DeadlineKind.TARGET_APPROVAL, "/orders/CAT1/contacts"), (DeadlineKind.PUBLICATION, "/packages/CAT1"),
    (DeadlineKind.REGISTRATION, "/packages/CAT1"), (DeadlineKind.PERSONALIZATION, "/packages/CAT1"),
    (DeadlineKind.AVAILABILITY, "/packages/CAT1"), (DeadlineKind.END, "/packages/CAT1"),
])
def test_each_kind_leads_to_where_something_can_be_done(kind: DeadlineKind, path: str) -> None:
    read = event(kind=kind)
    assert read["URL"] == f"https://marketing.example.org{path}"
    assert read["UID"] == f"{ID}-{kind.lower()}@samverkan"


@pytest.mark.parametrize(("locale", "title"), [
    ("sv-FI", "Easter (CAT1) upphör"), ("en-GB", "Easter (CAT1) ends"), ("fr-FR", "Easter (CAT1) ends"),
])
def test_whose_language_does_not_ship_reads_english(locale: str, title: str) -> None:
    assert event(locale)["SUMMARY"] == title


@pytest.mark.parametrize(("at", "told"), [
    (datetime(2026, 3, 28, 22, 59, 59, 999999, UTC), "Saturday 28 March 2026, 23:59 (Europe/Stockholm)"),
    (datetime(2026, 3, 29, 21, 59, 59, 999999, UTC), "Sunday 29 March 2026, 23:59 (Europe/Stockholm)"),
], ids=["in winter", "the day that summer time begins"])
def test_the_end_of_a_day_is_that_of_the_organisation(at: datetime, told: str) -> None:  # [4.3]
    read = event(at=at)
    assert read.start == at.replace(microsecond=0)
    assert read["DESCRIPTION"].startswith(told)


def test_odd_labels_break_nothing() -> None:
    read = event(label='Rå; "kort",\r\nEND:VEVENT \\ ' + "x" * 200, entity="Malmö\nCity")
    assert read["SUMMARY"] == f'Rå; "kort", END:VEVENT \\ {"x" * 200} (CAT1) ends, Malmö City'


def test_the_same_deadlines_are_the_same_bytes() -> None:
    deadlines = [Deadline(DeadlineKind.END, NOW + timedelta(n), ID, 1, NOW, "Easter", "CAT1") for n in range(3)]
    assert calendar(deadlines, "en", SETTINGS) == calendar(deadlines, "en", SETTINGS)


def test_lines_are_as_short_as_calendars_want_them_and_the_head_says_how_often_to_look() -> None:
    content = calendar([Deadline(DeadlineKind.END, NOW, ID, 1, NOW, "å" * 100, "CAT1")], "sv", SETTINGS)
    assert max(len(line) for line in content.split(b"\r\n")) <= 75
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in content
