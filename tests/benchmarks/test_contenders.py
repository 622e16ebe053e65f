"""Contenders do what this server does, each in its way: the same objects, and the same rules about who sees what."""

import json
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import Select, select, update
from sqlalchemy.dialects import postgresql

from benchmarks.cases import READS, objects, variables
from benchmarks.limit import STATEMENTS
from benchmarks.numbered import Kind, key
from benchmarks.secured import POLICIES, ROLES
from server.database import Database
from server.domain.approval import Approval
from server.domain.lifecycles import PackageStatus
from server.domain.network import Entity, Right
from server.domain.order import Order
from server.domain.package import Package
from server.domain.target import Contact, Target
from server.reads.visibility import (
    Caller,
    visible_approvals,
    visible_contacts,
    visible_entities,
    visible_orders,
    visible_packages,
    visible_targets,
)
from tests.benchmarks.conftest import OBJECTS, SMALL

pytestmark = pytest.mark.parametrize("address", ["postgresql"], indirect=True)
RULES: dict[Any, Any] = {
    Package: visible_packages, Order: visible_orders, Approval: visible_approvals, Entity: visible_entities,
    Target: visible_targets, Contact: visible_contacts,
}

OTHERWISE = ({"status": PackageStatus.ENDED}, {"status": PackageStatus.CANCELED}, {"offered_to_all": True})
"""What the first packages are, as all others are published and offered to some."""


async def test_the_limit_writes_all_objects_of_a_read_as_json(filled: Database, address: str) -> None:
    label = 'Say "spring" \\ \n'
    async with filled.transaction() as session:
        await session.execute(update(Order).values(label=label))
    connection = await asyncpg.connect(address)
    for read in READS:
        ids = [UUID(value) for value in variables("limit", read.name, SMALL).values()]
        answer = json.loads(await connection.fetchval(STATEMENTS[read.document], *ids))
        assert objects(answer) == OBJECTS[read.name]
        assert read.name == "targets" or json.dumps(label) in json.dumps(answer)
    await connection.close()


@pytest.mark.parametrize(("kind", "right"), [(Kind.CENTRAL, Right.CENTRAL), (Kind.MANAGER, Right.LOCAL)])
async def test_policies_show_an_operator_what_this_server_would_show(
    filled: Database, address: str, kind: Kind, right: Right
) -> None:
    async with filled.transaction() as session:
        for number, values in enumerate(OTHERWISE):
            await session.execute(update(Package).where(Package.id == key(Kind.PACKAGE, number)).values(**values))
    expected = {table: await shown(filled, table, Caller(key(kind, 0), right)) for table in RULES}
    connection = await asyncpg.connect(address)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(POLICIES.read_text())
    await connection.execute(
        "SELECT set_config('role', $1, true), set_config('jwt.claims.operator', $2, true)", ROLES[kind],
        str(key(kind, 0)),
    )
    seen = {table: await connection.fetch(str(ids(table).compile(dialect=postgresql.dialect()))) for table in RULES}
    await transaction.rollback()
    await connection.close()
    assert all(expected.values()) and {table: {tuple(row) for row in rows} for table, rows in seen.items()} == expected


async def shown(database: Database, table: Any, caller: Caller) -> set[Any]:
    async with database.reading() as session:
        return {tuple(row) for row in await session.execute(ids(table).where(RULES[table](caller)))}


def ids(table: Any) -> Select[Any]:
    return select(*table.__table__.primary_key.columns)
