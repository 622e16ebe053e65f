"""Dates of a package: what a date without a time means, and which dates fit each other [4.3]."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from server.campaign_type import Need, PackageRules
from server.domain.package import Package
from server.errors import Problem, refuse

STARTS = frozenset({"start", "campaign_available_at", "reminders"})
"""Dates that mean the start of their day; all others are deadlines and mean its end."""

YEARS = range(1900, 9000)
"""Years that every database and time zone can bear."""

LABELS = {
    "registration_deadline": "registration deadline",
    "personalization_deadline": "personalization deadline",
    "campaign_available_at": "campaign availability date",
}


def moment_of(field: str, value: date | datetime | None, zone: ZoneInfo) -> datetime | None:
    """A date given for `field` as a moment in UTC: the start of the day for starts, the last microsecond of the day for
    deadlines, in the organisation's time zone; a moment without an offset is read in that zone too [4.3]."""
    if value is None:
        return None
    if value.year not in YEARS:
        message = f"The year {value.year} is out of range; it lies between {YEARS.start} and {YEARS.stop - 1}."
        raise refuse("OUT_OF_RANGE", message, field)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
    if field in STARTS:
        return datetime.combine(value, time.min, zone).astimezone(UTC)
    tomorrow = datetime.combine(value + timedelta(days=1), time.min, zone).astimezone(UTC)
    return tomorrow - timedelta(microseconds=1)


def check_dates(package: Package) -> Iterator[Problem]:
    """The dates that contradict each other, whatever is still missing [4.3]."""
    start, end = package.start, package.end
    if start and end and start > end:
        yield Problem("END_BEFORE_START", f"The package ends {_say(end)}, before it starts {_say(start)}.", ("end",))
    deadline = package.registration_deadline
    if deadline and ((start and deadline < start) or (end and deadline > end)):
        yield Problem(
            "DEADLINE_OUTSIDE_PACKAGE",
            f"The registration deadline {_say(deadline)} must lie between the start and the end of the package.",
            ("registration_deadline",),
        )
    if package.personalization_deadline and start and package.personalization_deadline < start:
        yield Problem(
            "DEADLINE_OUTSIDE_PACKAGE", "The personalization deadline must not lie before the start of the package.",
            ("personalization_deadline",),
        )
    available = package.campaign_available_at
    if available and start and available < start:
        yield Problem(
            "AVAILABLE_BEFORE_START", "The campaign availability date must not lie before the start of the package.",
            ("campaign_available_at",),
        )


def check_required_dates(package: Package, rules: PackageRules) -> Iterator[Problem]:
    """The dates that the campaign type demands, or does not have [3, 4.5]."""
    for field in ("start", "end"):
        if getattr(package, field) is None:
            yield Problem("REQUIRED", f"A package needs its {field} before it can be submitted.", (field,))
    yield from check_absent_dates(package, rules)
    for field, need in _needs(rules):
        if need is Need.REQUIRED and getattr(package, field) is None:
            yield Problem("REQUIRED", f"Packages of this type need a {LABELS[field]}.", (field,))


def check_absent_dates(package: Package, rules: PackageRules) -> Iterator[Problem]:
    """The dates that packages of the campaign type do not have [3]."""
    for field, need in _needs(rules):
        if need is Need.ABSENT and getattr(package, field) is not None:
            yield Problem("NOT_OF_THIS_TYPE", f"Packages of this type have no {LABELS[field]}.", (field,))


def _needs(rules: PackageRules) -> tuple[tuple[str, Need], ...]:
    return (
        ("registration_deadline", rules.registration_deadline),
        ("personalization_deadline", rules.personalization_deadline),
        ("campaign_available_at", rules.availability),
    )


def _say(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
