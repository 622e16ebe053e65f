"""The texts of messages: every kind in both languages, with what belongs into it, and no HTML but ours [7]."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from server.database import Database
from server.domain.base import new_id
from server.domain.lifecycles import OrderStatus
from server.domain.network import Right
from server.domain.notification import MessageTemplate, Notification
from server.domain.record import Event, EventKind
from server.graphql import ids
from server.notifications.links import Links
from server.notifications.wording.rendering import Rendered, Renderer, dress
from server.notifications.wording.rich_text import plain
from server.notifications.wording.samples import sample_facts
from server.notifications.wording.wordings import FOLDER, LANGUAGES, Wordings, shipped, subject_line
from server.plugins import CampaignTypes
from server.settings import Settings
from tests.builders import (
    DAY,
    NOW,
    STAMPS,
    a_campaign,
    a_document,
    a_form,
    a_package,
    an_approval,
    an_entity,
    an_operator,
    an_order,
    given,
    linked,
)
from tests.statements import sent_statements

K = EventKind
EVIL = "<script>alert(1)</script> & \"co\" {{ 7*7 }}"
MADE = "http://web.example"


class Tags(HTMLParser):
    """The tags of a document, in which every one that is opened is closed."""

    EMPTY = frozenset({"meta", "br", "hr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def links(self) -> set[str]:
        return {str(attributes["href"]) for tag, attributes in self.found if tag == "a"}


def links_in(text: str) -> set[str]:
    return set(re.findall(r"http://\S+", text))


class Stage:
    """A store's order of a package by form, a person of the store and one of central; every text tries to be HTML."""

    def __init__(self) -> None:
        self.store = an_entity(f"Umeå {EVIL}", code="UMEA", time_zone="Europe/Helsinki")
        self.owner = an_operator(name="Ingrid")
        self.manager = an_operator(Right.LOCAL, name="Johan", locale="sv-SE", email="johan@shop.example")
        self.friend = an_operator(Right.LOCAL, name="Frida")
        self.stranger = an_operator(Right.LOCAL, name="Sven")
        self.campaign = a_campaign(f"Spring {EVIL}", "by_form")
        self.form = a_form(self.campaign, {"name": "headline", "label": f"Headline {EVIL}"}, {
            "name": "size", "label": "Size", "kind": "CHOICE", "choices": [{"value": "l", "label": "Large"}],
        }, {"name": "flag", "label": "Flag", "kind": "BOOLEAN"})
        self.package = a_package(
            self.campaign, self.owner, label=f"Sale {EVIL}", message=f"Hello\n\n{EVIL}",
            description="<p>Nice <b>things</b> &amp; <a href=\"https://x.example/\">more</a></p><ul><li>one</li></ul>",
            personalization_deadline=NOW + 5 * DAY,
        )
        self.order = an_order(
            self.package, self.store, OrderStatus.ORDERED, comment=f"Please\n\n{EVIL}", form_version=1,
            parameters={"headline": EVIL, "size": "l", "flag": True, "old": 3},
        )
        self.approval = an_approval(self.order)
        self.documents = [a_document(self.package, f"a{EVIL}.pdf"), a_document(self.order, "order.pdf")]
        self.events: list[Event] = []

    def rows(self) -> list[Any]:
        return [each for each in vars(self).values() if each] + [linked(self.manager, self.store),
                                                                linked(self.friend, self.store)]

    def told(self, kind: EventKind, who: Any, *, payload: dict[str, Any] | None = None, **fields: Any) -> Notification:
        event = Event(
            id=new_id(), kind=kind, at=NOW, package_id=self.package.id, order_id=self.order.id,
            approval_id=self.approval.id, entity_id=self.store.id, payload=payload or {}, **fields
        )
        self.events.append(event)
        return Notification(
            id=new_id(), event_id=event.id, operator_id=who.id, kind=kind, at=NOW, entity_id=self.store.id,
            package_id=self.package.id, order_id=self.order.id, subject=subject_line("What", "Sale", "CAT1"),
        )


@pytest.fixture
def renderer(types: CampaignTypes, settings: Settings) -> Renderer:
    return Renderer(types, settings.model_copy(update={"web_address": MADE}))


async def rendered(database: Database, renderer: Renderer, *told: Notification) -> list[Rendered]:
    async with database.reading() as session:
        made = await renderer.messages(session, told)
    return [made[each.id] for each in told]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_ships_in_every_language(kind: EventKind, language: str) -> None:
    wording, settings = shipped(kind, language), Settings()
    facts = sample_facts(kind, language, Links(settings), settings.zone)
    text, html = dress(wording, "[What] Sale (CAT1)", facts)
    assert 0 < len(wording.subject) <= 60
    assert not re.search(r"\{\{|\}\}|\{%|None|Undefined|\n\n\n", text + html)
    assert links_in(text) == Tags(html).links()  # both parts say the same
    assert facts.messages_link in text
    if language == "sv":
        assert (text, wording.subject) != (dress(shipped(kind, "en"), "", facts)[0], shipped(kind, "en").subject)


def test_no_template_ships_for_what_does_not_exist() -> None:
    for language in LANGUAGES:
        names = {path.stem for path in (FOLDER / language).glob("*.jinja")}
        assert names == {*EventKind, "footer"}


async def test_what_people_wrote_stays_text(database: Database, renderer: Renderer) -> None:
    stage = Stage()
    told = [
        stage.told(kind, who, actor_id=stage.owner.id, payload={
            "comment": f"No\n\n{EVIL}", "text": f"Hi\n\n{EVIL}", "contacts": 5, "on_no_response": "EXCLUDE_ALL",
        }) for kind in EventKind for who in (stage.manager, stage.friend)
    ]
    await given(database, *stage.rows())
    for made in await rendered(database, renderer, *told):
        tags = Tags(made.html)
        assert {tag for tag, _ in tags.found}.isdisjoint({"script", "img", "link", "style", "iframe"})
        assert EVIL in made.text
        assert "&lt;script&gt;" in made.html
        assert {each.split("/")[2] for each in tags.links()} <= {"web.example", "x.example"}


async def test_an_order_comes_with_all_that_a_reviewer_needs(database: Database, renderer: Renderer) -> None:  # N7
    stage = Stage()
    told = stage.told(K.ORDER_SUBMITTED, stage.owner, actor_id=stage.manager.id)
    await given(database, *stage.rows())
    [made] = await rendered(database, renderer, told)
    for line in (
        "Johan has ordered the package", "Thursday 5 March 2026, 11:00", "Size: Large", "Flag: yes", "old: 3",
        "Kind of campaign: By form", f"{MADE}/approvals/{stage.approval.id}", f"{MADE}/orders/{stage.order.code}",
        "order.pdf", "Times are in the time zone Europe/Helsinki.",
    ):
        assert line in made.text
    assert "a<script" not in made.text  # the package's documents are not the order's


async def test_an_offer_comes_with_message_description_and_documents(database: Database, renderer: Renderer) -> None:
    stage = Stage()  # N5
    told = stage.told(K.PACKAGE_PUBLISHED, stage.manager)
    await given(database, *stage.rows())
    [made] = await rendered(database, renderer, told)
    for line in (
        "Beställ senast: torsdag 12 mars 2026 kl. 11.00", "Hello", "Nice things & more (https://x.example/)", "- one",
        f"{MADE}/packages/{stage.package.code}/register",
        f"{MADE}/documents/{ids.encode('Document', stage.documents[0].id)}",
    ):
        assert line in made.text
    assert "<b>things</b>" in made.html


# who did it, who is told, and what they are told of who [2.3]
@pytest.mark.parametrize(("actor", "receiver", "word"), [
    ("owner", "manager", "av huvudkontoret"), ("friend", "manager", "av Frida"), ("manager", "owner", "by Johan"),
    ("stranger", "manager", "av en annan användare"), (None, "manager", ""),
])
async def test_local_operators_hear_no_names_from_outside(
    database: Database, renderer: Renderer, actor: str | None, receiver: str, word: str
) -> None:
    stage = Stage()
    who = getattr(stage, actor).id if actor else None
    told = stage.told(K.ORDER_CANCELED, getattr(stage, receiver), actor_id=who)
    await given(database, *stage.rows())
    [made] = await rendered(database, renderer, told)
    assert word in made.text
    assert ("Ingrid" in made.text, "Sven" in made.text) == (False, False)


@pytest.mark.parametrize(("silence", "words"), [
    ("EXCLUDE_ALL", "får ingen av kontakterna något utskick"), ("KEEP_PRESELECTED", "räknas listan som bekräftad"),
])
async def test_a_list_says_how_long_it_is_and_what_silence_means(
    database: Database, renderer: Renderer, silence: str, words: str
) -> None:  # N14
    stage = Stage()
    told = stage.told(
        K.TARGET_APPROVAL_ASKED, stage.manager, payload={"contacts": 1234, "on_no_response": silence}
    )
    await given(database, *stage.rows())
    [made] = await rendered(database, renderer, told)
    assert words in made.text
    assert "1\N{NO-BREAK SPACE}234 kontakter" in made.text
    assert f"{MADE}/orders/{stage.order.code}/contacts" in made.text


# how long after the event the registration closes, and whether a rejected order can be taken up again [6.2]
@pytest.mark.parametrize(("left", "again"), [(timedelta(hours=1), True), (timedelta(hours=-1), False)])
async def test_a_rejection_offers_another_try_while_there_is_time(
    database: Database, renderer: Renderer, left: timedelta, again: bool
) -> None:  # N9
    stage = Stage()
    stage.package.registration_deadline = NOW + left
    told = stage.told(K.ORDER_REJECTED, stage.manager, payload={"comment": "Too dear"})
    await given(database, *stage.rows())
    [made] = await rendered(database, renderer, told)
    assert "Too dear" in made.text
    assert (f"{MADE}/orders/{stage.order.code}/edit" in made.text) == again


async def test_the_subject_is_the_one_that_was_kept(database: Database, renderer: Renderer) -> None:
    stage = Stage()
    told = stage.told(K.ORDER_REJECTED, stage.manager)
    await given(database, *stage.rows())
    [made] = await rendered(database, renderer, told)
    assert (made.subject, made.to, made.locale) == ("[What] Sale (CAT1)", "johan@shop.example", "sv-SE")


async def test_many_messages_take_as_many_statements_as_one(database: Database, renderer: Renderer) -> None:
    stage = Stage()
    stage.told(K.ORDER_SUBMITTED, stage.manager)
    told = [
        Notification(id=new_id(), event_id=stage.events[0].id, operator_id=stage.manager.id, kind=K.ORDER_SUBMITTED,
                     at=NOW, entity_id=stage.store.id, subject="[What] Sale (CAT1)")
        for _ in range(50)
    ]
    await given(database, *stage.rows())
    counts = []
    for some in (told[:1], told):
        async with database.transaction() as session:
            with sent_statements() as seen:
                made = await renderer.messages(session, some)
        counts.append(len(seen))
        assert len(made) == len(some)
    assert counts[0] == counts[1] < 20


async def test_an_own_text_that_fails_gives_way_to_the_one_that_ships(database: Database, renderer: Renderer) -> None:
    stage = Stage()
    told = stage.told(K.ORDER_REJECTED, stage.manager)
    own = MessageTemplate(id=new_id(), kind=K.ORDER_REJECTED, locale="sv", subject="", html="",
                          text="{% if comment == '' %}{{ order.nothing }}{% endif %}", **STAMPS)
    await given(database, *stage.rows(), own)
    [made] = await rendered(database, renderer, told)
    assert "har avslagits" in made.text


def own(kind: EventKind, locale: str, text: str) -> MessageTemplate:
    return MessageTemplate(kind=kind, locale=locale, subject="", text=text, html="")


# whose own texts there are, the receiver's locale, and which text they get in which language
@pytest.mark.parametrize(("locales", "locale", "expected"), [
    ((), "sv-FI", ("shipped", "sv")), ((), "SV", ("shipped", "sv")), ((), "fi", ("shipped", "en")),
    (("sv",), "sv-FI", ("own sv", "sv")), (("sv", "sv-FI"), "sv-FI", ("own sv-FI", "sv")),
    (("sv-FI",), "sv", ("shipped", "sv")), (("fi",), "fi-FI", ("own fi", "fi")), (("en",), "da", ("own en", "en")),
    (("sv",), "en-GB", ("shipped", "en")),
])
def test_everybody_gets_the_nearest_wording(
    locales: tuple[str, ...], locale: str, expected: tuple[str, str]
) -> None:
    wordings = Wordings(own(K.ORDER_REJECTED, each, f"own {each}") for each in locales)
    wording = wordings.of(K.ORDER_REJECTED, locale)
    told = wording.text if wording.text.startswith("own") else "shipped"
    assert (told, wording.language) == expected
    assert wording.subject


@pytest.mark.parametrize(("html", "text"), [
    ("", ""), ("<p>One</p><p>Two &lt;3</p>", "One\nTwo <3"), ("a<br>b", "a\nb"),
    ("<ul><li>x</li><li>y</li></ul>", "- x\n- y"), ('<a href="https://x.example">Look</a>', "Look (https://x.example)"),
    ("<p>many\n   spaces</p>", "many spaces"),
])
def test_rich_text_is_readable_without_tags(html: str, text: str) -> None:
    assert plain(html) == text


def test_a_subject_stands_on_one_line() -> None:
    assert subject_line("Package\r\npublished", "Spring\nsale", "CAT1") == "[Package published] Spring sale (CAT1)"
