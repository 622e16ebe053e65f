"""An invented package, for trying a template out: every variable that the kind of message has is filled."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from server.domain.base import new_id
from server.domain.record import EventKind
from server.notifications.links import Links
from server.notifications.wording.facts import NO_TEXT, DocumentFact, Facts, Parameter, Thing
from server.notifications.wording.gathering import OFFERS, ORDERS
from server.notifications.wording.languages import moment_in, number_in
from server.notifications.wording.rich_text import RichText
from server.notifications.wording.telling import ASKS, LISTS

K = EventKind
LABEL, CODE = "Spring sale", "CAT12"


def sample_facts(kind: EventKind, language: str, links: Links, zone: ZoneInfo) -> Facts:
    def on(day: int, hour: int = 0, minute: int = 0) -> str:
        return moment_in(language, datetime(2027, 3, day, hour, minute, tzinfo=zone).astimezone(UTC), zone)

    offer, order, lists = kind in OFFERS, kind in ORDERS, kind in LISTS
    subscribed = kind is K.PACKAGE_SUBSCRIBED
    central = kind in (K.PACKAGE_SUBMITTED, K.PACKAGE_APPROVAL_REMINDER, K.PACKAGE_REJECTED)
    about_order = not offer and not kind.startswith(("PACKAGE", "REGISTRATION"))
    documents = (DocumentFact("leaflet.pdf", links.document(new_id())),) if offer or order else ()
    return Facts(
        receiver="Anna Lind", package=Thing(LABEL, CODE, links.package(CODE)),
        campaign=Thing("Spring", "OP7", links.campaign("OP7")),
        order=Thing(LABEL, "ORD340", links.order("ORD340")) if about_order else Thing(),
        entity=Thing() if central else Thing("Malmö", "MALMO"), type="By form", actor="Bo Ek",
        happened_at=on(2, 9, 30), deadline=on(5, 9, 30),
        start=on(2), end=on(31, 23, 59), registration_deadline=on(16, 23, 59), personalization_deadline=on(20, 23, 59),
        available_at=on(25), comment="Please look at the prices.", message="Let us sell flowers." if offer else "",
        description=RichText("<p>A <b>week</b> of offers.</p>") if offer else NO_TEXT, documents=documents,
        parameters=(Parameter("Headline", "Spring in town"), Parameter("Discount", "20")) if order else (),
        contacts=number_in(language, 1250) if lists else "", on_no_response="EXCLUDE_ALL" if lists else "",
        subscribed=subscribed, sent=number_in(language, 1200), opened="480", clicked="96",
        text="The campaign type says so.", decide_link=links.approval(new_id()) if kind in ASKS else "",
        register_link="" if subscribed else links.register(CODE),
        change_link=links.edit_order("ORD340") if subscribed or kind is K.ORDER_REJECTED else "",
        reject_link=links.cancel_order("ORD340") if subscribed else "",
        contacts_link=links.contacts("ORD340") if lists else "", messages_link=links.messages(), time_zone=zone.key,
    )
