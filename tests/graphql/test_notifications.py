"""The inbox: what an operator was told, and what they have read of it [7]."""

from datetime import timedelta
from typing import Any

import pytest

from server.database import Database
from server.domain.lifecycles import PackageStatus
from server.domain.network import Operator, Right
from server.domain.record import EventKind
from server.graphql.ids import encode
from tests.builders import (
    DAY,
    NOW,
    a_notification,
    a_package,
    an_approval,
    an_operator,
    an_order,
    linked,
    offered,
)
from tests.graphql.asking import Asker
from tests.graphql.stage import ADMIN, CAMPAIGN, CENTRAL, LOCAL, LYON, PARIS
from tests.reads.test_statements import counted

SUBJECTS = "notifications(first: 10{}) {{ totalCount nodes {{ subject }} }}"


async def subjects(ask: Asker, operator: Operator, arguments: str = "") -> list[str]:
    page = (await ask(operator, f"{{ {SUBJECTS.format(arguments)} }}"))["notifications"]
    assert page["totalCount"] == len(page["nodes"])
    return [each["subject"] for each in page["nodes"]]


async def test_everybody_reads_their_own_inbox_and_administrators_too(ask: Asker, given: Any) -> None:  # [2.3]
    await given([a_notification(who, subject=who.name) for who in (CENTRAL, LOCAL, ADMIN)])
    for who in (CENTRAL, LOCAL, ADMIN):
        assert await subjects(ask, who) == [who.name]


async def test_the_newest_come_first_and_pages_go_on(ask: Asker, given: Any) -> None:
    await given([a_notification(LOCAL, subject=str(n), at=NOW + timedelta(minutes=n // 2)) for n in range(5)],
                a_notification(CENTRAL))
    query = """query ($after: String) {
      notifications(first: 2, after: $after) { nodes { subject } pageInfo { endCursor } } }"""
    seen, after = [], None
    for _ in range(3):
        page = (await ask(LOCAL, query, after=after))["notifications"]
        seen += [each["subject"] for each in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert seen == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize(("filter", "found"), [
    ("read: true", ["old"]), ("read: false", ["new"]), ("kind: [ORDER_REJECTED]", ["new"]), ("text: \"OL\"", ["old"]),
    ('at: {since: "2026-03-02T00:00:00Z"}', ["new"]), ('at: {until: "2026-03-02T00:00:00Z"}', ["old"]),
    ("read: null", ["new", "old"]),
])
async def test_it_can_be_filtered(ask: Asker, given: Any, filter: str, found: list[str]) -> None:
    await given(a_notification(LOCAL, EventKind.ORDER_REJECTED, subject="new"),
                a_notification(LOCAL, subject="old", at=NOW - DAY, read_at=NOW), a_notification(ADMIN))
    assert await subjects(ask, LOCAL, f", filter: {{{filter}}}") == found


async def test_what_it_is_about_is_null_when_it_is_out_of_scope_now(ask: Asker, given: Any) -> None:  # [2.3]
    mine, others = a_package(CAMPAIGN, CENTRAL, label="Easter"), a_package(CAMPAIGN, CENTRAL)
    await given(mine, others, offered(mine, PARIS),
                a_notification(LOCAL, package_id=mine.id, entity_id=PARIS.id),
                a_notification(LOCAL, package_id=others.id, entity_id=LYON.id, at=NOW - DAY))
    query = "{ notifications(first: 2) { nodes { package { label } entity { label } order { code } } } }"
    assert (await ask(LOCAL, query))["notifications"]["nodes"] == [
        {"package": {"label": "Easter"}, "entity": {"label": "Paris"}, "order": None},
        {"package": None, "entity": None, "order": None},
    ]


async def test_the_unread_ones_are_counted_for_the_viewer_alone(ask: Asker, given: Any) -> None:
    await given([a_notification(CENTRAL) for _ in range(3)], a_notification(CENTRAL, read_at=NOW),
                a_notification(LOCAL))
    query = "{ viewer { unreadNotifications } operators(first: 5) { nodes { name unreadNotifications } } }"
    data = await ask(CENTRAL, query)
    assert data["viewer"] == {"unreadNotifications": 3}
    counts = {each["name"]: each["unreadNotifications"] for each in data["operators"]["nodes"]}
    assert counts == {CENTRAL.name: 3, LOCAL.name: None, ADMIN.name: None}


async def test_a_notification_is_found_by_its_id_by_its_receiver_only(ask: Asker, given: Any) -> None:  # [2.3]
    told, event = a_notification(LOCAL, subject="for Luc")
    await given(told, event)
    query = "query ($id: ID!) { node(id: $id) { ... on Notification { subject kind } } }"
    id = encode("Notification", told.id)
    assert await ask(LOCAL, query, id=id) == {"node": {"subject": "for Luc", "kind": "PACKAGE_PUBLISHED"}}
    assert await ask(ADMIN, query, id=id) == {"node": None}


async def test_an_app_reads_the_inbox_on_the_fast_path(ask: Asker, given: Any) -> None:
    await given(a_notification(LOCAL))
    query = """query ($f: NotificationFilter) { viewer { unreadNotifications } notifications(first: 20, filter: $f) {
      totalCount edges { cursor node { id kind subject at readAt package { code } entity { label } } } } }"""
    for filter in ({"read": False}, {"read": True}, {"kind": ["ORDER_REJECTED"]}, None):
        assert await ask.fast(LOCAL, query, {"f": filter}) is not None


async def test_it_leads_to_what_may_be_seen_of_it_now(ask: Asker, given: Any) -> None:
    mine, others, ordered = a_package(CAMPAIGN, CENTRAL, code="CAT1"), *(a_package(CAMPAIGN, CENTRAL) for _ in "12")
    order = an_order(ordered, PARIS, code="ORD7")
    question = an_approval(order)
    about: list[dict[str, Any]] = [
        {"package_id": mine.id}, {"package_id": others.id}, {"package_id": ordered.id, "order_id": order.id},
        {"order_id": order.id, "approval_id": question.id}, {}, {"package_id": mine.id, "campaign_id": CAMPAIGN.id},
        {"kind": EventKind.CAMPAIGN_AVAILABLE, "order_id": order.id, "campaign_id": CAMPAIGN.id},
    ]
    told = [a_notification(LOCAL, at=NOW - n * DAY, **links) for n, links in enumerate(about)]
    await given(mine, others, ordered, order, question, offered(mine, PARIS), told)
    nodes = (await ask(LOCAL, "{ notifications(first: 9) { nodes { url } } }"))["notifications"]["nodes"]
    assert [each["url"] and each["url"].removeprefix("http://127.0.0.1:8000") for each in nodes] == [
        "/packages/CAT1", None, "/orders/ORD7", f"/approvals/{question.id}", None, "/packages/CAT1",
        f"/campaigns/{CAMPAIGN.code}",
    ]


TEXTS = "{ notifications(first: 9) { nodes { subject text } } }"


async def test_the_text_is_in_the_language_of_its_reader(ask: Asker, given: Any) -> None:
    mine = a_package(CAMPAIGN, CENTRAL, label="Easter", code="CAT1")
    sven = an_operator(Right.LOCAL, locale="sv-SE")
    told = [a_notification(who, package_id=mine.id, entity_id=PARIS.id) for who in (LOCAL, sven)]
    await given(mine, offered(mine, PARIS), sven, linked(sven, PARIS), told)
    for who, words in ((LOCAL, "Order the package"), (sven, "Beställ paketet")):
        [node] = (await ask(who, TEXTS))["notifications"]["nodes"]
        assert words in node["text"]


async def test_there_is_no_text_about_what_is_out_of_scope_now(ask: Asker, given: Any) -> None:  # [2.3]
    mine, hidden = (a_package(CAMPAIGN, CENTRAL, label=label) for label in ("Easter", "Hidden"))
    gone = a_package(CAMPAIGN, CENTRAL, PackageStatus.CANCELED, label="Gone")
    theirs = an_order(mine, LYON)
    about: dict[str, dict[str, Any]] = {
        "hidden": {"package_id": hidden.id}, "not mine": {"package_id": mine.id, "entity_id": LYON.id},
        "theirs": {"package_id": mine.id, "order_id": theirs.id}, "gone": {"package_id": gone.id},
        "mine": {"package_id": mine.id, "entity_id": PARIS.id},
    }
    cancelled = a_notification(LOCAL, EventKind.PACKAGE_CANCELED, subject="cancelled", package_id=gone.id,
                               payload={"comment": "No budget", "entities": [PARIS.code]})
    await given(mine, hidden, gone, theirs, offered(mine, PARIS), cancelled,
                [a_notification(LOCAL, subject=subject, **links) for subject, links in about.items()])
    nodes = (await ask(LOCAL, TEXTS))["notifications"]["nodes"]
    texts = {each["subject"]: each["text"] for each in nodes if each["text"] is not None}
    assert texts.keys() == {"mine", "cancelled"}
    assert "No budget" in texts["cancelled"]


async def test_a_page_of_texts_takes_as_many_statements_as_one(ask: Asker, given: Any, database: Database) -> None:
    mine = a_package(CAMPAIGN, CENTRAL)
    await given(mine, offered(mine, PARIS),
                [a_notification(LOCAL, package_id=mine.id, entity_id=PARIS.id) for _ in range(20)])
    numbers = []
    for size in (1, 20):
        with counted(database) as statements:
            await ask(LOCAL, f"{{ notifications(first: {size}) {{ nodes {{ text }} }} }}")
        numbers.append(len(statements))
    assert numbers[0] == numbers[1]
