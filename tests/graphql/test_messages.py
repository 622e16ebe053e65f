"""The texts of messages through the API: read by central, changed by administrators, unknown to local operators [7]."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from server.app import create_app
from server.database import Database
from server.domain.network import Operator, Right
from server.domain.record import EventKind
from server.identity.logins import Logins
from server.identity.passwords import hash_password
from server.notifications.wording.facts import VARIABLES
from server.settings import Settings
from tests.builders import NOW, a_message_template, an_entity, an_operator, given, linked
from tests.graphql.api import Api, global_id

PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)
SHOWN = "messageTemplate { id kind locale subject text html revision shipped { subject language } }"
PREVIEW = """
query ($kind: EventKind!, $locale: String!, $text: String!) {
  previewMessage(kind: $kind, locale: $locale, text: $text) { subject text html problems { code message path } }
}
"""


class People:
    def __init__(self) -> None:
        self.store = an_entity()
        self.ada, self.anna, self.luc = (
            an_operator(right, password_hash=HASH) for right in (Right.ADMIN, Right.CENTRAL, Right.LOCAL)
        )


@pytest.fixture
async def people(database: Database) -> People:
    people = People()
    await given(database, *vars(people).values(), linked(people.luc, people.store))
    return people


@pytest.fixture
async def api(settings: Settings, database: Database) -> AsyncIterator[Api]:
    transport = httpx.ASGITransport(create_app(settings, lambda: NOW))
    async with httpx.AsyncClient(transport=transport, base_url="http://samverkan") as client:
        yield Api(client, Logins(database, settings), PASSWORD)


async def listed(api: Api, who: Operator) -> list[Any]:
    answer = await api.ask(who, "{ messageTemplates(first: 9) { nodes { kind locale text history(first: 9) { nodes {"
                                " action subject { ... on MessageTemplate { locale } } } } } } }")
    return list(answer["data"]["messageTemplates"]["nodes"])


async def test_a_text_is_saved_read_and_deleted(api: Api, people: People) -> None:
    saved = (await api(
        people.ada, "saveMessageTemplate", SHOWN, kind="ORDER_REJECTED", locale="sv", text="Nej: {{ comment }}"
    ))["messageTemplate"]
    assert saved.pop("id")
    assert saved == {
        "kind": "ORDER_REJECTED", "locale": "sv", "subject": "", "text": "Nej: {{ comment }}", "html": "",
        "revision": 1, "shipped": {"subject": "Beställning avslagen", "language": "sv"},
    }
    [row] = await listed(api, people.anna)
    assert row["history"]["nodes"] == [{"action": "CREATE", "subject": {"locale": "sv"}}]
    assert await listed(api, people.luc) == []


async def test_a_deleted_text_is_gone(api: Api, people: People, database: Database) -> None:
    own = a_message_template(subject="Mine")
    await given(database, own)
    gone = await api(people.ada, "deleteMessageTemplate", "deletedId", id=global_id(own), revision=1)
    assert gone == {"deletedId": global_id(own), "problems": []}
    assert await listed(api, people.ada) == []


async def test_faults_stand_at_their_parts(api: Api, people: People) -> None:
    refused = await api(
        people.ada, "saveMessageTemplate", SHOWN, kind="ORDER_REJECTED", locale="sv", subject="[", text="{{ it }}",
        html="{% if %}",
    )
    assert refused["messageTemplate"] is None
    assert [(each["code"], each["path"]) for each in refused["problems"]] == [
        ("INVALID", ["subject"]), ("TEMPLATE", ["text"]), ("TEMPLATE", ["html"]),
    ]


async def test_only_administrators_change_texts(api: Api, people: People) -> None:
    for who in (people.anna, people.luc):
        assert await api.error(
            who, "saveMessageTemplate", SHOWN, kind="ORDER_REJECTED", locale="sv", subject="Nej"
        ) == "NOT_ALLOWED"


async def test_a_preview_is_a_whole_message_or_its_faults(api: Api, people: People) -> None:
    async def preview(text: str) -> Any:
        asked = {"kind": "ORDER_REJECTED", "locale": "sv-FI", "text": text}
        return (await api.ask(people.ada, PREVIEW, **asked))["data"]["previewMessage"]

    seen = await preview("Nej: {{ comment }}")
    assert seen["subject"] == "[Beställning avslagen] Spring sale (CAT12)"
    assert seen["text"].startswith("Nej: Please look at the prices.")
    assert seen["html"].startswith("<!doctype html>")
    assert seen["problems"] == []
    seen = await preview("{{ it }}")
    assert [each["message"] for each in seen["problems"]] == ["There is no variable it."]


async def test_central_reads_what_ships_and_which_variables_there_are(api: Api, people: People) -> None:
    query = "{ shippedMessages { kind language subject text html } messageVariables { name description } }"
    found = (await api.ask(people.anna, query))["data"]
    assert len(found["shippedMessages"]) == 2 * len(EventKind)
    assert [each["name"] for each in found["messageVariables"]] == list(VARIABLES)
    assert all(each["description"] for each in found["messageVariables"])
    refused = await api.ask(people.luc, query)
    assert {each["extensions"]["code"] for each in refused["errors"]} == {"NOT_ALLOWED"}
