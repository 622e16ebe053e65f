"""The texts of messages: those that ship, a file per kind and language, and an installation's own in place of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.domain.notification import MessageTemplate
from server.domain.record import EventKind

FOLDER = Path(__file__).parent / "templates"
LANGUAGES = ("en", "sv")
"""The languages that ship; the first one is for everybody else."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How one kind of message is put: the word in the brackets of the subject, and templates of both parts.
    `language` is that of its dates and footer."""

    language: str
    subject: str
    text: str
    html: str


class Wordings:
    """All wordings of an installation. Somebody with locale sv-FI is written to in the installation's own text for
    sv-FI, else in that for sv, else in the one that ships; whose language does not ship is written to in English."""

    def __init__(self, own: Iterable[MessageTemplate] = ()) -> None:
        self._own = {(each.kind, each.locale.lower()): each for each in own}

    def of(self, kind: EventKind, locale: str) -> Wording:
        tongue = language_of(locale)
        for wanted in (locale, tongue, shipped_language(tongue)):
            if own := self._own.get((kind, wanted.lower())):
                return merged(own.subject, own.text, own.html, kind, language_of(own.locale))
        return shipped(kind, shipped_language(tongue))


async def load_wordings(session: AsyncSession) -> Wordings:
    return Wordings(await session.scalars(select(MessageTemplate)))


def merged(subject: str, text: str, html: str, kind: EventKind, language: str) -> Wording:
    """A wording of one's own; an empty part is as it ships."""
    ships = shipped(kind, shipped_language(language))
    return Wording(language, subject or ships.subject, text or ships.text, html or ships.html)


@cache
def shipped(kind: EventKind, language: str) -> Wording:
    """A file holds the word of the subject in its first line, and below one body that makes both parts."""
    head, _, body = (FOLDER / language / f"{kind}.jinja").read_text("utf-8").partition("\n\n")
    return Wording(language, head.removeprefix("Subject: ").strip(), body, body)


def language_of(locale: str) -> str:
    """sv-FI is Swedish."""
    return locale.partition("-")[0].lower()


def shipped_language(language: str) -> str:
    return language if language in LANGUAGES else LANGUAGES[0]


def subject_line(word: str, label: str, code: str) -> str:
    """[kind] label (code), on one line whatever the label holds."""
    return " ".join(f"[{word}] {label} ({code})".split())
