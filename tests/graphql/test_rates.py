"""What a caller may spend in a minute: per operator, per address without a login, on one server or on several."""

from datetime import datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, select

from server.app import create_app
from server.database import Database
from server.domain.access import RateBucket
from server.domain.base import new_id
from server.domain.network import Right
from server.graphql.context import Context
from server.graphql.limits.rates import PORTIONS, RateLimitedError, Rates
from server.reads.visibility import Caller
from server.settings import Settings
from tests.builders import NOW

ANNA, BERT = Caller(new_id(), Right.CENTRAL), Caller(new_id(), Right.CENTRAL)
PER_MINUTE = 6_000


@pytest.fixture
def limited(settings: Settings) -> Settings:
    return settings.model_copy(update={"operator_cost_per_minute": PER_MINUTE, "address_cost_per_minute": PER_MINUTE})


class Callers:
    """Spends on several servers of one database, in turns."""

    def __init__(self, database: Database, settings: Settings, servers: int = 1) -> None:
        self._database = database
        self._servers = [Rates(database, settings) for _ in range(servers)]
        self._turn = 0

    async def spend(
        self, cost: int, caller: Caller | None = ANNA, address: str = "192.0.2.1", now: datetime = NOW
    ) -> bool:
        self._turn += 1
        context = Context(self._database, *(cast(Any, None),) * 4, now, caller, None, address)
        try:
            await self._servers[self._turn % len(self._servers)].spend(context, cost)
        except RateLimitedError:
            return False
        return True

    async def spent(self, cost: int, **who: Any) -> int:
        """How much can be spent in pieces of that cost before a refusal."""
        total = 0
        while await self.spend(cost, **who):
            total += cost
        return total


@pytest.fixture
def callers(database: Database, limited: Settings) -> Callers:
    return Callers(database, limited)


async def test_a_minutes_worth_may_be_spent_at_once_and_then_as_it_comes_in(callers: Callers) -> None:
    assert await callers.spent(10) == PER_MINUTE
    assert await callers.spent(10, now=NOW + timedelta(seconds=10)) == PER_MINUTE / 6


async def test_what_is_not_spent_is_saved_up_to_a_minutes_worth(callers: Callers) -> None:
    assert await callers.spend(10)
    assert await callers.spent(10, now=NOW + timedelta(hours=1)) == pytest.approx(PER_MINUTE, rel=1.5 / PORTIONS)


async def test_one_callers_spending_is_no_others(callers: Callers) -> None:
    await callers.spent(100)
    assert await callers.spend(100, BERT)
    assert await callers.spend(100, None)


async def test_without_a_login_the_address_pays(callers: Callers) -> None:
    await callers.spent(100, caller=None)
    assert not await callers.spend(100, None)
    assert await callers.spend(100, None, "192.0.2.2")


async def test_one_customers_addresses_are_one(callers: Callers) -> None:
    await callers.spent(100, caller=None, address="2001:db8::1")
    assert not await callers.spend(100, None, "2001:db8::2")
    assert await callers.spend(100, None, "2001:db8:0:1::1")


async def test_a_full_bucket_lets_anything_through_once(callers: Callers) -> None:
    assert await callers.spend(10 * PER_MINUTE)
    assert not await callers.spend(1)
    assert await callers.spend(1, now=NOW + timedelta(minutes=1))


async def test_zero_is_no_limit(database: Database, settings: Settings) -> None:
    free = settings.model_copy(update={"operator_cost_per_minute": 0})
    callers = Callers(database, free)
    assert all([await callers.spend(10**9) for _ in range(3)])


async def test_who_is_refused_is_told_when_to_come_back(database: Database, limited: Settings) -> None:
    rates, context = Rates(database, limited), Context(database, *(cast(Any, None),) * 4, NOW, ANNA)
    await rates.spend(context, PER_MINUTE)
    with pytest.raises(RateLimitedError) as refused:
        await rates.spend(context, 500)
    assert (refused.value.status, refused.value.headers) == (429, (("retry-after", "5"),))
    assert refused.value.errors[0]["extensions"] == {"code": "RATE_LIMITED", "seconds": 5}


async def test_servers_on_postgresql_share_what_may_be_spent(database: Database, limited: Settings) -> None:
    servers = 1 if not database.is_sqlite else 3  # on SQLite each has its own
    assert await Callers(database, limited, servers=3).spent(10) <= PER_MINUTE * servers
    granted = PER_MINUTE if database.is_sqlite else PER_MINUTE / PORTIONS  # the first portion is booked with the second
    assert await Callers(database, limited).spent(10) == granted


async def test_spending_takes_a_statement_only_once_a_portion(database: Database, limited: Settings) -> None:
    callers = Callers(database, limited)
    left = []
    for _ in range(PER_MINUTE // PORTIONS + 1):
        assert await callers.spend(1)
        async with database.reading() as session:
            left.append(await session.scalar(select(RateBucket.left)))
    portion = PER_MINUTE / PORTIONS
    shared = [None] * int(portion) + [PER_MINUTE - 2 * portion]
    assert left == ([None] * len(shared) if database.is_sqlite else shared)


async def test_rows_that_are_full_again_are_swept(database: Database, limited: Settings) -> None:
    rates = Rates(database, limited)
    for address in ("192.0.2.1", "192.0.2.2"):
        context = Context(database, *(cast(Any, None),) * 4, NOW, None, None, address)
        await rates.spend(context, PER_MINUTE // PORTIONS + 1)
    await rates.sweep(NOW + timedelta(minutes=2))
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(RateBucket)) == 0


async def test_over_http_it_is_429_with_retry_after(limited: Settings) -> None:
    few = limited.model_copy(update={"address_cost_per_minute": 60})
    transport = httpx.ASGITransport(create_app(few, lambda: NOW))
    async with httpx.AsyncClient(transport=transport, base_url="http://samverkan") as client:
        answers = [await client.post("/graphql", json={"query": "{ server { name } }"}) for _ in range(80)]
    assert [answers[0].status_code, answers[-1].status_code] == [200, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_logins_and_documents_that_are_not_valid_are_paid_for_too(limited: Settings) -> None:
    few = limited.model_copy(update={"address_cost_per_minute": 60})
    transport = httpx.ASGITransport(create_app(few, lambda: NOW))
    async with httpx.AsyncClient(transport=transport, base_url="http://samverkan") as client:
        for _ in range(80):
            answer = await client.post("/graphql", json={"query": f"{{ nothing{uuid4().hex} }}"})
        assert answer.status_code == 429
        login = 'mutation { login(input: {login: "x", password: "y"}) { token } }'
        assert (await client.post("/graphql", json={"query": login})).status_code == 429
