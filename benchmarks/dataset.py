"""A network with packages, orders, approvals and target lists of any size, by a statement per table.

Everything is valid as the services would have written it, except that there is no history. Keys are worked out from
numbers (`benchmarks.numbered`), so that requests can be written without reading the database.
"""

import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, case, false, insert, literal, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from benchmarks.numbered import At, Key, Kind, code, key, numbers
from benchmarks.rows import DAY, connected, insert_approvals, insert_orders, insert_packages, insert_rows, stamps
from server.database import Database
from server.domain.approval import Approval, ApprovalReviewer
from server.domain.campaign import Campaign, FormVersion
from server.domain.network import Entity, Login, Operator, OperatorEntity
from server.domain.order import Order
from server.domain.package import PackageEntity
from server.domain.target import Contact, Target
from server.services.tree import rebuild

STORES_PER_REGION = 100
AUDIENCE = 100
"""Stores that a package is offered to, unless it has more orders than that."""
CAMPAIGNS = 20
LOADING = ("foreign_keys=OFF", "journal_mode=MEMORY", "synchronous=OFF", "cache_size=-524288")
SERVING = ("journal_mode=WAL",)
"""Of SQLite; the other pragmas are the connection's own."""
FORM = [
    {"name": "headline", "label": "Headline", "kind": "TEXT", "required": True, "min_length": 3, "max_length": 80},
    {"name": "copies", "label": "Copies", "kind": "INTEGER", "required": True, "minimum": 10, "maximum": 5000},
    {"name": "draw_on", "label": "Day of the draw", "kind": "DATE"},
    {"name": "colour", "label": "Colour", "kind": "CHOICE", "default": "red",
     "choices": [{"value": "red", "label": "Red"}, {"value": "green", "label": "Green"}]},
]
@dataclass(frozen=True)
class Size:
    """How many of each. `orders` go round the packages; `lists` orders of one more package have `contacts` each."""

    packages: int = 2_000
    orders: int = 20_000
    entities: int = 5_000
    lists: int = 20
    contacts: int = 1_000

    @property
    def regions(self) -> int:
        return -(-self.entities // STORES_PER_REGION)

    def package_of(self, order: Any) -> Any:
        return order % self.packages

    def store_of(self, order: Any) -> Any:
        """Stores that stand together order the same packages."""
        return (order % self.packages * 7 + order // self.packages) % self.entities


async def fill(database: Database, size: Size) -> None:
    """Puts all of it into an empty, migrated database."""
    if size.orders > size.packages * size.entities:
        raise ValueError(f"{size.entities} entities cannot hold {size.orders} orders of {size.packages} packages")
    now = int(time.time())
    async with connected(database) as connection:
        async with _loading(database, connection):
            for rows in (_network, _people, _campaigns, _packages, _orders, _target_lists):
                await connection.run_sync(rows, size, now)
            await rebuild(AsyncSession(connection))
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("ANALYZE" if database.is_sqlite else "VACUUM ANALYZE"))


def token(kind: Kind, number: int) -> str:
    """The bearer token of an operator: CENTRAL 0, the MANAGER of a region, the CLERK of a store."""
    return f"benchmark-{kind.name.lower()}-{number}"


@asynccontextmanager
async def _loading(database: Database, connection: AsyncConnection) -> AsyncIterator[None]:
    """A transaction without checks of foreign keys, which take most of the time, that makes the indexes of the large
    tables anew at its end."""
    tables: list[Any] = [model.__table__ for model in (Order, Approval, PackageEntity)]
    indexes = [index for table in tables for index in table.indexes]
    await _set(connection, LOADING if database.is_sqlite else ("session_replication_role TO replica",))
    async with connection.begin():
        await connection.run_sync(lambda sync: [index.drop(sync) for index in indexes])
        yield
        await connection.run_sync(lambda sync: [index.create(sync) for index in indexes])
    await _set(connection, SERVING if database.is_sqlite else ())


async def _set(connection: AsyncConnection, settings: Sequence[str]) -> None:
    """What SQLite can only switch outside of a transaction; on PostgreSQL for this connection."""
    for setting in settings:
        await connection.exec_driver_sql(f"{'PRAGMA' if '=' in setting else 'SET'} {setting}")
    await connection.commit()


def _network(connection: Connection, size: Size, now: int) -> None:
    region, store, when = numbers(size.regions), numbers(size.entities), At(literal(now - 800 * DAY))
    insert_rows(
        connection, Entity, id=Key(Kind.REGION, region), kind="LOCAL", code=code("R", region),
        label=code("Region ", region), time_zone="Europe/Stockholm", **stamps(when),
    )
    insert_rows(
        connection, Entity, id=Key(Kind.STORE, store), kind="LOCAL", code=code("S", store),
        label=code("Store ", store), parent_id=Key(Kind.REGION, store // STORES_PER_REGION),
        time_zone="Europe/Stockholm", **stamps(when),
    )


def _people(connection: Connection, size: Size, now: int) -> None:
    """One central operator, a manager per region and a clerk per store, each with a login."""
    when = datetime.fromtimestamp(now, UTC)
    people = [(Kind.CENTRAL, 0), *((Kind.MANAGER, n) for n in range(size.regions)),
              *((Kind.CLERK, n) for n in range(size.entities))]
    connection.execute(insert(Operator), [
        {"id": key(kind, n), "login": f"{kind.name.lower()}{n}", "name": f"{kind.name.title()} {n}",
         "right": "CENTRAL" if kind is Kind.CENTRAL else "LOCAL", **stamps(when)} for kind, n in people
    ])
    connection.execute(insert(OperatorEntity), [
        {"operator_id": key(kind, n), "entity_id": key(Kind.STORE if kind is Kind.CLERK else Kind.REGION, n)}
        for kind, n in people if kind is not Kind.CENTRAL
    ])
    connection.execute(insert(Login), [
        {"id": key(Kind.LOGIN, place), "token_hash": hashlib.sha256(token(kind, n).encode()).hexdigest(),
         "operator_id": key(kind, n), "created_at": when, "expires_at": when + timedelta(days=7)}
        for place, (kind, n) in enumerate(people)
    ])


def _campaigns(connection: Connection, size: Size, now: int) -> None:
    """Reference campaigns with a form, and one for the target lists."""
    n, when = numbers(CAMPAIGNS), At(literal(now - 700 * DAY))
    common = {"status": "IN_PROGRESS", "owner_id": key(Kind.CENTRAL, 0), **stamps(when)}
    insert_rows(
        connection, Campaign, id=Key(Kind.CAMPAIGN, n), code=code("OP", n), label=code("Spring ", n), type="by_form",
        form_version=1, **common,
    )
    lists = numbers(1, CAMPAIGNS)
    insert_rows(
        connection, Campaign, id=Key(Kind.CAMPAIGN, lists), code=code("OP", lists), label="Own customers",
        type="by_target_approval", **common,
    )
    insert_rows(
        connection, FormVersion, id=Key(Kind.FORM, n), campaign_id=Key(Kind.CAMPAIGN, n), version=1, fields=FORM,
        created_at=when,
    )


def _packages(connection: Connection, size: Size, now: int) -> None:
    n = numbers(size.packages)
    created = At(literal(now - 365 * DAY) + n * (300 * DAY // size.packages))
    insert_packages(connection, n, Key(Kind.CAMPAIGN, n % CAMPAIGNS), created, now)
    offered = numbers(max(size.packages * min(AUDIENCE, size.entities), size.orders))
    insert_rows(
        connection, PackageEntity, package_id=Key(Kind.PACKAGE, size.package_of(offered)),
        entity_id=Key(Kind.STORE, size.store_of(offered)), added_at=At(literal(now - 365 * DAY)),
    )


def _orders(connection: Connection, size: Size, now: int) -> None:
    """Of ten orders six are available, two wait for reviewers, one was rejected and one approved; each has an approval.
    Those that wait wait for central, as nobody is named; some of the others have named reviewers."""
    n = numbers(size.orders)
    created = literal(now - 60 * DAY) + n * (59 * DAY // size.orders)
    package, store, luck = size.package_of(n), size.store_of(n), (n // size.packages + n) % 10
    decided = At(created + DAY)
    insert_orders(
        connection, n, package, store, case((luck < 6, "AVAILABLE"), (luck < 8, "ORDERED"), (luck < 9, "REJECTED"),
                                            else_="APPROVED"),
        At(created), submitted_at=At(created + 3600), submitted_by_id=Key(Kind.CLERK, store),
        approved_at=case(((luck < 6) | (luck == 9), decided)), available_at=case((luck < 6, decided)),
    )
    waiting = luck.between(6, 7)
    insert_approvals(
        connection, n, package, store, case((waiting, "PENDING"), (luck == 8, "REJECTED"), else_="APPROVED"),
        At(created + 3600), At(created + 62 * DAY), comment=case((luck == 8, "Not in this region."), else_=""),
        decided_at=case((~waiting, decided)), decided_by_id=case((~waiting, key(Kind.CENTRAL, 0))),
        override=false(),
    )
    asked = numbers(-(-size.orders // 40)) * 40
    insert_rows(
        connection, ApprovalReviewer, id=Key(Kind.REVIEWER, asked), approval_id=Key(Kind.APPROVAL, asked), position=0,
        operator_id=key(Kind.CENTRAL, 0),
    )


def _target_lists(connection: Connection, size: Size, now: int) -> None:
    """An old package whose orders hold target lists; the contacts are their stores' own."""
    package, old = numbers(1, size.packages), literal(now - 500 * DAY)
    insert_packages(connection, package, key(Kind.CAMPAIGN, CAMPAIGNS), At(old), now, "by_target_approval")
    n = numbers(size.lists, size.orders)
    store = n - size.orders
    insert_orders(
        connection, n, literal(size.packages), store, "ORDERED", At(old), submitted_at=At(old),
        targeted_contacts=size.contacts,
    )
    c = numbers(size.lists * size.contacts)
    insert_rows(
        connection, Contact, id=Key(Kind.CONTACT, c), entity_id=Key(Kind.STORE, c // size.contacts),
        email=code("contact", c).concat("@example.org"), first_name="Anna", last_name=code("Berg", c),
        city="Uppsala", postal_code="75320", country="SE", language="sv", birth_year=1950 + c % 50, score=c % 1000,
    )
    insert_rows(
        connection, Target, order_id=Key(Kind.ORDER, size.orders + c // size.contacts), contact_id=Key(Kind.CONTACT, c),
        position=c % size.contacts + 1, value=code("S", c // size.contacts), kept=c % 10 != 0,
    )
