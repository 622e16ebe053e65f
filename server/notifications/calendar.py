"""An operator's deadlines as iCalendar (RFC 5545), in their language, with links into the web interface [7]."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from icalendar import TRANSP, Calendar, Event

from server.notifications.links import Links
from server.notifications.wording.languages import moment_in
from server.notifications.wording.wordings import language_of, shipped_language
from server.reads.deadlines import Deadline, DeadlineKind
from server.settings import Settings

K = DeadlineKind
NAME = {"en": "Campaigns: deadlines", "sv": "Kampanjer: viktiga datum"}
TITLES: Mapping[str, Mapping[DeadlineKind, str]] = {
    "en": {
        K.PACKAGE_APPROVAL: "Approve or reject the package {}", K.ORDER_APPROVAL: "Approve or reject the order {}",
        K.TARGET_APPROVAL: "Confirm the contacts of {}", K.PUBLICATION: "{} is published",
        K.REGISTRATION: "Last moment to order {}", K.PERSONALIZATION: "Documents for {} are due",
        K.AVAILABILITY: "The campaigns of {} become available", K.END: "{} ends",
    },
    "sv": {
        K.PACKAGE_APPROVAL: "Godkänn eller avslå paketet {}", K.ORDER_APPROVAL: "Godkänn eller avslå beställningen {}",
        K.TARGET_APPROVAL: "Bekräfta kontakterna till {}", K.PUBLICATION: "{} publiceras",
        K.REGISTRATION: "Sista tid att beställa {}", K.PERSONALIZATION: "Dokument till {} ska vara inlämnade",
        K.AVAILABILITY: "Kampanjerna i {} blir tillgängliga", K.END: "{} upphör",
    },
}
QUESTIONS = (K.PACKAGE_APPROVAL, K.ORDER_APPROVAL, K.TARGET_APPROVAL)


def calendar(deadlines: Iterable[Deadline], locale: str, settings: Settings) -> bytes:
    """The same bytes for the same deadlines, whenever they are made. Moments are in UTC, which every calendar shows in
    its own zone; nothing rings, and nobody counts as busy."""
    language = shipped_language(language_of(locale))
    made = Calendar()  # Calendar.new() would give it another UID each time
    made.add("prodid", "-//samverkan//deadlines//EN")
    made.add("version", "2.0")
    made.calendar_name = NAME[language]
    made.add("refresh-interval", timedelta(hours=1), {"VALUE": "DURATION"})
    for each in deadlines:
        made.add_component(_event(each, language, settings))
    content: bytes = made.to_ical()
    return content


def _event(deadline: Deadline, language: str, settings: Settings) -> Event:
    subject = f"{deadline.label} ({deadline.code})"
    title = TITLES[language][deadline.kind].format(subject) + (f", {deadline.entity}" if deadline.entity else "")
    link = _link(deadline, Links(settings))
    at = deadline.at.replace(microsecond=0)
    return Event.new(
        uid=f"{deadline.id}-{deadline.kind.lower()}@samverkan", start=at, stamp=deadline.modified_at,
        last_modified=deadline.modified_at, sequence=deadline.revision, transparency=TRANSP.TRANSPARENT, url=link,
        summary=" ".join(title.split()),
        description=f"{moment_in(language, at, settings.zone)} ({settings.time_zone})\n{link}",
    )


def _link(deadline: Deadline, links: Links) -> str:
    if deadline.kind is K.TARGET_APPROVAL:
        return links.contacts(deadline.code)
    return links.approval(deadline.id) if deadline.kind in QUESTIONS else links.package(deadline.code)
