"""What ends subscriptions and what does not: costs, logins, many at once, a lost connection to the database."""

from typing import Any

import pytest

from server.app import create_app
from server.database import Database
from server.settings import Jobs, Settings
from tests.builders import (
    NOW,
    given,
)
from tests.graphql.edge import Edge, serving
from tests.graphql.follow import (
    CENTRAL,
    HERE,
    LUC,
    PACKAGE,
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


@pytest.fixture
async def edge(settings: Settings, database: Database) -> Any:
    await given(database, STAGE, logged_in(CENTRAL, LUC))
    with served(settings) as edge:
        yield edge


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
async def test_events_cost_what_the_subscription_costs(settings: Settings, database: Database) -> None:
    await given(database, STAGE, logged_in(CENTRAL, LUC))
    settings = settings.model_copy(update={"operator_cost_per_minute": 100, "jobs": Jobs.WORKERS})
    query = "subscription { orderChanged { order { approvals(first: 20) { nodes { id } } } reload } }"
    app = create_app(settings, lambda: NOW)
    with serving(app, settings) as edge, edge.session({"authorization": "Bearer luc"}) as session:
        session.subscribe(query)
        messages = [session.receive()]
        while messages[-1]["type"] == "next":
            await change(database, HERE)
            messages.append(session.receive())
        assert [error["extensions"]["code"] for error in messages[-1]["payload"]] == ["RATE_LIMITED"]


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
async def test_many_subscriptions_take_turns_and_none_is_refused(settings: Settings, database: Database) -> None:
    await given(database, STAGE, logged_in(CENTRAL, LUC))
    settings = settings.model_copy(update={"max_operations": 1, "jobs": Jobs.WORKERS})
    app, many = create_app(settings, lambda: NOW), [str(number) for number in range(50)]
    with serving(app, settings) as edge, edge.session({"authorization": "Bearer luc"}) as session:
        for id in many:
            session.subscribe(subscription("orderChanged"), id)
        first = [session.receive() for _ in many]
        await change(database, HERE)
        second = [session.receive() for _ in many]
    for heard, what in ((first, RELOAD), (second, gid(HERE))):
        assert {message["id"]: told(message["payload"]["data"]["orderChanged"]) for message in heard} == dict.fromkeys(
            many, what
        )


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
async def test_a_login_that_ends_ends_the_subscription(edge: Edge, database: Database) -> None:
    with following(edge, LUC, "orderChanged") as luc:
        assert next(luc) == RELOAD
        async with database.transaction() as session:
            await session.execute(LUC.__table__.update().where(LUC.__table__.c.id == LUC.id).values(active=False))
        await change(database, HERE)
        [error] = luc.session.receive()["payload"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
async def test_subscriptions_need_a_login_and_ids_of_their_kind(edge: Edge) -> None:
    def code(message: dict[str, Any]) -> str:
        [error] = message["payload"]["errors"]
        return str(error["extensions"]["code"])

    with edge.session() as stranger:
        assert code(stranger.ask(subscription("orderChanged"))[0]) == "UNAUTHENTICATED"
    with edge.session({"authorization": "Bearer luc"}) as luc:
        assert code(luc.ask(subscription("orderChanged", f'(id: "{gid(PACKAGE)}")'))[0]) == "BAD_USER_INPUT"


@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
async def test_a_lost_connection_is_made_again_and_everybody_reads_again(edge: Edge, database: Database) -> None:
    with following(edge, LUC, "orderChanged") as luc:
        assert next(luc) == RELOAD
        async with database.engine.connect() as connection:
            cut = await connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query LIKE 'LISTEN%%samverkan%%'"
            )
            assert cut.all() == [(True,)]
        assert next(luc) == RELOAD
        await change(database, HERE)
        assert next(luc) == gid(HERE)
