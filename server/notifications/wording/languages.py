"""What depends on the language beside the templates: dates, numbers, yes and no."""

from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Language:
    """`day` and `clock` are formats of a date, and of a date with a time."""

    days: tuple[str, ...]
    months: tuple[str, ...]
    day: str
    clock: str
    yes: str
    no: str
    thousands: str


LANGUAGES = {
    "en": Language(
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
         "December"),
        "{weekday} {day} {month} {year}", "{date}, {hour:02}:{minute:02}", "yes", "no", ",",
    ),
    "sv": Language(
        ("måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"),
        ("januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober", "november",
         "december"),
        "{weekday} {day} {month} {year}", "{date} kl. {hour:02}.{minute:02}", "ja", "nej", "\N{NO-BREAK SPACE}",
    ),
}


def moment_in(language: str, moment: datetime | None, zone: ZoneInfo) -> str:
    """A moment as people read it, to the minute; midnight, where a day starts, is the day alone. Other languages than
    those that ship get ISO 8601. Empty for none."""
    if moment is None:
        return ""
    local = moment.astimezone(zone)
    words, whole_day = LANGUAGES.get(language), local.time() == time.min
    if words is None:
        return f"{local:%Y-%m-%d}" if whole_day else f"{local:%Y-%m-%d %H:%M}"
    date = words.day.format(
        weekday=words.days[local.weekday()], day=local.day, month=words.months[local.month - 1], year=local.year
    )
    return date if whole_day else words.clock.format(date=date, hour=local.hour, minute=local.minute)


def number_in(language: str, number: int | None) -> str:
    words = LANGUAGES.get(language)
    return "" if number is None else f"{number:,}".replace(",", words.thousands if words else "")


def answer_in(language: str, answer: bool) -> str:
    words = LANGUAGES.get(language, LANGUAGES["en"])
    return words.yes if answer else words.no
