"""What the dates of a package mean, and which of them contradict each other [4.3]."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from server.campaign_type import Need, PackageRules
from server.domain.dates import check_dates, check_required_dates, moment_of
from server.domain.package import Package

STOCKHOLM = ZoneInfo("Europe/Stockholm")


# [4.3] a date without a time: the end of the day for deadlines, the start of the day for starts
@pytest.mark.parametrize(("field", "day", "moment"), [
    ("start", date(2026, 1, 15), datetime(2026, 1, 14, 23, tzinfo=UTC)),
    ("campaign_available_at", date(2026, 7, 1), datetime(2026, 6, 30, 22, tzinfo=UTC)),
    ("end", date(2026, 1, 15), datetime(2026, 1, 15, 22, 59, 59, 999999, tzinfo=UTC)),
    ("registration_deadline", date(2026, 3, 28), datetime(2026, 3, 28, 22, 59, 59, 999999, tzinfo=UTC)),
    # the day on which summer time begins has 23 hours
    ("registration_deadline", date(2026, 3, 29), datetime(2026, 3, 29, 21, 59, 59, 999999, tzinfo=UTC)),
])
def test_a_date_without_a_time_is_read_in_the_organisations_time_zone(field: str, day: date, moment: datetime) -> None:
    assert moment_of(field, day, STOCKHOLM) == moment


def test_a_moment_is_kept_as_it_is_and_one_without_offset_is_read_in_the_organisations_time_zone() -> None:
    assert moment_of("end", datetime(2026, 1, 15, 12, tzinfo=UTC), STOCKHOLM) == datetime(2026, 1, 15, 12, tzinfo=UTC)
    naive = datetime(2026, 1, 15, 12)  # noqa: DTZ001 (what is tested)
    assert moment_of("end", naive, STOCKHOLM) == datetime(2026, 1, 15, 11, tzinfo=UTC)


def day(number: int) -> datetime:
    return datetime(2026, 5, number, tzinfo=UTC)


# [4.3] start <= registration deadline <= end; availability may lie after the end; bounds are inclusive
@pytest.mark.parametrize(("dates", "wrong"), [
    ({"start": day(1), "end": day(10)}, []),
    ({"start": day(1), "end": day(1), "registration_deadline": day(1)}, []),
    ({"start": day(2), "end": day(1)}, ["end"]),
    ({"start": day(2), "end": day(9), "registration_deadline": day(1)}, ["registration_deadline"]),
    ({"start": day(2), "end": day(9), "registration_deadline": day(10)}, ["registration_deadline"]),
    ({"start": day(2), "end": day(9), "campaign_available_at": day(20)}, []),
    ({"start": day(2), "end": day(9), "campaign_available_at": day(1)}, ["campaign_available_at"]),
    ({"start": day(2), "end": day(9), "personalization_deadline": day(20)}, []),
    ({"start": day(9), "end": day(2), "campaign_available_at": day(1)}, ["end", "campaign_available_at"]),
])
def test_dates_that_contradict_each_other_are_named_all_at_once(
    dates: dict[str, datetime], wrong: list[str]
) -> None:
    assert [problem.path[0] for problem in check_dates(Package(**dates))] == wrong


def test_a_type_demands_the_dates_it_needs_and_refuses_those_it_does_not_have() -> None:
    rules = PackageRules(registration_deadline=Need.REQUIRED, availability=Need.ABSENT)
    package = Package(start=day(1), end=day(9), campaign_available_at=day(3))
    problems = [(problem.code, problem.path) for problem in check_required_dates(package, rules)]
    assert problems == [
        ("NOT_OF_THIS_TYPE", ("campaign_available_at",)), ("REQUIRED", ("registration_deadline",))
    ]
