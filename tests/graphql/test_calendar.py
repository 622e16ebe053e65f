"""An operator's deadlines as a calendar: made and revoked by mutations, read by calendars without a login [7]."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from icalendar import Calendar
from sqlalchemy import select, update

from server.app import create_app
from server.database import Database
from server.domain.lifecycles import PackageStatus
from server.domain.network import Operator, Right
from server.domain.notification import CalendarFeed
from server.domain.package import Package
from server.identity.logins import Logins
from server.identity.passwords import hash_password
from server.reads.deadlines import deadlines
from server.settings import Settings
from tests.builders import (
    DAY,
    NOW,
    a_campaign,
    a_package,
    an_approval,
    an_entity,
    an_operator,
    an_order,
    caller_of,
    given,
    linked,
    offered,
)
from tests.graphql.api import Api, global_id
from tests.reads.test_statements import counted

PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)
FEED = "viewer { calendarFeed { createdAt } }"


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Stage:
    """Anna, central, owns a package that is offered to Paris; Luc works for Paris, where an order waits for them."""

    def __init__(self) -> None:
        self.anna = an_operator(Right.CENTRAL, login="anna", password_hash=HASH, locale="sv-SE")
        self.luc = an_operator(Right.LOCAL, login="luc", password_hash=HASH)
        self.paris, self.lyon = an_entity("Paris"), an_entity("Lyon")
        campaign = a_campaign("Spring")
        self.easter, self.hidden = (
            a_package(campaign, self.anna, label=label, code=code, personalization_deadline=NOW + 5 * DAY,
                      campaign_available_at=NOW + 40 * DAY, modified_at=NOW - DAY)
            for label, code in (("Easter", "CAT1"), ("Hidden", "CAT2"))
        )
        other = an_operator()
        others = a_package(campaign, other, label="Others")
        self.order = an_order(self.easter, self.paris, label="Easter in Paris", code="ORD1")
        theirs = an_order(self.hidden, self.lyon, label="Lyon's")
        self.rows = [
            self.anna, self.luc, self.paris, self.lyon, linked(self.luc, self.paris), campaign, self.easter,
            self.hidden, offered(self.easter, self.paris), offered(self.hidden, self.lyon), self.order, theirs,
            an_approval(self.order), an_approval(theirs), other, others,
        ]


@pytest.fixture
async def stage(database: Database) -> Stage:
    stage = Stage()
    await given(database, stage.rows)
    return stage


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def api(settings: Settings, database: Database, clock: Clock) -> AsyncIterator[Api]:
    shown = settings.model_copy(update={"web_address": "https://marketing.example.org"})
    transport = httpx.ASGITransport(create_app(shown, clock))
    async with httpx.AsyncClient(transport=transport, base_url="http://samverkan") as client:
        yield Api(client, Logins(database, settings), PASSWORD)


async def feed(api: Api, operator: Operator) -> str:
    """The path of a new calendar."""
    answer = await api.ask(operator, f"mutation {{ createCalendarFeed {{ url {FEED} problems {{ code }} }} }}")
    made = answer["data"]["createCalendarFeed"]
    assert made["viewer"]["calendarFeed"] == {"createdAt": NOW.isoformat()}
    return str(made["url"]).removeprefix("https://marketing.example.org")


async def read(api: Api, path: str, **headers: str) -> httpx.Response:
    return await api.client.get(path, headers=headers)


async def events(api: Api, path: str) -> dict[str, Any]:
    """By what they say."""
    response = await read(api, path)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/calendar; charset=utf-8"
    return {str(each["SUMMARY"]): each for each in Calendar.from_ical(response.content).events}


async def test_a_local_operator_sees_the_dates_of_what_is_offered_to_them(api: Api, stage: Stage) -> None:  # [2.3]
    found = await events(api, await feed(api, stage.luc))
    assert {name: each.start for name, each in found.items()} == {
        "Last moment to order Easter (CAT1)": NOW + 10 * DAY, "Documents for Easter (CAT1) are due": NOW + 5 * DAY,
        "Easter (CAT1) ends": NOW + 30 * DAY,
    }


async def test_an_owner_sees_all_dates_and_what_waits_for_them_in_their_language(api: Api, stage: Stage) -> None:
    found = await events(api, await feed(api, stage.anna))
    assert {name for name in found if "Lyon" not in name and "Hidden" not in name} == {
        "Godkänn eller avslå beställningen Easter in Paris (ORD1), Paris", "Easter (CAT1) publiceras",
        "Sista tid att beställa Easter (CAT1)", "Dokument till Easter (CAT1) ska vara inlämnade",
        "Kampanjerna i Easter (CAT1) blir tillgängliga", "Easter (CAT1) upphör",
    }
    assert not [name for name in found if "Others" in name]


async def test_an_event_says_what_calendars_need(api: Api, stage: Stage, database: Database) -> None:
    path = await feed(api, stage.luc)
    async with database.transaction() as session:
        await session.execute(update(Package).values(revision=3))
    event = (await events(api, path))["Last moment to order Easter (CAT1)"]
    assert event["UID"] == f"{stage.easter.id}-registration@samverkan"
    assert (event["SEQUENCE"], event.DTSTAMP, event["LAST-MODIFIED"].dt) == (3, NOW - DAY, NOW - DAY)
    assert event["URL"] == "https://marketing.example.org/packages/CAT1"
    assert event["DESCRIPTION"] == (
        "Thursday 12 March 2026, 10:00 (Europe/Stockholm)\nhttps://marketing.example.org/packages/CAT1"
    )
    assert event["DTSTART"].dt.tzinfo is not None and not event.alarms.times


async def test_deadlines_long_ago_and_far_ahead_are_left_out(api: Api, stage: Stage, clock: Clock) -> None:
    path = await feed(api, stage.luc)
    clock.now = NOW + 40 * DAY
    assert set(await events(api, path)) == {"Last moment to order Easter (CAT1)", "Easter (CAT1) ends"}
    clock.now = NOW - 370 * DAY
    assert len(await events(api, path)) == 3
    clock.now -= timedelta(seconds=1)
    assert set(await events(api, path)) == {
        "Last moment to order Easter (CAT1)", "Documents for Easter (CAT1) are due",
    }


async def test_it_is_scoped_at_each_request(api: Api, stage: Stage, database: Database) -> None:  # [2.3]
    path = await feed(api, stage.luc)
    async with database.transaction() as session:
        await session.execute(update(Package).where(Package.id == stage.easter.id).values(
            status=PackageStatus.CANCELED))
    assert await events(api, path) == {}


async def test_a_calendar_that_has_it_is_not_sent_it_again(api: Api, stage: Stage, database: Database) -> None:
    path = await feed(api, stage.luc)
    first = await read(api, path)
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["last-modified"] == "Sun, 01 Mar 2026 09:00:00 GMT"
    assert first.headers["x-content-type-options"] == "nosniff"
    again = await read(api, path, **{"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    async with database.transaction() as session:
        await session.execute(update(Package).values(end=NOW + 31 * DAY))
    moved = await read(api, path, **{"if-none-match": first.headers["etag"]})
    assert moved.status_code == 200


async def test_a_new_address_ends_the_former_one(api: Api, stage: Stage) -> None:
    former, now = await feed(api, stage.luc), await feed(api, stage.luc)
    assert ((await read(api, former)).status_code, (await read(api, now)).status_code) == (404, 200)


@pytest.mark.parametrize("change", [{"password": "staple the battery"}, {"active": False}])
async def test_it_ends_with_the_logins(api: Api, stage: Stage, database: Database, change: Any) -> None:
    admin = an_operator(Right.ADMIN, login="ada", password_hash=HASH)
    await given(database, admin)
    lucs, annas = await feed(api, stage.luc), await feed(api, stage.anna)
    for revision, fields in ((1, change), (2, {"active": True})):
        named = {"id": global_id(stage.luc), "revision": revision}
        saved = await api(admin, "updateOperator", "problems { code }", **named, **fields)
        assert saved["problems"] == []
    assert [(await read(api, path)).status_code for path in (lucs, annas)] == [404, 200]


async def test_it_ends_with_ones_own_new_password_and_no_other_change(api: Api, stage: Stage) -> None:
    path = await feed(api, stage.luc)
    for new, expected in (("short", 200), ("staple the battery", 404)):
        await api(stage.luc, "changePassword", "problems { code }", currentPassword=PASSWORD, newPassword=new)
        assert (await read(api, path)).status_code == expected


async def test_unknown_revoked_and_inactive_look_the_same(api: Api, stage: Stage, database: Database) -> None:
    lucs, annas = await feed(api, stage.luc), await feed(api, stage.anna)
    answer = await api.ask(stage.luc, f"mutation {{ revokeCalendarFeed {{ {FEED} problems {{ code }} }} }}")
    assert answer["data"]["revokeCalendarFeed"] == {"viewer": {"calendarFeed": None}, "problems": []}
    async with database.transaction() as session:
        await session.execute(update(Operator).where(Operator.id == stage.anna.id).values(active=False))
    answers = [await read(api, path) for path in (lucs, annas, "/calendar/nobody.ics")]
    assert {each.status_code for each in answers} == {404}
    assert len({each.content for each in answers}) == 1
    assert len({str(sorted(each.headers.items() - {("x-request-id", each.headers["x-request-id"])}))
                for each in answers}) == 1


async def test_only_a_hash_of_the_token_is_stored(api: Api, stage: Stage, database: Database) -> None:
    path = await feed(api, stage.luc)
    token = path.removeprefix("/calendar/").removesuffix(".ics")
    assert len(token) >= 43  # 256 bits
    async with database.reading() as session:
        stored = await session.scalar(select(CalendarFeed.token_hash))
    assert token not in str(stored)


async def test_statements_do_not_grow_with_deadlines(database: Database, stage: Stage) -> None:
    caller, texts = caller_of(stage.luc), []
    for known in (3, 63):
        with counted(database) as statements:
            async with database.reading() as session:
                assert len(await deadlines(session, caller, NOW)) == known
        texts.append(statements)
        campaign = a_campaign()
        more = [a_package(campaign, stage.anna, personalization_deadline=NOW + DAY) for _ in range(20)]
        await given(database, campaign, more, [offered(each, stage.paris) for each in more])
    assert texts[0] == texts[1] and len(texts[0]) == 2


async def test_of_too_many_those_nearest_to_now_are_shown(database: Database, stage: Stage) -> None:
    campaign = a_campaign()
    more = [a_package(campaign, stage.anna, end=NOW + n * DAY, registration_deadline=None) for n in (20, 21, 22, 23)]
    await given(database, campaign, more, [offered(each, stage.paris) for each in more])
    async with database.reading() as session:
        found = await deadlines(session, caller_of(stage.luc), NOW, most=4)
    assert [(each.at - NOW).days for each in found] == [5, 10, 20, 21]


async def test_an_address_that_reads_too_often_has_to_wait(
    database: Database, settings: Settings, stage: Stage
) -> None:
    limited = settings.model_copy(update={"address_cost_per_minute": 1_000})
    transport = httpx.ASGITransport(create_app(limited, lambda: NOW))
    async with httpx.AsyncClient(transport=transport, base_url="http://samverkan") as client:
        answers = [await client.get("/calendar/guess.ics") for _ in range(3)]
    assert [each.status_code for each in answers] == [404, 404, 429]
    assert answers[-1].headers["retry-after"]
