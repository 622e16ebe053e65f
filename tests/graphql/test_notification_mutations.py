"""Marking what was read in one's own inbox, over HTTP [7]."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from server.app import create_app
from server.database import Database
from server.domain.base import new_id
from server.domain.network import Operator, Right
from server.graphql.ids import encode
from server.identity.logins import Logins
from server.identity.passwords import hash_password
from server.settings import Settings
from tests.builders import NOW, a_notification, an_operator, given
from tests.graphql.api import Api, global_id

PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)
MARKED = "notifications { subject readAt } viewer { unreadNotifications }"
LATER = NOW + timedelta(hours=1)


class Stage:
    """Anna was told three things, in the order of their names; one of them she has read. Bert was told one."""

    def __init__(self) -> None:
        self.anna, self.bert, self.luc = (
            an_operator(right, login=name, name=name, password_hash=HASH)
            for name, right in (("anna", Right.CENTRAL), ("bert", Right.CENTRAL), ("luc", Right.LOCAL))
        )
        told = [
            a_notification(self.anna, subject=subject, at=NOW - timedelta(minutes=10 - number), read_at=read_at)
            for number, (subject, read_at) in enumerate([("one", NOW), ("two", None), ("three", None)])
        ]
        (self.one, _), (self.two, _), (self.three, _) = told
        self.berts, event = a_notification(self.bert, subject="four")
        self.rows = [self.anna, self.bert, self.luc, told, self.berts, event]


@pytest.fixture
async def stage(database: Database) -> Stage:
    stage = Stage()
    await given(database, stage.rows)
    return stage


@pytest.fixture
async def api(settings: Settings, database: Database) -> AsyncIterator[Api]:
    transport = httpx.ASGITransport(create_app(settings, lambda: LATER))
    async with httpx.AsyncClient(transport=transport, base_url="http://samverkan") as client:
        yield Api(client, Logins(database, settings), PASSWORD)


async def unread(api: Api, operator: Operator) -> set[str]:
    query = "{ notifications(first: 9, filter: {read: false}) { nodes { subject } } viewer { unreadNotifications } }"
    data = (await api.ask(operator, query))["data"]
    found = {each["subject"] for each in data["notifications"]["nodes"]}
    assert data["viewer"]["unreadNotifications"] == len(found)
    return found



async def test_named_ones_are_marked_and_come_back_in_their_order(api: Api, stage: Stage) -> None:
    done = await api(stage.anna, "markNotificationsRead", MARKED, ids=[global_id(stage.three), global_id(stage.one)])
    assert done == {"problems": [], "viewer": {"unreadNotifications": 1}, "notifications": [
        {"subject": "three", "readAt": LATER.isoformat()}, {"subject": "one", "readAt": NOW.isoformat()},
    ]}
    assert await unread(api, stage.anna) == {"two"}
    assert await unread(api, stage.bert) == {"four"}


async def test_marking_again_changes_nothing(api: Api, stage: Stage) -> None:
    first = await api(stage.anna, "markNotificationsRead", MARKED, ids=[global_id(stage.two)], idempotencyKey="k")
    again = await api(stage.anna, "markNotificationsRead", MARKED, ids=[global_id(stage.two)], idempotencyKey="k")
    assert first == again
    assert await unread(api, stage.anna) == {"three"}


async def test_all_up_to_one_are_marked(api: Api, stage: Stage) -> None:
    done = await api(stage.anna, "markNotificationsRead", MARKED, upTo=global_id(stage.two))
    assert [each["subject"] for each in done["notifications"]] == ["two"]
    assert await unread(api, stage.anna) == {"three"}
    assert await unread(api, stage.bert) == {"four"}


async def test_all_before_a_moment_are_marked(api: Api, stage: Stage) -> None:
    done = await api(stage.anna, "markNotificationsRead", MARKED, before=stage.three.at.isoformat())
    assert done == {"notifications": [], "viewer": {"unreadNotifications": 1}, "problems": []}
    assert await unread(api, stage.anna) == {"three"}


async def test_what_was_read_can_be_unread_again(api: Api, stage: Stage) -> None:
    done = await api(stage.anna, "markNotificationsUnread", MARKED, ids=[global_id(stage.one)])
    assert done["notifications"] == [{"subject": "one", "readAt": None}]
    assert await unread(api, stage.anna) == {"one", "two", "three"}


@pytest.mark.parametrize("mutation", ["markNotificationsRead", "markNotificationsUnread"])
async def test_those_of_others_do_not_exist_and_nothing_is_marked(api: Api, stage: Stage, mutation: str) -> None:
    ids = [global_id(each) for each in (stage.two, stage.berts, stage.one)] + [encode("Notification", new_id())]
    refused = await api(stage.anna, mutation, MARKED, ids=ids)
    assert [(each["code"], each["path"]) for each in refused.pop("problems")] == [
        ("NOT_FOUND", ["ids", "1"]), ("NOT_FOUND", ["ids", "3"]),
    ]
    assert refused == {"notifications": [], "viewer": None}
    assert await unread(api, stage.anna) == {"two", "three"}
    assert await unread(api, stage.bert) == {"four"}


@pytest.mark.parametrize("input", [{}, {"ids": None}, {"ids": [], "before": NOW.isoformat()}])
async def test_exactly_one_way_of_saying_which_is_taken(api: Api, stage: Stage, input: dict[str, Any]) -> None:
    refused = await api(stage.anna, "markNotificationsRead", MARKED, **input)
    assert [each["code"] for each in refused["problems"]] == ["INVALID"]


async def test_one_of_somebody_else_is_no_mark_to_read_up_to(api: Api, stage: Stage) -> None:  # [2.3]
    refused = await api(stage.anna, "markNotificationsRead", MARKED, upTo=global_id(stage.berts))
    assert [(each["code"], each["path"]) for each in refused["problems"]] == [("NOT_FOUND", ["upTo"])]


async def test_at_most_a_hundred_are_named_at_once(api: Api, stage: Stage) -> None:
    refused = await api(stage.anna, "markNotificationsRead", MARKED, ids=[global_id(stage.two)] * 101)
    assert [each["code"] for each in refused["problems"]] == ["TOO_MANY"]


WANTED = "viewer { notificationPreferences { kind channel wanted } }"


def wish(kind: str, wanted: bool, channel: str = "email") -> dict[str, Any]:
    return {"kind": kind, "channel": channel, "wanted": wanted}


async def unwanted(api: Api, operator: Operator) -> list[str]:
    found = (await api.ask(operator, f"{{ {WANTED} }}"))["data"]["viewer"]["notificationPreferences"]
    return [each["kind"] for each in found if not each["wanted"]]


async def test_every_message_is_wanted_until_somebody_says_no(api: Api, stage: Stage) -> None:
    assert await unwanted(api, stage.anna) == []
    done = await api(stage.anna, "setNotificationPreferences", WANTED,
                     preferences=[wish("ORDER_SUBMITTED", False), wish("PACKAGE_REJECTED", True)])
    assert wish("ORDER_SUBMITTED", False) in done["viewer"]["notificationPreferences"]
    assert await unwanted(api, stage.anna) == ["ORDER_SUBMITTED"]
    await api(stage.anna, "setNotificationPreferences", WANTED, preferences=[
        wish("ORDER_SUBMITTED", True), wish("ORDER_CANCELED", False),
    ])
    assert await unwanted(api, stage.anna) == ["ORDER_CANCELED"]
    assert await unwanted(api, stage.bert) == []


async def test_only_what_can_reach_somebody_is_a_choice(api: Api, stage: Stage) -> None:
    refused = await api(stage.luc, "setNotificationPreferences", WANTED, preferences=[
        wish("ORDER_REJECTED", False), wish("PACKAGE_SUBMITTED", False), wish("ORDER_REJECTED", False, "webhook"),
    ])
    assert [(each["code"], each["path"]) for each in refused["problems"]] == [
        ("INVALID", ["preferences", "1", "kind"]), ("NOT_FOUND", ["preferences", "2", "channel"]),
    ]
    assert await unwanted(api, stage.luc) == []
    choices = (await api.ask(stage.luc, f"{{ {WANTED} }}"))["data"]["viewer"]["notificationPreferences"]
    assert {each["channel"] for each in choices} == {"email"}
    assert "PACKAGE_SUBMITTED" not in {each["kind"] for each in choices} > {"ORDER_REJECTED", "PACKAGE_PUBLISHED"}


async def test_the_choices_of_others_are_not_told(api: Api, stage: Stage) -> None:
    query = "{ operators(first: 9) { nodes { login notificationPreferences { kind } calendarFeed { createdAt } } } }"
    nodes = (await api.ask(stage.anna, query))["data"]["operators"]["nodes"]
    assert [each["login"] for each in nodes if each["notificationPreferences"] is not None] == ["anna"]
