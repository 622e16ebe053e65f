"""From events to notifications and dispatches: each person once, whatever interrupts it, in few statements [7]."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import event as hook
from sqlalchemy import select, update

from server.database import Database
from server.domain.base import new_id
from server.domain.later import FanOut, FanOutKind
from server.domain.network import Right
from server.domain.notification import Dispatch, DispatchStatus, MessageTemplate, Notification, Preference, Webhook
from server.domain.record import Event, EventKind
from server.notifications import delivering
from server.notifications.delivering import Deliveries
from server.notifications.reach.receivers import EMAIL
from tests.builders import (
    DAY,
    NOW,
    STAMPS,
    a_campaign,
    a_group,
    a_package,
    an_entity,
    an_operator,
    given,
    linked,
    members,
    offered,
)
from tests.notifications.stage import Stage
from tests.statements import sent_statements

K = EventKind


async def all_of(database: Database, kind: Any) -> list[Any]:
    async with database.reading() as session:
        return list(await session.scalars(select(kind).order_by(kind.id)))


def a_chain(number: int) -> tuple[Any, list[Any]]:
    """A package offered to so many stores with a manager each, all in one group; and everything that it needs."""
    group, owner, campaign = a_group(), an_operator(), a_campaign()
    stores = [an_entity(f"Store {place}", notification_group_id=group.id) for place in range(number)]
    managers = [an_operator(Right.LOCAL, email=f"m{place}@shop.example") for place in range(number)]
    package = a_package(campaign, owner)
    links = [linked(manager, store) for manager, store in zip(managers, stores, strict=True)]
    return package, [group, owner, campaign, stores, managers, package, offered(package, *stores), links,
                     members(group, *managers)]


def published(package: Any, **fields: Any) -> Event:
    return Event(id=new_id(), kind=K.PACKAGE_PUBLISHED, at=NOW, package_id=package.id, payload={}, **fields)


async def test_a_notification_says_what_it_is_about_and_for_whose_sake(database: Database) -> None:
    stage = Stage()
    stage.lyon_boss.locale = "sv-SE"
    event = stage.event(K.PACKAGE_PUBLISHED, package_id=stage.published.id)
    await given(database, list(stage.rows()))
    await Deliveries(database).deliver(NOW + DAY)
    told = {row.operator_id: row for row in await all_of(database, Notification)}
    mine, package = told[stage.regional.id], stage.published
    assert (mine.kind, mine.at, mine.package_id, mine.entity_id) == (event.kind, NOW, package.id, stage.paris.id)
    assert mine.subject == f"[Package published] Spring package ({package.code})"
    assert told[stage.lyon_boss.id].subject == f"[Nytt paket] Spring package ({package.code})"
    [delivered] = await all_of(database, Event)
    assert delivered.delivered_at == NOW + DAY


async def test_an_own_word_stands_in_the_subject(database: Database) -> None:
    stage = Stage()
    stage.event(K.PACKAGE_REJECTED, package_id=stage.pending.id)
    own = MessageTemplate(
        id=new_id(), kind=K.PACKAGE_REJECTED, locale="en", subject="Not yet", text="", html="", **STAMPS
    )
    await given(database, list(stage.rows()), own)
    await Deliveries(database).deliver(NOW)
    [told] = await all_of(database, Notification)
    assert told.subject.startswith("[Not yet] Spring package")


async def test_mail_goes_to_those_who_have_an_address_and_do_not_refuse_it(database: Database) -> None:
    stage = Stage()
    stage.oslo_boss.email = ""
    stage.event(K.PACKAGE_PUBLISHED, package_id=stage.published.id)

    def preference(who: Any, kind: EventKind, *, wanted: bool) -> Preference:
        return Preference(operator_id=who.id, kind=kind, channel="email", wanted=wanted)

    await given(
        database, list(stage.rows()), preference(stage.regional, K.PACKAGE_PUBLISHED, wanted=False),
        preference(stage.paris_boss, K.PACKAGE_PUBLISHED, wanted=True),
        preference(stage.lyon_boss, K.PACKAGE_CANCELED, wanted=False),
    )
    await Deliveries(database).deliver(NOW)
    told = {row.id: row.operator_id for row in await all_of(database, Notification)}
    sent = await all_of(database, Dispatch)
    assert len(told) == 5
    assert {told[each.notification_id] for each in sent} == {
        stage.paris_boss.id, stage.lyon_boss.id, stage.colleague.id
    }
    assert {(each.channel, each.status, each.due_at) for each in sent} == {("email", DispatchStatus.PENDING, NOW)}


async def test_other_channels_for_people_are_served_as_well(database: Database) -> None:
    stage = Stage()
    stage.oslo_boss.email = ""
    stage.about(K.CAMPAIGN_AVAILABLE, stage.oslo_order)
    await given(database, list(stage.rows()))
    await Deliveries(database, ["email", "pager"]).deliver(NOW)
    assert [each.channel for each in await all_of(database, Dispatch)] == ["pager"]


# the filter, and whether it lets an event about Paris's order of a simple package through
@pytest.mark.parametrize(("filter", "active", "passes"), [
    ({}, True, True),
    ({}, False, False),
    ({"kinds": [], "types": [], "entity_ids": []}, True, True),
    ({"kinds": ["ORDER_REJECTED", "ORDER_CANCELED"]}, True, True),
    ({"kinds": ["ORDER_CANCELED"]}, True, False),
    ({"types": ["simple"]}, True, True),
    ({"types": ["by_form"]}, True, False),
    ({"entity_ids": ["paris"]}, True, True),
    ({"entity_ids": ["oslo"]}, True, False),
])
async def test_webhooks_hear_of_what_their_filter_lets_through(
    database: Database, filter: dict[str, Any], active: bool, passes: bool
) -> None:
    stage = Stage()
    places = {"paris": str(stage.paris.id), "oslo": str(stage.oslo.id)}
    filter = filter | {"entity_ids": [places[each] for each in filter.get("entity_ids", ())]}
    event = stage.about(K.ORDER_REJECTED, stage.order)
    hook = Webhook(
        id=new_id(), label="ERP", url="https://erp.example", secret="s", filter=filter, active=active, **STAMPS
    )
    await given(database, list(stage.rows()), hook)
    await Deliveries(database, []).deliver(NOW)
    posts = [(each.event_id, each.webhook_id, each.channel) for each in await all_of(database, Dispatch)]
    assert posts == ([(event.id, hook.id, "webhook")] if passes else [])


async def test_an_event_for_an_audience_concerns_each_of_its_entities(database: Database) -> None:
    stage = Stage()
    event = stage.event(K.PACKAGE_PUBLISHED, package_id=stage.published.id)
    hooks = [
        Webhook(id=new_id(), label=entity.label, url="https://erp.example", secret="s", active=True,
                filter={"entity_ids": [str(entity.id)]}, **STAMPS)
        for entity in (stage.lyon, stage.head)
    ]
    await given(database, list(stage.rows()), hooks)
    await Deliveries(database, []).deliver(NOW)
    assert [(each.event_id, each.webhook_id) for each in await all_of(database, Dispatch)] == [(event.id, hooks[0].id)]


class Interrupted(Exception):
    pass


async def test_an_interrupted_delivery_goes_on_where_it_stopped(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "PEOPLE", 10)
    package, rows = a_chain(25)
    events = [published(package) for _ in range(3)]
    await given(database, rows, events)
    tries = 0
    for after in range(1, 100):
        commits = 0

        def stop(_connection: object, after: int = after) -> None:
            nonlocal commits
            commits += 1
            if commits == after % 3 + 1:
                raise Interrupted

        tries += 1
        hook.listen(database.engine.sync_engine, "commit", stop)
        try:
            await Deliveries(database).deliver(NOW)
            break
        except Interrupted:
            pass
        finally:
            hook.remove(database.engine.sync_engine, "commit", stop)
    assert tries > 2
    told = Counter((row.event_id, row.operator_id) for row in await all_of(database, Notification))
    assert (len(told), set(told.values())) == (75, {1})
    assert len({each.notification_id for each in await all_of(database, Dispatch)}) == 75
    assert all(event.delivered_at == NOW for event in await all_of(database, Event))


async def test_an_interrupted_delivery_goes_on_behind_an_older_event_that_came_late(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "PEOPLE", 10)
    package, rows = a_chain(25)
    older, newer = published(package), published(package)
    await given(database, rows, newer)
    async with database.transaction() as session:
        await delivering._Step(session, (EMAIL,), NOW).deliver_some()
    assert len(await all_of(database, Notification)) == 10
    await given(database, older)
    await Deliveries(database).deliver(NOW)
    told = Counter((row.event_id, row.operator_id) for row in await all_of(database, Notification))
    assert (len(told), set(told.values())) == (50, {1})
    assert len(await all_of(database, Dispatch)) == 50


async def test_deliveries_at_the_same_time_tell_nobody_twice(database: Database, address: str) -> None:
    other = Database(address)
    package, rows = a_chain(30)
    await given(database, rows, [published(package) for _ in range(4)])
    await asyncio.gather(Deliveries(database).deliver(NOW), Deliveries(other).deliver(NOW))
    await other.dispose()
    told = Counter((row.event_id, row.operator_id) for row in await all_of(database, Notification))
    assert (len(told), set(told.values())) == (120, {1})


async def test_what_is_delivered_stays_delivered(database: Database) -> None:
    package, rows = a_chain(2)
    await given(database, rows, published(package, delivered_at=NOW))
    assert await Deliveries(database).deliver(NOW + DAY) == 0
    assert await all_of(database, Notification) == []


async def test_a_hundred_events_take_as_many_statements_as_one(database: Database) -> None:
    counts = []
    package, rows = a_chain(3)
    await given(database, rows)
    for number in (1, 100):
        await given(database, [published(package) for _ in range(number)])
        with sent_statements() as seen:
            assert await Deliveries(database).deliver(NOW) == number
        counts.append(len(seen))
        assert sum("delivered_at IS NULL" in each for each in seen) == 1  # those that come later have their own job
    assert counts[0] == counts[1] < 25


async def test_people_are_told_in_bounded_transactions(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "PEOPLE", 100)
    package, rows = a_chain(350)
    await given(database, rows, published(package))
    with sent_statements() as seen:
        await Deliveries(database).deliver(NOW)
    chunks = [each for each in seen if each.startswith("INSERT INTO notification")]
    assert len(chunks) == 4
    assert len(seen) < 4 * 20 + 10  # as many for each chunk, however many events and people there are
    assert len(await all_of(database, Notification)) == 350


@pytest.mark.parametrize("at_once", [20, 25, 30])  # of fifty people, who fill the last transaction or do not
async def test_what_takes_several_transactions_shows_its_progress(
    database: Database, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(delivering, "PEOPLE", at_once)
    package, rows = a_chain(50)
    event = published(package)
    await given(database, rows, published(package, delivered_at=NOW), event)
    seen = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        if "fan_out" in statement and not statement.startswith("SELECT"):
            seen.append(statement.split()[0])

    hook.listen(database.engine.sync_engine, "before_cursor_execute", note)
    await Deliveries(database).deliver(NOW)
    hook.remove(database.engine.sync_engine, "before_cursor_execute", note)
    [work] = await all_of(database, FanOut)
    assert (work.kind, work.package_id, work.event_id) == (FanOutKind.NOTIFY, package.id, event.id)
    assert (work.total, work.done, work.finished_at) == (50, 50, NOW)
    assert seen[0] == "INSERT" and set(seen[1:]) == {"UPDATE"}


async def test_a_few_people_are_no_progress_to_show(database: Database) -> None:
    package, rows = a_chain(3)
    await given(database, rows, published(package))
    await Deliveries(database).deliver(NOW)
    assert await all_of(database, FanOut) == []


async def test_news_of_subscriptions_wait_until_all_are_made(database: Database) -> None:  # N6
    stage = Stage()
    stage.event(K.PACKAGE_SUBSCRIBED, package_id=stage.published.id)
    stage.event(K.PACKAGE_REJECTED, package_id=stage.pending.id)
    work = FanOut(id=new_id(), kind=FanOutKind.SUBSCRIBE, package_id=stage.published.id, total=9, done=3,
                  started_at=NOW)
    await given(database, list(stage.rows()), work)
    assert await Deliveries(database).deliver(NOW) == 1
    async with database.transaction() as session:
        await session.execute(update(FanOut).values(finished_at=NOW))
    assert await Deliveries(database).deliver(NOW) == 1
