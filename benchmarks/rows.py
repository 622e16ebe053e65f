"""INSERT … SELECT for packages, orders and approvals, from expressions over numbers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Connection, Table, false, insert, literal, null, select, true
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from benchmarks.numbered import At, Key, Kind, code, key
from server.database import Database
from server.domain.approval import Approval
from server.domain.order import Order
from server.domain.package import Package

DAY = 86_400
PARAMETERS = {"headline": "Spring in our store", "copies": 250, "draw_on": "2031-05-01", "colour": "green"}
MESSAGE = "Order early: the printers need ten days, and the posters of last spring were gone within a week."


@asynccontextmanager
async def connected(database: Database) -> AsyncIterator[AsyncConnection]:
    """A connection of our own, beside those that the server measures and tunes."""
    engine = create_async_engine(database.url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            if database.is_sqlite:
                await connection.exec_driver_sql("PRAGMA busy_timeout=30000")
                await connection.commit()
            yield connection
    finally:
        await engine.dispose()


def insert_rows(connection: Connection, model: Any, **columns: Any) -> None:
    """INSERT … SELECT of these expressions; columns that are left out get their defaults."""
    table: Table = model.__table__
    labelled = [_typed(value, table.c[name]).label(name) for name, value in columns.items()]
    connection.execute(insert(table).from_select(list(columns), select(*labelled)))


def _typed(value: Any, column: Any) -> Any:
    if value is None:
        return null()
    return value if hasattr(value, "label") else literal(value, column.type)


def stamps(moment: Any) -> dict[str, Any]:
    return {"revision": 1, "created_at": moment, "modified_at": moment}


def insert_packages(
    connection: Connection, n: Any, campaign: Any, created: Any, now: int, type: str = "by_form"
) -> None:
    """Published packages that take orders for a month. What is approved waits: campaigns start in forty days."""
    insert_rows(
        connection, Package, id=Key(Kind.PACKAGE, n), code=code("CAT", n), label=code("Package ", n), type=type,
        folder="catalogue", message=MESSAGE, owner_id=key(Kind.CENTRAL, 0), campaign_id=campaign, status="PUBLISHED",
        start=created, end=At(literal(now + 60 * DAY)), registration_deadline=At(literal(now + 30 * DAY)),
        campaign_available_at=At(literal(now + 40 * DAY)), published_at=created, **stamps(created),
    )


def insert_orders(
    connection: Connection, n: Any, package: Any, store: Any, status: Any, created: Any, **columns: Any
) -> None:
    insert_rows(
        connection, Order, id=Key(Kind.ORDER, n), code=code("ORD", n), label=code("Order ", n),
        comment="As last year, but on Saturday.", package_id=Key(Kind.PACKAGE, package), cycle=1,
        entity_id=Key(Kind.STORE, store), assignee_id=Key(Kind.CLERK, store), status=status, parameters=PARAMETERS,
        form_version=1, exclusive=true(), subscribed=false(), **stamps(created), **columns,
    )


def insert_approvals(
    connection: Connection, n: Any, package: Any, store: Any, status: Any, asked: Any, deadline: Any, **columns: Any
) -> None:
    insert_rows(
        connection, Approval, id=Key(Kind.APPROVAL, n), subject="ORDER", package_id=Key(Kind.PACKAGE, package),
        order_id=Key(Kind.ORDER, n), entity_id=Key(Kind.STORE, store), subject_revision=1, requested_at=asked,
        requested_by_id=Key(Kind.CLERK, store), deadline=deadline, status=status, **stamps(asked), **columns,
    )
