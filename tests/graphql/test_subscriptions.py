"""Who hears of which change, over a real socket to a real server, on both databases [2.3]."""

from typing import Any

import httpx
import pytest
from sqlalchemy import delete

from server.changes import Subject, changed
from server.database import Database
from server.domain.approval import ApprovalStatus, ApprovalSubject
from server.domain.lifecycles import OrderStatus, PackageStatus
from server.domain.network import OperatorEntity
from server.domain.order import Order
from server.settings import Settings
from tests.builders import (
    a_notification,
    an_approval,
    an_entity,
    an_order,
    given,
    linked,
    reviewers,
)
from tests.graphql.edge import Edge
from tests.graphql.follow import (
    AGAIN,
    CENTRAL,
    ELSEWHERE,
    HERE,
    LUC,
    OSLO,
    OTHER,
    PACKAGE,
    PARIS,
    RELOAD,
    STAGE,
    change,
    following,
    gid,
    logged_in,
    served,
    subscription,
    told,
)
from tests.graphql.test_sse import EVENTS, events


@pytest.fixture
async def edge(settings: Settings, database: Database) -> Any:
    await given(database, STAGE, logged_in(CENTRAL, LUC))
    with served(settings) as edge:
        yield edge


async def test_everybody_hears_what_they_may_see_and_nothing_else(edge: Edge, database: Database) -> None:
    with following(edge, LUC, "orderChanged") as luc, following(edge, CENTRAL, "orderChanged") as carla:
        assert [next(luc), next(carla)] == [RELOAD, RELOAD]
        await change(database, ELSEWHERE, comment="not for Luc")
        await change(database, HERE, comment="for both")
        assert next(luc) == gid(HERE)
        assert [next(carla), next(carla)] == [gid(ELSEWHERE), gid(HERE)]


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
async def test_an_event_has_what_is_selected_as_it_is_now(edge: Edge, database: Database) -> None:
    with edge.session({"authorization": "Bearer luc"}) as session:
        session.subscribe(
            "subscription ($order: ID) { orderChanged(id: $order) { mine: order { comment ...more } reload } } "
            "fragment more on Order { package { label } entity { label } approvals(first: 1) { totalCount } }",
            order=gid(HERE),
        )
        first = session.receive()["payload"]["data"]["orderChanged"]
        assert first == {"reload": True, "mine": {
            "comment": "", "package": {"label": PACKAGE.label}, "entity": {"label": "Paris"},
            "approvals": {"totalCount": 0},
        }}
        await change(database, HERE, comment="two windows")
        event = session.receive()["payload"]["data"]["orderChanged"]
        assert (event["mine"]["comment"], event["reload"]) == ("two windows", False)


async def test_one_order_is_followed_until_it_is_gone(edge: Edge, database: Database) -> None:
    with following(edge, LUC, "orderChanged", f'(id: "{gid(HERE)}")') as luc:
        assert next(luc) == gid(HERE)
        await change(database, AGAIN, ELSEWHERE)
        await change(database, HERE)
        assert next(luc) == gid(HERE)
        async with database.transaction() as session:
            await session.execute(delete(Order).where(Order.id == HERE.id))
            changed(session, Subject.ORDER, HERE.id)
        assert next(luc) == ("gone", gid(HERE))


async def test_what_leaves_the_scope_is_gone_once_and_silent_until_it_is_back(edge: Edge, database: Database) -> None:
    with following(edge, LUC, "orderChanged", f'(id: "{gid(HERE)}")') as one, following(
        edge, LUC, "orderChanged"
    ) as all_:
        assert [next(one), next(all_)] == [gid(HERE), RELOAD]
        async with database.transaction() as session:
            await session.execute(delete(OperatorEntity).where(OperatorEntity.operator_id == LUC.id))
        await change(database, HERE)
        assert next(one) == ("gone", gid(HERE))
        await change(database, HERE)
        with following(edge, CENTRAL, "orderChanged") as carla:  # what comes after this, comes after the silence
            assert next(carla) == RELOAD
            await change(database, HERE)
            assert next(carla) == gid(HERE)
        await given(database, linked(LUC, PARIS))
        await change(database, HERE, AGAIN)
        assert next(one) == gid(HERE)
        heard = {next(all_)}
        while heard == {gid(HERE)}:  # an earlier change of it may be looked at only now that it is seen again
            heard.add(next(all_))
        assert heard - {gid(HERE)} == {gid(AGAIN)}


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
async def test_what_one_never_saw_is_as_if_it_were_not_there(edge: Edge) -> None:
    nowhere = an_order(PACKAGE, PARIS)
    for order in (ELSEWHERE, nowhere):
        with following(edge, LUC, "orderChanged", f'(id: "{gid(order)}")') as luc:
            assert luc.event() == {"order": None, "goneId": gid(order), "reload": True}


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
async def test_nothing_is_told_by_not_asking_for_the_object(edge: Edge, database: Database) -> None:
    with edge.session({"authorization": "Bearer luc"}) as session:
        session.subscribe("subscription ($of: ID!) { orderChanged(id: $of) { goneId reload } }", of=gid(ELSEWHERE))
        assert session.receive()["payload"]["data"]["orderChanged"]["goneId"] == gid(ELSEWHERE)
        await change(database, ELSEWHERE)
        await given(database, linked(LUC, OSLO))
        await change(database, ELSEWHERE)
        assert session.receive()["payload"]["data"]["orderChanged"] == {"goneId": None, "reload": False}


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
async def test_orders_of_one_package(edge: Edge, database: Database) -> None:
    with following(edge, LUC, "orderChanged", f'(packageId: "{gid(OTHER)}")') as luc:
        assert next(luc) == RELOAD
        await change(database, HERE)
        await change(database, AGAIN)
        assert next(luc) == gid(AGAIN)


async def test_packages_and_their_progress(edge: Edge, database: Database) -> None:
    async with database.transaction() as session:
        changed(session, Subject.FAN_OUT, PACKAGE.id)  # nobody follows yet
    with following(edge, LUC, "packageChanged") as luc, following(
        edge, CENTRAL, "jobProgress", f'(packageId: "{gid(PACKAGE)}")'
    ) as carla:
        assert [next(luc), next(carla)] == [RELOAD, gid(PACKAGE)]
        await change(database, OTHER, label="Luc sees it by his order")
        await change(database, PACKAGE, status=PackageStatus.CANCELED)
        await change(database, PACKAGE, status=PackageStatus.PUBLISHED)
        assert [next(luc), next(luc)] == [gid(OTHER), gid(PACKAGE)]
        async with database.transaction() as session:
            changed(session, Subject.FAN_OUT, PACKAGE.id)
        assert next(carla) == gid(PACKAGE)


async def test_approvals_that_wait_for_me(edge: Edge, database: Database) -> None:
    mine, colleagues = an_approval(HERE, ApprovalSubject.TARGET), an_approval(AGAIN, ApprovalSubject.ORDER)
    await given(database, mine, colleagues, reviewers(colleagues, CENTRAL))
    with following(edge, LUC, "approvalChanged", "(mine: true)") as luc, following(
        edge, CENTRAL, "approvalChanged", "(mine: true)"
    ) as carla:
        assert [next(luc), next(carla)] == [RELOAD, RELOAD]
        await change(database, colleagues)
        await change(database, mine)
        assert [next(luc), next(carla)] == [gid(mine), gid(colleagues)]
        await change(database, mine, colleagues, status=ApprovalStatus.APPROVED)
        both = {gid(mine), gid(colleagues)}
        assert [{next(luc), next(luc)}, {next(carla), next(carla)}] == [both, both]


async def test_notifications_reach_their_receiver_only(edge: Edge, database: Database) -> None:
    with following(edge, LUC, "notificationReceived") as luc, following(edge, CENTRAL, "notificationReceived") as carla:
        assert [next(luc), next(carla)] == [RELOAD, RELOAD]
        for who in (CENTRAL, LUC, CENTRAL):
            notification, event = a_notification(who)
            await given(database, notification, event)
            await change(database, notification)
        assert next(luc) is not RELOAD
        assert next(carla) != next(carla)


async def test_who_is_told_of_too_much_at_once_reads_again(edge: Edge, database: Database) -> None:
    orders = [an_order(PACKAGE, an_entity(f"Store {number}"), OrderStatus.DRAFT) for number in range(101)]
    entities = [an_entity(id=order.entity_id) for order in orders]
    await given(database, entities, orders)
    with following(edge, CENTRAL, "orderChanged") as carla, following(edge, LUC, "orderChanged") as luc:
        assert [next(luc), next(carla)] == [RELOAD, RELOAD]
        await change(database, *orders, HERE)
        assert [next(luc), next(carla)] == [gid(HERE), RELOAD]


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
async def test_event_streams_tell_the_same(edge: Edge, database: Database) -> None:
    query = {"query": subscription("orderChanged")}
    bearer = {"authorization": "Bearer luc"}
    with httpx.stream("POST", edge.http, json=query, headers=EVENTS | bearer, timeout=30) as response:
        blocks = (line for line in response.iter_lines() if line.startswith("data"))
        heard = lambda: told(events(f"event: next\n{next(blocks)}")[0][1]["data"]["orderChanged"])  # noqa: E731
        assert heard() == RELOAD
        await change(database, ELSEWHERE)
        await change(database, HERE)
        assert heard() == gid(HERE)
